"""What the product needs from a mailbox: a reader, a writer, and a way to get them.

A mailbox is one unit of consistency. Reads see one snapshot per `open_reader`; every change goes
through `submit`, which runs it with a writer inside a transaction shared with others that
arrived meanwhile, and reports after that transaction is durable. The store keeps rows, postings,
counters and the index consistent with each other; what a change *means* (history, threading,
label rules) is decided in domain/.

A change may run more than once and must have no effect outside its writer; effects go to
`writer.after_commit`. Errors a change raises undo that change alone.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import IntEnum
from typing import Protocol, TypeVar

from msgspec import Struct

from penfold.ports.settings import S
from penfold.proto.mime.model import Part, Summary
from penfold.proto.search.tree import Node
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest

T = TypeVar("T")


class MessageRow(Struct, frozen=True, gc=False):
    """The small, often changed part of a stored message. Labels are numbers, see base.labels."""

    id: int
    thread_id: int
    history_id: int
    labels: frozenset[int]
    internal_ms: int
    size: int
    snippet: str


class StoredRaw(Struct, frozen=True, gc=False):
    """The octets of a message that lie in the blobs already, durable, under their hash."""

    sha256: bytes
    size: int


class Packed(Struct, frozen=True, gc=False):
    """A message made ready for the store ahead of its transaction, by a Packer of that store.

    sha256 and size are of its octets; has_files: some attachment is to be read; the rest is the
    store's own affair.
    """

    sha256: bytes
    size: int
    raw: bytes | None
    tree: bytes
    words: tuple[str, ...]
    has_files: bool


class NewMessage(Struct, frozen=True, gc=False):
    """A message to add. `raw` is kept octet for octet; a packed one brings its tree along."""

    id: int
    thread_id: int
    internal_ms: int
    labels: frozenset[int]
    raw: bytes | StoredRaw | Packed
    root: Part | None
    summary: Summary


class ThreadHint(Struct, frozen=True, gc=False):
    """A stored message that a new one might belong with."""

    message_id: int
    thread_id: int
    subject_key: str
    labels: frozenset[int]


class LabelRow(Struct, frozen=True, gc=False):
    """One label with its counters. System labels exist in every mailbox.

    Visibility members are Gmail's words or "" where Gmail shows none; colours are "" or
    "#rrggbb". Counters count messages and threads that carry the label.
    """

    number: int
    name: str
    message_list_visibility: str
    label_list_visibility: str
    background_color: str
    text_color: str
    messages_total: int
    messages_unread: int
    threads_total: int
    threads_unread: int


class DraftRow(Struct, frozen=True, gc=False):
    id: int
    message_id: int
    thread_id: int


class ThreadRow(Struct, frozen=True, gc=False):
    """A thread as a listing shows it: snippet of its newest message, newest history id."""

    id: int
    history_id: int
    snippet: str


class Totals(Struct, frozen=True, gc=False):
    messages: int
    threads: int
    history_id: int


class Query(Struct, frozen=True, gc=False):
    """A listing: every condition must hold; newest first.

    labels: numbers that must all be present. tree: the parsed q, or None. hidden: also SPAM and
    TRASH (decided by the domain from includeSpamTrash, q and labelIds). before: only ids below
    it, the keyset of the next page; None starts at the newest. newest: for list_threads on later
    pages, the newest id when page one was made; what came later moves no thread out of sight.
    me: the account's own addresses, for from:me.
    """

    limit: int
    labels: frozenset[int] = frozenset()
    tree: Node | None = None
    hidden: bool = False
    before: int | None = None
    newest: int | None = None
    me: tuple[str, ...] = ()


class Step(Struct, frozen=True, gc=False):
    """A condition of a search: about how many messages fulfil it, and how it is asked.

    walked: its index is followed from the newest message on; otherwise it is looked up for each
    message the walk comes to.
    """

    what: str
    messages: int
    walked: bool


class Explanation(Struct, frozen=True, gc=False):
    """How a search is answered, and what that is expected to cost."""

    steps: tuple[Step, ...]
    cost_ms: float


class Change(IntEnum):
    MESSAGE_ADDED = 1
    MESSAGE_DELETED = 2
    LABEL_ADDED = 3
    LABEL_REMOVED = 4


class HistoryEntry(Struct, array_like=True, frozen=True, gc=False):
    """One message in a history record: its labels right after the change, and which changed."""

    message_id: int
    thread_id: int
    labels: tuple[int, ...]
    changed: tuple[int, ...] = ()


class HistoryRow(Struct, frozen=True, gc=False):
    id: int
    change: Change
    entries: tuple[HistoryEntry, ...]


class OutboxRow(Struct, frozen=True, gc=False):
    """Mail that left this mailbox and still has to be handed over.

    number grows and is never reused; (mailbox, number, recipient) names one hand-over for ever.
    raw is what recipients get (no Bcc). recipients as in the envelope. options: how the sender
    wants it handled; reports: what each recipient's delivery is reported for, in their order, or
    empty when nothing was said.
    """

    number: int
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    created_ms: int
    options: MailOptions = NO_OPTIONS
    reports: tuple[ReportRequest, ...] = ()


class Sent(Struct, frozen=True, gc=False):
    """Mail sent since some time; oldest_ms: when the first of it was, None when there is none."""

    messages: int
    recipients: int
    oldest_ms: int | None


class Extraction(Struct, frozen=True, gc=False):
    """A message whose attachments wait to be read for their text, or were not all readable.

    tries: how often that ended the process that reads. problem: "" while it waits; else why some
    text is missing for good, in a few words.
    """

    message_id: int
    tries: int = 0
    problem: str = ""


class MailboxReader(Protocol):
    """One consistent view of a mailbox."""

    def get_totals(self) -> Totals: ...
    def get_secret(self) -> bytes:
        """Return 32 random octets made with the mailbox, for tokens handed to its clients."""
        ...

    def get_version(self) -> Hashable:
        """Return a value that no later state of the mailbox has.

        Equal values mean the same state; different ones may too. Comparable within a process.
        """
        ...

    # messages
    def find_message(self, message_id: int) -> MessageRow | None: ...
    def get_structure(self, message_id: int) -> Part:
        """Return the stored part tree; NotFoundError when there is no such message."""
        ...

    def get_raw(self, message_id: int) -> bytes:
        """Return the octets that came in, checked against their hash."""
        ...

    def find_digest(self, message_id: int) -> bytes | None:
        """Return the SHA-256 of a message's octets, None when there is no such message."""
        ...

    def find_copy(self, sha256: bytes, *, size: int, header_id: str) -> int | None:
        """Return the message with these octets, looked for among those with its Message-ID.

        At most COPIES_MAX of that id and size are looked at.
        """
        ...

    def list_messages(self, query: Query) -> list[tuple[int, int]]:
        """Return up to query.limit (message id, thread id), newest first."""
        ...

    def explain(self, query: Query) -> Explanation:
        """Return how list_messages finds what it finds."""
        ...

    def list_threads(self, query: Query) -> list[tuple[int, int]]:
        """Return up to query.limit (id of the newest matching message, thread id), newest first.

        A thread is shown once, at its newest message that matches the whole query; `before`
        is compared with that message's id.
        """
        ...

    def get_threads(self, thread_ids: Sequence[int]) -> list[ThreadRow]:
        """Return these threads, in this order; each has a message."""
        ...

    def list_drafts(self, query: Query) -> list[DraftRow]:
        """Return drafts whose message matches, newest message first."""
        ...

    # threads
    def list_thread(self, thread_id: int) -> list[MessageRow]:
        """Return a thread's messages, oldest first; empty when there is no such thread."""
        ...

    def count_thread(self, thread_id: int) -> int:
        """Return how many messages a thread has, 0 when there is no such thread."""
        ...

    def find_by_message_id(self, message_ids: Sequence[str]) -> list[ThreadHint]:
        """Return stored messages whose Message-ID is among these, oldest first."""
        ...

    def find_by_subject(self, subject_key: str) -> ThreadHint | None:
        """Return the newest message with this subject key."""
        ...

    # labels
    def list_labels(self) -> list[LabelRow]:
        """Return system labels in Gmail's order, then user labels by number."""
        ...

    def find_label(self, number: int) -> LabelRow | None: ...
    def find_label_by_key(self, key: str) -> LabelRow | None:
        """Return the user label with this conflict key (see domain.labels)."""
        ...

    # drafts
    def find_draft(self, draft_id: int) -> DraftRow | None: ...
    def find_draft_of(self, message_id: int) -> DraftRow | None: ...

    # history
    def get_history_floor(self) -> int:
        """Return the oldest id a client may start from; older ones are expired."""
        ...

    def find_history_before(self, ms: int) -> int | None:
        """Return the id of the newest kept record made before that time, None when none was.

        Times are taken to grow with ids; where a clock was set back, it is one of them.
        """
        ...

    def iter_history(self, after: int) -> Iterator[HistoryRow]:
        """Yield records with id > after, oldest first."""
        ...

    # hand-over
    def list_outbox(self, *, limit: int, octets: int | None = None) -> list[OutboxRow]:
        """Return rows by number; none follows once their messages have so many octets."""
        ...

    def find_receipt(self, key: bytes) -> int | None:
        """Return the message id delivered under this key, if it was within the kept window."""
        ...

    def count_sent(self, *, since_ms: int) -> Sent:
        """Return what was sent after that time."""
        ...

    def list_sent(self, *, since_ms: int) -> list[tuple[int, int]]:
        """Return when each of those was sent and to how many, oldest first."""
        ...

    # text in attachments
    def list_extractions(self, *, limit: int) -> list[Extraction]:
        """Return those that wait: the least tried first, then the newest message."""
        ...

    def count_extractions(self) -> int:
        """Return how many wait."""
        ...

    def find_extraction(self, message_id: int) -> Extraction | None: ...

    # settings
    def find_setting(self, kind: type[S], key: str = "") -> S | None: ...
    def list_settings(self, *kinds: type[S]) -> list[S]:
        """Return the records of these kinds in the order they came, at the cost of one read."""
        ...


