"""Tokens of service accounts that act for nobody, see ports.identity.ServiceToken."""

STATEMENTS = """
CREATE TABLE service_token (
    digest     BLOB    PRIMARY KEY,
    client_id  TEXT    NOT NULL REFERENCES client ON DELETE CASCADE,
    scopes     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX service_token_client ON service_token (client_id);
CREATE INDEX service_token_expiry ON service_token (expires_ms);
"""
