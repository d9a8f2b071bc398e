"""Who signs in by an OpenID Connect provider, see ports.identity.ProviderLogin."""

STATEMENTS = """
CREATE TABLE provider_login (
    id         BLOB    PRIMARY KEY,          -- digest of issuer and subject
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    issuer     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_login_account ON provider_login (account_id);
"""
