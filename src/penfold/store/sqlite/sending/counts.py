"""Counters: rows that events add to, so that a question reads sums and no events.

What one transaction adds is added up first: a lot of events is mostly about the same few rows.
"""

from collections import Counter as Sums
from collections.abc import Collection, Iterable
from typing import Final

import apsw
from msgspec.structs import astuple, replace

from penfold.base.limits import COUNTED_VALUES_MAX, STATS_SUMS_MAX
from penfold.ports.sending.counts import NONE, OTHER, Count, Counter, find_dimension
from penfold.store.sqlite.sending.table import Table

_MORE: Final = (
    "UPDATE counter SET count = count + ?10 WHERE account_id = ?1 AND test = ?2 AND dimension = ?3"
    " AND day = ?4 AND value = ?5 AND stream = ?6 AND template = ?7 AND domain = ?8 AND kind = ?9"
)
_FIRST: Final = (
    "INSERT INTO counter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET count = count + excluded.count"
)
_KNOWN: Final = (
    "SELECT 1 FROM counter WHERE account_id = ? AND test = ? AND dimension = ? AND day = ?"
    " AND value = ? LIMIT 1"
)
_ROOM: Final = (
    "INSERT INTO counted VALUES (?, ?, ?, ?, 1)"
    f" ON CONFLICT DO UPDATE SET number = number + 1 WHERE number < {COUNTED_VALUES_MAX}"
)
#: What a group is called, and what tells it.
_COLUMNS: Final = {
    "day": "day",
    "stream": "stream",
    "template": "template",
    "domain": "counter.domain",
    "tag": "value",
    "provider": "coalesce(provider.name, value)",
}


class CountTable(Table):
    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self._added: dict[Counter, int] = {}
        #: What was written.
        self.counted: Sums[Counter] = Sums()

    def count(self, counters: Iterable[Counter]) -> None:
        """Add one to each, with `flush`."""
        for one in counters:
            self._added[one] = self._added.get(one, 0) + 1

    def flush(self) -> None:
        """Write what was added; `counted` has all of it then."""
        added, self._added = self._added, {}
        self.counted.update(added)
        for one, count in added.items():
            if not self._run(_MORE, (*astuple(one), count)):
                self._run(_FIRST, (*astuple(self._find_room(one)), count))

    def _find_room(self, new: Counter) -> Counter:
        """Return the counter, or that of all others when the day has too many values."""
        key = astuple(new)[:5]
        if new.dimension == NONE or self._rows(_KNOWN, key) or self._run(_ROOM, key[:4]):
            return new
        return replace(new, value=OTHER)

    def list_counts(
        self,
        account_id: str,
        *,
        by: Collection[str],
        first: str,
        last: str,
        test: bool = False,
        limit: int = STATS_SUMS_MAX,
    ) -> list[Count]:
        dimension = find_dimension(by)
        self.flush()
        columns = ", ".join((*(_COLUMNS[each] for each in by), "kind"))
        rows = self._rows(
            f"SELECT {columns}, sum(count) FROM counter"
            " LEFT JOIN provider ON dimension = 'provider' AND provider.domain = value"
            " WHERE account_id = ? AND test = ? AND dimension = ? AND day BETWEEN ? AND ?"
            f" GROUP BY {columns} ORDER BY {columns} LIMIT ?",
            (account_id, test, dimension, first, last, limit),
        )
        return [Count(row[:-2], *row[-2:]) for row in rows]

    def note_provider(self, domain: str, name: str) -> None:
        if name:
            self._run(
                "INSERT INTO provider VALUES (?1, ?2) ON CONFLICT DO UPDATE SET name = ?2"
                " WHERE name <> ?2",
                (domain, name),
            )
        else:
            self._run("DELETE FROM provider WHERE domain = ?", (domain,))
