"""Messages: adding, finding, listing, relabelling and removing them.

Owns the making of message ids and the limits of requests on messages. A message is stored octet
for octet as it was given. Gmail (observed) puts trace headers in front of what insert and
import store; here `format=raw` returns exactly the octets that came in.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct, UnsetType

from penfold.base.chance import Chance
from penfold.base.errors import ConflictError, ParseError, UnavailableError
from penfold.base.ids import DATE_LIMIT_MS, RANDOM_BITS, make_message_id, parse_message_id
from penfold.base.labels import DRAFT, SPAM, TRASH
from penfold.base.limits import (
    BATCH_MODIFY_MAX,
    INSERT_MAX_BYTES,
    MODIFY_LABELS_MAX,
)
from penfold.domain.mailbox.changes import (
    NO_LABELS,
    change_labels,
    delete_messages,
    record_added,
    settle_labels,
)
from penfold.domain.mailbox.labels import NOT_CHANGEABLE, NOT_INSERTABLE, get_label_numbers
from penfold.domain.mailbox.paging import Lister, Page, check_max_results, list_page
from penfold.domain.mailbox.threading import (
    find_requested_thread,
    find_thread,
    find_thread_by_subject,
)
from penfold.ports.mailbox import MailboxReader, MailboxWriter, MessageRow, NewMessage, Query
from penfold.ports.uploads import Digest
from penfold.proto.mime.model import Part, Summary
from penfold.proto.mime.summary import read_message
from penfold.proto.search.parse import parse_query
from penfold.proto.search.tree import mentions_hidden
from penfold.spec.problems import (
    INVALID_ID,
    MESSAGE_TOO_LARGE,
    NO_IDS,
    NO_LABEL_CHANGE,
    NOT_FOUND,
    RAW_REQUIRED,
    THREAD_ID_NOT_ALLOWED,
    TOO_MANY_IDS,
    TOO_MANY_LABELS,
    ProblemError,
)

#: Tries to find a free id in one millisecond. Dates have whole seconds, so bulk imports crowd
#: single milliseconds; with half of its 2**20 ids taken, one in 2**32 messages fails.
_ID_TRIES: Final = 32

DateSource = Literal["receivedTime", "dateHeader"]


class Letter(Struct, frozen=True, gc=False):
    """A message read once: its octets, its tree and what the mailbox keeps of it.

    require_tls: it came under REQUIRETLS, so what is sent on of it goes under that as well.
    """

    raw: bytes
    root: Part
    summary: Summary
    require_tls: bool = False


def read_letter(raw: bytes, *, require_tls: bool = False) -> Letter:
    root, summary = read_message(raw)
    return Letter(raw, root, summary, require_tls)


# --- adding --------------------------------------------------------------------------------


def check_raw(raw: bytes | str | UnsetType, *, limit: int) -> bytes:
    """Return the octets of a request's message; a checked request holds them decoded."""
    if not raw or not isinstance(raw, bytes):
        raise ProblemError(RAW_REQUIRED)
    if len(raw) > limit:
        raise ProblemError(MESSAGE_TOO_LARGE, limit=limit)
    return raw


def add_letter(
    box: MailboxWriter,
    letter: Letter | Digest,
    *,
    labels: frozenset[int],
    thread_id: int | None,
    internal_ms: int,
    now_ms: int,
    chance: Chance,
) -> MessageRow:
    """Store a message with its history; without a thread it starts its own."""
    for _ in range(_ID_TRIES):
        message_id = make_message_id(internal_ms, chance.getrandbits(RANDOM_BITS))
        try:
            row = box.add_message(
                NewMessage(
                    id=message_id,
                    thread_id=message_id if thread_id is None else thread_id,
                    internal_ms=internal_ms,
                    labels=labels,
                    raw=letter.raw,
                    root=letter.root,
                    summary=letter.summary,
                )
            )
        except ConflictError:
            continue
        record_added(box, row, now_ms=now_ms)
        return row
    raise UnavailableError("no free message id", ms=internal_ms)


def insert_message(
    box: MailboxWriter,
    raw: bytes | str | UnsetType | Digest,
    *,
    label_ids: Sequence[str],
    thread: str,
    date_source: DateSource,
    now_ms: int,
    chance: Chance,
) -> MessageRow:
    """Add a message as IMAP APPEND would: no classifier, no filters, labels as given."""
    letter = _get_letter(raw)
    labels = _get_insert_labels(box, label_ids)
    thread_id = find_requested_thread(box, thread, letter.summary)
    if not thread:
        thread_id = find_thread(box, letter.summary)
    internal_ms = _choose_date(letter.summary, date_source, now_ms)
    return _add_given(box, letter, labels, thread_id, internal_ms, now_ms, chance)


def import_message(
    box: MailboxWriter,
    raw: bytes | str | UnsetType | Digest,
    *,
    label_ids: Sequence[str],
    thread: str,
    date_source: DateSource,
    now_ms: int,
    chance: Chance,
) -> MessageRow:
    """Add a message as if it had arrived by SMTP; threads by subject as well.

    Gmail (assumed): filters, forwarding and the vacation reply do not act on it. Its labels are
    those of the request, and who moves old mail here must not make it leave again.
    """
    if thread:
        raise ProblemError(THREAD_ID_NOT_ALLOWED)
    letter = _get_letter(raw)
    labels = _get_insert_labels(box, label_ids)
    thread_id = find_thread_by_subject(box, letter.summary)
    internal_ms = _choose_date(letter.summary, date_source, now_ms)
    return _add_given(box, letter, labels, thread_id, internal_ms, now_ms, chance)


