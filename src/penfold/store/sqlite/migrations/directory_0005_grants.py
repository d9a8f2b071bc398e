"""Refresh tokens that rotate or die young; delegation for listed scopes; the device flow."""

STATEMENTS = """
-- A column's CHECK cannot be changed, only leave with the column.
ALTER TABLE client RENAME COLUMN kind TO former;
ALTER TABLE client ADD COLUMN kind TEXT NOT NULL DEFAULT 'web'
    CHECK (kind IN ('desktop', 'web', 'device', 'service'));
UPDATE client SET kind = former;
ALTER TABLE client DROP COLUMN former;
ALTER TABLE client ADD COLUMN rotates INTEGER NOT NULL DEFAULT 0;
UPDATE client SET rotates = 1 WHERE secret = x'';  -- public clients always do
ALTER TABLE client ADD COLUMN testing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE service_account ADD COLUMN scopes TEXT NOT NULL DEFAULT '';  -- '': all there are

CREATE TABLE device_code (
    digest     BLOB    PRIMARY KEY,
    user_code  BLOB    NOT NULL,             -- digest of what the person types
    client_id  TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    scopes     TEXT    NOT NULL,
    asked_from TEXT    NOT NULL,             -- network address of the device
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    polled_ms  INTEGER NOT NULL,             -- 0: not yet
    allowed_by TEXT    NOT NULL,             -- '': nobody yet; an account's id
    denied     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_code_user ON device_code (user_code);
CREATE INDEX device_code_client ON device_code (client_id);
CREATE INDEX device_code_expiry ON device_code (expires_ms);
"""
