"""Second factors, passkeys, and what a person is shown of the sessions of an account."""

STATEMENTS = """
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';       -- network address
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';         -- the browser's own name
ALTER TABLE session ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN proven_ms INTEGER NOT NULL DEFAULT 0;   -- password or passkey

CREATE TABLE half_sign_in (
    browser    BLOB    PRIMARY KEY,          -- digest of the browser's cookie
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX half_sign_in_account ON half_sign_in (account_id);

CREATE TABLE totp (
    account_id TEXT    PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    sealed     BLOB    NOT NULL,
    created_ms INTEGER NOT NULL,
    step       INTEGER NOT NULL              -- the last one used
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_code (
    digest     BLOB    PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_code_account ON recovery_code (account_id);

CREATE TABLE passkey (
    id         BLOB    PRIMARY KEY,          -- credential id
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    host       TEXT    NOT NULL,             -- the relying party it was made for
    key        BLOB    NOT NULL,             -- attested credential data
    label      TEXT    NOT NULL,
    counter    INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_account ON passkey (account_id);

CREATE TABLE spent_challenge (
    digest     BLOB    PRIMARY KEY,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
