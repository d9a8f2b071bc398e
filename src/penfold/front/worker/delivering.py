"""The delivery of the queue: takes rows that are due, tries each, and records what came of it.

One process delivers. Rows are taken under a lease, a batch of one domain at a time; each becomes a
task that waits for room at its site (domain.shaping) and in memory, makes its attempt
(front.worker.attempting) and settles. Whatever happens to this process, a row that was not settled
is delivered by the next one. What goes to a relay that is left alone is given back untried.

The queue is called on two threads of its own: one writes, one reads and signs. A third tells
senders, so that a mailbox which is slow to take a notice holds up no signature.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import (
    DELIVERIES_MAX,
    DELIVERY_BATCH,
    DELIVERY_LEASE_S,
    DELIVERY_LOOK_PAST_S,
    DELIVERY_LOOK_S,
    DELIVERY_MEMORY_MAX_BYTES,
    DELIVERY_OLDEST_EVERY,
    DELIVERY_READ_AHEAD_BYTES,
    DELIVERY_TROUBLE_S,
)
from penfold.domain.outgoing.delivery import (
    Conclusion,
    conclude,
    explain_held,
    explain_over,
    is_news,
    make_envelope,
    put_off,
)
from penfold.domain.outgoing.shaping import Site, Sites
from penfold.front.worker.attempting import Attempting, Letter
from penfold.front.worker.places import Places
from penfold.front.worker.room import Room
from penfold.front.worker.settling import Settler
from penfold.ports.queue import Lease, Queue, QueueRow, Settlement, Untried
from penfold.proto.address import domain_of
from penfold.proto.exchangers import Route
from penfold.spec.relays import Relay

T = TypeVar("T")


class Prepared(NamedTuple):
    """What is sent of a row. sender: the reverse-path."""

    sender: str
    raw: bytes


class Hooks(Protocol):
    """What surrounds delivery."""

    def prepare(self, row: QueueRow, raw: bytes, relay: Relay | None) -> Prepared:
        """Return what is sent, from the octets that were queued; called in a thread.

        relay: which it goes to, if it goes to one.
        """
        ...

    def note(self, conclusion: Conclusion, ms: int) -> None:
        """Take note of an attempt that is recorded, and how long it took; on the event loop."""
        ...

    def tell(self, settlement: Settlement) -> None:
        """Tell the sender what it may want to know; called in a thread."""
        ...

    def fail(self, error: BaseException) -> None:
        """Take note of what must not happen; end the process when a write is in doubt."""
        ...


class _Done(NamedTuple):
    """What came of a row. conclusion: None when it was not tried. site: to take note of it."""

    settlement: Settlement | Untried
    conclusion: Conclusion | None = None
    site: Site | None = None
    ms: int = 0


class Delivering:
    def __init__(
        self,
        queue: Queue,
        attempting: Attempting,
        sites: Sites,
        hooks: Hooks,
        *,
        clock: Clock,
        chance: Chance,
        trouble_s: float = DELIVERY_TROUBLE_S,
    ) -> None:
        self._queue = queue
        self._attempting = attempting
        self._sites = sites
        self._hooks = hooks
        self._trouble_s = trouble_s
        self._clock = clock
        self._chance = chance
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="penfold-queue")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="penfold-signing")
        self._teller = ThreadPoolExecutor(1, thread_name_prefix="penfold-notices")
        self._settler = Settler(queue, self._writer, fail=hooks.fail, trouble_s=trouble_s)
        self._memory = Room(DELIVERY_MEMORY_MAX_BYTES)
        self._rooms: dict[str, Room] = {}
        self._places = Places(sites)
        self._look_past_s = 0.0
        self._takes = 0
        self._in_hand: dict[asyncio.Task[None], Lease] = {}
        self._renewed_ms = 0
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, with what a process before left half done."""
        await self._write(lambda: self._queue.release(now_ms=self._clock.now_ms()))
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, *, grace_s: float) -> None:
        """Take no more, give what is in hand its time, and cut off the rest, which stays queued."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=grace_s)
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)
        await self._settler.finish()  # what was sent and not recorded would be sent again
        for pool in (self._writer, self._reader, self._teller):
            await asyncio.to_thread(pool.shutdown)

    # --- taking --------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                taken = await self._take()
            except Exception as error:  # noqa: BLE001 - the loop of the process: it goes on
                self._hooks.fail(error)
                await asyncio.sleep(self._trouble_s)
                continue
            for lease, prepared in taken:
                self._begin(lease, prepared)
            if not taken:
                await self._pause()

    async def _take(self) -> list[tuple[Lease, Prepared | None]]:
        """Return rows to deliver, with what is sent of those that are short."""
        limit = min(DELIVERY_BATCH, DELIVERIES_MAX - len(self._in_hand))
        now_ms = self._clock.now_ms()
        await self._renew(now_ms)
        due_ms = self._queue.find_next_due()
        if limit <= 0 or due_ms is None or due_ms > now_ms:
            return []
        loop = asyncio.get_running_loop()
        skip, unless = self._places.find_busy()
        if unless and loop.time() < self._look_past_s:
            return []
        self._takes += 1
        oldest = self._takes % DELIVERY_OLDEST_EVERY == 0
        take = partial(self._queue.take, limit=limit, oldest=oldest, skip=skip, unless=unless)
        leases = await self._write(lambda: take(now_ms=now_ms, lease_ms=1000 * DELIVERY_LEASE_S))
        if unless and not leases:
            self._look_past_s = loop.time() + DELIVERY_LOOK_PAST_S
        read = await loop.run_in_executor(self._reader, self._read_small, leases)
        return list(zip(leases, read, strict=True))

    async def _renew(self, now_ms: int) -> None:
        """Keep what is in hand from being taken again, however far the clock was set or slept.

        All of it was taken or renewed within half a lease after _renewed_ms.
        """
        lease_ms = 1000 * DELIVERY_LEASE_S
        if 0 <= now_ms - self._renewed_ms < lease_ms // 2:
            return
        if leases := list(self._in_hand.values()):
            until_ms = now_ms + lease_ms
            await self._write(lambda: self._queue.renew(leases, until_ms=until_ms))
        self._renewed_ms = now_ms

    async def _pause(self) -> None:
        """Wait until something was done here, or others may have added to the queue."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(DELIVERY_LOOK_S):
                await self._changed.wait()

    def _begin(self, lease: Lease, prepared: Prepared | None) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(lease, prepared))
        self._in_hand[task] = lease
        self._places.enter(lease)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        if unused := self._places.leave(self._in_hand.pop(task)):
            self._rooms.pop(unused, None)
        self._changed.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._hooks.fail(error)

    # --- one row -------------------------------------------------------------------------

    async def _deliver(self, lease: Lease, prepared: Prepared | None) -> None:
        try:
            done = await self._attempt(lease, prepared)
        except OutcomeUnknownError:
            raise
        except Exception as error:  # noqa: BLE001 - one row's trouble, which must not stay leased
            self._hooks.fail(error)
            now_ms = self._clock.now_ms()
            done = _Done(put_off(lease, error, now_ms=now_ms, chance=self._chance))
        # From here on nothing may put the row off again: it could be sent twice.
        if await self._settler.settle(done.settlement) and done.conclusion is not None:
            await self._react(done.conclusion, done.site, done.ms)

    async def _attempt(self, lease: Lease, prepared: Prepared | None) -> "_Done":
        if over := explain_over(lease, now_ms=self._clock.now_ms()):
            return _Done(over.settlement, over)
        domain = _domain_of(lease)
        relay = self._sites.relays.find(lease.row.sender, lease.row.recipient)
        if relay is not None and self._sites.is_held(self._sites.find_relay(relay)):
            return self._give_back(lease, self._sites.find_relay(relay))
        route = await self._attempting.find_route(domain, relay)
        site = self._find_site(domain, route, relay)
        share = self._sites.find_share(site)
        self._places.move(lease, site)
        async with self._find_room(site).hold(), self._memory.hold(lease.row.size):
            # Since we began to wait:
            if over := explain_over(lease, now_ms=self._clock.now_ms()):
                return _Done(over.settlement, over)
            if self._sites.is_held(site):
                return self._give_back(lease, site)
            sender, raw = prepared or await self._load(lease.row)
            letter = Letter(make_envelope(lease.row, sender), raw, site.shape.encrypted)
            began_ms = self._clock.now_ms()
            trail = await self._attempting.deliver(route, letter, share, relay)
            conclusion = conclude(lease, trail, now_ms=began_ms, chance=self._chance)
            self._note_relay(site, conclusion)
        ms = self._clock.now_ms() - began_ms
        return _Done(conclusion.settlement, conclusion, site, ms)

    def _find_site(self, domain: str, route: Route, relay: Relay | None) -> Site:
        if relay is not None:
            return self._sites.find_relay(relay)
        return self._sites.find(domain, route)

    def _give_back(self, lease: Lease, site: Site) -> "_Done":
        """Leave a row for when the relay is called again."""
        conclusion = explain_held(
            lease, site.why, until_ms=site.held_ms, now_ms=self._clock.now_ms()
        )
        if conclusion is None:
            return _Done(Untried(lease, site.held_ms))
        return _Done(conclusion.settlement, conclusion)

    def _note_relay(self, site: Site, conclusion: Conclusion) -> None:
        """Take in how a relay did, before the next message goes there."""
        if conclusion.relay:
            self._sites.note_relay(
                site,
                conclusion.outcome,
                reached=conclusion.reached,
                at_fault=conclusion.about_relay,
                login=conclusion.about_login,
                why=conclusion.settlement.attempt.outcome,
            )
            self._find_room(site)  # which may have grown

    def _find_room(self, site: Site) -> Room:
        limit = self._sites.find_room(site)
        room = self._rooms.setdefault(site.name, Room(limit))
        room.limit = limit
        return room

    async def _load(self, row: QueueRow) -> Prepared:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._read, row)

    def _read(self, row: QueueRow) -> Prepared:
        relay = self._sites.relays.find(row.sender, row.recipient)
        return self._hooks.prepare(row, self._queue.get_raw(row.id), relay)

    def _read_small(self, leases: Sequence[Lease]) -> list[Prepared | None]:
        """Return what short rows send; None for the others, and for those that make trouble."""
        read: list[Prepared | None] = []
        for lease in leases:
            prepared = None
            if lease.row.size <= DELIVERY_READ_AHEAD_BYTES:
                with suppress(Exception):  # its own attempt meets it again, and says so
                    prepared = self._read(lease.row)
            read.append(prepared)
        return read

    async def _react(self, conclusion: Conclusion, site: Site | None, ms: int) -> None:
        settlement = conclusion.settlement
        self._hooks.note(conclusion, ms)
        if site is not None and not conclusion.relay:
            domain = _domain_of(settlement.lease)
            hold_s = self._sites.note(domain, site, conclusion.outcome, reached=conclusion.reached)
            if hold_s:
                until_ms = self._clock.now_ms() + 1000 * hold_s
                why = settlement.attempt.outcome
                await self._write(lambda: self._queue.hold(domain, until_ms=until_ms, why=why))
        if is_news(settlement):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._teller, self._hooks.tell, settlement)

    async def _write(self, write: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, write)


def _domain_of(lease: Lease) -> str:
    return domain_of(lease.row.recipient).lower()
