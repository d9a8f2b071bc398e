"""Mailboxes in memory, for tests: the whole port, on dicts, with nothing left out.

A change works on a copy of the state that takes the place of the old one when the change
succeeds, so a reader keeps its snapshot and a failed change leaves no trace. With
`runs_twice` every change runs once more on a throw-away copy first, as the port allows a store
to do: a change with an effect outside its writer then fails its test.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from penfold.base.errors import ConflictError, MailboxDamagedError, NotFoundError
from penfold.base.ids import message_id_ms
from penfold.base.labels import FIRST_USER_LABEL, SPAM, SYSTEM_LABELS, TRASH, UNREAD
from penfold.base.limits import COPIES_MAX, RECEIPT_HOURS, SENT_KEPT_MS
from penfold.ports.mailbox import (
    Change,
    DraftRow,
    Explanation,
    Extraction,
    HistoryEntry,
    HistoryRow,
    LabelRow,
    MailboxReader,
    MailboxWriter,
    MessageRow,
    NewMessage,
    OutboxRow,
    Packed,
    Query,
    Sent,
    Step,
    ThreadHint,
    ThreadRow,
    Totals,
)
from penfold.ports.settings import KINDS, S
from penfold.proto.extract.kinds import has_files
from penfold.proto.mime.model import Part, Summary
from penfold.proto.mime.summary import read_message, summarize
from penfold.proto.search.document import make_document
from penfold.proto.search.match import matches
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest

T = TypeVar("T")

_FIRST_HISTORY_ID = 1000
#: Gmail (observed): these system labels say how they are shown, the others say nothing.
_HIDDEN_SYSTEM_LABELS = frozenset({"CHAT", "IMPORTANT", "SPAM", "TRASH"})


class Blobs:
    """Large messages by hash, shared by all mailboxes; a test puts them there."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}


class MemoryPacker:
    """Implements ports.mailbox.Packer: keeps octets as they are."""

    def pack(self, raw: bytes, root: Part, summary: Summary) -> Packed:
        tree = msgspec.msgpack.encode((root, summary.subject_key))
        return Packed(hashlib.sha256(raw).digest(), len(raw), raw, tree, (), has_files(root))

    @staticmethod
    def unpack(packed: Packed) -> tuple[bytes, Part]:
        assert packed.raw is not None, "this packer puts nothing elsewhere"
        return packed.raw, read_message(packed.raw)[0]


class _State(Struct):
    """Everything one mailbox holds."""

    secret: bytes
    blobs: Blobs
    version: int = 0
    history_id: int = _FIRST_HISTORY_ID
    history_floor: int = _FIRST_HISTORY_ID
    next_label: int = FIRST_USER_LABEL
    next_outbox: int = 1
    messages: dict[int, MessageRow] = {}
    contents: dict[int, NewMessage] = {}
    labels: dict[int, LabelRow] = {}
    keys: dict[str, int] = {}
    drafts: dict[int, int] = {}
    history: list[tuple[int, HistoryRow]] = []
    outbox: dict[int, OutboxRow] = {}
    receipts: dict[bytes, tuple[int, int]] = {}
    settings: dict[tuple[str, str], Any] = {}
    sent: list[tuple[int, int]] = []
    extractions: dict[int, Extraction] = {}
    attached: dict[int, str] = {}

    def copy(self) -> "_State":
        copies: dict[str, Any] = {
            name: value.copy() if isinstance(value, dict | list) else value
            for name, value in structs.asdict(self).items()
        }
        return _State(**copies)


