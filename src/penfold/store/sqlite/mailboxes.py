"""All mailboxes of a data directory, one SQLite file each; implements ports.mailbox.Mailboxes.

Several processes of one machine may open the same directory: SQLite's own locks arbitrate
between them. A mailbox is made whole under another name and then linked into place, so a file
that has the name of a mailbox has its schema; an empty one is damage, never a fresh start.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import apsw

from penfold.base.errors import (
    MailboxDamagedError,
    NewerDataError,
    NotFoundError,
    PenfoldError,
    UnavailableError,
)
from penfold.base.limits import SQLITE_CACHE_KIB, SQLITE_IDLE_CLOSE_S
from penfold.ports.blobs import Blobs
from penfold.ports.mailbox import MailboxReader, MailboxWriter
from penfold.store.durable import make_folder, sync_path
from penfold.store.room import Room
from penfold.store.sqlite import search_order
from penfold.store.sqlite.failures import translate
from penfold.store.sqlite.layout import Quarantine, check_file_system, mailbox_path
from penfold.store.sqlite.mailbox import SqliteReader
from penfold.store.sqlite.migrate import Step, find_steps, migrate
from penfold.store.sqlite.open import open_database, user_version
from penfold.store.sqlite.pool import Handle, Pool, affordable_handles
from penfold.store.sqlite.writer import GroupWriter, OnCommit

T = TypeVar("T")

#: Octets of a mailbox page: messages of a few kB pack tighter than in 4,096 (measured: 15 %).
MAILBOX_PAGE_BYTES: Final = 8192
#: Virtual machine steps between two looks at a statement's deadline; about 1 ms.
_STEPS_PER_LOOK: Final = 20_000


class SqliteMailboxes:
    """Mailboxes under `root`; `fatal` must end the process, see store/sqlite/writer.py.

    on_commit: see writer.GroupWriter; on_damage: told of each mailbox set apart.
    """

    def __init__(  # noqa: PLR0913 - two are for tests, two for who watches, one for imports
        self,
        root: Path,
        blobs: Blobs,
        *,
        fatal: Callable[[BaseException], None],
        writer_threads: int = 3,
        max_handles: int | None = None,
        room: Room | None = None,
        steps: Mapping[int, Step] | None = None,
        vfs: str | None = None,
        on_commit: OnCommit | None = None,
        on_damage: Callable[[str, str], None] | None = None,
        cache_kib: int = SQLITE_CACHE_KIB,
    ) -> None:
        make_folder(root / "mailboxes")
        check_file_system(root)
        self._root = root
        self._blobs = blobs
        self._steps = find_steps("mailbox") if steps is None else steps
        self._newest = max(self._steps)
        self._vfs = vfs
        self._cache_kib = cache_kib
        self._on_damage = on_damage
        self._quarantine = Quarantine(root)
        self._pool = Pool(
            self._open,
            max_handles=affordable_handles() if max_handles is None else max_handles,
            idle_close_s=SQLITE_IDLE_CLOSE_S,
        )
        self._writer = GroupWriter(
            self._pool,
            blobs,
            room or Room(root),
            threads=writer_threads,
            fatal=fatal,
            quarantine=self._isolate,
            on_commit=on_commit,
        )

    def create(self, mailbox_id: str) -> None:
        path = mailbox_path(self._root, mailbox_id)
        if path.exists():
            return
        make_folder(path.parent)
        partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
        try:
            self._make_file(partial)
            with suppress(FileExistsError):  # another process was first; its file is as good
                os.link(partial, path)
        except apsw.Error as error:
            raise translate(error, mailbox_id) from error
        finally:
            partial.unlink(missing_ok=True)
        sync_path(path.parent)

    def open_reader(self, mailbox_id: str) -> AbstractContextManager[MailboxReader]:
        self._quarantine.check(mailbox_id)
        return _Borrowed(self, self._pool, self._blobs, mailbox_id)

    def submit(
        self,
        mailbox_id: str,
        change: Callable[[MailboxWriter], T],
        done: Callable[[T | None, BaseException | None], None],
    ) -> None:
        try:
            self._quarantine.check(mailbox_id)
            self._writer.submit(mailbox_id, change, done)
        except UnavailableError as error:
            done(None, error)

    def change(self, mailbox_id: str, change: Callable[[MailboxWriter], T]) -> T:
        """Never from a `done` or an effect: those run on the thread that would do the work."""
        answer = _Answer()
        self.submit(mailbox_id, change, answer.set)
        result: T = answer.wait()
        return result

    def settle(self, mailbox_id: str) -> None:
        self._writer.settle(mailbox_id)

    def check(self, mailbox_id: str) -> None:
        self._quarantine.check(mailbox_id)
        if not self._pool.knows(mailbox_id) and not mailbox_path(self._root, mailbox_id).exists():
            raise NotFoundError("no such mailbox", mailbox=mailbox_id)

    @property
    def handles(self) -> int:
        """Database handles open in this process."""
        return self._pool.size

    def close_idle(self) -> None:
        """Close handles that stood idle; for a timer of the process."""
        self._pool.close_idle()

    def close(self) -> None:
        self._writer.close()
        self._pool.close()

    # --- for this package

    def end_reader(self, handle: Handle, error: BaseException | None) -> None:
        """Give a reader's handle back and raise what its error means to callers."""
        self._pool.give_back(handle, broken=isinstance(error, apsw.Error))
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            self._isolate(handle.mailbox_id, error)
        if isinstance(error, apsw.Error):
            raise translate(error, handle.mailbox_id) from error

    def _isolate(self, mailbox_id: str, error: BaseException) -> None:
        self._pool.drop(mailbox_id)
        reason = f"{type(error).__name__}: {error}"
        with suppress(OSError):  # a full disk: this process remembers, others find out themselves
            self._quarantine.add(mailbox_id, reason)
        if self._on_damage:
            self._on_damage(mailbox_id, reason)

    def _make_file(self, path: Path) -> None:
        connection = open_database(path, create=True, page_bytes=MAILBOX_PAGE_BYTES, vfs=self._vfs)
        try:
            migrate(connection, "mailbox", steps=self._steps)
        finally:
            connection.close()  # the last handle: the log is copied into the file and removed
        sync_path(path)

    def _open(self, mailbox_id: str, writable: bool) -> Handle:  # noqa: FBT001 - the pool's key
        path = mailbox_path(self._root, mailbox_id)
        try:
            _check_file(path)
            connection = self._open_current(path, writable=writable)
        except apsw.Error as error:
            if isinstance(error, apsw.CorruptError | apsw.NotADBError):
                self._isolate(mailbox_id, error)
            raise translate(error, mailbox_id) from error
        except MailboxDamagedError as error:
            self._isolate(mailbox_id, error)
            raise
        return _make_handle(connection, mailbox_id, writable=writable)

    def _open_current(self, path: Path, *, writable: bool) -> apsw.Connection:
        """Open a file and see that it has this release's shape."""
        connection = open_database(
            path, readonly=not writable, vfs=self._vfs, cache_kib=self._cache_kib
        )
        try:
            stale = _is_stale(user_version(connection), self._newest)
            if stale and writable:
                _upgrade(connection, self._steps)
            search_order.register(connection)
        except BaseException:
            connection.close(force=True)
            raise
        if stale and not writable:
            connection.close()
            self._open_current(path, writable=True).close()
            return self._open_current(path, writable=False)
        return connection


