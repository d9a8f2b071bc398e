"""The index as search asks it: a column of terms, words made by proto.search.tokens.

words  full-text index, contentless; rowid is the message id, columns as in
       proto.search.document.COLUMNS; the texts it is given are words already, so its own
       tokenizer only splits them at spaces

What an older index held is made anew by `penfold data reindex`.
"""

import apsw

from penfold.base.labels import FIRST_USER_LABEL, USER_LABELLED

STATEMENTS = f"""
DROP TABLE words;
CREATE VIRTUAL TABLE words USING fts5 (
    subject, sender, recipient, cc, bcc, body, filename, attached, terms,
    content = '', contentless_delete = 1, tokenize = 'ascii'
);
INSERT INTO posting
    SELECT DISTINCT {USER_LABELLED}, message_id, thread_id FROM posting
    WHERE label >= {FIRST_USER_LABEL};
"""

#: automerge: segments of one level before they are merged a little at every commit. Measured at
#: 20 messages a commit: 4 (the default) costs 170 us a message, 16 costs 120; a quiet mailbox
#: is merged further by its writer. crisismerge: far above it, as such a merge stops everything.
#: hashsize: octets gathered in memory before they become a segment; a transaction of an import
#: holds 5,000 messages, and the default would make ten segments of them.
_INDEX_SETTINGS = (("automerge", 16), ("crisismerge", 64), ("hashsize", 8 << 20))


def upgrade(connection: apsw.Connection) -> None:
    connection.execute(STATEMENTS).fetchall()
    for name, value in _INDEX_SETTINGS:
        connection.execute("INSERT INTO words (words, rank) VALUES (?, ?)", (name, value))
