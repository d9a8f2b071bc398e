"""What a push endpoint is sent, and what becomes of its answer."""

import base64
import json
import random

import pytest

from penfold.base.clock import FixedClock
from penfold.domain.push.push import Pusher
from penfold.ports.http_out import NoAnswerError
from penfold.ports.pubsub import (
    Backoff,
    DeadLetters,
    NewMessage,
    PushTarget,
    Subscription,
    Topic,
)
from penfold.testing.pubsub import MemoryPubsub

TOPIC = "projects/penfold-1/topics/mail"
DEAD = "projects/penfold-1/topics/dead"
SUB = "projects/penfold-1/subscriptions/sub"
DEAD_SUB = "projects/penfold-1/subscriptions/dead"
URL = "https://push.example/hook?token=t"
TARGET = PushTarget(URL)


class Post:
    """Answers with the next of its answers, then 200; NoAnswerError for None."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    def send_post(self, url, headers, body):
        self.sent.append((url, dict(headers), json.loads(body)))
        answer = self.answers.pop(0) if self.answers else 200
        if answer is None:
            raise NoAnswerError("nobody there")
        return answer


class Desk:
    def __init__(self, *answers, target=TARGET, **settings):
        self.clock = FixedClock()
        self.book = MemoryPubsub()
        self.post = Post(*answers)
        self.reported = []
        self.tokens = []
        self.book.add_topic(Topic(TOPIC))
        self.book.add_topic(Topic(DEAD))
        self.book.add_subscription(Subscription(SUB, TOPIC, target, **settings))
        self.book.add_subscription(Subscription(DEAD_SUB, DEAD))
        self.pusher = Pusher(
            self.book,
            self.post,
            self.clock,
            random.Random(7),
            self._make_token,
            lambda *facts: self.reported.append(facts),
        )

    def _make_token(self, email, audience):
        self.tokens.append((email, audience))
        return "signed"

    def publish(self, *messages):
        return self.book.publish(TOPIC, messages, now_ms=self.clock.now_ms())

    def push(self):
        return self.pusher.push(SUB)

    def waits_ms(self):
        """Return how long it is until something is due, to the millisecond."""
        now_ms = self.clock.now_ms()
        low, high = -1, 2_000_000
        while high - low > 1:
            middle = (low + high) // 2
            if self.book.has_due(SUB, now_ms=now_ms + middle):
                high = middle
            else:
                low = middle
        return high


def test_the_envelope_names_the_message_in_both_spellings():
    desk = Desk()
    data = b"\xfb\xff{}"
    [number] = desk.publish(NewMessage(data, {"k": "v"}, "order"))
    assert desk.push() == 1
    [(url, headers, body)] = desk.post.sent
    assert url == URL
    assert headers == {"Content-Type": "application/json"}
    assert body == {
        "message": {
            "attributes": {"k": "v"},
            "data": base64.b64encode(data).decode(),
            "messageId": str(number),
            "message_id": str(number),
            "orderingKey": "order",
            "publishTime": "2026-09-21T14:13:20Z",
            "publish_time": "2026-09-21T14:13:20Z",
        },
        "subscription": SUB,
    }
    assert desk.push() == 0
    assert desk.reported == [(SUB, 1, "")]


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_these_statuses_acknowledge(status):
    desk = Desk(status)
    desk.publish(NewMessage(b"x"))
    desk.push()
    desk.clock.advance(days=1)
    assert not desk.book.has_due(SUB, now_ms=desk.clock.now_ms())


@pytest.mark.parametrize("status", [100, 203, 206, 301, 302, 307, 400, 404, 429, 500, 503, None])
def test_all_others_and_silence_bring_it_again(status):
    desk = Desk(status)
    desk.publish(NewMessage(b"x"))
    desk.push()
    assert desk.push() == 0
    desk.clock.advance(s=1)
    desk.push()
    assert [sent[2]["message"]["data"] for sent in desk.post.sent] == ["eA=="] * 2
    assert [facts[1] for facts in desk.reported] == [1, 2]


def test_tries_come_later_and_later_up_to_a_minute():
    desk = Desk(*[500] * 12)
    desk.publish(NewMessage(b"x"))
    waits = []
    for _ in range(12):
        desk.push()
        waits.append(desk.waits_ms())
        desk.clock.advance(ms=waits[-1])
    for attempt, wait in enumerate(waits):
        least = min(100 * 2**attempt, 60_000)
        assert least <= wait <= least * 1.1


def test_a_retry_policy_bounds_the_waits():
    desk = Desk(*[500] * 3, retry=Backoff(10_000, 15_000))
    desk.publish(NewMessage(b"x"))
    waits = []
    for _ in range(3):
        desk.push()
        waits.append(desk.waits_ms())
        desk.clock.advance(ms=waits[-1])
    assert 10_000 <= waits[0] <= 11_000
    assert all(15_000 <= wait <= 16_500 for wait in waits[1:])


def test_a_refused_message_does_not_hold_up_the_next():
    desk = Desk(500, 200)
    desk.publish(NewMessage(b"bad"), NewMessage(b"good"))
    desk.push()
    desk.clock.advance(s=1)
    desk.push()
    data = [base64.b64decode(sent[2]["message"]["data"]) for sent in desk.post.sent]
    assert data == [b"bad", b"good", b"bad"]


def test_how_many_were_accepted_is_told_so_that_a_failing_address_gets_a_rest():
    desk = Desk(200, 500, 500)
    desk.publish(NewMessage(b"1"), NewMessage(b"2"))
    assert desk.push() == 1
    desk.publish(NewMessage(b"3"))
    assert desk.push() == 0


def test_when_nobody_answers_the_others_wait_without_losing_a_try():
    desk = Desk(None, dead=DeadLetters(DEAD, 5))
    desk.publish(NewMessage(b"1"), NewMessage(b"2"))
    desk.push()
    assert len(desk.post.sent) == 1
    desk.clock.advance(s=1)
    desk.push()
    assert [sent[2]["deliveryAttempt"] for sent in desk.post.sent] == [1, 2, 1]


def test_after_its_tries_a_message_is_a_dead_letter():
    desk = Desk(*[500] * 5, dead=DeadLetters(DEAD, 5))
    desk.publish(NewMessage(b"x"))
    for _ in range(8):
        desk.push()
        desk.clock.advance(s=60)
    assert [sent[2]["deliveryAttempt"] for sent in desk.post.sent] == [1, 2, 3, 4, 5]
    now_ms = desk.clock.now_ms()
    [dead] = desk.book.lease(DEAD_SUB, limit=9, until_ms=now_ms, now_ms=now_ms)
    assert dead.message.data == b"x"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


@pytest.mark.parametrize(
    ("audience", "meant"), [("", URL), ("https://aud.example", "https://aud.example")]
)
def test_a_push_with_a_service_account_is_signed_for_its_audience(audience, meant):
    desk = Desk(target=PushTarget(URL, "svc@penfold-1.iam.penfold", audience))
    desk.publish(NewMessage(b"x"))
    desk.push()
    assert desk.post.sent[0][1]["Authorization"] == "Bearer signed"
    assert desk.tokens == [("svc@penfold-1.iam.penfold", meant)]


def test_a_subscription_that_is_gone_or_pulls_now_is_not_pushed():
    desk = Desk(target=None)
    desk.publish(NewMessage(b"x"))
    assert desk.push() == 0
    desk.book.delete_subscription(SUB)
    assert desk.push() == 0
    assert desk.post.sent == []
