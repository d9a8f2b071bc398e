"""Messages whose attachments wait to be read for their text, or could not be.

problem   '': waits; else why text is missing, for good

Messages that are there already wait as well. Those whose attachments have no name are passed over:
nothing in the row tells of them, and `penfold data reindex` finds them.
"""

STATEMENTS = """
CREATE TABLE extraction (
    message_id INTEGER PRIMARY KEY,
    tries      INTEGER NOT NULL,
    problem    TEXT    NOT NULL
) STRICT;
CREATE INDEX extraction_waiting ON extraction (tries, message_id DESC) WHERE problem = '';
INSERT INTO extraction SELECT id, 0, '' FROM message WHERE flags & 1;
"""
