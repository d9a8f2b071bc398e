"""From the outbox of one mailbox to where the mail goes: mailboxes here, or the queue.

A row of the outbox is gone only when every recipient has the message on disk. domain.carrying does
the carrying, so that all of it can be repeated after a crash at any point.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import HAND_OVER_MAX_BYTES, HAND_OVER_MAX_ROWS
from penfold.domain.envelope import Wishes, make_wishes
from penfold.domain.outgoing.carrying import Carrier, Parcel
from penfold.domain.outgoing.notices import Notices, make_event
from penfold.ports.mailbox import Mailboxes, MailboxWriter, OutboxRow
from penfold.ports.queue import Attempt, Queue, QueueState
from penfold.proto.reports.action import Action
from penfold.proto.smtp.outcomes.rule import Kind

#: What the queue shows of mail for an address of ours that nobody has.
UNKNOWN_USER = "550 5.1.1 No such user here"


class _Moved(Struct, frozen=True, gc=False):
    """A row that was looked at, and the recipients that have to wait."""

    row: OutboxRow
    waiting: tuple[str, ...]
    error: UnavailableError | NotFoundError | None


class HandOver:
    """Moves outboxes on. Every call blocks; it is made for a worker's thread."""

    def __init__(
        self,
        carrier: Carrier,
        *,
        mailboxes: Mailboxes,
        queue: Queue,
        clock: Clock,
        notices: Notices,
    ) -> None:
        self._carrier = carrier
        self._mailboxes = mailboxes
        self._queue = queue
        self._clock = clock
        self._notices = notices

    def move(self, mailbox_id: str) -> None:
        """Hand over everything in a mailbox's outbox.

        What a recipient's mailbox cannot take now goes to the end of the outbox, so that it
        holds up nothing else, and its error is raised when the rest is done.
        """
        error: Exception | None = None
        end: int | None = None
        while True:
            with self._mailboxes.open_reader(mailbox_id) as box:
                rows = box.list_outbox(limit=HAND_OVER_MAX_ROWS, octets=HAND_OVER_MAX_BYTES)
            rows = [row for row in rows if end is None or row.number < end]
            if not rows:
                break
            moved = [self._move_row(mailbox_id, row) for row in rows]
            added = self._mailboxes.change(mailbox_id, partial(_settle, moved=moved))
            if added:
                end = min(added) if end is None else end
            error = error or next((each.error for each in moved if each.error), None)
        if error is not None:
            raise error

    def _move_row(self, mailbox_id: str, row: OutboxRow) -> _Moved:
        parcel = Parcel(
            mailbox_id,
            row.number,
            row.sender,
            tuple(row.recipients),
            row.raw,
            row.created_ms,
            _wishes_of(row),
        )
        found = self._carrier.sort(parcel)
        waiting: list[str] = []
        error: UnavailableError | NotFoundError | None = None
        for target, recipients in found.here.accounts.items():
            try:
                self._carrier.deliver(parcel, target, found.here)
            except (UnavailableError, NotFoundError) as problem:
                waiting += recipients
                error = problem
        self._carrier.enqueue([(parcel, found.elsewhere)])
        self._refuse(parcel, found.here.unknown)
        return _Moved(row, tuple(waiting), error)

    def _refuse(self, parcel: Parcel, recipients: Sequence[str]) -> None:
        """Record as failed what is for addresses of ours that nobody has, and tell the sender."""
        now_ms = self._clock.now_ms()
        attempt = Attempt(now_ms, UNKNOWN_USER, "", kind=Kind.INVALID_RECIPIENT)
        [ids] = self._carrier.enqueue([(parcel, recipients)], QueueState.FAILED)
        for row_id in ids:
            attempts = self._queue.list_attempts(row_id)
            if not attempts:
                self._queue.add_attempt(row_id, attempt, state=QueueState.FAILED)
                attempts = [attempt]
            event = make_event(Action.FAILED, attempts[-1])  # the one that was told of, if any was
            self._notices.tell(self._queue.get_row(row_id), event)


def _settle(box: MailboxWriter, *, moved: Sequence[_Moved]) -> list[int]:
    """Take rows off the outbox; return the numbers under which what has to wait goes on."""
    added = []
    for each in moved:
        box.delete_outbox(each.row.number)
        if each.waiting:
            added.append(
                box.add_outbox(
                    sender=each.row.sender,
                    recipients=each.waiting,
                    raw=each.row.raw,
                    now_ms=each.row.created_ms,
                    options=each.row.options,
                    reports=_wishes_of(each.row).list_reports(each.waiting),
                )
            )
    return added


def _wishes_of(row: OutboxRow) -> Wishes:
    return make_wishes(row.options, row.recipients, row.reports)
