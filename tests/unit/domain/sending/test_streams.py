"""Streams with a limit: when what was scheduled leaves."""

import threading

import pytest
from msgspec.structs import replace
from tests.unit.domain.sending.shop import KIM, Shop

from penfold.front.worker.sending import HandingRounds
from penfold.ports.sending.emails import EmailState
from penfold.ports.sending.records import Stream

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def shop():
    shop = Shop()
    limited = Stream("s1", "a", "news", shop.clock.now_ms(), per_hour=60)
    shop.book.change(lambda writer: writer.add(limited))
    return shop


def schedule(shop, count, *, wait_ms=HOUR_MS, **more):
    """Return the numbers of emails that are all for one time."""
    fields = {"stream": "news", "scheduled_ms": shop.clock.now_ms() + wait_ms} | more
    return [shop.accept(KIM, **fields) for _ in range(count)]


def waits(shop, numbers):
    """Return for how many minutes emails are put off, None for those that wait no more."""
    found = [shop.book.read(lambda b, number=number: b.get_email(number)) for number in numbers]
    return [
        (one.scheduled_ms - shop.clock.now_ms()) // MINUTE_MS
        if one.state is EmailState.SCHEDULED
        else None
        for one in found
    ]


def run(shop):
    HandingRounds(shop.book, shop.handing, shop.clock).run(threading.Event())


def test_what_is_scheduled_for_one_time_leaves_evenly_from_then_on(shop):
    numbers = schedule(shop, 3)
    shop.clock.advance(ms=HOUR_MS)
    left = []
    for _ in range(3):
        run(shop)
        left.append(waits(shop, numbers))
        shop.clock.advance(ms=MINUTE_MS)
    assert left == [[None, 1, 2], [None, None, 1], [None, None, None]]
    assert shop.events() == ["sent"] * 3


def test_what_is_moved_to_now_takes_its_place_as_well(shop):
    numbers = schedule(shop, 3)
    now_ms = shop.clock.now_ms()
    shop.book.change(lambda w: [w.reschedule(number, now_ms) for number in numbers])
    run(shop)
    assert waits(shop, numbers) == [None, 1, 2]
    shop.book.change(lambda w: w.reschedule(numbers[1], now_ms))
    run(shop)
    assert waits(shop, numbers) == [None, 3, 2]


def test_what_was_put_off_can_be_cancelled_or_suppressed_like_what_never_was(shop):
    first, second, third = schedule(shop, 3)
    shop.clock.advance(ms=HOUR_MS)
    run(shop)
    assert shop.book.change(lambda w: w.cancel(second))
    shop.bounce(KIM)
    shop.clock.advance(ms=HOUR_MS)
    run(shop)
    assert [shop.state(number) for number in (first, second, third)] == [
        EmailState.HANDED, EmailState.CANCELLED, EmailState.SUPPRESSED,
    ]  # fmt: skip


def test_what_expires_before_there_is_room_takes_none(shop):
    expires_ms = shop.clock.now_ms() + HOUR_MS + MINUTE_MS
    numbers = schedule(shop, 3, expires_ms=expires_ms)
    shop.clock.advance(ms=HOUR_MS)
    run(shop)
    assert waits(shop, numbers) == [None, 1, 1]
    [stream] = shop.book.read(lambda b: b.list_records(Stream, "a", limit=9))
    assert stream.paced_ms == expires_ms
    shop.clock.advance(ms=MINUTE_MS)
    run(shop)
    assert shop.events() == ["sent", "expired", "expired"]


def test_what_a_stream_has_no_limit_for_leaves_when_it_is_due(shop):
    unlimited = [
        *schedule(shop, 2, stream="other"),
        *schedule(shop, 2, test=True),
    ]
    [stream] = shop.book.read(lambda b: b.list_records(Stream, "a", limit=9))
    shop.clock.advance(ms=HOUR_MS)
    run(shop)
    assert waits(shop, unlimited) == [None] * 4
    shop.book.change(lambda w: w.replace(replace(stream, per_hour=0)))
    more = schedule(shop, 2, wait_ms=1)
    shop.clock.advance(ms=1)
    run(shop)
    assert waits(shop, more) == [None, None]
