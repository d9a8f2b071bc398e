"""Results of deliveries, brought from the store's threads to the event loop.

However many results gather before the loop runs, it is woken once: a wake-up is a system call
and the store answers a whole commit at a time. Unlike `penfold.front.bridge` there is no future
and no task behind a result, which at thousands of messages a second is most of the cost.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from penfold.front.smtp.decisions import Done

K = TypeVar("K")
Settle = Callable[[K, tuple[str, ...] | None, BaseException | None], None]
_Result = tuple[Settle[Any], Any, tuple[str, ...] | None, BaseException | None]


class Answers:
    """Belongs to one loop and is made on its thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._results: list[_Result] = []

    def expect(self, settle: Settle[K], key: K) -> Done:
        """Return a `done` for any thread; it calls settle(key, …) on the loop's thread."""

        def done(ids: tuple[str, ...] | None, error: BaseException | None) -> None:
            if threading.get_ident() == self._thread:
                settle(key, ids, error)
            else:
                self._add((settle, key, ids, error))

        return done

    def _add(self, result: _Result) -> None:
        with self._lock:
            self._results.append(result)
            if len(self._results) > 1:
                return  # the loop has been woken and has not come round yet
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            if not self._loop.is_closed():
                raise  # otherwise nobody is left to tell

    def _drain(self) -> None:
        with self._lock:
            results, self._results = self._results, []
        for settle, key, ids, error in results:
            settle(key, ids, error)
