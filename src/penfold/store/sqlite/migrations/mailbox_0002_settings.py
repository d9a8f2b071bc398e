"""What the account has set, see ports/settings.py.

number    the order in which records came; a record that is replaced keeps its place
value     msgpack of the record
"""

STATEMENTS = """
CREATE TABLE setting (
    number INTEGER PRIMARY KEY,
    kind   TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    value  BLOB    NOT NULL,
    UNIQUE (kind, key)
) STRICT;
"""
