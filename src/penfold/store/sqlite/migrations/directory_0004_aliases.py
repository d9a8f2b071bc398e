"""Addresses that lead to accounts, see ports.identity.Alias."""

STATEMENTS = """
CREATE TABLE alias (
    id         TEXT    PRIMARY KEY,          -- address, a space, account_id
    address    TEXT    NOT NULL,             -- lower case; *@domain: what nobody else gets
    domain_id  TEXT    NOT NULL REFERENCES domain ON DELETE CASCADE,
    account_id TEXT    NOT NULL REFERENCES account ON DELETE CASCADE,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_address ON alias (address);
CREATE INDEX alias_domain ON alias (domain_id);
CREATE INDEX alias_account ON alias (account_id);
"""
