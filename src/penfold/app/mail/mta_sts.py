"""Our own MTA-STS policy, as the settings ask for it."""

from penfold.proto.mta_sts import Policy, make_own_policy
from penfold.spec.settings import Settings


def find_own_policy(settings: Settings) -> Policy:
    """Return the MTA-STS policy of every domain here."""
    return make_own_policy(settings.mta_sts_mode, settings.mta_sts_max_age, settings.hostname)