def _add_given(  # noqa: PLR0917 - the tail of two functions with the same arguments
    box: MailboxWriter,
    letter: Letter | Digest,
    labels: frozenset[int],
    thread_id: int | None,
    internal_ms: int,
    now_ms: int,
    chance: Chance,
) -> MessageRow:
    row = add_letter(
        box,
        letter,
        labels=labels,
        thread_id=thread_id,
        internal_ms=internal_ms,
        now_ms=now_ms,
        chance=chance,
    )
    if DRAFT in labels:
        # Every message labelled DRAFT is some draft's message.
        box.put_draft(make_draft_id(box, chance), row.id)
    return row


def make_draft_id(box: MailboxReader, chance: Chance) -> int:
    """Return an unused draft id: 64 random bits, signed."""
    while True:
        draft_id = chance.getrandbits(64) - 2**63
        if box.find_draft(draft_id) is None:
            return draft_id


def _get_letter(raw: bytes | str | UnsetType | Digest) -> Letter | Digest:
    """Return the message to keep; a large one that came as an upload was read before."""
    if isinstance(raw, Digest):
        return raw
    return read_letter(check_raw(raw, limit=INSERT_MAX_BYTES))


def _get_insert_labels(box: MailboxReader, label_ids: Sequence[str]) -> frozenset[int]:
    wanted = get_label_numbers(box, label_ids, refused=NOT_INSERTABLE)
    return settle_labels(NO_LABELS, add=wanted)


def _choose_date(summary: Summary, source: DateSource, now_ms: int) -> int:
    """Return internalDate. Gmail (documented): an unusable Date counts as the receive time."""
    date_ms = summary.date_ms
    if source == "receivedTime" or date_ms is None or not 0 <= date_ms < DATE_LIMIT_MS:
        return now_ms
    return date_ms


# --- finding and listing -------------------------------------------------------------------


def parse_id(text: str) -> int:
    """Return the number of a message or thread id in a request."""
    try:
        return parse_message_id(text)
    except ParseError:
        raise ProblemError(INVALID_ID) from None


def get_message(box: MailboxReader, text: str) -> MessageRow:
    row = box.find_message(parse_id(text))
    if row is None:
        raise ProblemError(NOT_FOUND)
    return row


def make_query(
    box: MailboxReader,
    *,
    q: str,
    label_ids: Sequence[str] = (),
    include_spam_trash: bool,
    max_results: int,
    now_ms: int,
    me: tuple[str, ...],
) -> Query:
    """Return what a list request asks for; SPAM and TRASH only when it says so somewhere."""
    limit = check_max_results(max_results)
    labels = get_label_numbers(box, label_ids)
    tree = parse_query(q, now_ms=now_ms) if q.strip() else None
    named = bool(labels & {SPAM, TRASH}) or (tree is not None and mentions_hidden(tree))
    return Query(
        limit=limit,
        labels=labels,
        tree=tree,
        hidden=include_spam_trash or named,
        me=me,
    )


def list_messages(box: MailboxReader, query: Query, token: str) -> Page[tuple[int, int]]:
    """Return one page of (message id, thread id)."""
    lister = Lister(
        kind="messages",
        fetch=box.list_messages,
        position=lambda pair: pair[0],
    )
    return list_page(box, lister, query, token)


# --- changing and removing -----------------------------------------------------------------


class LabelChange(Struct, frozen=True, gc=False):
    """Which labels a request adds and removes, checked."""

    add: frozenset[int]
    remove: frozenset[int]


def check_label_change(
    box: MailboxReader, add: Sequence[str] | UnsetType, remove: Sequence[str] | UnsetType
) -> LabelChange:
    """Return the labels of a modify request."""
    lists = [ids or () for ids in (add, remove)]
    if not any(lists):
        raise ProblemError(NO_LABEL_CHANGE)
    for ids in lists:
        if len(ids) > MODIFY_LABELS_MAX:
            raise ProblemError(TOO_MANY_LABELS, count=len(ids), limit=MODIFY_LABELS_MAX)
    added, removed = (get_label_numbers(box, ids, refused=NOT_CHANGEABLE) for ids in lists)
    return LabelChange(added, removed)


TRASHING: Final = LabelChange(frozenset({TRASH}), NO_LABELS)
#: Gmail (assumed): taking something out of the trash does not put it back into the inbox.
UNTRASHING: Final = LabelChange(NO_LABELS, frozenset({TRASH}))


def modify_messages(
    box: MailboxWriter, rows: Sequence[MessageRow], change: LabelChange, *, now_ms: int
) -> list[MessageRow]:
    return change_labels(box, rows, add=change.add, remove=change.remove, now_ms=now_ms)


def delete_message(box: MailboxWriter, text: str, *, now_ms: int) -> None:
    """Remove one message for good, bypassing the trash."""
    delete_messages(box, [get_message(box, text)], now_ms=now_ms)


def list_batch(box: MailboxReader, ids: Sequence[str] | UnsetType) -> list[MessageRow]:
    """Return the messages a batch request names, each once; unknown ones are passed over."""
    if not ids:
        raise ProblemError(NO_IDS)
    if len(ids) > BATCH_MODIFY_MAX:
        raise ProblemError(TOO_MANY_IDS, count=len(ids), limit=BATCH_MODIFY_MAX)
    numbers = dict.fromkeys(parse_id(text) for text in ids)
    found = (box.find_message(number) for number in numbers)
    return [row for row in found if row is not None]
