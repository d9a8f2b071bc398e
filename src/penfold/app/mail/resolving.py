"""The resolver the settings ask for, and looks at the DNS by tasks of the mail process."""

import asyncio
import random
import threading
from collections.abc import Coroutine
from typing import Any, Final

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

    async def look() -> T:
        resolver = make_resolver(settings, clock)
        try:
            return await resolver.run(check, within_s=DNS_LOOK_S)
        finally:
            await resolver.close()

    return wait_for(look(), stopping or threading.Event())


def wait_for(work: Coroutine[Any, Any, T], stopping: threading.Event) -> T | None:
    """Return what the work returns; None when the server stops meanwhile. Blocks, as above."""
    return asyncio.run(_wait(work, stopping))


async def _wait(work: Coroutine[Any, Any, T], stopping: threading.Event) -> T | None:
    task = asyncio.ensure_future(work)
    try:
        while not task.done() and not stopping.is_set():
            await asyncio.wait({task}, timeout=_STOPPING_S)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
