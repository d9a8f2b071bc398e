"""How long what people allowed lasts. The values are Gmail's (documented); settings change them."""

from msgspec import Struct

from penfold.base.limits import GRANTS_MAX, REFRESH_IDLE_DAYS, REFRESH_TESTING_DAYS


class GrantRules(Struct, frozen=True, gc=False):
    """idle_days: after which an unused refresh token dies. testing_days: after which a grant to a
    client in testing does. per_client: grants of one account to one client, the oldest makes room.
    password_ends: whether a new password ends every grant of its account.
    """

    idle_days: int = REFRESH_IDLE_DAYS
    testing_days: int = REFRESH_TESTING_DAYS
    per_client: int = GRANTS_MAX
    password_ends: bool = True


GOOGLES_RULES = GrantRules()
