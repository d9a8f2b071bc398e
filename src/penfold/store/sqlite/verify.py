"""Look at one mailbox file from end to end and say what is wrong, naming each damaged message.

Reads only. Looked at, in this order:
    the file          SQLite's own check, which sees structure but few flipped bits in content
                      (measured: 3 of 200), and the index's
    every message     its octets against their SHA-256 and size, its part tree, its blob
    postings          exactly those the messages' labels ask for
    counters, totals  against a recount
    drafts            their messages
    the index         against one made anew from the octets, word by word

The text in attachments is not read again: its column is left out where messages have some. The
index differs too when a newer release reads messages differently; `penfold data reindex` is the
answer to both. Findings are plain sentences; no findings means the mailbox is whole.
"""

from collections.abc import Generator, Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw

from penfold.base.errors import NewerDataError, UnavailableError
from penfold.base.ids import format_message_id
from penfold.base.labels import ALL_MAIL, USER_LABELLED
from penfold.ports.blobs import Blobs
from penfold.proto.extract.kinds import has_files
from penfold.proto.mime.summary import read_message
from penfold.proto.search.document import COLUMNS, make_texts
from penfold.store.sqlite.content import list_postings, parse_labels
from penfold.store.sqlite.mailbox import SqliteReader
from penfold.store.sqlite.migrate import newest_version
from penfold.store.sqlite.open import list_rows, open_database, user_version
from penfold.store.sqlite.pool import Handle
from penfold.store.sqlite.recount import count_labels, count_totals

_STEP = 500
_NO_COUNTS = (0, 0, 0, 0)
_WORDS = (
    f"CREATE VIRTUAL TABLE words USING fts5 ({', '.join(COLUMNS)}, content = '',"
    " tokenize = 'ascii')"
)
_ADD_WORDS = f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"
_VOCABULARY = "SELECT term, col, doc, cnt FROM temp.vocabulary"


def verify_mailbox(path: Path, blobs: Blobs) -> Iterator[str]:
    """Yield a sentence per finding."""
    try:
        connection = open_database(path, readonly=True)
    except (apsw.Error, UnavailableError) as error:
        yield f"the file cannot be opened: {error}"
        return
    try:
        connection.execute("BEGIN")
        yield from _verify(connection, blobs)
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
        yield f"the file is damaged: {error}"
    finally:
        connection.close(force=True)


def _verify(connection: apsw.Connection, blobs: Blobs) -> Iterator[str]:
    found, newest = user_version(connection), newest_version("mailbox")
    if found > newest:
        raise NewerDataError("file is newer than this release", found=found)
    if found < newest:
        yield f"the file has the shape of an older release ({found}); any use migrates it"
        return
    for (line,) in connection.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield f"the file is damaged: {line}"
    reader = SqliteReader(Handle(connection, "", writable=False), blobs)
    with TemporaryDirectory(prefix="penfold-verify-") as folder:
        scratch = _open_scratch(Path(folder))
        try:
            attached = yield from _verify_messages(connection, reader, scratch)
            yield from _verify_postings(connection)
            yield from _verify_counters(connection)
            yield from _verify_drafts(connection)
            yield from _verify_index(connection, scratch, attached=attached)
        finally:
            scratch.close(force=True)


def _open_scratch(folder: Path) -> apsw.Connection:
    """Return an empty index of the same shape; nothing in it needs to last."""
    scratch = open_database(folder / "words.db", create=True)
    scratch.execute("PRAGMA synchronous = OFF")
    scratch.execute(_WORDS)
    return scratch


def _iter_messages(connection: apsw.Connection) -> Iterator[tuple[int, int, str, int]]:
    """Yield (id, thread, labels, size), in steps so that no cursor stays open."""
    last = -1
    statement = "SELECT id, thread_id, labels, size FROM message WHERE id > ? ORDER BY id LIMIT ?"
    while rows := list_rows(connection, statement, (last, _STEP)):
        yield from rows
        last = rows[-1][0]


