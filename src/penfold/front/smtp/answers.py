"""Results of deliveries, brought from the store's threads to the event loop.

However many results gather before the loop runs, it is woken once: a wake-up is a system call
and the store answers a whole commit at a time. Unlike `penfold.front.bridge` there is no future
and no task behind a result, which at thousands of messages a second is most of the cost.
"""

import asyncio
import threading
from collections.abc import Callable

from penfold.front.smtp.decisions import Done

Settle = Callable[[tuple[str, ...] | None, BaseException | None], None]


class Answers:
    """Belongs to the running loop and is made on its thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._results: list[tuple[Settle, tuple[str, ...] | None, BaseException | None]] = []

    def expect(self, settle: Settle) -> Done:
        """Return a `done` for any thread; `settle` runs on the loop's, at once if that calls."""

        def done(ids: tuple[str, ...] | None, error: BaseException | None) -> None:
            if threading.get_ident() == self._thread:
                settle(ids, error)
            else:
                self._add(settle, ids, error)

        return done

    def _add(
        self, settle: Settle, ids: tuple[str, ...] | None, error: BaseException | None
    ) -> None:
        with self._lock:
            self._results.append((settle, ids, error))
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
        for settle, ids, error in results:
            settle(ids, error)
