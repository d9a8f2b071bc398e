"""Strangers who were asked to come again.

greylist.key       hash of a triplet, or of a domain
greylist.first_ms  when it came first; last_ms: when it was noted last, by which rows expire
greylist.passed    1: it came again in time
"""

STATEMENTS = """
CREATE TABLE greylist (
    key      BLOB    PRIMARY KEY,
    first_ms INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    passed   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX greylist_last ON greylist (last_ms);
"""
