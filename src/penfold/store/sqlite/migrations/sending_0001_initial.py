"""The sending API's database, first shape (ports/sending).

record      what is set up; the columns beside the JSON are what is asked for
email       one row per message, the JSON beside what changes; body: what was asked for, while kept
recipient   one row per address of an email
event       what happened, never changed; `cause` makes a repeat of it no second one
notice      events the owner of the account is to be told of by mail
counter     recipients by what happened to their mail, kept when events are removed
counted     how many values of a dimension a day has
provider    who runs the mail servers of a domain
charge      the ledger; usage and balance are its sums, kept in the same transaction
"""

STATEMENTS = """
CREATE TABLE record (
    kind       TEXT    NOT NULL,             -- ports.sending.records.RULES
    id         TEXT    NOT NULL,
    account_id TEXT    NOT NULL,             -- whose; '' for the installation
    word       TEXT,                         -- what no two of one owner share
    parent     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    record     BLOB    NOT NULL,             -- JSON
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_word ON record (kind, account_id, word) WHERE word IS NOT NULL;
CREATE INDEX record_owner ON record (kind, account_id, parent, created_ms, id);
CREATE INDEX record_parent ON record (parent) WHERE parent <> '';

CREATE TABLE email (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    account_id   TEXT    NOT NULL,
    stream       TEXT    NOT NULL,
    state        TEXT    NOT NULL,           -- ports.sending.emails.EmailState
    due_ms       INTEGER NOT NULL,
    lease        INTEGER NOT NULL DEFAULT 0, -- how often it was taken
    taken        INTEGER NOT NULL DEFAULT 0, -- 1: until due_ms, somebody works on it
    created_ms   INTEGER NOT NULL,
    scheduled_ms INTEGER NOT NULL,
    priority     INTEGER NOT NULL,           -- base.priority
    paced        INTEGER NOT NULL DEFAULT 0, -- 1: scheduled_ms is when its stream has room
    last_event   TEXT    NOT NULL DEFAULT '',
    record       BLOB    NOT NULL            -- JSON
) STRICT;
CREATE INDEX email_account ON email (account_id, number);
CREATE INDEX email_due ON email (priority, due_ms) WHERE state IN ('scheduled', 'queued');
CREATE INDEX email_backlog ON email (stream, scheduled_ms, created_ms)
    WHERE state IN ('scheduled', 'queued');
CREATE INDEX email_taken ON email (number) WHERE taken = 1;
CREATE INDEX email_created ON email (created_ms);

CREATE TABLE body (
    email  INTEGER PRIMARY KEY,
    size   INTEGER NOT NULL,                 -- octets before compression
    octets BLOB    NOT NULL                  -- what was asked for: zstd with a checksum
) STRICT;

CREATE TABLE recipient (
    email      INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    kind       TEXT    NOT NULL,             -- to, cc, bcc
    last_event TEXT    NOT NULL DEFAULT '',
    final      INTEGER NOT NULL DEFAULT 0,
    queue_row  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (email, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_address ON recipient (address COLLATE NOCASE);

CREATE TABLE event (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    account_id TEXT    NOT NULL,
    email      INTEGER NOT NULL,             -- 0: about no email
    position   INTEGER NOT NULL,             -- -1: about no recipient
    kind       TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    cause      TEXT    NOT NULL UNIQUE,
    final      INTEGER NOT NULL,
    data       BLOB    NOT NULL              -- JSON
) STRICT;
CREATE INDEX event_account ON event (account_id, number);
CREATE INDEX event_time ON event (account_id, at_ms);
CREATE INDEX event_email ON event (email, number);
CREATE UNIQUE INDEX event_final ON event (email, position) WHERE final = 1;

CREATE TABLE notice (
    event INTEGER PRIMARY KEY                -- its number; the owner is to be told by mail
) STRICT;

CREATE TABLE counter (                       -- ports.sending.counts.Counter
    account_id TEXT    NOT NULL,
    test       INTEGER NOT NULL,
    dimension  TEXT    NOT NULL,
    day        TEXT    NOT NULL,             -- on which the mail was accepted
    value      TEXT    NOT NULL,
    stream     TEXT    NOT NULL,
    template   TEXT    NOT NULL,
    domain     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (account_id, test, dimension, day, value, stream, template, domain, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE counted (
    account_id TEXT    NOT NULL,
    test       INTEGER NOT NULL,
    dimension  TEXT    NOT NULL,
    day        TEXT    NOT NULL,
    number     INTEGER NOT NULL,             -- of values
    PRIMARY KEY (account_id, test, dimension, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider (
    domain TEXT NOT NULL PRIMARY KEY,        -- lower case
    name   TEXT NOT NULL                     -- proto.smtp.outcomes.providers
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    account_id TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,             -- account, domain, stream
    value      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,             -- 0: never
    event      TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    UNIQUE (account_id, address, scope, value)
) STRICT;
CREATE INDEX suppression_account ON suppression (account_id, number);
CREATE INDEX suppression_expires ON suppression (expires_ms) WHERE expires_ms > 0;

CREATE TABLE charge (
    email      INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    account_id TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    micros     INTEGER NOT NULL,             -- millionths of the currency
    PRIMARY KEY (email, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    account_id TEXT    NOT NULL,
    day        TEXT    NOT NULL,
    stream     TEXT    NOT NULL,
    accepted   INTEGER NOT NULL,
    micros     INTEGER NOT NULL,
    PRIMARY KEY (account_id, day, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE balance (
    account_id    TEXT    NOT NULL PRIMARY KEY,
    prepaid       INTEGER NOT NULL,
    credit_micros INTEGER NOT NULL,
    soft_micros   INTEGER NOT NULL,
    hard_micros   INTEGER NOT NULL,
    low_micros    INTEGER NOT NULL,
    spent_micros  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    key_id     TEXT    NOT NULL,
    route      TEXT    NOT NULL,
    word       TEXT    NOT NULL,
    request    BLOB    NOT NULL,             -- SHA-256
    status     INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (key_id, route, word)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_created ON answer (created_ms);

CREATE TABLE delivery (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT    NOT NULL,
    event      INTEGER NOT NULL,
    state      TEXT    NOT NULL,             -- waiting, delivered, failed
    due_ms     INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    taken      INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    replay     INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_webhook ON delivery (webhook_id, number);
CREATE INDEX delivery_due ON delivery (webhook_id, due_ms, number) WHERE state = 'waiting';
CREATE INDEX delivery_taken ON delivery (number) WHERE taken = 1;

CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    outcome  TEXT    NOT NULL,
    ms       INTEGER NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
"""
