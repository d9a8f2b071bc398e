"""What is taken from the queue next: a domain whose time has come, and rows of it by priority.

A destination knows when its first row of each priority is due (migrations.queue_0007_priority), so
that is found by points of an index, however many rows wait.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw

from penfold.base.limits import TAKE_LOOKED_AT_MAX
from penfold.base.priority import Priority
from penfold.ports.queue import Lease
from penfold.store.sqlite.queue_rows import COLUMNS, FROM, make_row

_NEVER_MS: Final = 2**63 - 1
#: Destinations looked at for one that has rows; others among them are held no longer, and empty.
_LOOKED_AT: Final = 100
#: By when HIGH rows of a domain are due, NORMAL ones, and any.
_COLUMNS: Final = ("high_ms", "normal_ms", "due_ms")
_DUE: Final = {
    column: f"SELECT domain, NULL FROM destination WHERE {column} <= ?"
    " AND domain NOT IN (SELECT value FROM json_each(?))"
    f" ORDER BY {column} LIMIT {_LOOKED_AT}"
    for column in _COLUMNS
}
#: What is due of HIGH, of NORMAL, and of any, the longest-waiting domain first and each by itself,
#: for who takes not all of it. No domain is walked for a priority of which it has nothing.
OTHERS: Final = tuple(
    "SELECT destination.domain, recipient.id, sender, address"
    f" FROM destination INDEXED BY destination_{column.removesuffix('_ms')}"
    " CROSS JOIN recipient INDEXED BY recipient_due"
    " ON recipient.domain = destination.domain JOIN letter ON letter.id = recipient.letter"
    f" WHERE {column} <= ?1 AND destination.domain NOT IN (SELECT value FROM json_each(?2))"
    f" AND state = 'queued'{of} AND next_attempt_ms <= ?1"
    f" ORDER BY {column} LIMIT {TAKE_LOOKED_AT_MAX}"
    for column, of in zip(_COLUMNS, (" AND priority = 1", " AND priority = 2", ""), strict=True)
)
#: Of some rows, or of all for null.
_TAKE: Final = (
    f"SELECT {COLUMNS}, lease, tries {FROM} WHERE domain = ?1 AND state = 'queued'"
    " AND priority = ?5 AND next_attempt_ms <= ?2"
    " AND (?3 IS NULL OR recipient.id IN (SELECT value FROM json_each(?3)))"
    " ORDER BY next_attempt_ms LIMIT ?4"
)
_FIRST: Final = ", ".join(
    "ifnull((SELECT min(next_attempt_ms) FROM recipient WHERE domain = ?1 AND state = 'queued'"
    f" AND priority = {each:d}), {_NEVER_MS}) AS {each.name}"
    for each in Priority
)
#: Due when the first row is, not before the hold ends; 0 when there is neither.
_REFRESH: Final = (
    "INSERT INTO destination (domain, due_ms, high_ms, normal_ms)"
    f" SELECT ?1, ifnull(nullif(min(high, normal, low), {_NEVER_MS}), 0),"
    f" nullif(high, {_NEVER_MS}), nullif(normal, {_NEVER_MS}) FROM (SELECT {_FIRST}) WHERE true"
    " ON CONFLICT (domain) DO UPDATE SET due_ms = max(excluded.due_ms, held_ms),"
    " high_ms = max(excluded.high_ms, held_ms), normal_ms = max(excluded.normal_ms, held_ms)"
)


def list_due(
    db: apsw.Connection, now_ms: int, skipped: str, *, oldest: bool
) -> Iterator[tuple[Any, ...]]:
    """Yield the domains whose time has come, in the order they are taken in."""
    for column in _COLUMNS[-1:] if oldest else _COLUMNS:
        yield from db.execute(_DUE[column], (now_ms, skipped)).fetchall()


def take_rows(
    db: apsw.Connection, which: tuple[str, int, str | None, int], order: Sequence[Priority]
) -> list[Lease]:
    """Return what is due of a domain whose time has come, the longest-waiting of each first."""
    domain, now_ms, only, limit = which
    db.execute("UPDATE destination SET held_ms = 0, why = '' WHERE domain = ?", (domain,))
    rows: list[tuple[Any, ...]] = []
    for priority in order:
        values = (domain, now_ms, only, limit - len(rows), priority)
        rows += db.execute(_TAKE, values).fetchall()
    return [Lease(make_row(row[:-2]), row[-2] + 1, row[-1] + 1) for row in rows]


def refresh_destination(db: apsw.Connection, domain: str) -> None:
    """Bring a destination up to date with the rows that wait for it."""
    db.execute(_REFRESH, (domain,))
    db.execute("DELETE FROM destination WHERE domain = ? AND due_ms = 0", (domain,))
