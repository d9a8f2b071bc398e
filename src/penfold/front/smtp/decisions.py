"""What an SMTP session asks of the product; domain/incoming/inbound.py and
domain/outgoing/outbound.py answer.
"""

from typing import Protocol

from penfold.domain.envelope import Done, Envelope, Recipient
from penfold.ports.directory import Account

__all__ = ["Decisions", "Done", "Envelope", "Recipient", "SubmissionDecisions"]


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
