"""Room for large request bodies: so many octets at a time, first come, first served.

Owns the count of octets that large bodies may take together in one process. A body that is small
takes none. One that is larger than all the room takes all of it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """Octets to share among the requests of one event loop."""

    def __init__(self, octets: int, *, small: int) -> None:
        self._octets = octets
        self._free = octets
        self._small = small
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, octets: int) -> AsyncIterator[None]:
        """Hold this many octets, once there is room for them and for those who asked before."""
        if octets <= self._small:
            yield
            return
        octets = min(octets, self._octets)
        await self._wait(octets)
        try:
            yield
        finally:
            self._free += octets
            self._admit()

    async def _wait(self, octets: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((octets, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += octets  # admitted in the same moment
            self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting:
            octets, turn = self._waiting[0]
            if not turn.done() and octets > self._free:
                return
            self._waiting.popleft()
            if not turn.done():
                self._free -= octets
                turn.set_result(None)
