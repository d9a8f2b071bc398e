"""From the store's threads back to the event loop, with one wake-up for many results.

Owns the hand-over of `done(result, error)` calls, which arrive on any thread, to futures of one
event loop. However many results gather before the loop runs, it is woken once. A waiter that
gave up (its client went away) is passed over; the work itself is never cancelled. After the
loop is closed results are dropped: there is nobody left to tell.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: What the ports call when something is durable or has failed.
Done = Callable[[T | None, BaseException | None], None]

_Result = tuple[asyncio.Future[Any], object, BaseException | None]


class Bridge:
    """Results for the event loop it was made on."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._results: list[_Result] = []

    async def wait(self, start: Callable[[Done[T]], None]) -> T | None:
        """Call `start(done)` and return or raise what `done` is told."""
        future: asyncio.Future[T | None] = self._loop.create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            self._add((future, result, error))

        start(done)
        return await future

    def _add(self, result: _Result) -> None:
        with self._lock:
            self._results.append(result)
            if len(self._results) > 1:
                return  # the loop has been woken and has not come round yet
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _drain(self) -> None:
        with self._lock:
            results, self._results = self._results, []
        for future, result, error in results:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
