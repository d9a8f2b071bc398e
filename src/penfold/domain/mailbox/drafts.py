"""Drafts: messages that can be replaced until they are sent.

A draft keeps its id while every version is a new message. A new version carries DRAFT and nothing
else, and every message with that label is some draft's. Gmail: observed 2026-09/10. Gmail
(documented): drafts take no other labels; (observed): TRASH is one they take, so none is refused.
"""

from msgspec import UnsetType, structs

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.ids import parse_draft_id
from penfold.base.labels import DRAFT
from penfold.base.limits import SEND_MAX_BYTES
from penfold.domain.mailbox.changes import delete_messages
from penfold.domain.mailbox.messages import add_letter, check_raw, make_draft_id, read_letter
from penfold.domain.mailbox.paging import Lister, Page, list_page
from penfold.domain.mailbox.threading import find_requested_thread
from penfold.domain.outgoing.outbound import Outbound
from penfold.ports.directory import Account
from penfold.ports.mailbox import DraftRow, MailboxReader, MailboxWriter, MessageRow, Query
from penfold.spec.problems import (
    INVALID_DRAFT,
    INVALID_ID,
    MISSING_DRAFT,
    NOT_FOUND,
    Problem,
    ProblemError,
)
from penfold.spec.schemas import Message

_LABELS = frozenset({DRAFT})


def get_draft(box: MailboxReader, text: str, *, malformed: Problem = INVALID_ID) -> DraftRow:
    """Return the draft with this id; `malformed` is the answer to what cannot be one."""
    try:
        draft = box.find_draft(parse_draft_id(text))
    except ParseError:
        raise ProblemError(malformed) from None
    if draft is None:
        raise ProblemError(NOT_FOUND)
    return draft


def list_drafts(box: MailboxReader, query: Query, token: str) -> Page[DraftRow]:
    """Return one page of drafts, newest first."""
    query = structs.replace(query, labels=query.labels | _LABELS)
    lister = Lister(
        kind="drafts",
        fetch=box.list_drafts,
        position=lambda draft: draft.message_id,
    )
    return list_page(box, lister, query, token)


def create_draft(
    box: MailboxWriter, message: Message | UnsetType, *, now_ms: int, chance: Chance
) -> tuple[int, MessageRow]:
    """Store a new draft; return its id and its message."""
    draft_id = make_draft_id(box, chance)
    row = _add_version(box, message, keep=None, now_ms=now_ms, chance=chance)
    box.put_draft(draft_id, row.id)
    return draft_id, row


def update_draft(
    box: MailboxWriter,
    text: str,
    message: Message | UnsetType,
    *,
    now_ms: int,
    chance: Chance,
) -> tuple[int, MessageRow]:
    """Replace what a draft says: a new message comes, then the old one goes for good."""
    draft = get_draft(box, text)
    old = _get_message(box, draft)
    row = _add_version(box, message, keep=old, now_ms=now_ms, chance=chance)
    box.put_draft(draft.id, row.id)
    delete_messages(box, [old], now_ms=now_ms)
    return draft.id, row


def delete_draft(box: MailboxWriter, text: str, *, now_ms: int) -> None:
    """Remove a draft and its message for good, bypassing the trash."""
    delete_messages(box, [_get_message(box, get_draft(box, text))], now_ms=now_ms)


def send_draft(
    box: MailboxWriter,
    text: str | UnsetType,
    message: Message | UnsetType,
    *,
    account: Account,
    outbound: Outbound,
    delegate: Account | None = None,
    now_ms: int,
) -> MessageRow:
    """Send a draft, or the message given with it, in the thread of its last version."""
    if not text:
        raise ProblemError(INVALID_DRAFT)
    draft = get_draft(box, text, malformed=INVALID_DRAFT)
    old = _get_message(box, draft)
    raw = message.raw if message and message.raw else box.get_raw(old.id)
    sent = outbound.send(
        box, account, raw, thread_id=old.thread_id, delegate=delegate, now_ms=now_ms
    )
    delete_messages(box, [old], now_ms=now_ms)
    return sent


def _add_version(
    box: MailboxWriter,
    message: Message | UnsetType,
    *,
    keep: MessageRow | None,
    now_ms: int,
    chance: Chance,
) -> MessageRow:
    """Store a draft's message. keep: the version it replaces, whose thread it stays in.

    Gmail (observed): a draft that is alone in its thread gets a new thread with each version.
    """
    if not message:
        raise ProblemError(MISSING_DRAFT)
    letter = read_letter(check_raw(message.raw, limit=SEND_MAX_BYTES))
    if keep and box.count_thread(keep.thread_id) > 1:
        thread_id: int | None = keep.thread_id
    else:
        thread_id = find_requested_thread(box, message.thread_id or "", letter.summary)
    return add_letter(
        box,
        letter,
        labels=_LABELS,
        thread_id=thread_id,
        internal_ms=now_ms,
        now_ms=now_ms,
        chance=chance,
    )


def _get_message(box: MailboxReader, draft: DraftRow) -> MessageRow:
    row = box.find_message(draft.message_id)
    if row is None:
        raise ProblemError(NOT_FOUND)
    return row
