"""Put the product together from the stores, for a process that serves.

Ports are passed down as arguments: nobody below knows where they come from. `close` ends
everything in the order that loses nothing.
"""

from dataclasses import dataclass
from functools import partial

from penfold.app.stores import Stores
from penfold.domain.incoming.inbound import Inbound
from penfold.domain.outgoing.outbound import Outbound
from penfold.domain.outgoing.return_paths import ReturnPaths
from penfold.domain.outgoing.sending_limits import SendingLimits
from penfold.domain.push.pubsub import Pubsub
from penfold.domain.push.subscriptions import Rules
from penfold.domain.sending.domains import find_return_host
from penfold.ports.identity import ServiceAccount


@dataclass(frozen=True, slots=True)
class Product:
    """Everything below the doors. `start` before the first mail goes out."""

    stores: Stores
    inbound: Inbound
    outbound: Outbound
    pubsub: Pubsub
    returns: ReturnPaths

    def start(self) -> None:
        self.outbound.start()

    def close(self) -> None:
        self.outbound.close()
        self.stores.close()


def make_product(
    stores: Stores, *, hostname: str, local: bool = True, limits: SendingLimits | None = None
) -> Product:
    """Return the product around these stores.

    local: local mode, where mail for others is captured, and programs on this machine use topics
    without a token.
    """
    outbound = Outbound(
        directory=stores.directory,
        mailboxes=stores.mailboxes,
        queue=stores.queue,
        clock=stores.clock,
        chance=stores.chance,
        hostname=hostname,
        captures=local,
        limits=limits,
    )
    outbound.arriving.returns = returns = ReturnPaths(
        *(stores.directory, stores.sealer, stores.queue, stores.clock, stores.chance),
        find_home=partial(find_return_host, stores.sending, hostname),
    )
    inbound = Inbound(
        directory=stores.directory,
        mailboxes=stores.mailboxes,
        clock=stores.clock,
        arriving=outbound.arriving,
        hostname=hostname,
    )
    pubsub = Pubsub(
        stores.pubsub,
        Rules(
            plain=local,
            is_service=lambda email: stores.directory.find(ServiceAccount, email) is not None,
        ),
    )
    return Product(stores, inbound, outbound, pubsub, returns)
