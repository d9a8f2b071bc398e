"""Reads of many accounts take turns; nobody waits for all that another one asked."""

import asyncio

import pytest
import uvloop

from penfold.base.limits import READS_A_TURN
from penfold.front.http.turns import Turns


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop])
def run(request):
    def run(main):
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main())

    return run


async def read(turns, account, order):
    if not turns.take(account):
        await turns.wait(account)
    order.append(account)


async def ask(*asked):
    """Have all of them ask at once, in this order; return in which they read."""
    turns, order = Turns(), []
    await asyncio.gather(*(read(turns, account, order) for account in asked))
    return order


def test_whoever_asks_little_reads_at_once(run):
    assert run(lambda: ask(*"abcabc")) == [*"abcabc"]


def test_whoever_asks_much_lets_others_between(run):
    order = run(lambda: ask(*"a" * 100, "b", *"c" * 10))
    assert len(order) == 111
    assert order.index("b") == READS_A_TURN
    assert order.index("c") == READS_A_TURN + 1
    # Of two who wait, each has its few in every turn.
    assert order[: 4 * READS_A_TURN].count("c") >= 2 * READS_A_TURN - 1
    assert order[-1] == "a"


def test_who_comes_later_waits_for_one_turn_at_most(run):
    async def main():
        turns, order = Turns(), []
        many = [asyncio.ensure_future(read(turns, "a", order)) for _ in range(100)]
        await asyncio.sleep(0)
        before = len(order)
        late = asyncio.ensure_future(read(turns, "b", order))
        await late
        seen = len(order)
        await asyncio.gather(*many)
        return seen - before

    assert run(main) <= 2 * READS_A_TURN + 1


def test_an_account_reads_in_the_order_in_which_it_asked(run):
    async def main():
        turns, order = Turns(), []

        async def numbered(number):
            if not turns.take("a"):
                await turns.wait("a")
            order.append(number)

        await asyncio.gather(*map(numbered, range(50)))
        return order

    assert run(main) == list(range(50))


def test_a_client_that_is_gone_takes_no_turn(run):
    async def main():
        turns, order = Turns(), []
        tasks = [asyncio.ensure_future(read(turns, "a", order)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks[READS_A_TURN:-1]:
            task.cancel()
        await asyncio.wait(tasks, timeout=10)
        return len(order), turns.take("a")

    assert run(main) == (READS_A_TURN + 1, True)
