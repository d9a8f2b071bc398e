"""Who takes what from the queue, and when.

recipient.domain       where it goes: what follows the last @
recipient.lease        grows each time the row is taken; what came of it counts under this number
recipient.tries        how often that was
destination            one row per domain with rows that wait, or that is held
destination.due_ms     no row of the domain is due before this
destination.held_ms    until then nothing is taken: the domain does not answer, or wants less

So the next row is found by two points of an index, however many wait for one that is held.
"""

from typing import Any

import apsw

STATEMENTS = """
ALTER TABLE recipient ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE recipient ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
DROP INDEX recipient_due;
CREATE INDEX recipient_due ON recipient (domain, next_attempt_ms) WHERE state = 'queued';

CREATE TABLE destination (
    domain  TEXT    PRIMARY KEY,
    due_ms  INTEGER NOT NULL,
    held_ms INTEGER NOT NULL DEFAULT 0,
    why     TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_due ON destination (due_ms);
"""


def upgrade(connection: apsw.Connection) -> None:
    connection.execute(STATEMENTS).fetchall()
    rows: list[tuple[Any, ...]] = connection.execute("SELECT id, address FROM recipient").fetchall()
    connection.executemany(
        "UPDATE recipient SET domain = ? WHERE id = ?",
        [(address.rpartition("@")[2].lower(), row_id) for row_id, address in rows],
    )
    connection.execute(
        "INSERT INTO destination (domain, due_ms) SELECT domain, min(next_attempt_ms)"
        " FROM recipient WHERE state = 'queued' GROUP BY domain"
    )
