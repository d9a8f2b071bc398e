"""The thread that moves outboxes on.

A mailbox waits at most once, whatever the number of reasons to look at it, so what waits is
bounded by the mailboxes there are. One that failed is remembered for the next sweep.
"""

import logging
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final

from penfold.base.errors import UnavailableError

#: Called once, from the courier's thread, with what stood in the way, if anything.
Moved = Callable[[BaseException | None], None]

_log: Final = logging.getLogger(__name__)


class Courier:
    """Calls `move(mailbox_id)` for every mailbox it is told of, one at a time, in order."""

    def __init__(self, move: Callable[[str], None]) -> None:
        self._move = move
        self._changed = Condition()
        self._waiting: dict[str, list[Moved]] = {}
        self._failed: set[str] = set()
        self._thread: Thread | None = None
        self._closed = False

    def send(self, mailbox_id: str, done: Moved | None) -> None:
        """Have the mailbox looked at after this moment; never blocks."""
        with self._changed:
            if not self._closed:
                self._waiting.setdefault(mailbox_id, []).extend([done] if done else [])
                self._start()
                self._changed.notify()
                return
        if done:
            done(UnavailableError("shutting down"))

    def sweep(self) -> None:
        """Have another look at every mailbox whose last move failed."""
        with self._changed:
            failed, self._failed = self._failed, set()
        for mailbox_id in failed:
            self.send(mailbox_id, None)

    def start(self) -> None:
        """Start the thread now rather than with the first mailbox."""
        with self._changed:
            self._start()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = Thread(target=self._run, name="penfold-courier", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Finish the mailbox in hand and stop; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    left, self._waiting = self._waiting, {}
                    break
                mailbox_id = next(iter(self._waiting))
                waiting = self._waiting.pop(mailbox_id)
            self._move_one(mailbox_id, waiting)
        _tell([done for waiting in left.values() for done in waiting], UnavailableError("closed"))

    def _move_one(self, mailbox_id: str, waiting: list[Moved]) -> None:
        error: BaseException | None = None
        try:
            self._move(mailbox_id)
        except Exception as problem:  # noqa: BLE001 - the top of a worker
            # Whatever it was, the rows are still there for the next sweep.
            error = problem
            with self._changed:
                self._failed.add(mailbox_id)
            _log.warning("hand-over from mailbox %s waits: %s", mailbox_id, problem)
        _tell(waiting, error)


def _tell(waiting: list[Moved], error: BaseException | None) -> None:
    for done in waiting:
        try:
            done(error)
        except Exception:  # noqa: BLE001 - the thread moves all mailboxes, an asker must not end it
            _log.exception("who asked for a hand-over failed on hearing of it")
