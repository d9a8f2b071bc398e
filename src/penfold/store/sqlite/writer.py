"""Commit changes in groups: what gathers for one mailbox shares one transaction.

`submit` puts a change in its mailbox's list. A few threads take a mailbox that has changes, run
all of them in one BEGIN IMMEDIATE, each under its own savepoint, COMMIT, and only then call each
`done`. While one commit waits for the disk the next group gathers. A mailbox whose last group
held several changes a moment ago is busy: its next one waits GATHER_S for more, because a commit
for one costs as much as a commit for twenty. A lone change waits for nobody.

How a transaction ends decides what callers hear:
    a change raises            it is undone alone; `done` gets its error, the others live
    disk full, no lock, …      nothing of the group was stored; every `done` gets an error
    file damaged               the same, and the mailbox goes into quarantine
    COMMIT fails on the disk   the outcome is unknown: `fatal` is called, which ends the process
                               before anything is answered

The write-ahead log is emptied here as well, after the answers, and indexes are merged when for a
while nothing has come in.
"""

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

import apsw

from penfold.base.errors import OutcomeUnknownError, PenfoldError, UnavailableError
from penfold.base.limits import GATHER_S, GROUP_COMMIT_MAX
from penfold.ports.blobs import Blobs
from penfold.ports.mailbox import MailboxWriter
from penfold.store.room import Room
from penfold.store.sqlite.commit import commit
from penfold.store.sqlite.failures import translate
from penfold.store.sqlite.mailbox_write import SqliteWriter
from penfold.store.sqlite.merging import Merger
from penfold.store.sqlite.pool import Handle, Pool

Change = Callable[[MailboxWriter], Any]
Done = Callable[[Any, BaseException | None], None]
OnCommit = Callable[[int, float], None]
_Answer = tuple[Done, Any, BaseException | None]

#: Write-ahead log frames after which the log is copied into the file and begun anew.
_CHECKPOINT_FRAMES: Final = 1_000
#: Seconds of silence after which a thread looks for indexes to merge, and handles to close.
_QUIET_S: Final = 1.0
#: Seconds for which a mailbox counts as busy after a group of several changes.
_BUSY_S: Final = 0.05
#: Mailboxes remembered as busy; beyond that all start afresh.
_BUSY_MAX: Final = 1_024
#: Errors after which the transaction is gone, whatever the change made of them.
_GROUP_ERRORS: Final = (
    apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.NoMemError,
    apsw.InterruptError, apsw.BusyError, apsw.ReadOnlyError, apsw.CantOpenError,
)  # fmt: skip

_log = logging.getLogger(__name__)


