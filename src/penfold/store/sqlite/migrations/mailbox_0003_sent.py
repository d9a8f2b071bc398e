"""When the account sent mail and to how many, for the limits per day; older rows go."""

STATEMENTS = """
CREATE TABLE sent (
    number     INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    recipients INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_at ON sent (at_ms, recipients);
"""
