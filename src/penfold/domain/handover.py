"""From the outbox of one mailbox to where the mail goes: mailboxes here, or the queue.

A row of the outbox is gone only when every recipient has the message on disk. Each hand-over is
named by (mailbox, number, recipient) wherever it arrives, so all of it can be repeated after a
crash at any point, by two processes at once too, and changes nothing the second time.
"""

import hashlib
from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import HAND_OVER_MAX_BYTES, HAND_OVER_MAX_ROWS
from penfold.domain.arriving import Arriving
from penfold.domain.delivered import make_delivered
from penfold.domain.envelope import Wishes, make_wishes
from penfold.domain.inbound import Arrived, Grouped, add_trace, deliver_local, group_by_account
from penfold.domain.messages import Letter, read_letter
from penfold.domain.notices import Notices, make_event
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter, OutboxRow
from penfold.ports.queue import Attempt, NewQueueRow, Queue, QueueState
from penfold.proto.mime.compose import received_header
from penfold.proto.reports.action import Action
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.parameters import NO_REQUEST

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
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        queue: Queue,
        clock: Clock,
        arriving: Arriving,
        notices: Notices,
        hostname: str,
        captures: bool,
    ) -> None:
        self._directory = directory
        self._mailboxes = mailboxes
        self._queue = queue
        self._clock = clock
        self._arriving = arriving
        self._notices = notices
        self._hostname = hostname
        self._state = QueueState.CAPTURED if captures else QueueState.QUEUED

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
        local = [each for each in row.recipients if self._is_local(each)]
        remote = [each for each in row.recipients if not self._is_local(each)]
        # Automatic answers of accounts here go to return addresses of ours when mail that left came
        # back by way of another server. They have the null reverse-path (RFC 3834 §3.3).
        returns = None if row.sender else self._arriving.returns
        grouped = group_by_account(self._directory, local, returns)
        waiting: list[str] = []
        error: UnavailableError | NotFoundError | None = None
        for target, recipients in grouped.accounts.items():
            try:
                self._deliver(mailbox_id, row, target, grouped)
            except (UnavailableError, NotFoundError) as problem:
                waiting += recipients
                error = problem
        self._enqueue(mailbox_id, row, remote, self._state)
        self._refuse(mailbox_id, row, grouped.unknown)
        return _Moved(row, tuple(waiting), error)

    def _is_local(self, recipient: str) -> bool:
        return self._directory.is_local_domain(recipient.rpartition("@")[2])

    def _deliver(self, mailbox_id: str, row: OutboxRow, target: Account, grouped: Grouped) -> None:
        recipients = grouped.accounts[target]
        now_ms = self._clock.now_ms()
        letter = self._address(row, target, recipients, now_ms)
        keys = [_receipt_key(mailbox_id, row.number, recipient) for recipient in recipients]
        delivered = make_delivered(
            row.raw,
            sender=row.sender,
            recipients=recipients,
            wishes=_wishes_of(row),
            hostname=self._hostname,
        )
        answers = grouped.answers.get(target)
        arrived = Arrived(letter, row.sender, keys, now_ms, delivered=delivered, answers=answers)
        self._mailboxes.change(
            target.id,
            lambda box: deliver_local(box, target.id, arrived, arriving=self._arriving),
        )

    def _address(
        self, row: OutboxRow, target: Account, recipients: Sequence[str], now_ms: int
    ) -> Letter:
        received = received_header(
            helo=self._hostname,
            peer="",
            by=self._hostname,
            protocol="LMTP",
            identity=f"{row.number}",
            epoch_ms=now_ms,
            recipient=recipients[0] if len(recipients) == 1 else "",
        )
        raw = add_trace(
            row.raw, recipients, own=target.address, sender=row.sender, received=received
        )
        return read_letter(raw, require_tls=row.options.require_tls)

    def _enqueue(
        self, mailbox_id: str, row: OutboxRow, recipients: Sequence[str], state: QueueState
    ) -> list[int]:
        if not recipients:
            return []
        summary = read_letter(row.raw).summary
        wishes = _wishes_of(row)
        rows = [
            NewQueueRow(
                origin=mailbox_id,
                number=row.number,
                sender=row.sender,
                recipient=recipient,
                subject=summary.subject,
                raw=row.raw,
                created_ms=row.created_ms,
                options=row.options,
                report=wishes.reports.get(recipient, NO_REQUEST),
                message_id=summary.message_id,
            )
            for recipient in recipients
        ]
        return self._queue.add(rows, state=state)

    def _refuse(self, mailbox_id: str, row: OutboxRow, recipients: Sequence[str]) -> None:
        """Record as failed what is for addresses of ours that nobody has, and tell the sender."""
        now_ms = self._clock.now_ms()
        attempt = Attempt(now_ms, UNKNOWN_USER, "", kind=Kind.INVALID_RECIPIENT)
        for row_id in self._enqueue(mailbox_id, row, recipients, QueueState.FAILED):
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


def _receipt_key(mailbox_id: str, number: int, recipient: str) -> bytes:
    return hashlib.sha256(f"outbox\0{mailbox_id}\0{number}\0{recipient}".encode()).digest()
