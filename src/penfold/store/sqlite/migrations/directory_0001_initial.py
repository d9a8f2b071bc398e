"""The directory file, first shape: who exists and who may come in.

One table per record of ports.identity (and ports.directory.Account), one column per field, under
the field's name; the first column is the key. Sets and tuples are words separated by spaces,
truths 0 or 1. Digests are SHA-256. Deleting an owner deletes what refers to it.
"""

STATEMENTS = """
CREATE TABLE domain (
    name       TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id         TEXT    PRIMARY KEY,          -- names the mailbox too
    address    TEXT    NOT NULL UNIQUE,      -- canonical
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    suspended  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE password (
    account_id TEXT    PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    hash       TEXT    NOT NULL,             -- argon2id
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE app_password (
    digest     BLOB    PRIMARY KEY,          -- of account id, colon, the letters
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    label      TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX app_password_account ON app_password (account_id);

CREATE TABLE removed (
    former     TEXT    PRIMARY KEY,          -- the account's id
    address    TEXT    NOT NULL,
    removed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('desktop', 'web', 'service')),
    secret        BLOB    NOT NULL,          -- digest; empty: a public client
    project       TEXT    NOT NULL,
    redirect_uris TEXT    NOT NULL,
    pkce          INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grant_ (
    id         TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    client_id  TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    scopes     TEXT    NOT NULL,
    offline    INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    origin     TEXT    NOT NULL              -- consent, issued, assertion
) STRICT, WITHOUT ROWID;
CREATE INDEX grant_account ON grant_ (account_id, client_id);
CREATE INDEX grant_client ON grant_ (client_id);

CREATE TABLE refresh_token (
    digest     BLOB    PRIMARY KEY,
    grant_id   TEXT    NOT NULL REFERENCES grant_ ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    spent      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);

CREATE TABLE access_token (
    digest     BLOB    PRIMARY KEY,
    grant_id   TEXT    NOT NULL REFERENCES grant_ ON DELETE CASCADE,
    account_id TEXT    NOT NULL,             -- these three as the grant has them: a request
    client_id  TEXT    NOT NULL,             -- is checked with two point reads, not four
    project    TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_token_grant ON access_token (grant_id);
CREATE INDEX access_token_expiry ON access_token (expires_ms);

CREATE TABLE code (
    digest       BLOB    PRIMARY KEY,
    account_id   TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    client_id    TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    redirect_uri TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    offline      INTEGER NOT NULL,
    nonce        TEXT    NOT NULL,
    challenge    TEXT    NOT NULL,           -- S256; empty: none was announced
    created_ms   INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    used         TEXT    NOT NULL            -- '': fresh; a grant's id; 'burnt'
) STRICT, WITHOUT ROWID;
CREATE INDEX code_account ON code (account_id);
CREATE INDEX code_client ON code (client_id);
CREATE INDEX code_expiry ON code (expires_ms);

CREATE TABLE session (
    id         TEXT    PRIMARY KEY,
    browser    BLOB    NOT NULL,             -- digest of the browser's cookie
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_browser ON session (browser);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expiry ON session (expires_ms);

CREATE TABLE signing_key (
    kid         TEXT    PRIMARY KEY,
    private     TEXT    NOT NULL,            -- PEM; the file's mode is what protects it
    certificate TEXT    NOT NULL,            -- PEM
    created_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_account (
    email      TEXT    PRIMARY KEY,
    client_id  TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    domain     TEXT    NOT NULL,             -- it may act for accounts of; '': for none
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX service_account_client ON service_account (client_id);

CREATE TABLE service_key (
    kid         TEXT    PRIMARY KEY,
    client_id   TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    certificate TEXT    NOT NULL,            -- PEM
    created_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX service_key_client ON service_key (client_id);

CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
