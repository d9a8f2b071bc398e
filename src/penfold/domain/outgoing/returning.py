"""What arriving mail says about mail that was sent from the mailbox it arrives in.

What comes to a row's own return address is about that row, whatever it looks like; so is, of other
notifications, one that names a Message-ID that was sent from here. It joins the thread of what was
sent, is no spam for want of a signature, and is noted with the row of the queue (domain.bounces).
Complaints that come to any other address are noted, and are mail like any.
"""

from functools import partial

from msgspec import Struct

from penfold.domain.mailbox.messages import Letter
from penfold.domain.mailbox.threading import find_reported_thread
from penfold.domain.outgoing.bounces import (
    Complaint,
    FindRow,
    Note,
    make_complaint,
    note_bounce,
    note_complaint,
    note_complaint_of,
    note_returned,
)
from penfold.ports.mailbox import MailboxReader
from penfold.ports.queue import Queue, QueueRow
from penfold.proto.reports.bounces import find_bounce
from penfold.proto.reports.complaints import find_feedback


class Returning(Struct, frozen=True):
    """thread_id: the thread of what it is about, None when that is not here. proven: it is about
    mail of this mailbox. note: writes what it says.
    """

    thread_id: int | None = None
    proven: bool = False
    note: Note | None = None


NOTHING = Returning()


def find_returning(
    box: MailboxReader,
    mailbox_id: str,
    letter: Letter,
    *,
    sender: str,
    row: QueueRow | None,
    now_ms: int,
) -> Returning:
    """Return what a message is about. row: the one whose return address it came to."""
    complaint = _find_complaint(letter)
    if row is not None:
        thread_id = find_reported_thread(box, row.message_id, sent=False)
        return Returning(thread_id, True, _note_of(letter, row, complaint, now_ms))
    if complaint is not None:
        return Returning(note=partial(_note_complaint, complaint, mailbox_id, now_ms))
    # RFC 3464 §2: a notification comes without a reverse-path, so others are not looked at.
    bounce = None if sender else find_bounce(letter.raw, letter.root)
    if bounce is None:
        return NOTHING
    thread_id = find_reported_thread(box, bounce.message_id, sent=True)

    def note_it(queue: Queue, _: FindRow) -> int:
        return note_bounce(queue, mailbox_id, bounce, now_ms=now_ms)

    return Returning(thread_id, thread_id is not None, note_it)


def _find_complaint(letter: Letter) -> Complaint | None:
    if letter.root.mime_type != "multipart/report":
        return None
    found = find_feedback(letter.raw, letter.root)
    return make_complaint(found) if found else None


def _note_of(letter: Letter, row: QueueRow, complaint: Complaint | None, now_ms: int) -> Note:
    def note(queue: Queue, _: FindRow) -> int:
        if complaint is not None:
            return note_complaint_of(queue, row, complaint, now_ms=now_ms)
        subject = letter.summary.subject
        return note_returned(queue, row, bounce, subject=subject, now_ms=now_ms)

    bounce = None if complaint else find_bounce(letter.raw, letter.root)
    return note


def _note_complaint(
    complaint: Complaint, mailbox_id: str, now_ms: int, queue: Queue, find_row: FindRow
) -> int:
    return note_complaint(queue, complaint, find_row=find_row, mailbox_id=mailbox_id, now_ms=now_ms)