class GroupWriter:
    """The threads that change mailboxes."""

    def __init__(
        self,
        pool: Pool,
        blobs: Blobs,
        room: Room,
        *,
        threads: int,
        fatal: Callable[[BaseException], None],
        quarantine: Callable[[str, BaseException], None],
        on_commit: OnCommit | None = None,
    ) -> None:
        """on_commit: told of each transaction, after its changes were answered.

        How many there were, and the seconds COMMIT took.
        """
        self._pool = pool
        self._blobs = blobs
        self._room = room
        self._fatal = fatal
        self._quarantine = quarantine
        self._on_commit = on_commit
        self._merger = Merger(pool, self._tidy, self._end_badly)
        self._lock = threading.Lock()
        #: Changes by mailbox; a mailbox is here while it is queued or being worked on.
        self._pending: dict[str, list[tuple[Change, Done]]] = {}
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        #: When a mailbox last had a group of several changes, monotonic seconds.
        self._busy: dict[str, float] = {}
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"mailbox-writer-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, mailbox_id: str, change: Change, done: Done) -> None:
        with self._lock:
            if self._closed:
                raise UnavailableError("the mailbox store is closed")
            waiting = self._pending.get(mailbox_id)
            if waiting is not None:
                waiting.append((change, done))
                return
            self._pending[mailbox_id] = [(change, done)]
        self._ready.put(mailbox_id)

    def settle(self, mailbox_id: str) -> None:
        """Merge the mailbox's index now, in steps between which others have their turn."""
        self._merger.merge(mailbox_id)

    def close(self) -> None:
        """Finish what is queued and stop; safe to call twice."""
        with self._lock:
            already, self._closed = self._closed, True
        if not already:
            for _ in self._threads:
                self._ready.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                mailbox_id = self._ready.get(timeout=_QUIET_S)
            except Empty:
                self._pool.close_idle()
                while self._ready.empty() and self._merger.step():
                    pass
                continue
            if mailbox_id is None:
                return
            while self._serve_group(mailbox_id):
                pass

    def _serve_group(self, mailbox_id: str) -> bool:
        """Do what has gathered; returns whether to go on at once because of an end mark."""
        if self._is_busy(mailbox_id):
            time.sleep(GATHER_S)
        with self._lock:
            waiting = self._pending[mailbox_id]
            group = waiting[:GROUP_COMMIT_MAX]
            del waiting[:GROUP_COMMIT_MAX]
        self._work(mailbox_id, group)
        with self._lock:
            if len(group) > 1:
                if len(self._busy) >= _BUSY_MAX:
                    self._busy.clear()
                self._busy[mailbox_id] = time.monotonic()
            if not self._pending[mailbox_id]:
                del self._pending[mailbox_id]
                return False
            if self._closed:
                return True
            self._ready.put(mailbox_id)  # behind the others, so that each has its turn
        return False

    def _is_busy(self, mailbox_id: str) -> bool:
        since = self._busy.get(mailbox_id)
        return since is not None and not self._closed and time.monotonic() - since < _BUSY_S

    def _work(self, mailbox_id: str, group: list[tuple[Change, Done]]) -> None:
        """Run one group and answer it; never raises, as the thread must live on."""
        handle = None
        try:
            handle = self._pool.borrow(mailbox_id, writable=True)
            answers, effects, seconds = self._commit(handle, group)
        except BaseException as error:  # noqa: BLE001 - the top of a thread; told to every caller
            failure = self._end_badly(handle, mailbox_id, error)
            answers, effects, seconds = [(done, None, failure) for _, done in group], [], 0.0
            handle = None
        for done, result, problem in answers:
            _call(done, result, problem)
        for effect in effects:
            _call(effect)
        if handle is not None:
            if self._on_commit:
                _call(self._on_commit, len(group), seconds)
            self._pool.give_back(handle, broken=not self._tidy(handle))
            self._merger.note(mailbox_id)

    def _commit(
        self, handle: Handle, group: list[tuple[Change, Done]]
    ) -> tuple[list[_Answer], list[Callable[[], None]], float]:
        connection = handle.connection
        connection.execute("BEGIN IMMEDIATE")
        writer = SqliteWriter(handle, self._blobs, self._room)
        try:
            answers = [_run(writer, change, done) for change, done in group]
            effects = writer.finish()
        finally:
            writer.close()
        began = time.monotonic()
        commit(connection, mailbox=handle.mailbox_id)
        return answers, effects, time.monotonic() - began

    def _end_badly(
        self, handle: Handle | None, mailbox_id: str, error: BaseException
    ) -> PenfoldError:
        """Return what callers are told of an error that ended a transaction."""
        failure = error if isinstance(error, PenfoldError) else translate(error, mailbox_id)
        if isinstance(failure, OutcomeUnknownError):
            self._fatal(failure)
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            self._quarantine(mailbox_id, error)
        if handle is not None:
            # Closing rolls back; after an automatic rollback an explicit one would only raise.
            self._pool.give_back(handle, broken=True)
        return failure

    def _tidy(self, handle: Handle) -> bool:
        """Empty the log when it is long; returns whether the handle is still good."""
        if handle.wal_pages < _CHECKPOINT_FRAMES:
            return True
        handle.wal_pages = 0
        try:
            handle.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            return True
        except apsw.Error as error:
            # A failed sync is never tried again: the kernel forgets the pages it could not write.
            self._fatal(OutcomeUnknownError("checkpoint failed", mailbox=handle.mailbox_id))
            _log.error("checkpoint failed", exc_info=error)
            return False
        return True


def _run(writer: SqliteWriter, change: Change, done: Done) -> _Answer:
    writer.begin_change()
    try:
        result = change(writer)
    except _GROUP_ERRORS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a change raises goes to its caller
        writer.undo_change()
        return done, None, error
    writer.keep_change()
    return done, result, None


def _call(function: Callable[..., None], *arguments: object) -> None:
    """Tell somebody; they promised not to raise."""
    try:
        function(*arguments)
    except Exception:  # noqa: BLE001 - the next caller must be told all the same
        _log.exception("an answer or effect of a change raised")
