"""What webhooks are told, what becomes of each answer, and when one is turned off."""

from base64 import urlsafe_b64decode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.domain.sending.hooks import DAY_MS, URL, Desk

from penfold.base.limits import (
    WEBHOOK_BATCH,
    WEBHOOK_BATCH_MS,
    WEBHOOK_FAILING_MS,
    WEBHOOK_LEASE_MS,
    WEBHOOK_RETRY_AFTER_MAX_MS,
    WEBHOOK_WAITS_MS,
)
from penfold.ports.http_out import Answered
from penfold.ports.sending.webhooks import DeliveryState

WAITING, DELIVERED, FAILED = DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.FAILED


def make(*answers, **more):
    return Desk(*answers, **more)


def test_payload_says_what_happened_to_whom_of_which_email():
    desk = make()
    number = desk.email(tags={"kind": "otp"}, message_id="m1@shop.example")
    desk.event("bounced", name="ev-1", email=number, smtp_code=550)
    desk.sender.send(desk.id)
    [(url, headers, _)] = desk.receiver.got
    assert url == URL
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == "ev-1"
    [payload] = desk.receiver.payloads
    assert payload["type"] == "email.bounced"
    assert payload["timestamp"].endswith("Z")
    assert payload["data"] == {
        "event_id": "ev-1",
        "email_id": "e1",
        "created_at": "1970-01-01T00:00:00.001Z",
        "from": "shop@shop.example",
        "to": ["Kim <kim@elsewhere.example>"],
        "subject": "Hello",
        "recipient": "kim@elsewhere.example",
        "message_id": "<m1@shop.example>",
        "stream": "transactional",
        "tags": {"kind": "otp"},
        "metadata": {"order": "7"},
        "test": False,
        "bounce": {"smtp_code": 550},
    }


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_the_end_of_it(status):
    desk = make(status)
    desk.event()
    assert desk.sender.send(desk.id).tried == 1
    [delivery] = desk.deliveries()
    assert delivery.state is DELIVERED
    [attempt] = desk.attempts(delivery.number)
    assert (attempt.status, attempt.outcome) == (status, "")


@pytest.mark.parametrize("answer", [None, 100, 302, 307, 400, 404, 500, 503])
def test_anything_else_comes_again_with_the_same_id(answer):
    desk = make(answer)
    event = desk.event()
    desk.sender.send(desk.id)
    [delivery] = desk.deliveries()
    assert delivery.state is WAITING
    [attempt] = desk.attempts(delivery.number)
    assert (attempt.status, bool(attempt.outcome)) == (answer or 0, True)
    assert desk.sender.send(desk.id).tried == 0
    desk.run(until_ms=desk.clock.now_ms() + DAY_MS)
    assert desk.receiver.ids == [event, event]


def test_tries_follow_the_schedule_for_three_days_and_end():
    desk = make(usual=500)
    began_ms = desk.clock.now_ms()
    desk.event()
    times = []
    send = desk.receiver.send

    def note(*call):
        times.append(desk.clock.now_ms())
        if len(times) % 2 == 0:  # another one is taken, so that the webhook stays on
            desk.hooks.change(desk.id, desk.account.id, enabled=True)
        return send(*call)

    desk.receiver.send = note
    desk.run(until_ms=began_ms + 30 * DAY_MS)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == len(WEBHOOK_WAITS_MS) + 1
    for wait, planned in zip(waits, WEBHOOK_WAITS_MS, strict=True):
        assert planned <= wait <= planned * 1.1
    assert 75 <= sum(WEBHOOK_WAITS_MS) / 3_600_000 < 76
    [delivery] = desk.deliveries()
    assert delivery.state is FAILED
    assert len(desk.attempts(delivery.number)) == len(times)


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("60", 60_000, 66_000),
        ("1", 5_000, 5_500),
        ("999999999", WEBHOOK_RETRY_AFTER_MAX_MS, WEBHOOK_RETRY_AFTER_MAX_MS * 1.1),
        ("tomorrow", 5_000, 5_500),
    ],
)
def test_retry_after_is_honoured_within_bounds(said, least, most):
    desk = make(Answered(503, said))
    desk.event()
    desk.sender.send(desk.id)
    [delivery] = desk.deliveries()
    assert least <= delivery.due_ms - desk.clock.now_ms() <= most


def test_gone_turns_the_webhook_off_at_once_and_the_owner_is_told():
    desk = make(410)
    desk.event()
    desk.event()
    assert desk.sender.send(desk.id).turned_off
    assert desk.webhook().disabled_ms == desk.clock.now_ms()
    assert "410" in desk.webhook().why
    assert {one.state for one in desk.deliveries()} == {FAILED}
    assert len(desk.receiver.got) == 1
    desk.event()
    assert len(desk.deliveries()) == 2
    assert desk.notices.tell(desk.id)
    [mail] = desk.world.list_ids()
    text = desk.world.api("messages_get", id=mail, format="full")
    assert b"410 Gone" in urlsafe_b64decode(text.payload.body.data)
    assert desk.world.list_ids(account=desk.world.bob) == []


