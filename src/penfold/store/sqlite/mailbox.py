"""Read one mailbox: every question the port asks, as point reads and bounded lists.

A reader is made for one borrow of a handle, inside one read transaction, and dies with it: a
question after that is an error, not a read of some later state. Lists are fetched whole or in
steps, never through a cursor that stays open, as an open cursor would hold its snapshot.

What a search means in SQL is decided in search.py; here it is only run, for LISTING_MAX_S at most.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import apsw

from penfold.base.errors import MailboxDamagedError, NotFoundError, TooCostlyError
from penfold.base.ids import format_message_id
from penfold.base.limits import COPIES_MAX, LISTING_MAX_S
from penfold.ports.blobs import Blobs
from penfold.ports.mailbox import (
    Change,
    DraftRow,
    Explanation,
    Extraction,
    HistoryRow,
    LabelRow,
    MessageRow,
    OutboxRow,
    Query,
    Sent,
    ThreadHint,
    ThreadRow,
    Totals,
)
from penfold.ports.settings import KINDS, S
from penfold.proto.mime.model import Part
from penfold.store.sqlite import search
from penfold.store.sqlite.content import (
    decode_entries,
    decode_names,
    decode_setting,
    parse_labels,
    unpack_parsed,
    unpack_raw,
    unpack_wishes,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.pool import Handle
from penfold.store.sqlite.search_streams import Sizes

_MADE_AT = "SELECT at_ms FROM history WHERE id >= ? ORDER BY id LIMIT 1"
_MESSAGE = "SELECT id, thread_id, history_id, labels, internal_ms, size, snippet FROM message WHERE"
_LABEL = (
    "SELECT number, name, message_list, label_list, background, text,"
    " messages_total, messages_unread, threads_total, threads_unread FROM label"
)
_DRAFT = "SELECT d.id, m.id, m.thread_id FROM draft d JOIN message m ON m.id = d.message_id WHERE"
#: One statement for a page of threads: 1.6 us each, against 8 asked for one by one.
_THREADS = (
    "SELECT (SELECT max(history_id) FROM message WHERE thread_id = t.value), (SELECT snippet"
    " FROM message WHERE thread_id = t.value ORDER BY id DESC LIMIT 1) FROM json_each(?) t"
)
_HINT = (
    "SELECT m.id, m.thread_id, m.labels, c.parsed FROM message m JOIN content c ON c.id = m.id"
    " WHERE m.message_id = ? AND m.message_id <> 0 ORDER BY m.id"
)
_COPIES = (
    "SELECT id FROM message WHERE message_id = ? AND message_id <> 0 AND size = ?"
    " ORDER BY id LIMIT ?"  # <> 0: so that the partial index is used
)
_SUBJECT_HINT = (
    "SELECT id, thread_id, labels FROM message"
    " WHERE subject_key = ? AND subject_key <> 0 ORDER BY id DESC LIMIT 1"
)
#: History records fetched at a time.
_HISTORY_STEP = 256


class SqliteReader:
    """One consistent view of a mailbox; implements ports.mailbox.MailboxReader.

    The view is taken with the first question, not before: who finds the version unchanged asks
    none. In a transaction that is open already, that is the view.
    """

    __slots__ = ("_began", "_blobs", "_execute", "_handle")

    def __init__(self, handle: Handle, blobs: Blobs) -> None:
        self._handle = handle
        self._blobs = blobs
        self._began = False
        self._execute: Any = self._begin

    def close(self) -> None:
        """End the view; nothing may be asked any more."""
        self._execute = _refuse
        if self._began:
            self._handle.connection.execute("END")

    def _begin(self, statement: str, values: Sequence[Any] = ()) -> Any:
        connection = self._handle.connection
        self._execute = connection.execute
        if not connection.in_transaction:
            self._execute("BEGIN")
            self._began = True
        return self._execute(statement, values)

    def get_totals(self) -> Totals:
        row = self._execute("SELECT messages, threads, history_id FROM mailbox").fetchone()
        return Totals(*row)

    def get_secret(self) -> bytes:
        secret: bytes = self._execute("SELECT secret FROM mailbox").get
        return secret

    def get_version(self) -> tuple[int, int]:
        # SQLite: data_version grows when another connection changed the file; readers never do.
        # It means something on one connection only, so the connection is part of the value.
        # Asked before the view is taken: a change in between only makes the value too old.
        if self._execute is _refuse:
            _refuse()
        execute = self._handle.connection.execute
        return self._handle.number, execute("PRAGMA data_version").get

    # --- messages

    def find_message(self, message_id: int) -> MessageRow | None:
        row = self._execute(f"{_MESSAGE} id = ?", (message_id,)).fetchone()
        return None if row is None else make_row(row)

    def get_structure(self, message_id: int) -> Part:
        packed = self._execute("SELECT parsed FROM content WHERE id = ?", (message_id,)).get
        if packed is None:
            raise NotFoundError("no such message", message=format_message_id(message_id))
        try:
            return unpack_parsed(packed)[0]
        except MailboxDamagedError as error:
            raise _damaged(message_id, str(error)) from error

    def get_raw(self, message_id: int) -> bytes:
        row = self._execute(
            "SELECT sha256, raw FROM content WHERE id = ?", (message_id,)
        ).fetchone()
        if row is None:
            raise NotFoundError("no such message", message=format_message_id(message_id))
        sha256, packed = row
        try:
            raw = self._blobs.get(sha256) if packed is None else unpack_raw(packed)
        except (NotFoundError, MailboxDamagedError) as error:
            raise _damaged(message_id, str(error)) from error
        if hashlib.sha256(raw).digest() != sha256:
            raise _damaged(message_id, "octets differ from their hash")
        return raw

    def list_messages(self, query: Query) -> list[tuple[int, int]]:
        statement = search.compile_messages(query, Sizes(self._execute))
        found: list[tuple[int, int]] = self._list(query, statement)
        return found

    def explain(self, query: Query) -> Explanation:
        return search.explain(query, Sizes(self._execute))

    def list_threads(self, query: Query) -> list[tuple[int, int]]:
        statement = search.compile_threads(query, Sizes(self._execute))
        return self._list(query, statement, lambda rows: search.take_threads(rows, query.limit))

    def get_threads(self, thread_ids: Sequence[int]) -> list[ThreadRow]:
        rows = self._execute(_THREADS, (json.dumps(thread_ids),))
        return [
            ThreadRow(thread_id, history_id, snippet)
            for thread_id, (history_id, snippet) in zip(thread_ids, rows, strict=True)
        ]

    def list_drafts(self, query: Query) -> list[DraftRow]:
        return [DraftRow(*row) for row in self._list(query, search.compile_drafts(query))]

    def find_digest(self, message_id: int) -> bytes | None:
        found: bytes | None = self._execute(
            "SELECT sha256 FROM content WHERE id = ?", (message_id,)
        ).get
        return found

    def find_copy(self, sha256: bytes, *, size: int, header_id: str) -> int | None:
        rows = self._execute(_COPIES, (hash63(header_id), size, COPIES_MAX)).fetchall()
        return next((number for (number,) in rows if self.find_digest(number) == sha256), None)

    # --- threads

    def list_thread(self, thread_id: int) -> list[MessageRow]:
        rows = self._execute(f"{_MESSAGE} thread_id = ? ORDER BY id", (thread_id,))
        return [make_row(row) for row in rows]

    def count_thread(self, thread_id: int) -> int:
        count: int = self._execute(
            "SELECT count(*) FROM message WHERE thread_id = ?", (thread_id,)
        ).get
        return count

    def find_by_message_id(self, message_ids: Sequence[str]) -> list[ThreadHint]:
        hints = {}
        for message_id in message_ids:
            for number, thread_id, labels, packed in self._execute(_HINT, (hash63(message_id),)):
                subject_key = unpack_parsed(packed)[1]
                hints[number] = ThreadHint(number, thread_id, subject_key, parse_labels(labels))
        return [hints[number] for number in sorted(hints)]

    def find_by_subject(self, subject_key: str) -> ThreadHint | None:
        row = self._execute(_SUBJECT_HINT, (subject_hash(subject_key),)).fetchone()
        return (
            None if row is None else ThreadHint(row[0], row[1], subject_key, parse_labels(row[2]))
        )

    # --- labels

    def list_labels(self) -> list[LabelRow]:
        return [self._make_label(row) for row in self._execute(f"{_LABEL} ORDER BY number")]

    def find_label(self, number: int) -> LabelRow | None:
        row = self._execute(f"{_LABEL} WHERE number = ?", (number,)).fetchone()
        return None if row is None else self._make_label(row)

    def find_label_by_key(self, key: str) -> LabelRow | None:
        row = self._execute(f"{_LABEL} WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._make_label(row)

    # --- drafts

    def find_draft(self, draft_id: int) -> DraftRow | None:
        row = self._execute(f"{_DRAFT} d.id = ?", (draft_id,)).fetchone()
        return None if row is None else DraftRow(*row)

    def find_draft_of(self, message_id: int) -> DraftRow | None:
        row = self._execute(f"{_DRAFT} d.message_id = ?", (message_id,)).fetchone()
        return None if row is None else DraftRow(*row)

    # --- history

    def get_history_floor(self) -> int:
        floor: int = self._execute("SELECT history_floor FROM mailbox").get
        return floor

    def find_history_before(self, ms: int) -> int | None:
        # Halving the ids finds the place without an index by time.
        oldest, newest = self._execute("SELECT min(id), max(id) FROM history").fetchone()
        if oldest is None:
            return None
        low, high = oldest - 1, newest
        while low < high:
            middle = (low + high + 1) // 2
            at_ms = self._execute(_MADE_AT, (middle,)).get
            low, high = (middle, high) if at_ms < ms else (low, middle - 1)
        return low if low >= oldest else None

    def iter_history(self, after: int) -> Iterator[HistoryRow]:
        statement = "SELECT id, change, entries FROM history WHERE id > ? ORDER BY id LIMIT ?"
        while rows := self._execute(statement, (after, _HISTORY_STEP)).fetchall():
            for number, change, entries in rows:
                yield HistoryRow(number, Change(change), decode_entries(entries))
            after = rows[-1][0]

    # --- hand-over

    def list_outbox(self, *, limit: int, octets: int | None = None) -> list[OutboxRow]:
        rows = self._execute(
            "SELECT number, sender, recipients, raw, created_ms, wishes FROM outbox"
            " ORDER BY number LIMIT ?",
            (limit,),
        )
        found: list[OutboxRow] = []
        for number, sender, recipients, packed, created_ms, wishes in rows:
            names, raw = decode_names(recipients), unpack_raw(packed)
            found.append(OutboxRow(number, sender, names, raw, created_ms, *unpack_wishes(wishes)))
            if octets is not None and (octets := octets - len(raw)) <= 0:
                break
        return found

    def find_receipt(self, key: bytes) -> int | None:
        found: int | None = self._execute(
            "SELECT message_id FROM receipt WHERE key = ?", (key,)
        ).get
        return found

    # --- text in attachments

    def list_extractions(self, *, limit: int) -> list[Extraction]:
        rows = self._execute(
            "SELECT message_id, tries, problem FROM extraction WHERE problem = ''"
            " ORDER BY tries, message_id DESC LIMIT ?",
            (limit,),
        )
        return [Extraction(*row) for row in rows]

    def count_extractions(self) -> int:
        count: int = self._execute("SELECT count(*) FROM extraction WHERE problem = ''").get
        return count

    def find_extraction(self, message_id: int) -> Extraction | None:
        row = self._execute(
            "SELECT message_id, tries, problem FROM extraction WHERE message_id = ?", (message_id,)
        ).fetchone()
        return None if row is None else Extraction(*row)

    # --- within

    def _list(
        self,
        _query: Query,
        statement: search.Statement,
        take: Callable[[Iterable[Any]], list[Any]] = list,
    ) -> list[Any]:
        """Run a search and take its rows; TooCostlyError when it takes too long."""
        self._handle.deadline = time.monotonic() + LISTING_MAX_S
        try:
            rows = take(self._execute(*statement))
        except apsw.InterruptError as error:
            raise TooCostlyError("a listing took too long") from error
        finally:
            self._handle.deadline = 0.0
        return rows

    def count_sent(self, *, since_ms: int) -> Sent:
        [(messages, recipients, oldest_ms)] = self._execute(
            "SELECT count(*), total(recipients), min(at_ms) FROM sent WHERE at_ms > ?", (since_ms,)
        )
        return Sent(messages, int(recipients), oldest_ms)

    def list_sent(self, *, since_ms: int) -> list[tuple[int, int]]:
        rows: list[tuple[int, int]] = self._execute(
            "SELECT at_ms, recipients FROM sent WHERE at_ms > ? ORDER BY at_ms, number", (since_ms,)
        )
        return rows

    def find_setting(self, kind: type[S], key: str = "") -> S | None:
        value = self._execute(
            "SELECT value FROM setting WHERE kind = ? AND key = ?", (KINDS[kind], key)
        ).get
        return None if value is None else decode_setting(value, kind)

    def list_settings(self, *kinds: type[S]) -> list[S]:
        of_word = {KINDS[kind]: kind for kind in kinds}
        marks = ", ".join("?" * len(of_word))
        rows = self._execute(
            f"SELECT kind, value FROM setting WHERE kind IN ({marks}) ORDER BY number",
            tuple(of_word),
        )
        return [decode_setting(value, of_word[word]) for word, value in rows]

    def _make_label(self, row: tuple[Any, ...]) -> LabelRow:
        return LabelRow(*row)


def make_row(row: tuple[Any, ...]) -> MessageRow:
    number, thread_id, history_id, labels, internal_ms, size, snippet = row
    return MessageRow(
        number, thread_id, history_id, parse_labels(labels), internal_ms, size, snippet
    )


def subject_hash(subject_key: str) -> int:
    return hash63(subject_key) if subject_key else 0


def _damaged(message_id: int, why: str) -> MailboxDamagedError:
    """The message is damaged; its mailbox stays in use."""
    return MailboxDamagedError(why, message=format_message_id(message_id))


def _refuse(*_: object) -> NoReturn:
    raise RuntimeError("the transaction of this reader or writer is over")
