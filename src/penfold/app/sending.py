"""Put together what the sending API and its commands stand on."""

from decimal import Decimal

from penfold.app.stores import Stores
from penfold.domain.sending.keys import Keys
from penfold.domain.sending.metering import Price
from penfold.domain.sending.webhooks import Webhooks
from penfold.front.smtp.programs import Programs
from penfold.ports.directory import Account
from penfold.spec.settings import Settings


def make_keys(stores: Stores) -> Keys:
    """Return what makes and recognises API keys."""
    return Keys(
        stores.sending,
        stores.clock,
        stores.chance,
        lambda account_id: stores.directory.find(Account, account_id),
        lambda event: stores.directory.change(lambda writer: writer.note(event)),
    )


def make_webhooks(stores: Stores, *, local: bool) -> Webhooks:
    """Return what makes and changes webhooks. local: receivers on this machine may be told."""
    return Webhooks(
        stores.sending,
        stores.clock,
        stores.chance,
        stores.sealer,
        lambda event: stores.directory.change(lambda writer: writer.note(event)),
        local=local,
    )


def make_programs(stores: Stores, settings: Settings) -> Programs:
    """Return the sending API by SMTP."""
    return Programs(
        stores.sending,
        make_keys(stores),
        is_local=stores.directory.is_local_domain,
        price=make_price(settings),
        clock=stores.clock,
        chance=stores.chance,
    )


def make_price(settings: Settings) -> Price:
    """Return what a recipient costs: the setting is for a thousand."""
    return Price(int(1_000 * Decimal(settings.sending_price)), settings.sending_currency)
