"""Push delivery: what a subscriber's address is sent, and what its answer means.

One message per request, oldest first, in an envelope that names it in both spellings. An answer
of `ACCEPTED` acknowledges it; anything else, or none, brings it again after the subscription's
backoff, longer each time and with some chance in it so that many do not come at once. Google:
documented, unless a line says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from msgspec import json

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import PUSH_BATCH, PUSH_S
from penfold.domain.push.pubsub import show_data
from penfold.ports.http_out import NoAnswerError, Poster
from penfold.ports.pubsub import Delivery, PubsubBook, PushTarget, Subscription, format_time

#: Statuses that acknowledge.
ACCEPTED: Final = frozenset({102, 200, 201, 202, 204})

#: Makes the token of a request: (service account, audience). NoAnswerError without the account.
MakeToken = Callable[[str, str], str]
#: Told of each try: subscription, attempt, what came of it ("" when it was acknowledged).
Report = Callable[[str, int, str], None]


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes what is due for one subscription at a time; several threads may."""

    book: PubsubBook
    poster: Poster
    clock: Clock
    chance: Chance
    make_token: MakeToken
    report: Report = lambda _name, _attempt, _outcome: None

    def push(self, name: str) -> int:
        """Send what is due for a subscription, up to PUSH_BATCH; return how many were accepted.

        Given out for as long as all of them may take. After an address did not answer, the rest
        of the batch is not tried: it waits as long, without losing a try.
        """
        subscription = self.book.find_subscription(name)
        if subscription is None or subscription.push is None:
            return 0
        now_ms = self.clock.now_ms()
        until_ms = now_ms + int(1000 * PUSH_S * 2 * PUSH_BATCH)
        batch = self.book.lease(name, limit=PUSH_BATCH, until_ms=until_ms, now_ms=now_ms)
        done: list[int] = []
        later: dict[int, tuple[int, int]] = {}
        untried: dict[int, int] = {}
        for place, delivery in enumerate(batch):
            outcome, answered = self._send(subscription, subscription.push, delivery)
            self.report(name, delivery.attempt, outcome)
            if not outcome:
                done.append(delivery.message_id)
                continue
            due_ms = self.clock.now_ms() + self._wait_ms(subscription, delivery.attempt)
            later[delivery.message_id] = (delivery.attempt, due_ms)
            if not answered:
                untried = {each.message_id: due_ms for each in batch[place + 1 :]}
                break
        if batch:
            self.book.settle(name, done=done, later=later, untried=untried)
        return len(done)

    def _send(
        self, subscription: Subscription, target: PushTarget, delivery: Delivery
    ) -> tuple[str, bool]:
        """Return what went wrong ("" for nothing), and whether there was an answer."""
        headers = [("Content-Type", "application/json")]
        body = make_envelope(subscription, delivery)
        try:
            if target.email:
                token = self.make_token(target.email, target.audience or target.endpoint)
                headers.append(("Authorization", f"Bearer {token}"))
            status = self.poster.send_post(target.endpoint, headers, body)
        except NoAnswerError as error:
            return str(error), False
        return ("" if status in ACCEPTED else str(status)), True

    def _wait_ms(self, subscription: Subscription, attempt: int) -> int:
        """Return the wait after a failed try: its backoff, and up to a tenth more.

        Google (assumed): the share of chance. A message without tries left waits for nothing.
        """
        if subscription.dead and attempt >= subscription.dead.tries:
            return 0
        wait_ms = subscription.backoff.wait_ms(attempt)
        return wait_ms + wait_ms * self.chance.getrandbits(10) // 10_240


def make_envelope(subscription: Subscription, delivery: Delivery) -> bytes:
    """Return the body of a push. Google (observed): both spellings of id and time."""
    message = delivery.message
    shown: dict[str, Any] = {}
    if message.attributes:
        shown["attributes"] = message.attributes
    if message.data:
        shown["data"] = show_data(message.data)
    shown["messageId"] = shown["message_id"] = str(delivery.message_id)
    if message.ordering_key:
        shown["orderingKey"] = message.ordering_key
    shown["publishTime"] = shown["publish_time"] = format_time(delivery.published_ms)
    envelope: dict[str, Any] = {"message": shown, "subscription": subscription.name}
    if subscription.dead:
        envelope["deliveryAttempt"] = delivery.attempt
    return json.encode(envelope)
