"""Emails that were accepted, their recipients, and their way out.

An email is what one MIME message is made of: its recipients share it. It waits (SCHEDULED, QUEUED)
until it is handed over; whoever takes it has it for a time, as rows of the outbound queue.
SUPPRESSED: none of its recipients gets mail. A recipient that is final already gets none either.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from penfold.base.priority import Priority


class EmailState(StrEnum):
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    HANDED = "handed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


WAITING: Final = frozenset({EmailState.SCHEDULED, EmailState.QUEUED})


class Email(Struct, frozen=True):
    """number: the order of acceptance, 0 before it has one. id: as clients know it (UUID).

    sender, to, cc, bcc, reply_to: as they were written. batch: what was accepted in one call has
    the same, "" for a call with one. last_event: kind of the last one (ports.sending.events).
    scheduled_ms, expires_ms: 0 for at once, and never. paced: scheduled_ms is when its stream has
    room for it, which is taken. raw: the message was given whole.
    domain: of the sender.
    priority: of its stream. unsubscribe: it says how to get no more of the stream. opens, clicks:
    tracked.
    """

    number: int
    id: str
    account_id: str
    key_id: str
    sender: str
    subject: str
    created_ms: int
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    stream: str = "transactional"
    test: bool = False
    state: EmailState = EmailState.QUEUED
    scheduled_ms: int = 0
    paced: bool = False
    expires_ms: int = 0
    batch: str = ""
    message_id: str = ""
    tags: dict[str, str] = {}
    metadata: dict[str, str] = {}
    template_id: str = ""
    template_version: int = 0
    last_event: str = ""
    raw: bool = False
    domain: str = ""
    unsubscribe: bool = False
    priority: Priority = Priority.NORMAL
    opens: bool = False
    clicks: bool = False

    @property
    def is_personal(self) -> bool:
        """Whether it has links that are of its one recipient."""
        return self.unsubscribe or self.opens or self.clicks


class Recipient(Struct, frozen=True, gc=False):
    """One address of an email. position: from 0. kind: to, cc or bcc. final: it is known for good.

    queue_row: of the outbound queue, 0 before it has one, or when it was delivered here.
    """

    position: int
    address: str
    kind: str
    last_event: str = ""
    final: bool = False
    queue_row: int = 0


class NewEmail(Struct, frozen=True):
    """content: what was asked for, packed (domain/sending). addresses: (address, kind)."""

    email: Email
    content: bytes
    addresses: tuple[tuple[str, str], ...]


class EmailLease(Struct, frozen=True):
    """An email somebody works on. number: what came of it counts under this one alone."""

    email: Email
    number: int


class Backlog(Struct, frozen=True, gc=False):
    """Emails of a stream that wait. oldest_ms: since when the first of them is due."""

    stream: str
    emails: int
    oldest_ms: int


class EmailReader(Protocol):
    def find_email(self, email_id: str, account_id: str) -> Email | None:
        """Return the email if it belongs to that account."""
        ...

    def find_unowned_email(self, email_id: str) -> Email | None:
        """Return an email whoever it belongs to; never for an id that no token of ours has."""
        ...

    def get_email(self, number: int) -> Email:
        """Return an email by our own number; NotFoundError."""
        ...

    def list_emails(
        self, account_id: str, *, older: int | None = None, newer: int | None = None, limit: int
    ) -> list[Email]:
        """Return an account's emails, the newest first: those older or newer than a number.

        newer: the ones next to it, still newest first.
        """
        ...

    def list_recipients(self, number: int) -> list[Recipient]: ...
    def find_content(self, number: int) -> bytes | None:
        """Return what was asked for; None when it is kept no longer.

        MailboxDamagedError: it does not unpack any more.
        """
        ...

    def measure_content(self, number: int) -> int:
        """Return the octets of what was asked for, 0 when it is kept no longer."""
        ...

    def find_next_due(self) -> int | None:
        """Return when the next email can be due (epoch ms), None when nothing waits."""
        ...

    def list_backlog(self, *, now_ms: int) -> list[Backlog]:
        """Return what is due and waits, by stream."""
        ...


class EmailWriter(EmailReader, Protocol):
    def add_email(self, new: NewEmail) -> int:
        """Store an email and return its number; due at scheduled_ms, or at once."""
        ...

    def reschedule(self, number: int, scheduled_ms: int) -> bool:
        """Move an email that is SCHEDULED, paced no more; return whether it was."""
        ...

    def cancel(self, number: int) -> bool:
        """Cancel an email that waits and was never taken; return whether it was.

        What somebody took who died since may be on its way in part.
        """
        ...

    def take_emails(self, *, now_ms: int, lease_ms: int, limit: int) -> list[EmailLease]:
        """Return emails that are due, by their priority, the longest due first; due again after
        lease_ms.

        One in SENDING_SHARE of the limit is for each lower priority, if so many wait. One that was
        SCHEDULED is QUEUED from then on.
        """
        ...

    def put_off(self, lease: EmailLease, until_ms: int) -> None:
        """Have an email SCHEDULED and paced, as if nobody had taken it.

        In the transaction that took it: nobody may have worked on it.
        """
        ...

    def settle_email(self, lease: EmailLease, state: EmailState, *, due_ms: int = 0) -> bool:
        """Say what became of a lease, and return whether it counted.

        due_ms: of one that waits again.
        """
        ...

    def set_queue_rows(self, number: int, rows: Sequence[tuple[int, int]]) -> None:
        """Note (position, row of the outbound queue)."""
        ...

    def release_emails(self, *, now_ms: int) -> int:
        """End all leases, for the one process that works on emails when it starts."""
        ...

    def drop_bodies(self, *, before_ms: int, limit: int) -> int:
        """Forget the content of emails accepted before, which wait no more; return of how many."""
        ...