def test_webhook_that_fails_for_three_days_is_turned_off_and_one_success_starts_anew():
    desk = make(usual=500)
    desk.event()
    desk.run(until_ms=desk.clock.now_ms() + WEBHOOK_FAILING_MS - 1)
    assert desk.webhook().failing_ms
    assert not desk.webhook().disabled_ms
    desk.receiver.answers = [200]
    desk.event()
    desk.sender.send(desk.id)
    assert not desk.webhook().failing_ms
    desk.event()
    desk.run(until_ms=desk.clock.now_ms() + 2 * WEBHOOK_FAILING_MS)
    assert desk.webhook().disabled_ms >= desk.webhook().failing_ms + WEBHOOK_FAILING_MS
    assert desk.webhook().untold


def test_owner_is_told_once_whatever_is_cut_off():
    desk = make(410)
    desk.event()
    desk.sender.send(desk.id)
    failed = desk.webhook()
    assert desk.notices.sweep() == 1
    assert not desk.webhook().untold
    desk.book.change(lambda writer: writer.replace(failed))  # as if the mark were never taken away
    assert desk.notices.sweep() == 1
    assert desk.notices.sweep() == 0
    assert len(desk.world.list_ids()) == 1


def test_receiver_that_is_down_for_an_hour_gets_everything():
    desk = make(usual=None)
    events = [desk.event() for _ in range(60)]
    down_until_ms = desk.clock.now_ms() + 3_600_000
    desk.run(until_ms=down_until_ms)
    assert all(one.state is WAITING for one in desk.deliveries())
    desk.receiver.usual, tried = 200, len(desk.receiver.got)
    desk.run(until_ms=down_until_ms + DAY_MS)
    assert all(one.state is DELIVERED for one in desk.deliveries())
    assert sorted(desk.receiver.ids[tried:]) == sorted(events)


def test_others_wait_without_losing_a_try_while_nobody_answers():
    desk = make(None)
    for _ in range(3):
        desk.event()
    assert desk.sender.send(desk.id).tried == 1
    first, *others = desk.deliveries()
    assert [len(desk.attempts(one.number)) for one in (first, *others)] == [1, 0, 0]
    assert all(one.due_ms > desk.clock.now_ms() for one in others)


def test_slow_receiver_gets_a_short_batch_and_is_known_as_slow():
    desk = make()
    desk.receiver.takes_ms = WEBHOOK_BATCH_MS // 2
    for _ in range(5):
        desk.event()
    sent = desk.sender.send(desk.id)
    assert (sent.tried, sent.slow) == (2, True)
    assert [one.state for one in desk.deliveries()] == [DELIVERED] * 2 + [WAITING] * 3
    assert desk.sender.send(desk.id).tried == 2


def test_full_batch_says_that_there_may_be_more():
    desk = make()
    for _ in range(WEBHOOK_BATCH + 1):
        desk.event()
    assert desk.sender.send(desk.id).more
    assert not desk.sender.send(desk.id).more


def test_what_a_kill_cut_off_comes_again_under_the_same_id_and_keeps_its_tries():
    desk = make()
    event = desk.event()
    desk.book.change(
        lambda writer: writer.take_deliveries(
            desk.id, now_ms=desk.clock.now_ms(), lease_ms=WEBHOOK_LEASE_MS, limit=1
        )
    )
    assert desk.sender.send(desk.id).tried == 0
    desk.clock.advance(ms=WEBHOOK_LEASE_MS)
    desk.sender.send(desk.id)
    assert desk.receiver.ids == [event]
    assert desk.tried[0].place == 1


def test_events_that_are_kept_no_longer_and_secrets_nobody_opens_are_no_success():
    desk = make()
    desk.book.change(
        lambda w: w.add_deliveries(desk.id, [999], now_ms=desk.clock.now_ms(), replay=True)
    )
    desk.sender.send(desk.id)
    assert [one.state for one in desk.deliveries()] == [FAILED]
    assert not desk.webhook().failing_ms
    other = desk.hooks.add(desk.account.id, URL, ()).webhook
    broken = replace(desk.webhook(), secrets=other.secrets)
    desk.book.change(lambda writer: writer.replace(broken))
    desk.event()
    desk.sender.send(desk.id)
    assert desk.deliveries()[-1].state is WAITING
    assert "new one" in desk.attempts(desk.deliveries()[-1].number)[0].outcome
    assert desk.receiver.got == []


@given(st.lists(st.sampled_from([200, 500, 503, 404, None]), max_size=9), st.integers(1, 12))
def test_whatever_is_answered_nine_times_each_event_arrives(answers, count):
    desk = make(*answers)
    events = [desk.event() for _ in range(count)]
    desk.run(until_ms=desk.clock.now_ms() + 4 * DAY_MS)
    states = {one.event: one.state for one in desk.deliveries()}
    assert len(states) == count
    assert set(states.values()) == {DELIVERED}
    assert set(desk.receiver.ids) == set(events)
    desk.world.close()
