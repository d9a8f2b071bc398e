"""The mailbox file, first shape.

message   small and often changed; the order of ids is the order of listings
content   large and never changed: part tree and summary, hash, raw octets (zstd, or a blob);
          raw stands last, so that reading the tree does not load it
posting   label -> messages, an ordered range per label; label 0 is everything outside SPAM and
          TRASH
label     every label with its counters; the row of a system label is there from the start
words     full-text index, contentless; rowid is the message id, columns as in
          proto.search.document.COLUMNS

Counters of threads are not kept per thread: a thread is bounded (THREAD_MAX), so a change reads
the labels of its messages and knows what the counters were and are.
"""

import secrets

import apsw

from penfold.base.labels import FIRST_USER_LABEL, SYSTEM_LABELS

STATEMENTS = """
CREATE TABLE mailbox (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    secret        BLOB    NOT NULL,
    history_id    INTEGER NOT NULL,
    history_floor INTEGER NOT NULL,
    messages      INTEGER NOT NULL DEFAULT 0,
    threads       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    thread_id   INTEGER NOT NULL,
    history_id  INTEGER NOT NULL,
    internal_ms INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    flags       INTEGER NOT NULL,            -- 1: has an attachment
    labels      TEXT    NOT NULL,            -- numbers, ascending, separated by spaces
    message_id  INTEGER NOT NULL,            -- 63-bit hash of the Message-ID header, 0: none
    subject_key INTEGER NOT NULL,            -- 63-bit hash of the subject key, 0: none
    snippet     TEXT    NOT NULL
) STRICT;
CREATE INDEX message_thread ON message (thread_id);
CREATE INDEX message_message_id ON message (message_id) WHERE message_id <> 0;
CREATE INDEX message_subject ON message (subject_key) WHERE subject_key <> 0;

CREATE TABLE content (
    id     INTEGER PRIMARY KEY,
    parsed BLOB NOT NULL,                    -- msgpack of (Part, subject key)
    sha256 BLOB NOT NULL,                    -- of the octets
    raw    BLOB                              -- zstd of the octets; NULL: a blob named by sha256
) STRICT;
CREATE INDEX content_blob ON content (sha256) WHERE raw IS NULL;

CREATE TABLE posting (
    label      INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    thread_id  INTEGER NOT NULL,
    PRIMARY KEY (label, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE label (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    key             TEXT    UNIQUE,          -- NULL: a system label
    message_list    TEXT    NOT NULL DEFAULT '',
    label_list      TEXT    NOT NULL DEFAULT '',
    background      TEXT    NOT NULL DEFAULT '',
    text            TEXT    NOT NULL DEFAULT '',
    messages_total  INTEGER NOT NULL DEFAULT 0,
    messages_unread INTEGER NOT NULL DEFAULT 0,
    threads_total   INTEGER NOT NULL DEFAULT 0,
    threads_unread  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE history (
    id         INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    change     INTEGER NOT NULL,
    entries    BLOB    NOT NULL              -- msgpack of ports.mailbox.HistoryEntry, several
) STRICT;

CREATE TABLE draft (
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    sender     TEXT    NOT NULL,
    recipients BLOB    NOT NULL,             -- msgpack list of addresses
    raw        BLOB    NOT NULL,             -- zstd
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE receipt (
    key        BLOB    PRIMARY KEY,
    message_id INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_at ON receipt (at_ms);

CREATE VIRTUAL TABLE words USING fts5 (
    subject, sender, recipient, cc, bcc, body, filename, list, deliveredto,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
"""

#: automerge: segments of one level before they are merged a little at every commit. Measured at
#: 20 messages a commit: 4 (the default) costs 170 us a message, 16 costs 120; a quiet mailbox
#: is merged further by its writer. crisismerge: far above it, as such a merge stops everything.
_INDEX_SETTINGS = (("automerge", 16), ("crisismerge", 64))


def upgrade(connection: apsw.Connection) -> None:
    connection.execute(STATEMENTS).fetchall()
    for name, value in _INDEX_SETTINGS:
        connection.execute("INSERT INTO words (words, rank) VALUES (?, ?)", (name, value))
    connection.executemany(
        "INSERT INTO label (number, name, message_list, label_list) VALUES (?, ?, ?, ?)",
        [
            (number, name, "hide", "labelHide") if _is_hidden(name) else (number, name, "", "")
            for number, name in enumerate(SYSTEM_LABELS, start=1)
        ],
    )
    connection.execute(
        "UPDATE sqlite_sequence SET seq = ? WHERE name = 'label'", (FIRST_USER_LABEL - 1,)
    )
    connection.execute(
        "INSERT INTO mailbox (one, secret, history_id, history_floor) VALUES (1, ?, 1000, 1000)",
        (secrets.token_bytes(32),),
    )


def _is_hidden(name: str) -> bool:
    """Gmail (observed): these system labels say how they are shown, the others say nothing."""
    return name in {"CHAT", "IMPORTANT", "SPAM", "TRASH"} or name.startswith("CATEGORY_")
