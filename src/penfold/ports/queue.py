"""The durable outbound queue: one row per recipient, with every attempt kept."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class QueueState(StrEnum):
    QUEUED = "queued"
    CAPTURED = "captured"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Attempt(Struct, frozen=True, gc=False):
    """One try: when, what came of it, and the conversation."""

    at_ms: int
    outcome: str
    transcript: str


class QueueRow(Struct, frozen=True, gc=False):
    """One recipient's copy. origin, number: the outbox row it came from."""

    id: int
    origin: str
    number: int
    sender: str
    recipient: str
    state: QueueState
    size: int
    subject: str
    created_ms: int
    next_attempt_ms: int


class NewQueueRow(Struct, frozen=True, gc=False):
    origin: str
    number: int
    sender: str
    recipient: str
    subject: str
    raw: bytes
    created_ms: int


class Queue(Protocol):
    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        """Store the rows in one transaction, durable on return, and give their ids.

        Safe to repeat: a row with a known (origin, number, recipient) keeps its first id.
        """
        ...

    def list_rows(
        self, *, state: QueueState | None = None, before: int | None = None, limit: int = 100
    ) -> list[QueueRow]:
        """Return rows newest first."""
        ...

    def get_row(self, row_id: int) -> QueueRow: ...
    def get_raw(self, row_id: int) -> bytes: ...
    def list_attempts(self, row_id: int) -> list[Attempt]: ...
    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None: ...
    def count_by_state(self) -> dict[QueueState, int]: ...
    def retry(self, row_id: int, *, now_ms: int) -> None:
        """Make the row due now; ConflictError unless it waits or failed."""
        ...

    def cancel(self, row_id: int) -> None:
        """Give the row up; ConflictError when it is done already."""
        ...