def _verify_messages(
    connection: apsw.Connection, reader: SqliteReader, scratch: apsw.Connection
) -> Generator[str, None, bool]:
    """Index every message in `scratch`; returns whether some have text in attachments."""
    attached = False
    scratch.execute("BEGIN")
    for message_id, _, _, size in _iter_messages(connection):
        try:
            attached |= has_files(reader.get_structure(message_id))
            raw = reader.get_raw(message_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, this message cannot be read
            yield f"message {format_message_id(message_id)}: {error}"
            continue
        if len(raw) != size:
            yield f"message {format_message_id(message_id)}: size is {len(raw)}, noted {size}"
        texts = make_texts(read_message(raw)[1], len(raw))
        scratch.execute(_ADD_WORDS, (message_id, *texts))
    scratch.execute("COMMIT")
    for (message_id,) in list_rows(
        connection, "SELECT id FROM content WHERE id NOT IN (SELECT id FROM message)"
    ):
        yield f"message {format_message_id(message_id)}: has octets but no row"
    return attached


def _verify_postings(connection: apsw.Connection) -> Iterator[str]:
    """Look every expected posting up and count: all there and none over is equality."""
    expected = 0
    statement = "SELECT thread_id FROM posting WHERE label = ? AND message_id = ?"
    for message_id, thread_id, labels, _ in _iter_messages(connection):
        for label in list_postings(parse_labels(labels)):
            expected += 1
            if connection.execute(statement, (label, message_id)).get != thread_id:
                yield f"message {format_message_id(message_id)}: not listed under label {label}"
    found = connection.execute("SELECT count(*) FROM posting").get
    if found != expected:
        yield f"{found} postings where {expected} are expected"


def _verify_counters(connection: apsw.Connection) -> Iterator[str]:
    expected = count_labels(connection)
    for number, *counts in list_rows(
        connection,
        "SELECT number, messages_total, messages_unread, threads_total, threads_unread FROM label",
    ):
        wanted = expected.pop(number, _NO_COUNTS)
        if tuple(counts) != wanted:
            yield f"label {number}: counters are {counts}, a recount gives {list(wanted)}"
    for pseudo in (ALL_MAIL, USER_LABELLED):
        expected.pop(pseudo, None)
    for number in expected:
        yield f"label {number}: is on messages but does not exist"
    totals = connection.execute("SELECT messages, threads FROM mailbox").fetchone()
    if totals != (wanted_totals := count_totals(connection)):
        yield f"totals are {totals}, a recount gives {wanted_totals}"
    [(newest, floor, last)] = list_rows(
        connection,
        "SELECT history_id, history_floor, (SELECT max(id) FROM history) FROM mailbox",
    )
    if not floor <= newest or (last or 0) > newest:
        yield f"history id {newest} is behind its floor {floor} or its last record {last}"


def _verify_drafts(connection: apsw.Connection) -> Iterator[str]:
    for draft_id, message_id in list_rows(
        connection,
        "SELECT id, message_id FROM draft WHERE message_id NOT IN (SELECT id FROM message)",
    ):
        yield f"draft r{draft_id}: its message {format_message_id(message_id)} is missing"


def _verify_index(
    connection: apsw.Connection, scratch: apsw.Connection, *, attached: bool
) -> Iterator[str]:
    for said, statement in (
        ("is not in the index", "message WHERE id NOT IN (SELECT id FROM words_docsize)"),
        ("is in the index only", "words_docsize WHERE id NOT IN (SELECT id FROM message)"),
    ):
        for (message_id,) in list_rows(connection, f"SELECT id FROM {statement}"):
            yield f"message {format_message_id(message_id)}: {said}"
    for each in (connection, scratch):
        each.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, words, col)")
    statement = f"{_VOCABULARY} WHERE col <> 'attached'" if attached else _VOCABULARY
    pairs = zip_longest(connection.execute(statement), scratch.execute(statement))
    if any(found != wanted for found, wanted in pairs):
        yield "the index is not what the messages say; `penfold data reindex` makes it anew"