class _Borrowed:
    """A reader for the length of a with block."""

    __slots__ = ("_blobs", "_handle", "_mailbox_id", "_owner", "_pool", "_reader")

    def __init__(self, owner: SqliteMailboxes, pool: Pool, blobs: Blobs, mailbox_id: str) -> None:
        self._owner = owner
        self._pool = pool
        self._blobs = blobs
        self._mailbox_id = mailbox_id

    def __enter__(self) -> SqliteReader:
        self._handle = self._pool.borrow(self._mailbox_id, writable=False)
        self._reader = SqliteReader(self._handle, self._blobs)
        return self._reader

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._reader.close()
        except apsw.Error as failure:
            error = error or failure
        self._owner.end_reader(self._handle, error)


class _Answer:
    """Waits for one `done`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._result: Any = None
        self._error: BaseException | None = None

    def set(self, result: Any, error: BaseException | None) -> None:
        self._result, self._error = result, error
        self._lock.release()

    def wait(self) -> Any:
        self._lock.acquire()
        if self._error is not None:
            raise self._error
        return self._result


def _make_handle(connection: apsw.Connection, mailbox_id: str, *, writable: bool) -> Handle:
    handle = Handle(connection, mailbox_id, writable=writable)
    if writable:

        def note(_connection: apsw.Connection, _name: str, pages: int) -> int:
            handle.wal_pages = pages
            return apsw.SQLITE_OK

        connection.set_wal_hook(note)  # in place of automatic checkpoints, which delay answers
    else:
        connection.set_progress_handler(
            lambda: handle.deadline != 0.0 and time.monotonic() > handle.deadline,
            _STEPS_PER_LOOK,
        )
    return handle


def _check_file(path: Path) -> None:
    """Refuse what SQLite would take for a new database."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise NotFoundError("no such mailbox", mailbox=path.stem) from None
    if size == 0:
        raise MailboxDamagedError("mailbox file is empty", mailbox=path.stem)


def _is_stale(found: int, newest: int) -> bool:
    if found == 0:
        raise MailboxDamagedError("mailbox file has no schema")
    if found > newest:
        raise NewerDataError("mailbox is newer than this release", found=found)
    return found < newest


def _upgrade(connection: apsw.Connection, steps: Mapping[int, Step]) -> None:
    """Migrate; a step that fails makes this mailbox unavailable, others live on."""
    try:
        migrate(connection, "mailbox", steps=steps)
    except (apsw.Error, PenfoldError):
        raise
    except Exception as error:
        raise UnavailableError("migration of a mailbox failed") from error
