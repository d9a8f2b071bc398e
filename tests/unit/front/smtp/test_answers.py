"""Results from other threads reach the loop together."""

import asyncio
import threading

from penfold.front.smtp.answers import Answers


class CountingLoop:
    """A loop that only remembers what it was asked to call."""

    def __init__(self):
        self.calls = []

    def call_soon_threadsafe(self, call):
        self.calls.append(call)


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def test_twenty_results_cost_one_wake_up():
    loop, settled = CountingLoop(), []
    answers = Answers(loop)
    calls = [answers.expect(lambda *result: settled.append(result), n) for n in range(20)]
    in_thread(lambda: [done((str(n),), None) for n, done in enumerate(calls)])
    assert len(loop.calls) == 1
    assert settled == []
    loop.calls.pop()()
    assert settled == [(n, (str(n),), None) for n in range(20)]


def test_after_they_were_fetched_the_next_result_wakes_again():
    loop, settled = CountingLoop(), []
    answers = Answers(loop)
    for _ in range(3):
        in_thread(answers.expect(lambda *result: settled.append(result), "key"), None, None)
        loop.calls.pop()()
    assert len(settled) == 3


def test_a_result_on_the_loops_own_thread_counts_at_once():
    loop, settled = CountingLoop(), []
    Answers(loop).expect(lambda *result: settled.append(result), "key")(("1",), None)
    assert settled == [("key", ("1",), None)]
    assert loop.calls == []


def test_results_after_the_end_of_the_loop_are_dropped():
    loop = asyncio.new_event_loop()
    done = Answers(loop).expect(lambda *result: None, "key")
    loop.close()
    in_thread(done, None, None)
