"""The mailbox file, first shape.

message      small and often changed; the order of ids is the order of listings
content      large and never changed: part tree, raw octets (zstd, or a blob's name), hash
posting      label -> messages, an ordered range per label; label 0 is everything outside
             SPAM and TRASH
thread_label how many messages of a thread carry a label: makes thread counters exact
words        full-text index, contentless; rowid is the message id
"""

STATEMENTS = """
CREATE TABLE mailbox (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    secret       BLOB    NOT NULL,
    history_id   INTEGER NOT NULL,
    history_floor INTEGER NOT NULL,
    messages     INTEGER NOT NULL DEFAULT 0,
    threads      INTEGER NOT NULL DEFAULT 0
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
    subject_key INTEGER NOT NULL,            -- 63-bit hash of the subject key
    snippet     TEXT    NOT NULL
) STRICT;
CREATE INDEX message_thread ON message (thread_id, id);
CREATE INDEX message_message_id ON message (message_id) WHERE message_id <> 0;
CREATE INDEX message_subject ON message (subject_key, id);

CREATE TABLE content (
    id        INTEGER PRIMARY KEY,
    structure BLOB NOT NULL,                 -- zstd of msgpack of proto.mime.model.Part
    summary   BLOB NOT NULL,                 -- msgpack: what the index was made from, less body
    raw       BLOB,                          -- zstd of the octets; NULL: a blob named by sha256
    sha256    BLOB NOT NULL                  -- of the octets
) STRICT;

CREATE TABLE posting (
    label      INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    thread_id  INTEGER NOT NULL,
    PRIMARY KEY (label, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE thread_label (
    label     INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    total     INTEGER NOT NULL,
    unread    INTEGER NOT NULL,
    PRIMARY KEY (label, thread_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE label (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    key             TEXT    NOT NULL UNIQUE,
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
