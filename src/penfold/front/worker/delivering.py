"""The delivery of the queue: takes rows that are due, tries each, and records what came of it.

One process delivers. Rows are taken under a lease, a batch of one domain at a time; each becomes a
task that waits for room at its site (domain.shaping) and in memory, makes its attempt
(front.worker.attempting) and settles. Whatever happens to this process, a row that was not settled
is delivered by the next one. What goes to a relay that is left alone is given back untried.

The queue is called on two threads of its own: one writes, one reads and signs.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import OutcomeUnknownError
from penfold.base.limits import (
    DELIVERIES_MAX,
    DELIVERY_BATCH,
    DELIVERY_LEASE_S,
    DELIVERY_LOOK_S,
    DELIVERY_MEMORY_MAX_BYTES,
)
from penfold.domain.delivery import (
    Conclusion,
    conclude,
    explain_held,
    make_envelope,
    put_off,
)
from penfold.domain.shaping import Site, Sites
from penfold.front.worker.attempting import Attempting, Letter
from penfold.front.worker.room import Room
from penfold.front.worker.settling import Settler
from penfold.ports.queue import Lease, Queue, QueueRow, Untried
from penfold.proto.address import domain_of
from penfold.proto.exchangers import Route
from penfold.spec.relays import Relay

T = TypeVar("T")

#: Rows of a site that wait for each that has room, so that it never stands still.
_WAITING_PER_ROOM: Final = 2

#: Makes the octets that are sent from those that were queued; called in a thread.
Prepare = Callable[[QueueRow, bytes], bytes]


#: Told of every attempt once it is recorded; called in a thread, and how long it took in ms.
Ended = Callable[[Conclusion, int], None]


class Delivering:
    """failed: told of what must not happen, and ends the process when a write is in doubt."""

    def __init__(
        self,
        queue: Queue,
        attempting: Attempting,
        sites: Sites,
        *,
        prepare: Prepare,
        ended: Ended,
        failed: Callable[[BaseException], None],
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._queue = queue
        self._attempting = attempting
        self._sites = sites
        self._prepare = prepare
        self._ended = ended
        self._failed = failed
        self._clock = clock
        self._chance = chance
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="penfold-queue")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="penfold-signing")
        self._settler = Settler(queue, self._writer)
        self._memory = Room(DELIVERY_MEMORY_MAX_BYTES)
        self._rooms: dict[str, Room] = {}
        self._at_site: Counter[str] = Counter()
        self._in_hand: set[asyncio.Task[None]] = set()
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
        for pool in (self._writer, self._reader):
            pool.shutdown()

    # --- taking --------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            leases = []
            try:
                leases = await self._take()
            except Exception as error:  # noqa: BLE001 - the loop of the process: it goes on
                self._failed(error)
            for lease in leases:
                self._begin(lease)
            if not leases:
                await self._pause()

    async def _take(self) -> list[Lease]:
        limit = min(DELIVERY_BATCH, DELIVERIES_MAX - len(self._in_hand))
        now_ms = self._clock.now_ms()
        due_ms = self._queue.find_next_due()
        if limit <= 0 or due_ms is None or due_ms > now_ms:
            return []
        skip = self._find_busy()
        lease_ms = 1000 * DELIVERY_LEASE_S
        return await self._write(
            lambda: self._queue.take(now_ms=now_ms, lease_ms=lease_ms, limit=limit, skip=skip)
        )

    def _find_busy(self) -> set[str]:
        """Return the domains of sites where enough waits already."""
        busy: set[str] = set()
        for name, count in self._at_site.items():
            room = self._rooms.get(name)
            if room is not None and count >= _WAITING_PER_ROOM * room.limit:
                busy |= self._sites.list_domains(name)
        return busy

    async def _pause(self) -> None:
        """Wait until something was done here, or others may have added to the queue."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(DELIVERY_LOOK_S):
                await self._changed.wait()

    def _begin(self, lease: Lease) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(lease))
        self._in_hand.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        self._changed.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)

    # --- one row -------------------------------------------------------------------------

    async def _deliver(self, lease: Lease) -> None:
        try:
            await self._attempt(lease)
        except OutcomeUnknownError:
            raise
        except Exception as error:  # noqa: BLE001 - one row's trouble, which must not stay leased
            self._failed(error)
            now_ms = self._clock.now_ms()
            await self._settler.settle(put_off(lease, error, now_ms=now_ms, chance=self._chance))

    async def _attempt(self, lease: Lease) -> None:
        domain = domain_of(lease.row.recipient)
        relay = self._sites.relays.find(lease.row.sender, lease.row.recipient)
        if relay is not None and self._sites.is_held(self._sites.find_relay(domain, relay)):
            await self._give_back(lease, self._sites.find_relay(domain, relay))
            return
        route = await self._attempting.find_route(domain, relay)
        site = self._find_site(domain, route, relay)
        share = self._sites.find_share(site)
        self._at_site[site.name] += 1
        try:
            async with self._find_room(site).hold(), self._memory.hold(lease.row.size):
                if self._sites.is_held(site):  # since we began to wait
                    await self._give_back(lease, site)
                    return
                letter = await self._load(lease.row, encrypted=site.shape.encrypted)
                began_ms = self._clock.now_ms()
                trail = await self._attempting.deliver(route, letter, share, relay)
                conclusion = conclude(lease, trail, now_ms=began_ms, chance=self._chance)
                self._note_relay(site, conclusion)
        finally:
            self._leave(site)
        if await self._settler.settle(conclusion.settlement):
            await self._react(domain, site, conclusion, self._clock.now_ms() - began_ms)

    def _find_site(self, domain: str, route: Route, relay: Relay | None) -> Site:
        if relay is not None:
            return self._sites.find_relay(domain, relay)
        return self._sites.find(domain, route)

    async def _give_back(self, lease: Lease, site: Site) -> None:
        """Leave a row for when the relay is called again."""
        conclusion = explain_held(
            lease, site.why, until_ms=site.held_ms, now_ms=self._clock.now_ms()
        )
        if conclusion is None:
            await self._settler.settle(Untried(lease, site.held_ms))
        elif await self._settler.settle(conclusion.settlement):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._reader, self._ended, conclusion, 0)

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

    def _leave(self, site: Site) -> None:
        self._at_site[site.name] -= 1
        if not self._at_site[site.name]:
            del self._at_site[site.name]
            self._rooms.pop(site.name, None)

    async def _load(self, row: QueueRow, *, encrypted: bool) -> Letter:
        def load() -> bytes:
            return self._prepare(row, self._queue.get_raw(row.id))

        loop = asyncio.get_running_loop()
        raw = await loop.run_in_executor(self._reader, load)
        return Letter(make_envelope(row), raw, encrypted)

    async def _react(self, domain: str, site: Site, conclusion: Conclusion, ms: int) -> None:
        hold_s = 0
        if not conclusion.relay:
            hold_s = self._sites.note(domain, site, conclusion.outcome, reached=conclusion.reached)
        if hold_s:
            until_ms = self._clock.now_ms() + 1000 * hold_s
            why = conclusion.settlement.attempt.outcome
            await self._write(lambda: self._queue.hold(domain, until_ms=until_ms, why=why))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reader, self._ended, conclusion, ms)

    async def _write(self, write: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, write)
