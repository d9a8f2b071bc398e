"""The one book of the sending API: everything in it changes in transactions of one file."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from penfold.ports.sending.answers import AnswerReader, AnswerWriter
from penfold.ports.sending.counts import CountReader, CountWriter
from penfold.ports.sending.emails import EmailReader, EmailWriter
from penfold.ports.sending.events import EventReader, EventWriter
from penfold.ports.sending.metering import MeterReader, MeterWriter
from penfold.ports.sending.records import RecordReader, RecordWriter
from penfold.ports.sending.suppressions import SuppressionReader, SuppressionWriter
from penfold.ports.sending.webhooks import DeliveryReader, DeliveryWriter

T = TypeVar("T")


class SendingReader(
    RecordReader,
    EmailReader,
    EventReader,
    CountReader,
    SuppressionReader,
    MeterReader,
    AnswerReader,
    DeliveryReader,
    Protocol,
):
    """All that can be looked at."""


class SendingWriter(
    RecordWriter,
    EmailWriter,
    EventWriter,
    CountWriter,
    SuppressionWriter,
    MeterWriter,
    AnswerWriter,
    DeliveryWriter,
    SendingReader,
    Protocol,
):
    """All that can be changed, inside a transaction."""

    def erase_account(self, account_id: str) -> int:
        """Forget all that is of an account but its ledger, which names nobody else.

        Return how many emails and events there were.
        """
        ...


class SendingBook(Protocol):
    """Several processes share it."""

    def read(self, look: Callable[[SendingReader], T]) -> T:
        """Run a look, as of one moment, and return its result."""
        ...

    def change(self, change: Callable[[SendingWriter], T]) -> T:
        """Run a change in one transaction; durable on return, undone when it raises."""
        ...

    def close(self) -> None: ...
