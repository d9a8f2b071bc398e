"""Which conversation a message belongs to.

A message joins by References or In-Reply-To that name a message here with the same subject key
(reply and forward prefixes stripped, case folded). Requests of the API must name the thread as
well; imports may join by subject alone when they refer to nothing. Messages in SPAM and TRASH
lead nowhere, and a thread holds THREAD_MAX messages: the next one starts another.

A report about a message (RFC 3464) joins that message, whatever the subjects say.
"""

from penfold.base.errors import ParseError
from penfold.base.ids import parse_message_id
from penfold.base.labels import SENT, SPAM, TRASH
from penfold.base.limits import THREAD_MAX
from penfold.ports.mailbox import MailboxReader, ThreadHint
from penfold.proto.mime.model import Summary
from penfold.spec.problems import INVALID_THREAD_ID, NOT_FOUND, ProblemError


def find_thread(box: MailboxReader, summary: Summary) -> int | None:
    """Return the thread an incoming message continues.

    Of several it refers to, the one of the newest message: where a thread was split, that is
    the part which still has room.
    """
    full: set[int] = set()
    for hint in reversed(_list_referred(box, summary)):
        if hint.thread_id not in full and _is_visible(hint):
            if _has_room(box, hint.thread_id):
                return hint.thread_id
            full.add(hint.thread_id)
    return None


def find_reported_thread(box: MailboxReader, message_id: str, *, sent: bool) -> int | None:
    """Return the thread of a message that something is reported about.

    message_id: without brackets. sent: only of one that was sent from here, for reports that
    anybody may have written. Gmail (observed): a failure stands in the thread of what failed.
    """
    hints = box.find_by_message_id([message_id]) if message_id else []
    for hint in reversed(hints):
        wanted = SENT in hint.labels or not sent
        if wanted and _is_visible(hint) and _has_room(box, hint.thread_id):
            return hint.thread_id
    return None


def find_thread_by_subject(box: MailboxReader, summary: Summary) -> int | None:
    """Return the thread an imported message continues: by reference, else by its subject.

    Gmail (observed): imports with the identical subject join without References. Gmail (its
    documentation of 2019): References, when present, must name an earlier message.
    """
    if summary.references or not summary.subject_key:
        return find_thread(box, summary)
    hint = box.find_by_subject(summary.subject_key)
    if hint is None or not _is_visible(hint) or not _has_room(box, hint.thread_id):
        return None
    return hint.thread_id


def find_requested_thread(box: MailboxReader, text: str, summary: Summary) -> int | None:
    """Return the thread a request names, if the message really continues it; "" names none.

    Gmail (documented): threadId, References or In-Reply-To into that thread and an equal
    subject, all three; otherwise the message starts a thread of its own.
    """
    if not text:
        return None
    try:
        thread_id = parse_message_id(text)
    except ParseError:
        raise ProblemError(INVALID_THREAD_ID) from None
    members = box.list_thread(thread_id)
    if not members:
        raise ProblemError(NOT_FOUND)
    joins = any(hint.thread_id == thread_id for hint in _list_referred(box, summary))
    return thread_id if joins and len(members) < THREAD_MAX else None


def _list_referred(box: MailboxReader, summary: Summary) -> list[ThreadHint]:
    """Return the messages it refers to that have its subject, oldest first."""
    if not summary.references:
        return []
    hints = box.find_by_message_id(summary.references)
    return [hint for hint in hints if hint.subject_key == summary.subject_key]


def _is_visible(hint: ThreadHint) -> bool:
    # Gmail (observed): a reply did not join a thread whose only message is in SPAM.
    return not hint.labels & {SPAM, TRASH}


def _has_room(box: MailboxReader, thread_id: int) -> bool:
    return box.count_thread(thread_id) < THREAD_MAX
