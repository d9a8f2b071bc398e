"""Carries a message to its recipients: into mailboxes here, or into the queue.

Each hand-over is named by (origin, number, recipient) wherever it arrives, so all of it can be
repeated after a crash at any point, by two processes at once too, and changes nothing the second
time. What is carried comes from outboxes (domain.handover) and from the sending API
(domain.sending.handing).
"""

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.priority import Priority
from penfold.domain.envelope import NO_WISHES, Wishes
from penfold.domain.incoming.arriving import Arriving
from penfold.domain.incoming.inbound import (
    Arrived,
    Grouped,
    add_trace,
    deliver_local,
    group_by_account,
)
from penfold.domain.mailbox.messages import Letter, read_letter
from penfold.domain.outgoing.delivered import make_delivered
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter
from penfold.ports.queue import NewQueueRow, Queue, QueueState
from penfold.proto.mime.compose import received_header
from penfold.proto.smtp.parameters import NO_REQUEST


class Parcel(Struct, frozen=True, gc=False):
    """A message on its way. origin: a mailbox, or SENDING; with number it is a name for good.

    sender: the reverse-path. wishes.options.until_ms: when it is too late to deliver it. subject,
    message_id: of the message, None when it has to be read for them.
    """

    origin: str
    number: int
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    created_ms: int
    wishes: Wishes = NO_WISHES
    subject: str | None = None
    message_id: str | None = None
    priority: Priority = Priority.NORMAL


class Sorted(Struct, frozen=True, gc=False):
    """Where the recipients of a parcel are. here: those with a domain of ours, as grouped."""

    here: Grouped
    elsewhere: tuple[str, ...]


class Carrier:
    """Every call blocks; it is made for a worker's thread."""

    def __init__(
        self,
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        queue: Queue,
        clock: Clock,
        arriving: Arriving,
        hostname: str,
        captures: bool,
    ) -> None:
        """captures: mail for other domains is kept as CAPTURED instead of QUEUED (local mode)."""
        self._directory = directory
        self._mailboxes = mailboxes
        self._queue = queue
        self._clock = clock
        self._arriving = arriving
        self._hostname = hostname
        self.captures = captures

    def sort(self, parcel: Parcel) -> Sorted:
        here = [each for each in parcel.recipients if self._is_local(each)]
        elsewhere = tuple(each for each in parcel.recipients if not self._is_local(each))
        # Automatic answers of accounts here go to return addresses of ours when mail that left came
        # back by way of another server. They have the null reverse-path (RFC 3834 §3.3).
        returns = None if parcel.sender else self._arriving.returns
        return Sorted(group_by_account(self._directory, here, returns), elsewhere)

    def _is_local(self, recipient: str) -> bool:
        return self._directory.is_local_domain(recipient.rpartition("@")[2])

    def deliver(self, parcel: Parcel, target: Account, grouped: Grouped) -> bool:
        """Put a parcel into an account's mailbox; False: it is not there, and it is too late.

        UnavailableError, NotFoundError: not now.
        """
        recipients = grouped.accounts[target]
        now_ms = self._clock.now_ms()
        letter = self._address(parcel, target, recipients, now_ms)
        keys = [_receipt_key(parcel.origin, parcel.number, recipient) for recipient in recipients]
        delivered = make_delivered(
            parcel.raw,
            sender=parcel.sender,
            recipients=recipients,
            wishes=parcel.wishes,
            hostname=self._hostname,
        )
        answers = grouped.answers.get(target)
        arrived = Arrived(letter, parcel.sender, keys, now_ms, delivered=delivered, answers=answers)
        is_late = 0 < parcel.wishes.options.until_ms <= now_ms

        def change(box: MailboxWriter) -> bool:
            if is_late and any(box.find_receipt(key) is None for key in keys):
                return False
            deliver_local(box, target.id, arrived, arriving=self._arriving)
            return True

        return self._mailboxes.change(target.id, change)

    def _address(
        self, parcel: Parcel, target: Account, recipients: Sequence[str], now_ms: int
    ) -> Letter:
        received = received_header(
            helo=self._hostname,
            peer="",
            by=self._hostname,
            protocol="LMTP",
            identity=f"{parcel.number}",
            epoch_ms=now_ms,
            recipient=recipients[0] if len(recipients) == 1 else "",
        )
        raw = add_trace(
            parcel.raw, recipients, own=target.address, sender=parcel.sender, received=received
        )
        return read_letter(raw, require_tls=parcel.wishes.options.require_tls)

    def enqueue(
        self, parcels: Sequence[tuple[Parcel, Sequence[str]]], state: QueueState | None = None
    ) -> list[list[int]]:
        """Store rows for recipients of each parcel, all in one transaction, and return their ids.

        state: None for what is sent from here, QUEUED or CAPTURED.
        """
        rows = [_make_rows(parcel, recipients) for parcel, recipients in parcels]
        if not any(rows):
            return [[] for _ in rows]
        if state is None:
            state = QueueState.CAPTURED if self.captures else QueueState.QUEUED
        ids = iter(self._queue.add([row for each in rows for row in each], state=state))
        return [[next(ids) for _ in each] for each in rows]


def _make_rows(parcel: Parcel, recipients: Sequence[str]) -> list[NewQueueRow]:
    if not recipients:
        return []
    subject, message_id = parcel.subject, parcel.message_id
    if subject is None or message_id is None:
        summary = read_letter(parcel.raw).summary
        subject, message_id = summary.subject, summary.message_id
    return [
        NewQueueRow(
            origin=parcel.origin,
            number=parcel.number,
            sender=parcel.sender,
            recipient=recipient,
            subject=subject,
            raw=parcel.raw,
            created_ms=parcel.created_ms,
            options=parcel.wishes.options,
            report=parcel.wishes.reports.get(recipient, NO_REQUEST),
            message_id=message_id,
            priority=parcel.priority,
        )
        for recipient in recipients
    ]


def _receipt_key(origin: str, number: int, recipient: str) -> bytes:
    return hashlib.sha256(f"outbox\0{origin}\0{number}\0{recipient}".encode()).digest()
