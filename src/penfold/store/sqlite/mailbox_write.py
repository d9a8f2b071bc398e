"""Change one mailbox: rows, postings, counters, history and index, all in one transaction.

One writer serves one transaction, which several changes share. Between begin_change and
keep_change a change stands under a savepoint and can be undone alone. What is cheaper once per
transaction waits until `finish`: counters and totals (kept here meanwhile, and seen by reads of
this writer) and the full-text index, which would write a segment for every savepoint otherwise
(measured: 125 us a message).

Invariants after `finish`:
    posting       = for every message its labels, and the pseudo-labels of base.labels
    label.messages_*, label.threads_* = counts over message; unread: the message with the label
                    is UNREAD as well, a thread is unread where one such message is
    mailbox       = counts over message, and the newest history id
    words         = the texts of every message; those of its attachments come later
    extraction    = every message whose attachments wait to be read, or could not be
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
from msgspec import Struct

from penfold.base.errors import ConflictError, NotFoundError
from penfold.base.ids import format_message_id
from penfold.base.labels import UNREAD
from penfold.base.limits import RECEIPT_HOURS, SENT_KEPT_MS
from penfold.ports.blobs import Blobs
from penfold.ports.mailbox import (
    Change,
    Extraction,
    HistoryEntry,
    LabelRow,
    MessageRow,
    NewMessage,
    Packed,
    Query,
    StoredRaw,
    Totals,
)
from penfold.ports.settings import KINDS
from penfold.proto.extract.kinds import has_files
from penfold.proto.mime.model import Summary
from penfold.proto.search.document import COLUMNS, make_texts
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest
from penfold.store.room import Room
from penfold.store.sqlite.content import (
    encode,
    format_labels,
    list_postings,
    make_storable,
    pack_parsed,
    pack_raw,
    pack_wishes,
    parse_labels,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.mailbox import SqliteReader, subject_hash
from penfold.store.sqlite.packing import keep_raw
from penfold.store.sqlite.pool import Handle
from penfold.store.sqlite.search import Statement

Counts = tuple[int, int, int, int]

_NO_LABELS: Final[frozenset[int]] = frozenset()
_NO_COUNTS: Final = (0, 0, 0, 0)
_HAS_ATTACHMENT: Final = 1

_ADD_MESSAGE = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_CONTENT = "INSERT INTO content VALUES (?, ?, ?, ?)"
_ADD_WORDS = f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"
_ADD_COUNTS = (
    "UPDATE label SET messages_total = messages_total + ?2, messages_unread = messages_unread + ?3,"
    " threads_total = threads_total + ?4, threads_unread = threads_unread + ?5 WHERE number = ?1"
)
_OTHERS = "SELECT labels FROM message WHERE thread_id = ? AND id <> ?"
_ADD_EXTRACTION = (
    "INSERT INTO extraction VALUES (?, ?, ?)"
    " ON CONFLICT (message_id) DO UPDATE SET tries = excluded.tries, problem = excluded.problem"
)
_ADD_POSTING = "INSERT INTO posting VALUES (?, ?, ?)"


class SqliteWriter(SqliteReader):
    """A reader inside an open transaction; implements ports.mailbox.MailboxWriter.

    The first group of methods is for the owner of the transaction, store/sqlite/writer.py.
    """

    __slots__ = (
        "_counts", "_effects", "_history_id", "_indexed", "_messages", "_room", "_saved",
        "_threads", "_was", "_words",
    )  # fmt: skip

    def __init__(self, handle: Handle, blobs: Blobs, room: Room) -> None:
        super().__init__(handle, blobs)
        self._room = room
        self._was = self._execute("SELECT messages, threads, history_id FROM mailbox").fetchone()
        self._messages, self._threads, self._history_id = self._was
        self._counts: dict[int, Counts] = {}
        #: Index entries in order: (message id, its texts, or none to take it out).
        self._words: list[tuple[int, tuple[str, ...]]] = []
        self._indexed = 0  # so many of them are in the index already
        self._effects: list[Callable[[], None]] = []
        self._saved: tuple[Any, ...] = ()

    def begin_change(self) -> None:
        self._execute("SAVEPOINT one")
        self._saved = (
            self._messages, self._threads, self._history_id, self._counts.copy(),
            len(self._words), self._indexed, len(self._effects),
        )  # fmt: skip

    def keep_change(self) -> None:
        self._execute("RELEASE one")

    def undo_change(self) -> None:
        self._execute("ROLLBACK TO one")
        self._execute("RELEASE one")
        (
            self._messages, self._threads, self._history_id, self._counts,
            words, self._indexed, effects,
        ) = self._saved  # fmt: skip
        del self._words[words:]
        del self._effects[effects:]

    def finish(self) -> list[Callable[[], None]]:
        """Write what waited, before the commit; returns the effects to run after it."""
        self._write_words()
        counts = [(label, *count) for label, count in self._counts.items() if any(count)]
        if counts:
            self._handle.connection.executemany(_ADD_COUNTS, counts)
        totals = (self._messages, self._threads, self._history_id)
        if totals != self._was:
            self._execute("UPDATE mailbox SET messages = ?, threads = ?, history_id = ?", totals)
        return self._effects

    # --- ports.mailbox.MailboxWriter

    def after_commit(self, effect: Callable[[], None]) -> None:
        self._effects.append(effect)

    def get_totals(self) -> Totals:
        return Totals(self._messages, self._threads, self._history_id)

    def add_message(self, message: NewMessage) -> MessageRow:
        summary, size = message.summary, _size_of(message.raw)
        self._room.take(size)
        row = MessageRow(
            id=message.id,
            thread_id=message.thread_id,
            history_id=self._history_id + 1,
            labels=message.labels,
            internal_ms=message.internal_ms,
            size=size,
            snippet=make_storable(summary.snippet),
        )
        others = self._list_others(row)
        self._insert_row(row, summary)
        self._insert_content(message)
        self._insert_postings(row)
        self._insert_words(message, size)
        self._count(others, _NO_LABELS, row.labels)
        self._messages += 1
        self._threads += not others
        return row

    def set_labels(self, message_id: int, labels: frozenset[int]) -> MessageRow:
        old = self._get_message(message_id)
        self._move_postings(old, labels)
        history_id = self._history_id + 1
        self._execute(
            "UPDATE message SET labels = ?, history_id = ? WHERE id = ?",
            (format_labels(labels), history_id, message_id),
        )
        if labels != old.labels:
            self._count(self._list_others(old), old.labels, labels)
        return MessageRow(
            id=old.id,
            thread_id=old.thread_id,
            history_id=history_id,
            labels=labels,
            internal_ms=old.internal_ms,
            size=old.size,
            snippet=old.snippet,
        )

    def delete_message(self, message_id: int) -> MessageRow:
        row = self._get_message(message_id)
        self._execute("DELETE FROM message WHERE id = ?", (message_id,))
        self._execute("DELETE FROM content WHERE id = ?", (message_id,))
        self.delete_extraction(message_id)
        for label in list_postings(row.labels):
            self._delete_posting(label, message_id)
        self._words.append((message_id, ()))
        others = self._list_others(row)
        self._count(others, row.labels, _NO_LABELS)
        self._messages -= 1
        self._threads -= not others
        return row

    def add_history(self, change: Change, entries: Sequence[HistoryEntry], *, now_ms: int) -> int:
        number: int = self._history_id + 1
        self._execute(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            (number, now_ms, int(change), encode(entries)),
        )
        self._history_id = number
        return number

    def expire_history(self, *, before_ms: int, limit: int) -> int:
        newest = self.find_history_before(before_ms)
        if newest is None:
            return 0
        oldest: int = self._execute("SELECT min(id) FROM history").get
        last = min(newest, oldest + limit - 1)
        self._execute("DELETE FROM history WHERE id <= ?", (last,))
        self._execute("UPDATE mailbox SET history_floor = ?", (last,))
        return last - oldest + 1

    def add_label(self, label: LabelRow, *, key: str) -> LabelRow:
        try:
            number = self._execute(
                "INSERT INTO label (name, key, message_list, label_list, background, text)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
                (label.name, key, *_looks(label)),
            ).get
        except apsw.ConstraintError as error:
            raise ConflictError("label key is taken") from error
        return LabelRow(number, label.name, *_looks(label), *_NO_COUNTS)

    def update_label(self, label: LabelRow, *, key: str) -> None:
        try:
            self._execute(
                "UPDATE label SET name = ?, key = ?, message_list = ?, label_list = ?,"
                " background = ?, text = ? WHERE number = ?",
                (label.name, key, *_looks(label), label.number),
            )
        except apsw.ConstraintError as error:
            raise ConflictError("label key is taken") from error
        self._check_changed("no such label", label=label.number)

    def delete_label(self, number: int) -> None:
        self._execute("DELETE FROM label WHERE number = ?", (number,))
        self._check_changed("no such label", label=number)
        self._counts.pop(number, None)

    def list_labelled(self, number: int) -> list[int]:
        rows = self._execute(
            "SELECT message_id FROM posting WHERE label = ? ORDER BY message_id", (number,)
        )
        return [message_id for (message_id,) in rows]

    def put_draft(self, draft_id: int, message_id: int) -> None:
        try:
            self._execute(
                "INSERT INTO draft VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET message_id = excluded.message_id",
                (draft_id, message_id),
            )
        except apsw.ConstraintError as error:
            raise ConflictError("message is another draft's") from error

    def delete_draft(self, draft_id: int) -> None:
        self._execute("DELETE FROM draft WHERE id = ?", (draft_id,))
        self._check_changed("no such draft", draft=draft_id)

    def add_outbox(
        self,
        *,
        sender: str,
        recipients: Sequence[str],
        raw: bytes,
        now_ms: int,
        options: MailOptions = NO_OPTIONS,
        reports: Sequence[ReportRequest] = (),
    ) -> int:
        self._room.take(len(raw))
        wishes = pack_wishes(options, reports)
        number: int = self._execute(
            "INSERT INTO outbox (sender, recipients, raw, created_ms, wishes)"
            " VALUES (?, ?, ?, ?, ?) RETURNING number",
            (sender, encode(recipients), pack_raw(raw), now_ms, wishes),
        ).get
        return number

    def delete_outbox(self, number: int) -> None:
        self._execute("DELETE FROM outbox WHERE number = ?", (number,))

    def add_receipt(self, key: bytes, message_id: int, *, now_ms: int) -> None:
        self._execute("DELETE FROM receipt WHERE at_ms < ?", (now_ms - RECEIPT_HOURS * 3_600_000,))
        self._execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)", (key, message_id, now_ms))

    def add_sent(self, recipients: int, *, now_ms: int) -> None:
        self._execute("DELETE FROM sent WHERE at_ms < ?", (now_ms - SENT_KEPT_MS,))
        self._execute("INSERT INTO sent (at_ms, recipients) VALUES (?, ?)", (now_ms, recipients))

    def index_attached(self, message_id: int, summary: Summary, attached: str) -> None:
        size = self._get_message(message_id).size
        self._words.append((message_id, ()))
        self._words.append((message_id, make_texts(summary, size, attached)))

    def put_extraction(self, extraction: Extraction) -> None:
        self._get_message(extraction.message_id)
        values = (extraction.message_id, extraction.tries, extraction.problem)
        self._execute(_ADD_EXTRACTION, values)

    def delete_extraction(self, message_id: int) -> None:
        self._execute("DELETE FROM extraction WHERE message_id = ?", (message_id,))

    def put_setting(self, record: Struct, key: str = "") -> None:
        self._execute(
            "INSERT INTO setting (kind, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            (KINDS[type(record)], key, encode(record)),
        )

    def delete_setting(self, kind: type[Struct], key: str = "") -> bool:
        self._execute("DELETE FROM setting WHERE kind = ? AND key = ?", (KINDS[kind], key))
        return self._handle.connection.changes() > 0

    # --- reads see what waits

    def _list(
        self,
        query: Query,
        statement: Statement,
        take: Callable[[Iterable[Any]], list[Any]] = list,
    ) -> list[Any]:
        if query.tree is not None:
            self._write_words()
        return super()._list(query, statement, take)

    def _make_label(self, row: tuple[Any, ...]) -> LabelRow:
        waiting = self._counts.get(row[0])
        if waiting is None:
            return LabelRow(*row)
        return LabelRow(*row[:6], *(a + b for a, b in zip(row[6:], waiting, strict=True)))

    # --- within

    def _get_message(self, message_id: int) -> MessageRow:
        row = self.find_message(message_id)
        if row is None:
            raise NotFoundError("no such message", message=format_message_id(message_id))
        return row

    def _insert_row(self, row: MessageRow, summary: Summary) -> None:
        try:
            self._execute(
                _ADD_MESSAGE,
                (
                    row.id,
                    row.thread_id,
                    row.history_id,
                    row.internal_ms,
                    row.size,
                    _HAS_ATTACHMENT if summary.has_attachment else 0,
                    format_labels(row.labels),
                    hash63(summary.message_id) if summary.message_id else 0,
                    subject_hash(summary.subject_key),
                    row.snippet,
                ),
            )
        except apsw.ConstraintError as error:
            raise ConflictError("message id is taken") from error

    def _insert_content(self, message: NewMessage) -> None:
        raw = message.raw
        if isinstance(raw, Packed):
            self._execute(_ADD_CONTENT, (message.id, raw.tree, raw.sha256, raw.raw))
            return
        assert message.root is not None, "only a packed message brings no tree"
        if isinstance(raw, StoredRaw):
            sha256, packed = raw.sha256, None
        else:
            sha256, packed = keep_raw(raw, self._blobs)
        parsed = pack_parsed(message.root, message.summary.subject_key)
        self._execute(_ADD_CONTENT, (message.id, parsed, sha256, packed))

    def _insert_words(self, message: NewMessage, size: int) -> None:
        raw, root = message.raw, message.root
        if isinstance(raw, Packed):
            words, files = raw.words, raw.has_files
        else:
            words = make_texts(message.summary, size)
            files = root is not None and has_files(root)
        self._words.append((message.id, words))
        if files:
            self._execute(_ADD_EXTRACTION, (message.id, 0, ""))

    def _insert_postings(self, row: MessageRow) -> None:
        # Measured: 1.5 us a row; one statement with several rows takes 4 for each.
        rows = [(label, row.id, row.thread_id) for label in list_postings(row.labels)]
        self._handle.connection.executemany(_ADD_POSTING, rows)

    def _move_postings(self, old: MessageRow, labels: frozenset[int]) -> None:
        before, after = list_postings(old.labels), list_postings(labels)
        for label in before:
            if label not in after:
                self._delete_posting(label, old.id)
        for label in after:
            if label not in before:
                self._execute(_ADD_POSTING, (label, old.id, old.thread_id))

    def _delete_posting(self, label: int, message_id: int) -> None:
        self._execute("DELETE FROM posting WHERE label = ? AND message_id = ?", (label, message_id))

    def _list_others(self, row: MessageRow) -> list[frozenset[int]]:
        """Return the labels of each other message of the thread."""
        return [parse_labels(text) for (text,) in self._execute(_OTHERS, (row.thread_id, row.id))]

    def _count(
        self, others: list[frozenset[int]], old: frozenset[int], new: frozenset[int]
    ) -> None:
        """Count one message's change of labels; `others` are its thread's other messages."""
        counts = self._counts
        was_unread, is_unread = UNREAD in old, UNREAD in new
        for label in old | new:
            was, now = label in old, label in new
            total = now - was
            unread = (now and is_unread) - (was and was_unread)
            threads, threads_unread = total, unread
            for other in others:
                if label in other:
                    threads = 0
                    if UNREAD in other:
                        threads_unread = 0
                        break
            a, b, c, d = counts.get(label, _NO_COUNTS)
            counts[label] = (a + total, b + unread, c + threads, d + threads_unread)

    def _write_words(self) -> None:
        """Bring the index up to date, in order."""
        for message_id, texts in self._words[self._indexed :]:
            if texts:
                self._execute(_ADD_WORDS, (message_id, *texts))
            else:
                self._execute("DELETE FROM words WHERE rowid = ?", (message_id,))
        self._indexed = len(self._words)

    def _check_changed(self, why: str, **facts: object) -> None:
        if not self._handle.connection.changes():
            raise NotFoundError(why, **facts)


def _size_of(raw: bytes | StoredRaw | Packed) -> int:
    return len(raw) if isinstance(raw, bytes) else raw.size


def _looks(label: LabelRow) -> tuple[str, str, str, str]:
    return (
        label.message_list_visibility,
        label.label_list_visibility,
        label.background_color,
        label.text_color,
    )
