"""The resolver the settings ask for, and looks at the DNS by tasks of the mail process."""

import asyncio
import random
import threading
from typing import Final

from penfold.base.clock import Clock
from penfold.base.limits import DNS_LOOK_S
from penfold.net.dns import Resolver, load_resolvers
from penfold.proto.dns import Check, T
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.spec.quotas import OFF
from penfold.spec.settings import Settings

#: Seconds between two looks whether the server stops: it waits for its tasks, and not for long.
_STOPPING_S: Final = 0.2


def make_resolver(settings: Settings, clock: Clock) -> Resolver:
    """Return a resolver for one event loop, asking the servers of the settings or the system's."""
    trusted = settings.dns_trusted != OFF
    named = tuple(Server(*endpoint) for endpoint in settings.dns_servers)
    found = Resolvers.of(named, trusted=trusted) if named else load_resolvers()
    resolvers = Resolvers.of(found.servers, trusted=trusted or found.trusted)
    return Resolver(resolvers, clock=clock, chance=random.SystemRandom())


def wait_for_look(
    check: Check[T], settings: Settings, clock: Clock, stopping: threading.Event | None = None
) -> T | None:
    """Return what the check finds within DNS_LOOK_S; None when the server stops meanwhile.

    Blocks; for a thread without an event loop.
    """
    return asyncio.run(_look(check, settings, clock, stopping or threading.Event()))


async def _look(
    check: Check[T], settings: Settings, clock: Clock, stopping: threading.Event
) -> T | None:
    resolver = make_resolver(settings, clock)
    look = asyncio.ensure_future(resolver.run(check, within_s=DNS_LOOK_S))
    try:
        while not look.done() and not stopping.is_set():
            await asyncio.wait({look}, timeout=_STOPPING_S)
        return look.result() if look.done() else None
    finally:
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)
        await resolver.close()
