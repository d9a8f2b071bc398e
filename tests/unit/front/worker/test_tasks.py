"""Work that comes round again, and how it ends."""

import asyncio
import threading

import pytest

from penfold.base.errors import OutcomeUnknownError
from penfold.front.worker.tasks import Report, Task, Tasks
from penfold.spec.events import SWEEP, TASK_FAILED


class Log:
    def __init__(self):
        self.lines = []

    def emit(self, event, /, **fields):
        self.lines.append((event, fields))


class Rounds:
    """A task that counts its rounds and tells when `enough` are done."""

    def __init__(self, enough, outcome=Report):
        self.count = 0
        self.done = threading.Event()
        self._enough = enough
        self._outcome = outcome

    def __call__(self, stopping):
        self.count += 1
        if self.count >= self._enough:
            self.done.set()
        return self._outcome()


def run(rounds, *, fatal=None):
    """Run the task until it has done its rounds and return the log's lines."""
    log = Log()

    async def live():
        task = Task("care", rounds, first_s=0, every_s=0)
        tasks = Tasks([task], log=log, fatal=fatal or pytest.fail)
        tasks.start()
        await asyncio.to_thread(rounds.done.wait, 10)
        await tasks.stop()

    asyncio.run(live())
    return log.lines


def test_a_task_comes_round_again():
    rounds = Rounds(3)
    run(rounds)
    assert rounds.count >= 3


def test_a_round_that_changed_nothing_is_not_logged():
    assert run(Rounds(2)) == []


def test_a_round_that_changed_something_is_one_line():
    lines = run(Rounds(1, lambda: Report(mailboxes=5, changed=2)))
    event, fields = lines[0]
    assert event is SWEEP
    assert (fields["task"], fields["mailboxes"], fields["changed"]) == ("care", 5, 2)


def test_a_failing_task_is_logged_and_comes_round_again():
    def fail():
        raise RuntimeError("no luck")

    rounds = Rounds(2, fail)
    event, fields = run(rounds)[0]
    assert event is TASK_FAILED
    assert fields == {"task": "care", "error": "RuntimeError", "detail": "no luck"}
    assert rounds.count >= 2


def test_an_unknown_outcome_ends_the_process():
    def fail():
        raise OutcomeUnknownError("commit failed")

    ended = []
    run(Rounds(1, fail), fatal=ended.append)
    assert isinstance(ended[0], OutcomeUnknownError)


def test_stopping_waits_for_the_round_in_hand():
    began, finish, over = threading.Event(), threading.Event(), []

    def work(stopping):
        began.set()
        finish.wait(10)
        over.append(stopping.is_set())
        return Report()

    async def live():
        task = Task("care", work, first_s=0, every_s=0)
        tasks = Tasks([task], log=Log(), fatal=pytest.fail)
        tasks.start()
        await asyncio.to_thread(began.wait, 10)
        stopping = asyncio.create_task(tasks.stop())
        await asyncio.sleep(0)
        finish.set()
        await stopping

    asyncio.run(live())
    assert over == [True]


def test_a_task_that_has_not_begun_is_stopped_at_once():
    async def live():
        task = Task("care", pytest.fail, first_s=3600, every_s=3600)
        tasks = Tasks([task], log=Log(), fatal=pytest.fail)
        tasks.start()
        await tasks.stop()

    asyncio.run(live())