class MailboxWriter(MailboxReader, Protocol):
    """A reader inside an open transaction that may also change things."""

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run `effect` once, after the transaction is durable; on the writer's thread, so brief."""
        ...

    def add_message(self, message: NewMessage) -> MessageRow:
        """Store the message, its index entries and counters; ConflictError when the id is taken.

        Its history_id is the next add_history's. One with attachments that may hold text waits
        for extraction.
        """
        ...

    def set_labels(self, message_id: int, labels: frozenset[int]) -> MessageRow:
        """Replace the labels and return the row; counters and postings follow.

        Its history_id is the next add_history's.
        """
        ...

    def delete_message(self, message_id: int) -> MessageRow:
        """Remove the message for good and return what it was."""
        ...

    def add_history(self, change: Change, entries: Sequence[HistoryEntry], *, now_ms: int) -> int:
        """Append one record and return its id, greater than every id before."""
        ...

    def expire_history(self, *, before_ms: int, limit: int) -> int:
        """Drop the oldest records made before that time, at most so many, and return how many.

        The floor is raised to the newest one dropped.
        """
        ...

    def add_label(self, label: LabelRow, *, key: str) -> LabelRow:
        """Store a user label (its number is ignored and chosen here, never reused)."""
        ...

    def update_label(self, label: LabelRow, *, key: str) -> None: ...
    def delete_label(self, number: int) -> None:
        """Remove the label row; the caller has taken it off every message before."""
        ...

    def list_labelled(self, number: int) -> list[int]:
        """Return the ids of all messages that carry the label, oldest first."""
        ...

    def put_draft(self, draft_id: int, message_id: int) -> None:
        """Point a new or existing draft at a message."""
        ...

    def delete_draft(self, draft_id: int) -> None: ...
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
        """Put mail into the outbox and return its number; see OutboxRow."""
        ...

    def delete_outbox(self, number: int) -> None: ...
    def add_receipt(self, key: bytes, message_id: int, *, now_ms: int) -> None: ...
    def add_sent(self, recipients: int, *, now_ms: int) -> None:
        """Note that a message was sent; notes older than a day are dropped."""
        ...

    def index_attached(self, message_id: int, summary: Summary, attached: str) -> None:
        """Index a message anew, with the text of its attachments; NotFoundError when it is gone.

        Nothing else of it changes. summary is what `read_message` says of its octets.
        """
        ...

    def put_extraction(self, extraction: Extraction) -> None: ...
    def delete_extraction(self, message_id: int) -> None: ...
    def put_setting(self, record: Struct, key: str = "") -> None:
        """Store a record of a kind in ports.settings, in place of the one with its key."""
        ...

    def delete_setting(self, kind: type[Struct], key: str = "") -> bool:
        """Remove a record; return whether it was there."""
        ...


