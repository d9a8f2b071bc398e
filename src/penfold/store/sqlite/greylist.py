"""The greylist on disk: <data>/greylist.db, which the mail process alone writes.

A file of its own, because a flood of strangers must not hold up the queue, and because nothing is
lost with it but the memory of who came again: it is made when it is missing.

Bounded by `most` rows: the count is taken once, when it is opened, and kept from then on.
"""

from pathlib import Path

import apsw

from penfold.base.limits import GREYLIST_ROOM, GREYLIST_ROWS_MAX
from penfold.ports.greylist import Sighting
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.shared import SharedFile

_MAKE_ROOM = "DELETE FROM greylist WHERE key IN (SELECT key FROM greylist ORDER BY last_ms LIMIT ?)"
#: The first bound is for the index.
_EXPIRE = "DELETE FROM greylist WHERE last_ms < ? AND last_ms < CASE WHEN passed THEN ? ELSE ? END"
_SAVE = (
    "INSERT INTO greylist (key, first_ms, last_ms, passed) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET first_ms = excluded.first_ms,"
    " last_ms = excluded.last_ms, passed = excluded.passed"
)


class SqliteGreylist:
    """A GreylistBook."""

    def __init__(
        self,
        path: Path,
        *,
        fatal: Fatal | None = None,
        most: int = GREYLIST_ROWS_MAX,
    ) -> None:
        self._file = SharedFile(path, "greylist", create=True, fatal=fatal)
        self._most = most
        [(rows,)] = self._file.read("SELECT count(*) FROM greylist")
        self._rows: int = rows

    def find(self, key: bytes) -> Sighting | None:
        rows = self._file.read(
            "SELECT first_ms, last_ms, passed FROM greylist WHERE key = ?", (key,)
        )
        if not rows:
            return None
        first_ms, last_ms, passed = rows[0]
        return Sighting(first_ms, last_ms, bool(passed))

    def save(self, key: bytes, sighting: Sighting) -> None:
        def change(db: apsw.Connection) -> int:
            rows = self._rows
            if db.execute("SELECT 1 FROM greylist WHERE key = ?", (key,)).get is None:
                if rows >= self._most:
                    db.execute(_MAKE_ROOM, (min(GREYLIST_ROOM, self._most),))
                    rows -= db.changes()
                rows += 1
            db.execute(_SAVE, (key, sighting.first_ms, sighting.last_ms, int(sighting.passed)))
            return rows

        self._rows = self._file.change(change)

    def expire(self, *, before_ms: int, waiting_before_ms: int) -> int:
        def change(db: apsw.Connection) -> int:
            db.execute(_EXPIRE, (max(before_ms, waiting_before_ms), before_ms, waiting_before_ms))
            forgotten: int = db.changes()
            return forgotten

        gone = self._file.change(change)
        self._rows -= gone
        return gone

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()
