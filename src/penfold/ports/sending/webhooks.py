"""Events on their way to webhooks: a delivery for each pair, every attempt kept."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Struct, frozen=True, gc=False):
    """event: its number. replay: it was asked for again. tries: how often it was taken.

    WAITING deliveries are told one after another by whoever takes them; how often an address
    was asked is the number of its attempts.
    """

    number: int
    webhook_id: str
    event: int
    state: DeliveryState
    due_ms: int
    tries: int
    created_ms: int
    replay: bool = False


class WebhookAttempt(Struct, frozen=True, gc=False):
    """status: of HTTP, 0 when there was no answer. outcome: in our words."""

    number: int
    at_ms: int
    status: int
    outcome: str
    ms: int


class WebhookLease(Struct, frozen=True, gc=False):
    delivery: WebhookDelivery
    number: int


class DeliveryReader(Protocol):
    def list_deliveries(
        self, webhook_id: str, *, older: int | None = None, limit: int
    ) -> list[WebhookDelivery]:
        """Return a webhook's deliveries, the newest first; the caller knows it is its own."""
        ...

    def list_webhook_attempts(self, number: int) -> list[WebhookAttempt]: ...
    def list_webhooks_due(self, *, now_ms: int) -> list[str]:
        """Return the ids of webhooks that have a delivery due, the longest due first."""
        ...

    def count_all_waiting(self) -> int:
        """Return how many deliveries of all webhooks wait, put off ones among them."""
        ...

    def count_deliveries_waiting(self, webhook_id: str, *, limit: int) -> int:
        """Return how many deliveries of a webhook wait, counted up to the limit."""
        ...


class DeliveryWriter(DeliveryReader, Protocol):
    def add_deliveries(
        self, webhook_id: str, events: Sequence[int], *, now_ms: int, replay: bool
    ) -> list[int]:
        """Let events be told, again for a replay, and return the numbers of the deliveries."""
        ...

    def take_deliveries(
        self, webhook_id: str, *, now_ms: int, lease_ms: int, limit: int
    ) -> list[WebhookLease]:
        """Return a webhook's deliveries that are due, the longest due first."""
        ...

    def settle_delivery(
        self,
        lease: WebhookLease,
        attempt: WebhookAttempt | None,
        state: DeliveryState,
        *,
        due_ms: int = 0,
    ) -> bool:
        """Note an attempt and what came of it; return whether the lease still counted.

        attempt.number is given by the store. None: it was taken and not tried.
        """
        ...

    def release_deliveries(self, *, now_ms: int) -> int: ...
    def end_deliveries(self, webhook_id: str) -> int:
        """Let a webhook's deliveries that wait be FAILED; return how many."""
        ...

    def expire_deliveries(self, *, before_ms: int, limit: int) -> int:
        """Forget deliveries made before that wait no more; return how many.

        limit: of deliveries looked at, the oldest that wait no more first.
        """
        ...

    def drop_deliveries(self, webhook_id: str) -> None:
        """Forget a webhook's deliveries, with the webhook."""
        ...
