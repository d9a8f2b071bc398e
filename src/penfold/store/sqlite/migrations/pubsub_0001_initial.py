"""Topics, subscriptions, messages and watches, first shape.

record      the value of ports.pubsub as JSON; the columns beside it are what is asked for
message     octets once, however many subscriptions wait for it; gone with its last delivery
delivery    one row per message and subscription: when it is due, how often it was given out
watch       who is told of whose changes; `mark` counts the changes other processes must notice
"""

STATEMENTS = """
CREATE TABLE topic (
    name    TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    record  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX topic_project ON topic (project, name);

CREATE TABLE subscription (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL UNIQUE,
    project TEXT    NOT NULL,
    topic   TEXT    NOT NULL,
    push    INTEGER NOT NULL,                -- 1: has a push target
    record  BLOB    NOT NULL
) STRICT;
CREATE INDEX subscription_project ON subscription (project, name);
CREATE INDEX subscription_topic ON subscription (topic, name);
CREATE INDEX subscription_push ON subscription (id) WHERE push = 1;

CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    published_ms INTEGER NOT NULL,
    record       BLOB    NOT NULL            -- MessagePack: data, attributes, ordering key
) STRICT;

CREATE TABLE delivery (
    subscription INTEGER NOT NULL,
    message      INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    PRIMARY KEY (subscription, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (subscription, due_ms);
CREATE INDEX delivery_message ON delivery (message);
CREATE INDEX delivery_expires ON delivery (expires_ms);

CREATE TABLE watch (
    mailbox    TEXT    NOT NULL,
    project    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    labels     TEXT    NOT NULL,             -- JSON list of label numbers
    exclude    INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    told_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (mailbox, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (number INTEGER NOT NULL) STRICT;
INSERT INTO mark VALUES (0);
"""
