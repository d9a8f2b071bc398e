"""Record what came of deliveries in as few transactions as they come.

What gathers while one transaction is written goes into the next; each is durable when its `settle`
returns. What the disk has no room for is written again until there is: nobody else knows it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from penfold.base.errors import UnavailableError
from penfold.ports.queue import Queue, Settlement, Untried


class Settler:
    """For one event loop; the queue is called on a thread of the executor.

    fail: told of each time the disk took nothing, however much waits; trouble_s: seconds from then
    to the next time.
    """

    def __init__(
        self,
        queue: Queue,
        executor: Executor,
        *,
        fail: Callable[[BaseException], None],
        trouble_s: float,
    ) -> None:
        self._queue = queue
        self._executor = executor
        self._fail = fail
        self._trouble_s = trouble_s
        self._waiting: list[tuple[Settlement | Untried, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def settle(self, settlement: Settlement | Untried) -> bool:
        """Return whether it counted, once that is durable.

        Raises what the queue raises, UnavailableError only while this ends.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((settlement, done))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return await done

    async def finish(self) -> None:
        """Return when all that was given here is durable, whether or not anybody waits for it.

        What the disk refuses is tried once more, and lost to the record then.
        """
        self._ending.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            settlements = [settlement for settlement, _ in batch]
            last = self._ending.is_set()
            try:
                counted = await loop.run_in_executor(
                    self._executor, self._queue.settle, settlements
                )
            except UnavailableError as error:
                self._fail(error)
                if last:
                    _tell(batch, error)
                    continue
                self._waiting = batch + self._waiting
                await self._pause()
            except Exception as error:  # noqa: BLE001 - told to each who waits
                _tell(batch, error)
            else:
                for (_, done), result in zip(batch, counted, strict=True):
                    if not done.done():
                        done.set_result(result)
        self._writing = None

    async def _pause(self) -> None:
        """Wait before the next try, no longer than until this ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._trouble_s):
                await self._ending.wait()


def _tell(batch: list[tuple[Settlement | Untried, asyncio.Future[bool]]], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
