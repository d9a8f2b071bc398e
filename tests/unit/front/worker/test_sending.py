"""Rounds of the way out: how much is in hand at a time, and what waits for the next round."""

import threading

import pytest
from tests.unit.domain.sending.shop import BOB, KIM, Shop

from penfold.base.errors import OutcomeUnknownError, StorageFullError, UnavailableError
from penfold.base.limits import (
    SENDING_LEASE_MS,
    SENDING_LOT_BYTES,
    SENDING_LOT_RECIPIENTS,
    SENDING_NEWS_MAX,
)
from penfold.base.priority import Priority
from penfold.domain.sending.content import Content
from penfold.front.worker.sending import HandingRounds, NewsRounds, Sized, split
from penfold.ports.queue import QueueState
from penfold.ports.sending.emails import EmailLease, EmailState

RUNS = threading.Event()


def sized(octets, recipients):
    return Sized(EmailLease(None, 1), octets, recipients)  # only sizes count


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(1, 1)] * 3, [3], id="small"),
        pytest.param([(SENDING_LOT_BYTES, 1), (1, 1)], [1, 1], id="one-fills-it"),
        pytest.param([(3 * SENDING_LOT_BYTES, 1)], [1], id="too-large-alone"),
        pytest.param([(1, SENDING_LOT_RECIPIENTS // 2)] * 3, [2, 1], id="many-recipients"),
    ],
)
def test_what_is_in_hand_at_a_time_is_bounded(sizes, wanted):
    assert [len(lot) for lot in split([sized(*each) for each in sizes])] == wanted


def test_a_round_hands_over_all_that_is_due_with_what_a_dead_process_had():
    shop = Shop()
    shop.accept(KIM)
    shop.take()
    for _ in range(2):
        shop.accept(KIM)
    HandingRounds(shop.book, shop.handing, shop.clock).run(RUNS)
    assert shop.events() == ["sent"] * 3
    assert shop.book.read(lambda book: book.list_backlog(now_ms=shop.clock.now_ms())) == []


def test_a_code_behind_a_backlog_is_handed_over_and_queued_before_it():
    shop = Shop()
    shop.accept_many(2_000, priority=Priority.LOW)
    shop.accept(KIM, priority=Priority.HIGH)
    HandingRounds(shop.book, shop.handing, shop.clock).run(RUNS)
    rows = shop.queue.list_rows(limit=3_000)[::-1]
    assert (rows[0].recipient, len(rows)) == (KIM, 2_001)
    [lease] = shop.queue.take(now_ms=shop.clock.now_ms(), lease_ms=1, limit=1)
    assert lease.row.recipient == KIM


def test_a_round_that_is_to_stop_takes_nothing():
    shop, stopping = Shop(), threading.Event()
    stopping.set()
    shop.accept(KIM)
    HandingRounds(shop.book, shop.handing, shop.clock).run(stopping)
    assert shop.events() == []


def test_an_email_that_cannot_be_prepared_keeps_back_no_other_and_no_other_lot():
    def render(wanted):
        if any(email.number == bad for email, _ in wanted):
            raise ValueError("nobody expected this")
        return [Content(text="Hello") for _ in wanted]

    shop = Shop(render=render)
    some = [f"r{n}@x.example" for n in range(SENDING_LOT_RECIPIENTS // 2)]
    numbers = [shop.accept(*some, content=Content(template_id="t")) for _ in range(3)]
    bad = numbers[0]
    rounds = HandingRounds(shop.book, shop.handing, shop.clock)
    with pytest.raises(ValueError, match="nobody expected this"):
        rounds.run(RUNS)
    assert shop.state(bad) is EmailState.QUEUED
    assert [shop.state(each) for each in numbers[1:]] == [EmailState.HANDED] * 2
    bad = 0
    shop.clock.advance(ms=SENDING_LEASE_MS)
    rounds.run(RUNS)
    assert shop.state(numbers[0]) is EmailState.HANDED


class Picky:
    """Mailboxes of which one breaks in a way of its own."""

    def __init__(self, mailboxes, broken, error):
        self._mailboxes = mailboxes
        self._broken = broken
        self._error = error

    def change(self, mailbox_id, change):
        if mailbox_id == self._broken:
            raise self._error
        return self._mailboxes.change(mailbox_id, change)


def test_an_email_that_cannot_be_delivered_keeps_back_no_other_and_nobody_gets_two():
    shop = Shop()
    error = ValueError("nobody expected this")
    mailboxes = Picky(shop.world.mailboxes, shop.world.alice.id, error)
    numbers = [shop.accept(BOB, KIM), shop.accept("alice@penfold.test"), shop.accept(BOB)]
    handing = shop.make_handing(mailboxes=mailboxes)
    with pytest.raises(ValueError, match="nobody expected this"):
        HandingRounds(shop.book, handing, shop.clock).run(RUNS)
    happened = [shop.events(each) for each in numbers]
    assert happened == [["sent", "delivered", "sent"], [], ["sent", "delivered"]]
    assert (shop.count_mail(shop.world.bob), len(shop.queue.list_rows())) == (2, 1)


@pytest.mark.parametrize("error", [OutcomeUnknownError(), StorageFullError()], ids=type)
def test_what_is_no_single_emails_trouble_ends_the_round(error):
    asked = []

    def render(wanted):
        asked.append(len(wanted))
        raise error

    shop = Shop(render=render)
    for _ in range(2):
        shop.accept(KIM, content=Content(template_id="t"))
    with pytest.raises(type(error)):
        HandingRounds(shop.book, shop.handing, shop.clock).run(RUNS)
    assert asked == [2]


class Slow:
    """Outcomes that find the first of each lot too early, or cannot write."""

    def __init__(self):
        self.lots, self.broken = [], False

    def note(self, lot):
        if self.broken:
            raise UnavailableError("full")
        self.lots.append(list(lot))
        return lot[:1] if len(self.lots) == 1 else []


def test_what_comes_too_early_is_told_in_the_next_round():
    news = NewsRounds(slow := Slow())
    for each in "abc":
        news.add(each)
    news.run(RUNS)
    news.run(RUNS)
    news.run(RUNS)
    assert slow.lots == [["a", "b", "c"], ["a"]]


def test_what_cannot_be_written_now_is_told_later_in_its_order():
    news = NewsRounds(slow := Slow())
    slow.broken = True
    for each in "ab":
        news.add(each)
    with pytest.raises(UnavailableError):
        news.run(RUNS)
    slow.broken = False
    news.flush()
    assert slow.lots == [["a", "b"]]


def test_what_waits_to_be_told_is_bounded_and_the_sweep_finds_the_rest():
    shop = Shop()
    shop.accept(KIM)
    shop.hand_over()
    settled = shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    news = NewsRounds(Slow())
    for _ in range(SENDING_NEWS_MAX + 5):
        news.add(settled)
    assert len(news._waiting) == SENDING_NEWS_MAX
    shop.outcomes = restart(shop)
    assert NewsRounds(shop.outcomes).sweep(RUNS).changed == 1
    assert shop.events() == ["sent", "delivered"]


def restart(shop):
    """Return outcomes of a process that began later."""
    shop.clock.advance(ms=1)
    return type(shop.outcomes)(shop.book, shop.queue, shop.clock, shop.chance)
