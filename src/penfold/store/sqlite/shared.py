"""A database that all processes of the server have open: one connection writes, one reads.

Each is behind a lock, so any thread may call. Every change is one BEGIN IMMEDIATE transaction
with a synced commit. A commit whose outcome is unknown raises OutcomeUnknownError: the process
must end, and what it did may be done again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import apsw

from penfold.store.sqlite.commit import Fatal, commit
from penfold.store.sqlite.failures import translated
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.open import open_database

T = TypeVar("T")


class SharedFile:
    def __init__(
        self,
        path: Path,
        kind: str,
        *,
        create: bool,
        fatal: Fatal | None = None,
        vfs: str | None = None,
    ) -> None:
        """Open the file; `create` makes it when it is missing (only for a new installation).

        kind: whose migrations it has. fatal: must end the process, see commit.py.
        """
        self._name = path.name
        self._fatal = fatal
        self._writer = open_database(path, create=create, vfs=vfs)
        try:
            migrate(self._writer, kind)
            self._reader = open_database(path, readonly=True)
        except BaseException:
            self._writer.close()
            raise
        self._write_lock = Lock()
        self._read_lock = Lock()

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock, translated(self._name):
            return list(self._reader.execute(sql, tuple(values)))

    def look(self, look: Callable[[apsw.Connection], T]) -> T:
        """Run reads that belong together, as of one moment."""
        with self._read_lock, translated(self._name):
            self._reader.execute("BEGIN")
            try:
                return look(self._reader)
            finally:
                if self._reader.in_transaction:
                    self._reader.execute("COMMIT")

    def change(self, change: Callable[[apsw.Connection], T]) -> T:
        """Run a change in a transaction and return its result once that is durable."""
        with self._write_lock, translated(self._name):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = change(self._writer)
                commit(self._writer, self._fatal, file=self._name)
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            return result

    def close(self) -> None:
        """Close both connections; safe to call twice."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()
