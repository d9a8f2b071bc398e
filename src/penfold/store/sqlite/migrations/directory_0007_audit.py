"""The audit log, see ports.audit, and roles."""

STATEMENTS = """
CREATE TABLE role (
    account_id TEXT    PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    name       TEXT    NOT NULL CHECK (name IN ('admin', 'auditor')),
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number     INTEGER PRIMARY KEY,
    time_ms    INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    client     TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    account_id TEXT    NOT NULL,             -- no reference: entries outlive accounts
    before     TEXT    NOT NULL,
    after      TEXT    NOT NULL,
    personal   TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    hash       TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_account ON audit (account_id, number);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_personal (
    number     INTEGER NOT NULL,
    part       TEXT    NOT NULL,
    account_id TEXT    NOT NULL,             -- whose they are; erased with that account
    salt       BLOB    NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (number, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_personal_account ON audit_personal (account_id);
"""
