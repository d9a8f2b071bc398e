"""Rounds of the way out: how much is in hand at a time, and what waits for the next round."""

import threading

import pytest
from tests.unit.domain.sending.shop import KIM, Shop

from penfold.base.errors import UnavailableError
from penfold.base.limits import SENDING_LOT_BYTES, SENDING_LOT_RECIPIENTS, SENDING_NEWS_MAX
from penfold.front.worker.sending import HandingRounds, NewsRounds, Sized, split
from penfold.ports.queue import QueueState
from penfold.ports.sending.emails import EmailLease

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


def test_a_round_that_is_to_stop_takes_nothing():
    shop, stopping = Shop(), threading.Event()
    stopping.set()
    shop.accept(KIM)
    HandingRounds(shop.book, shop.handing, shop.clock).run(stopping)
    assert shop.events() == []


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
