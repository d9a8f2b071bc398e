"""The audit log's tables in `directory.db`: entries in a chain, their erasable parts beside them.

Everything here runs inside a transaction of the caller's connection. Triggers refuse to change or
delete an entry; only erasable parts can go.
"""

import json
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Final

import apsw
import msgspec

from penfold.base.acting import Actor
from penfold.base.limits import AUDIT_FORGET_MAX, AUDIT_PAGE_MAX
from penfold.ports.audit import (
    SOURCE,
    START,
    Draft,
    Entry,
    Personal,
    Shown,
    find_break,
    make_entry,
    show,
)

_COLUMNS: Final = ", ".join(Entry.__struct_fields__)
_ADD: Final = f"INSERT INTO audit ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"
_ADD_PART: Final = "INSERT INTO audit_personal VALUES (?, ?, ?, ?, ?)"
_LAST: Final = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
_ALL: Final = f"SELECT {_COLUMNS} FROM audit WHERE number > ? ORDER BY number LIMIT ?"
_BACK: Final = f"SELECT {_COLUMNS} FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?"
_BACK_OF: Final = (
    f"SELECT {_COLUMNS} FROM audit WHERE account_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
)
#: Of some entries, which may be the first and the last of a log of millions.
_PARTS: Final = (
    "SELECT * FROM audit_personal WHERE number IN (SELECT value FROM json_each(?))"
    " ORDER BY number, part"
)
_ERASE: Final = "DELETE FROM audit_personal WHERE account_id = ?"
_MADE_AT: Final = "SELECT time_ms FROM audit WHERE number = ?"
_FORGET: Final = (
    "DELETE FROM audit_personal WHERE (number, part) IN (SELECT number, part FROM audit_personal"
    f" WHERE account_id = '' AND part = '{SOURCE}' AND number <= ? ORDER BY number LIMIT ?)"
)
#: Beyond every number.
_END: Final = 2**62


def find_last(connection: apsw.Connection) -> tuple[int, str]:
    """Return the number and hash of the last entry."""
    rows: list[tuple[Any, ...]] = connection.execute(_LAST).fetchall()
    return (rows[0][0], rows[0][1]) if rows else (0, START)


def append_in_tx(
    connection: apsw.Connection,
    drafts: Iterable[Draft],
    actor: Actor,
    *,
    now_ms: int,
    make_salt: Callable[[], bytes],
) -> None:
    """Write entries after the last one."""
    last = find_last(connection)
    for draft in drafts:
        entry, parts = make_entry(draft, last, actor, now_ms=now_ms, make_salt=make_salt)
        connection.execute(_ADD, msgspec.structs.astuple(entry))
        for part in parts:
            connection.execute(_ADD_PART, msgspec.structs.astuple(part))
        last = entry.number, entry.hash


def erase_in_tx(connection: apsw.Connection, account_id: str) -> None:
    """Forget what the entries hold of a person; the chain stays whole."""
    connection.execute(_ERASE, (account_id,))


def forget_strangers_in_tx(connection: apsw.Connection, before_ms: int) -> int:
    """Forget addresses of visitors in entries about nobody that are older; return of how many."""
    low, high = 0, find_last(connection)[0]
    while low < high:  # halving finds the last entry of that age without an index by time
        middle = (low + high + 1) // 2
        at_ms = connection.execute(_MADE_AT, (middle,)).get
        low, high = (middle, high) if at_ms < before_ms else (low, middle - 1)
    connection.execute(_FORGET, (low, AUDIT_FORGET_MAX))
    return connection.changes()


def list_page(
    connection: apsw.Connection, *, before: int, account_id: str, most: int
) -> list[Shown]:
    """Return entries older than the number `before` (0: all), newest first."""
    most, before = min(most, AUDIT_PAGE_MAX), before or _END
    if account_id:
        rows = connection.execute(_BACK_OF, (account_id, before, most)).fetchall()
    else:
        rows = connection.execute(_BACK, (before, most)).fetchall()
    return [show(entry, parts) for entry, parts in _with_parts(connection, rows)]


def list_from(connection: apsw.Connection, after: int) -> list[tuple[Entry, list[Personal]]]:
    """Return the next entries after a number, oldest first; [] at the end."""
    return _with_parts(connection, connection.execute(_ALL, (after, AUDIT_PAGE_MAX)).fetchall())


def _with_parts(
    connection: apsw.Connection, rows: list[tuple[Any, ...]]
) -> list[tuple[Entry, list[Personal]]]:
    entries = [Entry(*row) for row in rows]
    if not entries:
        return []
    numbers = json.dumps([entry.number for entry in entries])
    found: list[tuple[Any, ...]] = connection.execute(_PARTS, (numbers,)).fetchall()
    parts = {
        number: [Personal(*row) for row in group]
        for number, group in groupby(found, key=lambda row: row[0])
    }
    return [(entry, parts.get(entry.number, [])) for entry in entries]


def check(connection: apsw.Connection) -> tuple[str, tuple[int, str]]:
    """Return what does not fit ("": nothing), and the last entry that does."""
    last = (0, START)
    while found := list_from(connection, last[0]):
        wrong, last = find_break(last, found)
        if wrong:
            return wrong, last
    return "", last
