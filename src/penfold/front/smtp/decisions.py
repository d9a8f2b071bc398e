"""What an SMTP session asks of the product; domain/inbound.py and domain/outbound.py answer."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from msgspec import Struct

from penfold.ports.directory import Account


class Envelope(Struct, frozen=True, gc=False):
    """One mail transaction as the client announced it.

    sender is "" for the null reverse-path. helo as the client said it; client its address;
    protocol the RFC 3848 name for Received (SMTP, ESMTPS, ESMTPSA, UTF8SMTP, …).
    """

    session: str
    client: str
    helo: str
    protocol: str
    sender: str
    recipients: tuple[str, ...]


class Recipient(Enum):
    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


#: Called once, from any thread: the ids of what was stored, or the error.
Done = Callable[[tuple[str, ...] | None, BaseException | None], None]


class Decisions(Protocol):
    """The mail exchanger: mail from anywhere for accounts here."""

    def check_recipient(self, address: str) -> Recipient: ...
    def accept(self, envelope: Envelope, data: bytes, done: Done) -> None:
        """Deliver to every recipient's mailbox; `done` is called when that is durable."""
        ...


class SubmissionDecisions(Protocol):
    """Submission: mail from an account here for anyone."""

    def check_sender(self, account: Account, address: str) -> bool: ...
    def check_recipient(self, address: str) -> Recipient: ...
    def submit(self, account: Account, envelope: Envelope, data: bytes, done: Done) -> None:
        """Store the sent copy and the hand-over rows; `done` is called when that is durable."""
        ...