class Packer(Protocol):
    """Makes messages ready for a store; needs no transaction, so it may work elsewhere."""

    def pack(self, raw: bytes, root: Part, summary: Summary) -> Packed:
        """Return what add_message takes. Octets that are kept apart are durable on return."""
        ...


class Mailboxes(Protocol):
    """All mailboxes of this data directory."""

    def create(self, mailbox_id: str) -> None:
        """Make the mailbox, durable on return; does nothing when it is there already."""
        ...

    def open_reader(self, mailbox_id: str) -> AbstractContextManager[MailboxReader]:
        """Borrow a reader. NotFoundError, MailboxDamagedError as it is."""
        ...

    def submit(
        self,
        mailbox_id: str,
        change: Callable[[MailboxWriter], T],
        done: Callable[[T | None, BaseException | None], None],
    ) -> None:
        """Queue a change; `done(result, error)` is called once, after commit or failure.

        `done` runs on the writer's thread, so it must be brief and not raise; on the caller's when
        the mailbox takes no changes. Durable when called with error None.
        """
        ...

    def change(self, mailbox_id: str, change: Callable[[MailboxWriter], T]) -> T:
        """Do the same and wait for it; for callers outside an event loop."""
        ...

    def settle(self, mailbox_id: str) -> None:
        """Put in order what was added in bulk, so that searches are quick; others are let in."""
        ...

    def check(self, mailbox_id: str) -> None:
        """Raise what open_reader would raise, at the cost of a cached lookup."""
        ...

    def close(self) -> None:
        """Finish queued changes and close every handle; safe to call twice."""
        ...