class MemoryReader:
    def __init__(self, state: _State) -> None:
        self._state = state

    def get_totals(self) -> Totals:
        rows = self._state.messages.values()
        threads = {row.thread_id for row in rows}
        return Totals(len(rows), len(threads), self._state.history_id)

    def get_secret(self) -> bytes:
        return self._state.secret

    def get_version(self) -> int:
        return self._state.version

    # messages

    def find_message(self, message_id: int) -> MessageRow | None:
        return self._state.messages.get(message_id)

    def _get_content(self, message_id: int) -> NewMessage:
        if message_id not in self._state.contents:
            raise NotFoundError("no such message")
        return self._state.contents[message_id]

    def get_structure(self, message_id: int) -> Part:
        root = self._get_content(message_id).root
        assert root is not None, "add_message keeps a tree"
        return root

    def get_raw(self, message_id: int) -> bytes:
        raw = self._get_content(message_id).raw
        assert not isinstance(raw, Packed), "add_message unpacks"
        return raw if isinstance(raw, bytes) else self._state.blobs.kept[raw.sha256]

    def find_digest(self, message_id: int) -> bytes | None:
        if message_id not in self._state.contents:
            return None
        return hashlib.sha256(self.get_raw(message_id)).digest()

    def find_copy(self, sha256: bytes, *, size: int, header_id: str) -> int | None:
        found = sorted(
            number
            for number, content in self._state.contents.items()
            if content.summary.message_id == header_id and self._state.messages[number].size == size
        )
        return next((n for n in found[:COPIES_MAX] if self.find_digest(n) == sha256), None)

    def list_messages(self, query: Query) -> list[tuple[int, int]]:
        found = [(row.id, row.thread_id) for row in self._iter_matching(query)]
        return [pair for pair in found if _is_before(pair[0], query)][: query.limit]

    def explain(self, query: Query) -> Explanation:  # noqa: ARG002 - all is looked at
        return Explanation((Step("in:all", len(self._state.messages), walked=True),), 0.0)

    def list_threads(self, query: Query) -> list[tuple[int, int]]:
        newest: dict[int, int] = {}
        for row in self._iter_matching(query):
            if query.newest is None or row.id <= query.newest:
                newest.setdefault(row.thread_id, row.id)
        found = [
            (message_id, thread_id)
            for thread_id, message_id in newest.items()
            if _is_before(message_id, query)
        ]
        return found[: query.limit]

    def get_threads(self, thread_ids: Sequence[int]) -> list[ThreadRow]:
        return [self._get_thread(thread_id) for thread_id in thread_ids]

    def list_drafts(self, query: Query) -> list[DraftRow]:
        drafts = {message_id: draft_id for draft_id, message_id in self._state.drafts.items()}
        found = [
            DraftRow(drafts[row.id], row.id, row.thread_id)
            for row in self._iter_matching(query)
            if row.id in drafts and _is_before(row.id, query)
        ]
        return found[: query.limit]

    def _iter_matching(self, query: Query) -> Iterator[MessageRow]:
        """Yield the messages that match, newest first, whatever the page."""
        for row in sorted(self._state.messages.values(), key=lambda row: -row.id):
            hidden = not query.hidden and row.labels & {SPAM, TRASH}
            if not hidden and query.labels <= row.labels and self._matches(row, query):
                yield row

    def _matches(self, row: MessageRow, query: Query) -> bool:
        if query.tree is None:
            return True
        document = make_document(
            self._state.contents[row.id].summary,
            labels=row.labels,
            indexed_ms=message_id_ms(row.id),
            size=row.size,
            attached=self._state.attached.get(row.id, ""),
        )
        return matches(query.tree, document, me=query.me, label_numbers=self._state.keys)

    # threads

    def list_thread(self, thread_id: int) -> list[MessageRow]:
        rows = [row for row in self._state.messages.values() if row.thread_id == thread_id]
        return sorted(rows, key=lambda row: row.id)

    def count_thread(self, thread_id: int) -> int:
        return len(self.list_thread(thread_id))

    def _get_thread(self, thread_id: int) -> ThreadRow:
        rows = self.list_thread(thread_id)
        return ThreadRow(thread_id, max(row.history_id for row in rows), rows[-1].snippet)

    def find_by_message_id(self, message_ids: Sequence[str]) -> list[ThreadHint]:
        wanted = set(message_ids) - {""}
        found = (c for c in self._state.contents.values() if c.summary.message_id in wanted)
        return sorted(map(self._hint, found), key=lambda hint: hint.message_id)

    def find_by_subject(self, subject_key: str) -> ThreadHint | None:
        contents = self._state.contents.values() if subject_key else ()
        found = [c for c in contents if c.summary.subject_key == subject_key]
        return self._hint(max(found, key=lambda c: c.id)) if found else None

    def _hint(self, content: NewMessage) -> ThreadHint:
        row = self._state.messages[content.id]
        return ThreadHint(row.id, row.thread_id, content.summary.subject_key, row.labels)

    # labels

    def list_labels(self) -> list[LabelRow]:
        return [self._counted(row) for row in self._state.labels.values()]

    def find_label(self, number: int) -> LabelRow | None:
        row = self._state.labels.get(number)
        return self._counted(row) if row else None

    def find_label_by_key(self, key: str) -> LabelRow | None:
        number = self._state.keys.get(key)
        return None if number is None else self.find_label(number)

    def _counted(self, label: LabelRow) -> LabelRow:
        rows = [r for r in self._state.messages.values() if label.number in r.labels]
        unread = [r for r in rows if UNREAD in r.labels]
        return structs.replace(
            label,
            messages_total=len(rows),
            messages_unread=len(unread),
            threads_total=len({r.thread_id for r in rows}),
            threads_unread=len({r.thread_id for r in unread}),
        )

    # drafts

    def find_draft(self, draft_id: int) -> DraftRow | None:
        message_id = self._state.drafts.get(draft_id)
        if message_id is None:
            return None
        return DraftRow(draft_id, message_id, self._state.messages[message_id].thread_id)

    def find_draft_of(self, message_id: int) -> DraftRow | None:
        for draft_id, its_message in self._state.drafts.items():
            if its_message == message_id:
                return self.find_draft(draft_id)
        return None

    # history

    def get_history_floor(self) -> int:
        return self._state.history_floor

    def find_history_before(self, ms: int) -> int | None:
        ids = [row.id for at_ms, row in self._state.history if at_ms < ms]
        return ids[-1] if ids else None

    def iter_history(self, after: int) -> Iterator[HistoryRow]:
        return (row for _, row in self._state.history if row.id > after)

    # hand-over

    def list_outbox(self, *, limit: int, octets: int | None = None) -> list[OutboxRow]:
        found: list[OutboxRow] = []
        for row in list(self._state.outbox.values())[:limit]:
            if octets is not None and sum(len(each.raw) for each in found) >= octets:
                break
            found.append(row)
        return found

    def find_receipt(self, key: bytes) -> int | None:
        found = self._state.receipts.get(key)
        return found[0] if found else None

    def count_sent(self, *, since_ms: int) -> Sent:
        found = self.list_sent(since_ms=since_ms)
        oldest_ms = min((at_ms for at_ms, _ in found), default=None)
        return Sent(len(found), sum(count for _, count in found), oldest_ms)

    def list_sent(self, *, since_ms: int) -> list[tuple[int, int]]:
        found = [note for note in self._state.sent if note[0] > since_ms]
        return sorted(found, key=lambda note: note[0])

    # text in attachments

    def list_extractions(self, *, limit: int) -> list[Extraction]:
        found = sorted(self._iter_waiting(), key=lambda each: (each.tries, -each.message_id))
        return found[:limit]

    def count_extractions(self) -> int:
        return sum(1 for _ in self._iter_waiting())

    def find_extraction(self, message_id: int) -> Extraction | None:
        return self._state.extractions.get(message_id)

    def _iter_waiting(self) -> Iterator[Extraction]:
        return (each for each in self._state.extractions.values() if not each.problem)

    def find_setting(self, kind: type[S], key: str = "") -> S | None:
        return self._state.settings.get((KINDS[kind], key))

    def list_settings(self, *kinds: type[S]) -> list[S]:
        words = {KINDS[kind] for kind in kinds}
        return [v for (word, _), v in self._state.settings.items() if word in words]


