"""Checks whose steps take long are run beside the event loop; their questions are asked on it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.unit.world import World

from penfold.base.errors import UnavailableError
from penfold.domain.incoming.verdict import Policy
from penfold.front.smtp.checking import Checker, run_apart
from penfold.front.smtp.judging import Judging
from penfold.proto.dns import Answer, Question, Status


class Notes:
    """Lookups that answer at once and note who asks, and how long the answer may take."""

    def __init__(self):
        self.threads, self.left = [], []

    async def run(self, check, *, within_s=None):
        self.threads.append(threading.get_ident())
        self.left.append(within_s)
        try:
            question = next(check)
            while True:
                question = check.send(Answer(Status.FOUND, (question.name,)))
        except StopIteration as end:
            return end.value


def test_steps_run_in_a_thread_and_questions_are_asked_on_the_loop():
    steps = []

    def check():
        found = []
        for name in ("one.example", "two.example"):
            steps.append(threading.get_ident())
            answer = yield Question(name, "A")
            found.append(answer.records)
        return found

    def silent():
        steps.append(threading.get_ident())
        return "at once"
        yield

    notes = Notes()
    seconds = iter([5.0, 0.0])
    here = threading.get_ident()
    with ThreadPoolExecutor(1) as threads:
        found = asyncio.run(run_apart(notes, check(), threads=threads, left=lambda: next(seconds)))
        once = asyncio.run(run_apart(notes, silent(), threads=threads, left=lambda: 1.0))
    assert found == [("one.example",), ("two.example",)]
    assert notes.left == [5.0, 0.0]
    assert once == "at once"
    assert set(notes.threads) == {here}
    assert here not in steps


def test_what_is_under_way_when_the_server_stops_is_given_up_and_told_so():
    async def main():
        world, told, begun = World(), [], asyncio.Event()

        class Holding:
            async def scan(self, subject, raw):
                begun.set()
                await asyncio.Event().wait()

        checker = Checker(Notes(), clock=world.clock, hostname="mx.x.example", scanner=Holding())
        judging = Judging(
            world.inbound, checker, policy=Policy(), hostname="mx.x.example", observe=told.append
        )
        envelope = world.envelope("a@x.example", ["alice@penfold.test"])
        judging.accept(
            envelope, b"From: a@x.example\r\n\r\nHi\r\n", lambda *found: told.append(found)
        )
        await begun.wait()
        await judging.close()
        checker.close()
        world.close()
        return told

    [(ids, error)] = asyncio.run(main())
    assert ids is None
    assert isinstance(error, UnavailableError)


def test_an_error_after_the_checks_is_told_as_one_of_the_checks_is():
    class Failing:
        def accept(self, envelope, data, done, judged):
            raise ZeroDivisionError

    async def main():
        world, told = World(), asyncio.get_running_loop().create_future()
        checker = Checker(Notes(), clock=world.clock, hostname="mx.x.example")
        judging = Judging(
            Failing(), checker, policy=Policy(), hostname="mx.x.example", observe=lambda facts: None
        )
        envelope = world.envelope("a@x.example", ["alice@penfold.test"])
        raw = b"From: a@x.example\r\n\r\nHi\r\n"
        judging.accept(envelope, raw, lambda *found: told.set_result(found))
        try:
            return await asyncio.wait_for(told, 20)
        finally:
            await judging.close()
            checker.close()
            world.close()

    ids, error = asyncio.run(main())
    assert ids is None
    assert isinstance(error, ZeroDivisionError)
