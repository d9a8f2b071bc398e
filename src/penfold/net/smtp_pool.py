"""Connections to other mail servers that are used again.

One destination is a server at an address with a demand for TLS: a connection that was verified
for one domain's policy never carries mail under another's. Of each destination at most
`connections_max` are open; who comes later waits (one that takes its leave does not count). A
connection is closed after `messages_max` messages, after `idle_s` without one, and when more than
`idle_max` stand idle in all.

A kept connection may have been closed by the other side in the meantime. A message that finds it
so, before the server has heard or said anything about it, goes over a new one at once.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from penfold.base import limits
from penfold.net.smtp_out import SmtpConnection
from penfold.net.tls_out import TlsMode
from penfold.ports.delivering import Share
from penfold.proto.smtp.client.outcome import Fate, Outcome, Reason, Result
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.smtp.stage import Stage


class Destination(Struct, frozen=True):
    """host: the name it is known by. address: textual. relay: as in ports.delivering.Hop."""

    host: str
    address: str
    port: int
    tls: TlsMode
    relay: str = ""


class Bounds(Struct, frozen=True, gc=False):
    """What a pool may keep; the defaults are explained in base.limits."""

    connections_max: int = limits.SMTP_OUT_CONNECTIONS_MAX
    messages_max: int = limits.SMTP_OUT_MESSAGES_MAX
    idle_s: float = limits.SMTP_OUT_IDLE_S
    idle_max: int = limits.SMTP_OUT_IDLE_MAX


Open = Callable[[Destination], Awaitable[SmtpConnection]]


class _Lane:
    """What belongs to one destination. users: who has a connection, or waits for one."""

    __slots__ = ("destination", "idle", "messages_max", "room", "users")

    def __init__(self, destination: Destination, share: Share) -> None:
        self.destination = destination
        self.room = asyncio.Semaphore(share.connections)
        self.messages_max = share.messages
        self.idle: list[SmtpConnection] = []
        self.users = 0


class SmtpPool:
    """open: makes a connection (`SmtpConnection.open` with a profile). clock: as there."""

    def __init__(
        self, open_connection: Open, *, clock: Callable[[], float], bounds: Bounds | None = None
    ) -> None:
        self._open = open_connection
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._lanes: dict[Destination, _Lane] = {}
        #: Every idle connection, the longest idle first, with its lane and since when.
        self._idle: dict[SmtpConnection, tuple[_Lane, float]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    async def send(
        self, destination: Destination, envelope: Envelope, raw: bytes, share: Share | None = None
    ) -> Outcome:
        """Send a message over a connection that is free, or a new one; wait for room if need be.

        As `SmtpConnection.send`: it never raises for what the other side does. share: what the
        destination is used for at most, instead of the pool's bounds; the first that is given
        counts while the destination is in use.
        """
        lane = self._lanes.get(destination)
        if lane is None:
            bounds = self._bounds
            share = share or Share(bounds.connections_max, bounds.messages_max)
            lane = self._lanes[destination] = _Lane(destination, share)
        lane.users += 1
        try:
            async with lane.room:
                return await self._send(lane, envelope, raw)
        finally:
            lane.users -= 1
            self._forget_unused(lane)

    async def _send(self, lane: _Lane, envelope: Envelope, raw: bytes) -> Outcome:
        connection = self._take(lane)
        if connection is not None:
            outcome = await connection.send(envelope, raw)
            if not (outcome.reused and all(map(_is_stale, outcome.results))):
                self._put_back(lane, connection)
                return outcome
            self._part_from(connection)
        connection = await self._open(lane.destination)
        outcome = await connection.send(envelope, raw)
        self._put_back(lane, connection)
        return outcome

    def _take(self, lane: _Lane) -> SmtpConnection | None:
        """Return the connection used last: the others get the chance to grow old."""
        while lane.idle:
            connection = lane.idle.pop()
            del self._idle[connection]
            if connection.is_usable:
                return connection
        return None

    def _put_back(self, lane: _Lane, connection: SmtpConnection) -> None:
        is_worn = connection.messages >= lane.messages_max
        if self._is_closed or is_worn or not connection.is_usable:
            self._part_from(connection)
            return
        lane.idle.append(connection)
        self._idle[connection] = (lane, self._clock())
        while len(self._idle) > self._bounds.idle_max:
            self._retire(next(iter(self._idle)))
        self._set_timer()

    def sweep(self) -> None:
        """Close what has stood idle for too long; the pool calls it by itself."""
        now = self._clock()
        for connection, (_, since) in list(self._idle.items()):
            if now - since < self._bounds.idle_s:
                break
            self._retire(connection)

    def _set_timer(self) -> None:
        if self._timer is None and self._idle:
            _, since = next(iter(self._idle.values()))
            wait_s = max(0.0, since + self._bounds.idle_s - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.sweep()
        self._set_timer()

    def _retire(self, connection: SmtpConnection) -> None:
        lane, _ = self._idle.pop(connection)
        lane.idle.remove(connection)
        self._forget_unused(lane)
        self._part_from(connection)

    def _forget_unused(self, lane: _Lane) -> None:
        if not lane.users and not lane.idle:
            self._lanes.pop(lane.destination, None)

    def _part_from(self, connection: SmtpConnection) -> None:
        """Close a connection in the background: no verdict waits for the reply to a QUIT."""
        task = asyncio.get_running_loop().create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close every idle connection; those in use close when their message is through."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._idle):
            self._retire(connection)
        if self._closing:
            await asyncio.wait(self._closing)


def _is_stale(result: Result) -> bool:
    """Return whether the connection was over before this message began."""
    if result.stage is not Stage.MAIL:
        return False
    is_closed = result.fate is Fate.FAILED and result.reason is Reason.CLOSED
    return is_closed or result.code == 421