class MemoryWriter(MemoryReader):
    def __init__(self, state: _State) -> None:
        super().__init__(state)
        self.effects: list[Callable[[], None]] = []

    def after_commit(self, effect: Callable[[], None]) -> None:
        self.effects.append(effect)

    def add_message(self, message: NewMessage) -> MessageRow:
        if message.id in self._state.messages:
            raise ConflictError("message id is taken")
        raw = message.raw
        if isinstance(raw, Packed):
            octets, root = MemoryPacker.unpack(raw)
            message = structs.replace(
                message, raw=octets, root=root, summary=summarize(octets, root)
            )
        row = MessageRow(
            id=message.id,
            thread_id=message.thread_id,
            history_id=self._state.history_id + 1,
            labels=message.labels,
            internal_ms=message.internal_ms,
            size=len(raw) if isinstance(raw, bytes) else raw.size,
            snippet=message.summary.snippet,
        )
        self._state.messages[message.id] = row
        self._state.contents[message.id] = message
        if message.root is not None and has_files(message.root):
            self.put_extraction(Extraction(message.id))
        return row

    def set_labels(self, message_id: int, labels: frozenset[int]) -> MessageRow:
        row = self._get_row(message_id)
        row = structs.replace(row, labels=labels, history_id=self._state.history_id + 1)
        self._state.messages[message_id] = row
        return row

    def delete_message(self, message_id: int) -> MessageRow:
        row = self._get_row(message_id)
        del self._state.messages[message_id], self._state.contents[message_id]
        self.delete_extraction(message_id)
        self._state.attached.pop(message_id, None)
        return row

    def _get_row(self, message_id: int) -> MessageRow:
        row = self.find_message(message_id)
        if row is None:
            raise NotFoundError("no such message")
        return row

    def add_history(self, change: Change, entries: Sequence[HistoryEntry], *, now_ms: int) -> int:
        self._state.history_id += 1
        row = HistoryRow(self._state.history_id, change, tuple(entries))
        self._state.history.append((now_ms, row))
        return row.id

    def expire_history(self, *, before_ms: int, limit: int) -> int:
        dropped = [row.id for at_ms, row in self._state.history if at_ms < before_ms][:limit]
        if dropped:
            self._state.history_floor = dropped[-1]
            self._state.history = self._state.history[len(dropped) :]
        return len(dropped)

    def add_label(self, label: LabelRow, *, key: str) -> LabelRow:
        if key in self._state.keys:
            raise ConflictError("label key is taken")
        label = structs.replace(label, number=self._state.next_label)
        self._state.next_label += 1
        self._state.labels[label.number] = label
        self._state.keys[key] = label.number
        return label

    def update_label(self, label: LabelRow, *, key: str) -> None:
        if self._state.keys.get(key, label.number) != label.number:
            raise ConflictError("label key is taken")
        self._drop_key(label.number)
        self._state.labels[label.number] = label
        self._state.keys[key] = label.number

    def delete_label(self, number: int) -> None:
        self._drop_key(number)
        del self._state.labels[number]

    def _drop_key(self, number: int) -> None:
        if number not in self._state.labels:
            raise NotFoundError("no such label", number=number)
        self._state.keys = {k: n for k, n in self._state.keys.items() if n != number}

    def list_labelled(self, number: int) -> list[int]:
        return sorted(row.id for row in self._state.messages.values() if number in row.labels)

    def put_draft(self, draft_id: int, message_id: int) -> None:
        self._state.drafts[draft_id] = message_id

    def delete_draft(self, draft_id: int) -> None:
        if self._state.drafts.pop(draft_id, None) is None:
            raise NotFoundError("no such draft")

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
        number = self._state.next_outbox
        self._state.next_outbox += 1
        self._state.outbox[number] = OutboxRow(
            number, sender, tuple(recipients), raw, now_ms, options, tuple(reports)
        )
        return number

    def delete_outbox(self, number: int) -> None:
        self._state.outbox.pop(number, None)

    def add_sent(self, recipients: int, *, now_ms: int) -> None:
        oldest_ms = now_ms - SENT_KEPT_MS
        self._state.sent = [note for note in self._state.sent if note[0] >= oldest_ms]
        self._state.sent.append((now_ms, recipients))

    def index_attached(self, message_id: int, summary: Summary, attached: str) -> None:
        content = self._state.contents[self._get_row(message_id).id]
        self._state.contents[message_id] = structs.replace(content, summary=summary)
        self._state.attached[message_id] = attached

    def put_extraction(self, extraction: Extraction) -> None:
        self._get_row(extraction.message_id)
        self._state.extractions[extraction.message_id] = extraction

    def delete_extraction(self, message_id: int) -> None:
        self._state.extractions.pop(message_id, None)

    def put_setting(self, record: Struct, key: str = "") -> None:
        # A value that was stored is no longer the one in the caller's hands.
        copy = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=type(record))
        self._state.settings[KINDS[type(record)], key] = copy

    def delete_setting(self, kind: type[Struct], key: str = "") -> bool:
        return self._state.settings.pop((KINDS[kind], key), None) is not None

    def add_receipt(self, key: bytes, message_id: int, *, now_ms: int) -> None:
        oldest = now_ms - RECEIPT_HOURS * 3_600_000
        kept = {k: v for k, v in self._state.receipts.items() if v[1] >= oldest}
        self._state.receipts = kept | {key: (message_id, now_ms)}


