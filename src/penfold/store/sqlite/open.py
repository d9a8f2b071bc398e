"""Open SQLite files the one way that keeps what was acknowledged.

Owns every SQLite handle of the product: nobody else calls `apsw.Connection`. A connection is
either a writer or a read-only reader; both are in WAL mode with `synchronous=FULL`, no memory
map, a busy timeout, and a schema that is not trusted. Every setting is read back, and a
connection that does not have what was asked for is refused.

Never creates a file unless asked to, so a missing or emptied file is never taken for a new one.
A handle is never used after fork: SQLite's POSIX locks do not survive it.

The settings and why:
    WAL + synchronous=FULL   a COMMIT that returned survives a power cut; NORMAL loses the last ones
    mmap_size=0              a stray write or an I/O error must be an error code, not a signal
    trusted_schema=off       a crafted file cannot make SQL functions run
    DEFENSIVE                ordinary SQL cannot write the index's shadow tables
    SQLite >= 3.51.3         before that, two writing processes could corrupt a file (WAL reset)
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    SQLITE_BUSY_LOOK_MS,
    SQLITE_BUSY_MS,
    SQLITE_CACHE_KIB,
    SQLITE_WAL_KEEP_BYTES,
)

#: Statements kept prepared per handle; a mailbox's writer uses about 60.
_STATEMENTS_KEPT: Final = 128
_OLDEST_SQLITE: Final = 3_051_003

#: Held for the life of every connection, and read back: name, value to set, value to read.
_PRAGMAS: Final = (
    ("synchronous", "FULL", 2),
    ("mmap_size", "0", 0),
    ("trusted_schema", "OFF", 0),
    ("temp_store", "MEMORY", 2),
    ("cell_size_check", "ON", 1),
)
#: ENABLE_QPSG: a statement is planned once. Without it SQLite looks at what is bound to it and
#: plans anew at every run of "= ? ... ORDER BY" (measured: 12 to 17 us instead of 4).
_CONFIGS: Final = (
    (apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1),
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_DQS_DML, 0),
    (apsw.SQLITE_DBCONFIG_DQS_DDL, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
)


def check_sqlite_version() -> None:
    """Refuse a SQLite that is too old to let several processes write."""
    if apsw.SQLITE_VERSION_NUMBER < _OLDEST_SQLITE or _linked_version() < _OLDEST_SQLITE:
        raise UnavailableError("SQLite is older than 3.51.3", found=apsw.sqlite_lib_version())


def describe_settings() -> dict[str, object]:
    """Return what every connection has, for the log line at start."""
    return {
        "sqlite": apsw.sqlite_lib_version(),
        "journal_mode": "wal",
        "busy_ms": SQLITE_BUSY_MS,
        **{name: value for name, _, value in _PRAGMAS},
    }


def open_database(
    path: Path,
    *,
    readonly: bool = False,
    create: bool = False,
    foreign_keys: bool = False,
    cache_kib: int = SQLITE_CACHE_KIB,
    page_bytes: int = 4096,
    vfs: str | None = None,
) -> apsw.Connection:
    """Return a connection with every setting in force; page_bytes counts when the file is made.

    apsw.CantOpenError when the file is missing (and not `create`), apsw.NotADBError when it is
    something else, UnavailableError when a setting did not take.
    """
    check_sqlite_version()
    if not create and vfs is None and path.exists() and not path.stat().st_size:
        raise apsw.NotADBError("file is empty")  # SQLite would take it for a new database
    connection = apsw.Connection(
        str(path), flags=_flags(readonly, create), vfs=vfs, statementcachesize=_STATEMENTS_KEPT
    )
    try:
        if create:
            connection.execute(f"PRAGMA page_size={page_bytes}")
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        _set_up(connection, foreign_keys=foreign_keys, cache_kib=cache_kib)
    except BaseException:
        connection.close(force=True)
        raise
    return connection


def user_version(connection: apsw.Connection) -> int:
    """Return the number of the last migration this file has seen; 0: none."""
    version: int = connection.execute("PRAGMA user_version").get
    return version


def list_rows(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
    """Return all rows of a statement, so that no cursor stays open."""
    return connection.execute(sql, bindings).fetchall()


def _flags(readonly: bool, create: bool) -> int:  # noqa: FBT001 - named by its one caller
    if readonly:
        return apsw.SQLITE_OPEN_READONLY
    return apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)


def _set_up(connection: apsw.Connection, *, foreign_keys: bool, cache_kib: int) -> None:
    connection.set_busy_handler(_Patience())
    for option, number in _CONFIGS:
        if connection.config(option, number) != number:
            raise UnavailableError("SQLite refused a setting", option=option)
    _want(connection, "journal_mode", None, "wal")
    for name, value, expected in _PRAGMAS:
        _want(connection, name, value, expected)
    _want(connection, "foreign_keys", str(int(foreign_keys)), int(foreign_keys))
    _want(connection, "cache_size", str(-cache_kib), -cache_kib)
    connection.execute(f"PRAGMA journal_size_limit={SQLITE_WAL_KEEP_BYTES}")


class _Patience:
    """SQLite asks it whether to try for a lock once more."""

    def __init__(self) -> None:
        self._until = 0.0

    def __call__(self, tries: int) -> bool:
        now = time.monotonic()
        if not tries:
            self._until = now + SQLITE_BUSY_MS / 1000
        if now > self._until:
            return False
        time.sleep(SQLITE_BUSY_LOOK_MS / 1000)
        return True


def _want(connection: apsw.Connection, name: str, value: str | None, expected: object) -> None:
    """Set a pragma (unless value is None) and refuse the connection when it did not take."""
    if value is not None:
        connection.execute(f"PRAGMA {name}={value}").fetchall()
    found = connection.execute(f"PRAGMA {name}").get
    if found != expected:
        raise UnavailableError("SQLite refused a setting", name=name, found=found)


def _linked_version() -> int:
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split(".")[:3])
    return major * 1_000_000 + minor * 1_000 + patch
