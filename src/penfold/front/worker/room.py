"""Room for so much at a time, on an event loop: connections of a site, octets in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """Who comes first enters first. What needs more than there is enters when it is alone.

    The limit may change while others wait or are inside.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, amount: int = 1) -> AsyncIterator[None]:
        """Wait for room, and keep it for the length of the block."""
        await self._enter(amount)
        try:
            yield
        finally:
            self.used -= amount
            self._let_in()

    async def _enter(self, amount: int) -> None:
        if not self._waiting and self._fits(amount):
            self.used += amount
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and cancelled at once
                self.used -= amount
            self._let_in()
            raise

    def _fits(self, amount: int) -> bool:
        return not self.used or self.used + amount <= self.limit

    def _let_in(self) -> None:
        while self._waiting:
            amount, turn = self._waiting[0]
            if not turn.done():
                if not self._fits(amount):
                    return
                self.used += amount
                turn.set_result(None)
            self._waiting.popleft()