class MemoryMailboxes:
    """All mailboxes. `damaged` holds the ids of those that answer as quarantined."""

    def __init__(self, *, runs_twice: bool = False) -> None:
        self._lock = RLock()
        self._states: dict[str, _State] = {}
        self._runs_twice = runs_twice
        self.damaged: set[str] = set()
        self.blobs = Blobs()

    def create(self, mailbox_id: str) -> None:
        with self._lock:
            if mailbox_id not in self._states:
                secret = f"secret of {mailbox_id}".encode().ljust(32, b".")[:32]
                self._states[mailbox_id] = _State(secret, self.blobs, labels=_system_labels())

    def check(self, mailbox_id: str) -> None:
        self._get_state(mailbox_id)

    settle = check  # there is no index

    def _get_state(self, mailbox_id: str) -> _State:
        if mailbox_id in self.damaged:
            raise MailboxDamagedError("quarantined", mailbox=mailbox_id)
        if mailbox_id not in self._states:
            raise NotFoundError("no such mailbox", mailbox=mailbox_id)
        return self._states[mailbox_id]

    @contextmanager
    def open_reader(self, mailbox_id: str) -> Iterator[MailboxReader]:
        yield MemoryReader(self._get_state(mailbox_id))

    def submit(
        self,
        mailbox_id: str,
        change: Callable[[MailboxWriter], T],
        done: Callable[[T | None, BaseException | None], None],
    ) -> None:
        try:
            result = self.change(mailbox_id, change)
        except Exception as error:  # noqa: BLE001 - the port hands every error on
            done(None, error)
        else:
            done(result, None)

    def change(self, mailbox_id: str, change: Callable[[MailboxWriter], T]) -> T:
        with self._lock:
            if self._runs_twice:
                change(MemoryWriter(self._get_state(mailbox_id).copy()))
            writer = MemoryWriter(self._get_state(mailbox_id).copy())
            result = change(writer)
            state = writer._state  # noqa: SLF001 - of the same module
            state.version += 1
            self._states[mailbox_id] = state
            for effect in writer.effects:
                effect()
            return result

    def close(self) -> None:
        """Nothing to close."""


def _is_before(message_id: int, query: Query) -> bool:
    return query.before is None or message_id < query.before


def _system_labels() -> dict[int, LabelRow]:
    return {number: _system_label(number, name) for number, name in enumerate(SYSTEM_LABELS, 1)}


def _system_label(number: int, name: str) -> LabelRow:
    hidden = name in _HIDDEN_SYSTEM_LABELS or name.startswith("CATEGORY_")
    return LabelRow(
        number=number,
        name=name,
        message_list_visibility="hide" if hidden else "",
        label_list_visibility="labelHide" if hidden else "",
        background_color="",
        text_color="",
        messages_total=0,
        messages_unread=0,
        threads_total=0,
        threads_unread=0,
    )
