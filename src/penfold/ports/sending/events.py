"""What happened to emails, one recipient at a time.

A recipient has at most one *final* event, and the store holds that. What is heard afterwards (a
bounce long after the next server took the message) is noted too, and is not final.

In the transaction that notes an event: the recipient's state, the counters, and a delivery for
each webhook of the account that wants its kind.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final, Protocol

from msgspec import Struct

from penfold.ports.sending.records import Webhook


class EventKind(StrEnum):
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    SENT = "sent"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"


class OtherKind(StrEnum):
    """What is told of other things than an email: with email 0, and NOBODY for its recipient."""

    DOMAIN_VERIFIED = "domain.verified"
    DOMAIN_ERROR = "domain.dns_error"
    TEMPLATE_PUBLISHED = "template.published"
    BUDGET_SOFT_LIMIT = "budget.soft_limit"
    BALANCE_LOW = "balance.low"


#: What ends the way of a recipient's mail.
FINAL: Final = frozenset({
    EventKind.DELIVERED, EventKind.BOUNCED, EventKind.SUPPRESSED, EventKind.FAILED,
    EventKind.EXPIRED, EventKind.CANCELLED,
})  # fmt: skip
#: What can be heard of a recipient that is final; anything else comes too late and is dropped.
LATE: Final = frozenset({
    EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.OPENED,
    EventKind.CLICKED, EventKind.UNSUBSCRIBED,
})  # fmt: skip
#: The position of an event that is about no recipient.
NOBODY: Final = -1


class NewEvent(Struct, frozen=True):
    """kind: an EventKind, or an OtherKind or another word with email 0.

    webhook: the id of the only webhook it is told to; "" for all that want it. cause: what made
    it happen; the same cause noted twice is one event. data: plain values.
    """

    id: str
    account_id: str
    email: int
    position: int
    kind: str
    at_ms: int
    cause: str
    data: dict[str, Any] = {}
    webhook: str = ""


class Event(Struct, frozen=True):
    """email_id, address: "" for an event that is about no email."""

    number: int
    id: str
    account_id: str
    email: int
    email_id: str
    position: int
    address: str
    kind: str
    at_ms: int
    final: bool
    data: dict[str, Any] = {}


def is_wanted(new: NewEvent, webhook: Webhook) -> bool:
    """Return whether a webhook of its account is told of an event."""
    if webhook.disabled_ms:
        return False
    if new.webhook:
        return new.webhook == webhook.id
    return not webhook.events or new.kind in webhook.events


class EventReader(Protocol):
    def find_event(self, event_id: str, account_id: str) -> Event | None: ...
    def get_event(self, number: int) -> Event: ...
    def list_events(
        self,
        account_id: str,
        *,
        email: int | None = None,
        kinds: Collection[str] = (),
        older: int | None = None,
        newer: int | None = None,
        limit: int,
    ) -> list[Event]:
        """Return an account's events, the newest first; as EmailReader.list_emails."""
        ...

    def list_events_between(
        self,
        account_id: str,
        *,
        first_ms: int,
        last_ms: int,
        after: Event | None = None,
        limit: int,
    ) -> list[Event]:
        """Return what happened from first_ms to last_ms in that order, however late it was noted.

        after: the last one of the page before.
        """
        ...

    def list_heard(
        self, account_id: str, address: str, *, kind: str, since_ms: int, limit: int
    ) -> list[Event]:
        """Return events of a kind about an address, in any case, the newest first."""
        ...

    def list_notices(self, *, limit: int) -> list[Event]:
        """Return events of all accounts whose owner is to be told by mail, the first first."""
        ...


class EventWriter(EventReader, Protocol):
    def expire_events(self, *, before_ms: int, limit: int) -> int:
        """Forget events of before, of the `limit` that were noted first; return how many.

        What they changed stays: the recipient's state, counters, suppressions.
        """
        ...

    def add_event(self, new: NewEvent, *, notice: bool = False) -> int | None:
        """Note an event and return its number; None when it is known, or comes too late.

        notice: its owner is told by mail too.
        """
        ...

    def end_notice(self, number: int) -> None:
        """Say that the owner was told of an event."""
        ...
