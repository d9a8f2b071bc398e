"""Keys that sign the mail of a domain, see ports.identity.DkimKey."""

STATEMENTS = """
CREATE TABLE dkim_key (
    name       TEXT    PRIMARY KEY,          -- of its record in the DNS
    domain_id  TEXT    NOT NULL REFERENCES domain ON DELETE CASCADE,
    selector   TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,             -- rsa-sha256, ed25519-sha256
    record     TEXT    NOT NULL,             -- the text to publish
    sealed     BLOB    NOT NULL,             -- PKCS #8 under the master key; empty: retired
    created_ms INTEGER NOT NULL,
    active_ms  INTEGER NOT NULL,             -- 0: does not sign yet
    retired_ms INTEGER NOT NULL              -- 0: not retired
) STRICT, WITHOUT ROWID;
CREATE INDEX dkim_key_domain ON dkim_key (domain_id);
"""
