"""Put together what judges mail from the internet, for the mail process in production mode."""

import asyncio
import threading
from pathlib import Path
from typing import Final

from penfold.app.process.process import Core, end_process
from penfold.app.wiring import Product
from penfold.domain.incoming.greylisting import KEPT_MS, RETRY_MS
from penfold.domain.incoming.verdict import make_policy
from penfold.front.smtp.checking import Checker
from penfold.front.smtp.doors import MxDoor
from penfold.front.smtp.facts import Observe
from penfold.front.smtp.greeting import Greeter
from penfold.front.smtp.judging import Judging
from penfold.front.worker.tasks import Report, Task
from penfold.net.dns import Resolver
from penfold.net.rspamd import Rspamd
from penfold.spec.arrival import parse_choice
from penfold.spec.quotas import OFF
from penfold.store.sqlite.greylist import SqliteGreylist

GREYLIST_NAME: Final = "greylist.db"
_HOUR_S: Final = 3600.0


class Arrivals:
    """The way in that the settings ask for. `close` on the event loop that the resolver is of."""

    def __init__(self, core: Core, product: Product, resolver: Resolver, observe: Observe) -> None:
        settings = core.launch.settings
        self._clock = core.clock
        self._checker = checker = Checker(
            resolver,
            clock=core.clock,
            hostname=settings.hostname,
            blocklists=settings.blocklists,
            scanner=Rspamd(settings.rspamd, hostname=settings.hostname)
            if settings.rspamd
            else None,
        )
        self._judging = Judging(
            product.inbound,
            checker,
            policy=make_policy(map(parse_choice, settings.arrival_policy)),
            hostname=settings.hostname,
            observe=observe,
            sealers=frozenset(settings.arc_sealers),
        )
        self._book = _open_book(core) if settings.greylisting != OFF else None
        self._greeter = (
            Greeter(self._book, checker, clock=core.clock, observe=observe) if self._book else None
        )
        self.door = MxDoor(self._judging, greeter=self._greeter)

    @property
    def tasks(self) -> list[Task]:
        if self._book is None:
            return []
        return [Task("greylist", self._expire, first_s=_HOUR_S, every_s=_HOUR_S)]

    async def close(self) -> None:
        await self._judging.close()
        self._checker.close()
        if self._greeter is not None and self._book is not None:
            await asyncio.to_thread(self._greeter.close)
            await asyncio.to_thread(self._book.close)

    def _expire(self, _: threading.Event) -> Report:
        """Forget triplets that were not seen for too long."""
        if self._book is None:
            return Report()
        now_ms = self._clock.now_ms()
        gone = self._book.expire(before_ms=now_ms - KEPT_MS, waiting_before_ms=now_ms - RETRY_MS)
        return Report(changed=gone)


def _open_book(core: Core) -> SqliteGreylist:
    path = Path(core.launch.data) / GREYLIST_NAME
    return SqliteGreylist(path, fatal=lambda error: end_process(core.log, error))
