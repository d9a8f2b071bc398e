"""Tell a webhook what waits for it: a signed POST for each event, again until it is taken.

A batch is taken under a lease, posted one after another, and settled in one transaction: what a
kill cuts off is posted again with the same webhook-id, so receivers get everything at least once.
An answer of 2xx is the end of it. Anything else, or none, brings it again after the waits of
WEBHOOK_WAITS_MS, later if the receiver says so; 410 turns the webhook off, as does having failed
for WEBHOOK_FAILING_MS. Order is not promised. Standard Webhooks: documented, unless marked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, SealBrokenError
from penfold.base.limits import (
    WEBHOOK_BATCH,
    WEBHOOK_BATCH_MS,
    WEBHOOK_FAILING_MS,
    WEBHOOK_LEASE_MS,
    WEBHOOK_OUTCOME_MAX,
    WEBHOOK_REST_MS,
    WEBHOOK_RETRY_AFTER_MAX_MS,
    WEBHOOK_SLOW_MS,
    WEBHOOK_WAITS_MS,
)
from penfold.domain.sending.webhook_payload import make_payload
from penfold.domain.sending.webhooks import list_secrets, turn_off
from penfold.ports.http_out import Answered, Asker, NoAnswerError
from penfold.ports.sealing import Sealer
from penfold.ports.sending.book import SendingBook, SendingWriter
from penfold.ports.sending.emails import Email
from penfold.ports.sending.events import Event
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.webhooks import DeliveryState, WebhookAttempt, WebhookLease
from penfold.proto.retry_after import parse_retry_after
from penfold.proto.standard_webhooks import parse_secret, sign

_GONE: Final = 410
#: Answers that say "not now" of the whole address, so that no other delivery is tried either.
_BUSY: Final = frozenset({429, 502, 503, 504})
_WHYS: Final = {3: "redirects are not followed", 4: "refused", 5: "failed there"}
WAITING, DELIVERED, FAILED = DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.FAILED


class Tried(Struct, frozen=True):
    """A delivery that was tried. place: the number of the attempt, from 1.

    wait_ms: until the next one, with WAITING. busy: the address answers nothing just now. asked:
    it was posted at all.
    """

    webhook_id: str
    lease: WebhookLease
    attempt: WebhookAttempt
    state: DeliveryState
    place: int
    wait_ms: int = 0
    busy: bool = False
    asked: bool = True


class Sent(Struct, frozen=True, gc=False):
    """more: others may be due. slow: an answer took WEBHOOK_SLOW_MS. turned_off: just now.

    rest_ms: until the address is worth another try, whatever is due for it.
    """

    tried: int = 0
    more: bool = False
    slow: bool = False
    turned_off: bool = False
    rest_ms: int = 0


class _Item(Struct, frozen=True):
    """event: None when it is kept no longer. place: the number of the attempt, from 1."""

    lease: WebhookLease
    event: Event | None
    email: Email | None
    place: int


class _Batch(Struct, frozen=True):
    webhook: Webhook
    items: list[_Item]


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Several threads may send. report: told of each try, once it is settled."""

    book: SendingBook
    asker: Asker
    sealer: Sealer
    clock: Clock
    chance: Chance
    report: Callable[[Tried], None] = lambda _: None

    def send(self, webhook_id: str) -> Sent:
        """Tell a webhook of what is due, up to WEBHOOK_BATCH events."""
        batch = self.book.change(lambda writer: self._take(writer, webhook_id))
        if batch is None or not batch.items:
            return Sent()
        began_ms = self.clock.now_ms()
        tried: list[Tried] = []
        secrets = self._open(batch.webhook)
        for item in batch.items:
            tried.append(self._try(batch.webhook, item, secrets))
            if tried[-1].busy or self.clock.now_ms() - began_ms >= WEBHOOK_BATCH_MS:
                break
        rest = [item.lease for item in batch.items[len(tried) :]]
        rest_ms = _rest_ms(batch.webhook, tried[-1], now_ms=self.clock.now_ms())
        settle = partial(self._settle, webhook_id=webhook_id, tried=tried, rest=rest)
        off = self.book.change(partial(settle, rest_ms=rest_ms))
        for one in tried:
            self.report(one)
        good = all(one.state is DELIVERED for one in tried)
        slow = any(one.attempt.ms >= WEBHOOK_SLOW_MS for one in tried)
        return Sent(len(tried), good and len(batch.items) == WEBHOOK_BATCH, slow, off, rest_ms)

    def _take(self, writer: SendingWriter, webhook_id: str) -> _Batch | None:
        webhook = writer.find_unowned(Webhook, webhook_id)
        if webhook is None:
            writer.drop_deliveries(webhook_id)
            return None
        if webhook.disabled_ms:
            writer.end_deliveries(webhook_id)
            return None
        leases = writer.take_deliveries(
            webhook_id,
            now_ms=self.clock.now_ms(),
            lease_ms=WEBHOOK_LEASE_MS,
            limit=WEBHOOK_BATCH,
        )
        return _Batch(webhook, [_load(writer, lease) for lease in leases])

    def _open(self, webhook: Webhook) -> list[bytes]:
        try:
            texts = list_secrets(webhook, self.sealer, now_ms=self.clock.now_ms())
        except SealBrokenError:
            return []
        return [secret for text in texts if (secret := parse_secret(text))]

    def _try(self, webhook: Webhook, item: _Item, secrets: list[bytes]) -> Tried:
        began_ms = self.clock.now_ms()
        if item.event is None:
            attempt = WebhookAttempt(0, began_ms, 0, "the event is kept no longer", 0)
            return Tried(webhook.id, item.lease, attempt, FAILED, item.place, asked=False)
        status, outcome, asked_ms = 0, "", 0
        try:
            answered = self._post(webhook, item.event, item.email, secrets)
            status, outcome = answered.status, _outcome(answered.status)
            wait_s = parse_retry_after(answered.retry_after, now_s=self.clock.now_ms() // 1000)
            asked_ms = 1_000 * (wait_s or 0)
        except NoAnswerError as error:
            outcome = str(error)[:WEBHOOK_OUTCOME_MAX]
        now_ms = self.clock.now_ms()
        attempt = WebhookAttempt(0, now_ms, status, outcome, max(0, now_ms - began_ms))
        if not outcome:
            return Tried(webhook.id, item.lease, attempt, DELIVERED, item.place)
        busy = not status or status in _BUSY or status == _GONE
        if item.place > len(WEBHOOK_WAITS_MS):
            return Tried(webhook.id, item.lease, attempt, FAILED, item.place, busy=busy)
        wait_ms = self._wait_ms(item.place, asked_ms)
        return Tried(webhook.id, item.lease, attempt, WAITING, item.place, wait_ms, busy)

    def _post(
        self, webhook: Webhook, event: Event, email: Email | None, secrets: list[bytes]
    ) -> Answered:
        if not secrets:
            raise NoAnswerError("the secret cannot be read here; give the webhook a new one")
        body = make_payload(event, email)
        signed = sign(event.id, body, secrets, now_s=self.clock.now_ms() // 1000)
        headers = [("Content-Type", "application/json"), *signed.list_headers()]
        return self.asker.send(webhook.url, headers, body)

    def _wait_ms(self, place: int, asked_ms: int) -> int:
        """Return the wait after a failed try: up to a tenth longer, so that not all come at once.

        Assumed: the share of chance.
        """
        wait_ms = max(WEBHOOK_WAITS_MS[place - 1], min(asked_ms, WEBHOOK_RETRY_AFTER_MAX_MS))
        return wait_ms + wait_ms * self.chance.getrandbits(10) // 10_240

    def _settle(
        self,
        writer: SendingWriter,
        *,
        webhook_id: str,
        tried: list[Tried],
        rest: list[WebhookLease],
        rest_ms: int,
    ) -> bool:
        """Write down what came of a batch; return whether the webhook was turned off by it."""
        now_ms = self.clock.now_ms()
        for one in tried:
            due_ms = now_ms + one.wait_ms
            writer.settle_delivery(one.lease, one.attempt, one.state, due_ms=due_ms)
        for lease in rest:
            writer.settle_delivery(lease, None, WAITING, due_ms=now_ms + rest_ms)
        webhook = writer.find_unowned(Webhook, webhook_id)
        if webhook is None or webhook.disabled_ms:
            return False
        return _note_health(writer, webhook, tried, now_ms=now_ms)


def _rest_ms(webhook: Webhook, last: Tried, *, now_ms: int) -> int:
    """Return for how long nothing is tried after an address answered nothing.

    As long as what was tried waits, or a tenth of the time it has been failing for: a backlog
    is not worth a try, and two transactions, for each of its deliveries.
    """
    if not last.busy:
        return 0
    failing_ms = now_ms - webhook.failing_ms if webhook.failing_ms else 0
    return min(max(last.wait_ms or WEBHOOK_REST_MS, failing_ms // 10), WEBHOOK_REST_MS)


def _note_health(
    writer: SendingWriter, webhook: Webhook, tried: list[Tried], *, now_ms: int
) -> bool:
    """Note since when a webhook fails, and turn it off when that is long enough."""
    if any(one.attempt.status == _GONE for one in tried):
        why = "it answered 410 Gone"
        turn_off(writer, webhook, why, now_ms=now_ms, untold=True)
        return True
    if any(one.state is DELIVERED for one in tried):
        if webhook.failing_ms:
            writer.replace(replace(webhook, failing_ms=0))
        return False
    failed = [one for one in tried if one.asked]
    if not failed:
        return False
    if not webhook.failing_ms:
        writer.replace(replace(webhook, failing_ms=now_ms))
        return False
    if now_ms < webhook.failing_ms + WEBHOOK_FAILING_MS:
        return False
    last = failed[-1].attempt
    said = f"{last.status} {last.outcome}" if last.status else last.outcome
    turn_off(writer, webhook, f"it failed for three days: {said}", now_ms=now_ms, untold=True)
    return True


def _load(writer: SendingWriter, lease: WebhookLease) -> _Item:
    """Return a delivery with what it tells of."""
    place = 1
    if lease.delivery.tries > 1:
        place += len(writer.list_webhook_attempts(lease.delivery.number))
    try:
        event = writer.get_event(lease.delivery.event)
        email = writer.get_email(event.email) if event.email else None
    except NotFoundError:
        return _Item(lease, None, None, place)
    return _Item(lease, event, email, place)


def _outcome(status: int) -> str:
    """Return what went wrong in our words, "" for nothing."""
    if 200 <= status < 300:
        return ""
    if status == _GONE:
        return "gone"
    return _WHYS.get(status // 100, "no answer that means anything here")
