"""The outbound queue, first shape.

letter     what was handed over, once per outbox row, with its octets (zstd)
recipient  one row per recipient: the unit that is delivered, retried, cancelled, listed
attempt    every try with its conversation; never changed, never dropped before its recipient
"""

STATEMENTS = """
CREATE TABLE letter (
    id         INTEGER PRIMARY KEY,
    origin     TEXT    NOT NULL,             -- mailbox of the outbox row
    number     INTEGER NOT NULL,             -- number of the outbox row
    sender     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    size       INTEGER NOT NULL,             -- octets before compression
    raw        BLOB    NOT NULL,             -- zstd
    sha256     BLOB    NOT NULL,             -- of the octets
    created_ms INTEGER NOT NULL,
    UNIQUE (origin, number)
) STRICT;

CREATE TABLE recipient (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    letter          INTEGER NOT NULL,
    address         TEXT    NOT NULL,
    state           TEXT    NOT NULL,        -- ports.queue.QueueState
    next_attempt_ms INTEGER NOT NULL,
    UNIQUE (letter, address)
) STRICT;
CREATE INDEX recipient_state ON recipient (state, id);
CREATE INDEX recipient_due ON recipient (next_attempt_ms) WHERE state = 'queued';

CREATE TABLE attempt (
    recipient  INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    outcome    TEXT    NOT NULL,
    transcript TEXT    NOT NULL,
    PRIMARY KEY (recipient, number)
) STRICT, WITHOUT ROWID;
"""
