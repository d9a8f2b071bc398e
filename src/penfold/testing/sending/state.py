"""What the book in memory holds. Everything in it is immutable but the dictionaries, so that a copy
of those is a copy of all.
"""

from typing import Any

from msgspec import Struct, field

from penfold.ports.sending.answers import KeptAnswer
from penfold.ports.sending.counts import Counter
from penfold.ports.sending.emails import Email, Recipient
from penfold.ports.sending.events import Event
from penfold.ports.sending.metering import Balance, Charge
from penfold.ports.sending.suppressions import Suppression
from penfold.ports.sending.webhooks import WebhookAttempt, WebhookDelivery


class Held(Struct, frozen=True):
    """Something that is due, and who has it. lease: how often it was taken."""

    due_ms: int
    lease: int = 0
    taken: bool = False


class State(Struct):
    records: dict[tuple[type[Struct], str], Any] = field(default_factory=dict)
    emails: dict[int, Email] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    recipients: dict[tuple[int, int], Recipient] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    notices: dict[int, None] = field(default_factory=dict)
    counters: dict[Counter, int] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    suppressions: dict[int, Suppression] = field(default_factory=dict)
    charges: dict[tuple[int, int], Charge] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], KeptAnswer] = field(default_factory=dict)
    deliveries: dict[int, WebhookDelivery] = field(default_factory=dict)
    deliveries_held: dict[int, Held] = field(default_factory=dict)
    attempts: dict[tuple[int, int], WebhookAttempt] = field(default_factory=dict)
    #: The last number of each kind; numbers are never given twice.
    last: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "State":
        return State(*(dict(getattr(self, name)) for name in self.__struct_fields__))

    def next(self, kind: str) -> int:
        self.last[kind] = self.last.get(kind, 0) + 1
        return self.last[kind]


class Part:
    """A part of the book. The caller holds the lock."""

    def __init__(self, state: State) -> None:
        self._state = state
