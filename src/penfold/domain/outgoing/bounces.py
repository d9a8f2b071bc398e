"""Notifications of others about mail that left here: what they say is noted with its queue row.

Another server took the message, so the row stays SENT; the note explains to whoever looks what
became of it. Anybody can write a notification. One is believed this far only when it comes to the
row's own return address (domain.return_paths) or names a Message-ID that was sent from the very
mailbox it arrives in, and then it can do no more than add a line, BOUNCE_NOTES_MAX times.
Complaints are noted alike, wherever they arrive.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from penfold.base.errors import NotFoundError
from penfold.base.limits import (
    BOUNCE_NOTES_MAX,
    DSN_DIAGNOSTIC_MAX,
    NOTE_SUBJECT_MAX,
    SENT_ROWS_MAX,
)
from penfold.ports.queue import Attempt, Facts, Queue, QueueRow, QueueState
from penfold.ports.reports import Report, ReportKind
from penfold.proto.address import canonical
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import classify_recipient
from penfold.proto.reports.complaints import FeedbackReport
from penfold.proto.reports.returned import BounceReport, RecipientStatus

#: Returns the row a return address stands for, None when it is none of ours.
FindRow = Callable[[str], QueueRow | None]
#: Writes notes, and says how many; called in a thread after what they are about was stored.
Note = Callable[[Queue, FindRow], int]


#: Registered types of feedback that are no complaints.
NO_COMPLAINTS: Final = {
    "not-spam": "reported as no spam",
    "auth-failure": "reported as not authentic",
}


def find_no_row(_: str) -> QueueRow | None:
    """A FindRow where nobody makes return addresses."""
    return None


_WORDS: Final = {
    Action.FAILED: "bounced later",
    Action.DELAYED: "delayed on its way",
    Action.DELIVERED: "reported as delivered",
    Action.RELAYED: "reported as passed on",
    Action.EXPANDED: "reported as passed on to a list",
}


class Complaint(Struct, frozen=True, gc=False):
    """What somebody who got a message says of it (RFC 5965), in short.

    kind: "abuse", "fraud" and so on. sender: the reverse-path it had. message_id, recipients: of
    the message; whatever is not known is empty.
    """

    kind: str
    sender: str = ""
    message_id: str = ""
    recipients: tuple[str, ...] = ()
    reporter: str = ""


def make_complaint(found: FeedbackReport) -> Complaint:
    return Complaint(
        found.kind,
        found.find_return_path(),
        found.message_id,
        found.recipients,
        found.reporting_mta or found.user_agent,
    )


def find_complaint(report: Report) -> Complaint | None:
    """Return the complaint that a report is (ports.reports), if it is one."""
    if report.kind is not ReportKind.COMPLAINT:
        return None
    about = dict(report.about)
    return Complaint(
        about.get("type", ""),
        about.get("sender", ""),
        about.get("message_id", ""),
        tuple(about.get("recipient", "").split(", ")),
        report.reporter,
    )


def note_bounce(queue: Queue, mailbox_id: str, report: BounceReport, *, now_ms: int) -> int:
    """Note what a notification in a mailbox says; return how many rows it is about."""
    rows = queue.find_sent(mailbox_id, report.message_id)
    noted = 0
    for status in report.recipients[: len(rows)]:
        row = _find_row(rows, status.original, status.final)
        if row is not None:
            note = _make_note(status, report.reporting_mta, now_ms)
            noted += _add(queue, row.id, note)
    return noted


def note_returned(
    queue: Queue, row: QueueRow, report: BounceReport | None, *, subject: str, now_ms: int
) -> int:
    """Note what came to the return address of a row; return 1, or 0 when nothing is noted.

    report: None for what is no notification that we can read; then the subject is quoted.
    """
    if report is None:
        words = " ".join(subject.split())[:NOTE_SUBJECT_MAX]
        return _add(queue, row.id, Attempt(now_ms, f"answered: {words}".rstrip(": "), ""))
    # All of it is about this row: one behind an alias may name other addresses.
    named = (each for each in report.recipients if _is_for(row, each.original, each.final))
    status = next(named, report.recipients[0])
    return _add(queue, row.id, _make_note(status, report.reporting_mta, now_ms))


def note_complaint(
    queue: Queue,
    complaint: Complaint,
    *,
    find_row: FindRow,
    mailbox_id: str | None = None,
    now_ms: int,
) -> int:
    """Note a complaint with the row it is about; return 1, or 0 when there is none."""
    row = find_complained(queue, complaint, find_row=find_row, mailbox_id=mailbox_id)
    return 0 if row is None else note_complaint_of(queue, row, complaint, now_ms=now_ms)


def find_complained(
    queue: Queue, complaint: Complaint, *, find_row: FindRow, mailbox_id: str | None = None
) -> QueueRow | None:
    """Return the row a complaint is about.

    It is known by its return address, else by the Message-ID; mailbox_id: of mail from that
    mailbox alone.
    """
    row = find_row(complaint.sender)
    if row is None and mailbox_id is not None:
        rows = queue.find_sent(mailbox_id, complaint.message_id)
        row = _find_row(rows, *complaint.recipients)
    elif row is None:
        rows = queue.find_by_message_id(complaint.message_id, limit=SENT_ROWS_MAX)
        row = _find_row(rows, *complaint.recipients)
    return row


def note_complaint_of(queue: Queue, row: QueueRow, complaint: Complaint, *, now_ms: int) -> int:
    """Note a complaint with the row that is known to be meant; return 1, or 0 if there is none."""
    source = f"reported by {complaint.reporter}" if complaint.reporter else ""
    words = (
        NO_COMPLAINTS.get(complaint.kind) or f"complained of: {complaint.kind[:DSN_DIAGNOSTIC_MAX]}"
    )
    return _add(queue, row.id, Attempt(now_ms, words, source))


def _add(queue: Queue, row_id: int, note: Attempt) -> int:
    """Add a note to a row that was sent; one that still waits, or is gone, is left alone."""
    try:
        row = queue.get_row(row_id)
    except NotFoundError:
        return 0
    if row.state is not QueueState.SENT or len(queue.list_attempts(row_id)) >= BOUNCE_NOTES_MAX:
        return 0
    queue.add_attempt(row_id, note, state=QueueState.SENT)
    return 1


def _find_row(rows: Sequence[QueueRow], *addresses: str) -> QueueRow | None:
    """Return the row of a recipient; one that was forwarded has no row under its new address."""
    meant = next((row for row in rows if _is_for(row, *addresses)), None)
    return rows[0] if meant is None and len(rows) == 1 else meant


def _is_for(row: QueueRow, *addresses: str) -> bool:
    """Return whether one of the addresses is the recipient's, as it is or as the sender gave it."""
    original = row.report.find_original()
    known = {canonical(row.recipient)} | ({canonical(original.address)} if original else set())
    return not known.isdisjoint(canonical(each) for each in addresses if each)


def _make_note(status: RecipientStatus, mta: str, now_ms: int) -> Attempt:
    said = status.diagnostic[:DSN_DIAGNOSTIC_MAX] or status.status
    words = f"{_WORDS[status.action]}: {said}".rstrip(": ")
    source = f"reported by {mta}" if mta else ""
    if status.action not in (Action.FAILED, Action.DELAYED):
        return Attempt(now_ms, words, source)
    found = classify_recipient(status)
    return Attempt(now_ms, words, source, found.kind, Facts(rule=found.rule, blame=found.blame))
