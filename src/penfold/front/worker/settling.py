"""Record what came of deliveries in as few transactions as they come.

What gathers while one transaction is written goes into the next; each is durable when its `settle`
returns.
"""

import asyncio
from concurrent.futures import Executor

from penfold.ports.queue import Queue, Settlement, Untried


class Settler:
    """For one event loop; the queue is called on a thread of the executor."""

    def __init__(self, queue: Queue, executor: Executor) -> None:
        self._queue = queue
        self._executor = executor
        self._waiting: list[tuple[Settlement | Untried, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def settle(self, settlement: Settlement | Untried) -> bool:
        """Return whether it counted, once that is durable; raises what the queue raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((settlement, done))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return await done

    async def finish(self) -> None:
        """Return when all that was given here is durable, whether or not anybody waits for it."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            settlements = [settlement for settlement, _ in batch]
            try:
                counted = await loop.run_in_executor(
                    self._executor, self._queue.settle, settlements
                )
            except Exception as error:  # noqa: BLE001 - told to each who waits
                _tell(batch, error)
                continue
            for (_, done), result in zip(batch, counted, strict=True):
                if not done.done():
                    done.set_result(result)
        self._writing = None


def _tell(batch: list[tuple[Settlement | Untried, asyncio.Future[bool]]], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
