"""Webhooks and their deliveries as the API shows them."""

from penfold.base.errors import NotFoundError
from penfold.domain.sending.showing import event_type, show_maybe, show_time
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.webhooks import DeliveryState, WebhookAttempt, WebhookDelivery
from penfold.spec.sending import setup


def show_webhook(webhook: Webhook) -> setup.Webhook:
    return setup.Webhook(
        object="webhook",
        id=webhook.id,
        created_at=show_time(webhook.created_ms),
        endpoint=webhook.url,
        events=[event_type(kind) for kind in webhook.events],
        status="disabled" if webhook.disabled_ms else "enabled",
        failing_since=show_maybe(webhook.failing_ms),
        disabled_at=show_maybe(webhook.disabled_ms),
        disabled_reason=webhook.why or None,
    )


def show_delivery(book: SendingReader, delivery: WebhookDelivery) -> setup.WebhookDelivery:
    try:
        event = book.get_event(delivery.event)
    except NotFoundError:
        event = None
    waits = delivery.state is DeliveryState.WAITING
    return setup.WebhookDelivery(
        id=str(delivery.number),
        event_id=event.id if event else "",
        type=event_type(event.kind) if event else "",
        state=delivery.state.value,
        replay=delivery.replay,
        created_at=show_time(delivery.created_ms),
        next_attempt_at=show_time(delivery.due_ms) if waits else None,
        attempts=[_attempt(one) for one in book.list_webhook_attempts(delivery.number)],
    )


def _attempt(one: WebhookAttempt) -> setup.WebhookAttempt:
    return setup.WebhookAttempt(
        at=show_time(one.at_ms), status=one.status, outcome=one.outcome, duration_ms=one.ms
    )
