"""Make everything derived in a mailbox anew from the octets: trees, index, postings, counters.

For a mailbox whose index is damaged or was made by an older release. The text in attachments is
read anew by the server, in the background. One transaction: a killed
run leaves the mailbox as it was, and searches meanwhile answer from the old index; mail for
this mailbox waits. What is not derived (labels of messages, threads, history, drafts) is kept.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from penfold.base.errors import MailboxDamagedError
from penfold.base.ids import format_message_id
from penfold.ports.blobs import Blobs
from penfold.proto.extract.kinds import has_files
from penfold.proto.mime.summary import read_message
from penfold.proto.search.document import COLUMNS, make_texts
from penfold.store.sqlite.content import list_postings, make_storable, pack_parsed, parse_labels
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.mailbox import SqliteReader, subject_hash
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.open import list_rows, open_database
from penfold.store.sqlite.pool import Handle
from penfold.store.sqlite.recount import count_labels, count_totals

_STEP = 500
_ADD_WORDS = f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"
_UPDATE = (
    "UPDATE message SET flags = ?2, message_id = ?3, subject_key = ?4, snippet = ?5, size = ?6"
    " WHERE id = ?1"
)


def reindex_mailbox(path: Path, blobs: Blobs, say: Callable[[str], None]) -> bool:
    """Rebuild one mailbox; returns False when some message could not be read (and is named)."""
    connection = open_database(path)
    try:
        migrate(connection, "mailbox")
        connection.execute("BEGIN IMMEDIATE")
        whole = _rebuild(
            connection, SqliteReader(Handle(connection, "", writable=True), blobs), say
        )
        connection.execute("COMMIT")
    finally:
        connection.close(force=True)
    return whole


def _rebuild(connection: apsw.Connection, reader: SqliteReader, say: Callable[[str], None]) -> bool:
    connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    connection.execute("DELETE FROM posting")
    connection.execute("DELETE FROM extraction")
    whole = True
    last = -1
    statement = "SELECT id, thread_id, labels FROM message WHERE id > ? ORDER BY id LIMIT ?"
    while rows := list_rows(connection, statement, (last, _STEP)):
        for row in rows:
            whole &= _rebuild_message(connection, reader, row, say)
        last = rows[-1][0]
    _recount(connection)
    return whole


def _rebuild_message(
    connection: apsw.Connection,
    reader: SqliteReader,
    row: tuple[Any, ...],
    say: Callable[[str], None],
) -> bool:
    message_id, thread_id, labels = row
    connection.executemany(
        "INSERT INTO posting VALUES (?, ?, ?)",
        [(label, message_id, thread_id) for label in list_postings(parse_labels(labels))],
    )
    try:
        raw = reader.get_raw(message_id)
    except MailboxDamagedError as error:
        say(f"message {format_message_id(message_id)}: {error}")
        return False
    root, summary = read_message(raw)
    parsed = pack_parsed(root, summary.subject_key)
    connection.execute("UPDATE content SET parsed = ? WHERE id = ?", (parsed, message_id))
    connection.execute(
        _UPDATE,
        (
            message_id,
            int(summary.has_attachment),
            hash63(summary.message_id) if summary.message_id else 0,
            subject_hash(summary.subject_key),
            make_storable(summary.snippet),
            len(raw),
        ),
    )
    connection.execute(_ADD_WORDS, (message_id, *make_texts(summary, len(raw))))
    if has_files(root):
        connection.execute("INSERT INTO extraction VALUES (?, 0, '')", (message_id,))
    return True


def _recount(connection: apsw.Connection) -> None:
    connection.execute(
        "UPDATE label SET messages_total = 0, messages_unread = 0, threads_total = 0,"
        " threads_unread = 0"
    )
    connection.executemany(
        "UPDATE label SET messages_total = ?, messages_unread = ?, threads_total = ?,"
        " threads_unread = ? WHERE number = ?",
        [(*counts, number) for number, counts in count_labels(connection).items()],
    )
    connection.execute("UPDATE mailbox SET messages = ?, threads = ?", count_totals(connection))
