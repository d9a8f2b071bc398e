"""Whose turn it is to read when many want to at once.

Reads run on the event loop in the order they come. So whoever asks a hundred things at once would
have everybody else wait for a hundred answers. Here an account reads a few times in a turn of the
loop; what it asks beyond that waits for the next turns, and the others' reads go between.
"""

import asyncio
from collections import deque

from penfold.base.limits import READS_A_TURN


class Turns:
    """Of one event loop."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def take(self, account_id: str) -> bool:
        """Return whether the account may read at once; if not, it has to `wait`."""
        taken = self._taken.get(account_id, 0)
        if taken >= READS_A_TURN or account_id in self._waiting:
            return False
        if not self._taken:
            asyncio.get_running_loop().call_soon(self._begin_next)
        self._taken[account_id] = taken + 1
        return True

    async def wait(self, account_id: str) -> None:
        """Return when the account may read, in the order in which it asked."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account_id, deque()).append(turn)
        await turn

    def _begin_next(self) -> None:
        """Let those read who waited; as long as somebody reads there is a next turn."""
        self._taken = {
            account_id: _let_go(waiting) for account_id, waiting in self._waiting.items()
        }
        self._waiting = {name: waiting for name, waiting in self._waiting.items() if waiting}
        if self._taken:
            asyncio.get_running_loop().call_soon(self._begin_next)


def _let_go(waiting: deque[asyncio.Future[None]]) -> int:
    """End the wait of the first few, and return of how many."""
    count = 0
    while waiting and count < READS_A_TURN:
        turn = waiting.popleft()
        if not turn.done():  # its client is gone
            turn.set_result(None)
            count += 1
    return count
