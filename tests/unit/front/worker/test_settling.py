"""Outcomes that gather are recorded together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from penfold.base.errors import ConflictError, UnavailableError
from penfold.front.worker.settling import Settler

NEVER_S = 86_400


class Book:
    """A queue whose first transaction waits until it is let go."""

    def __init__(self, loop, *, error=None):
        self.batches = []
        self.error = error
        self.loop = loop
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    def settle(self, settlements):
        self.batches.append(list(settlements))
        self.loop.call_soon_threadsafe(self.begun.set)
        asyncio.run_coroutine_threadsafe(self.go.wait(), self.loop).result()
        if self.error:
            raise self.error
        return [each != "late" for each in settlements]


def make_settler(book, executor, *, fail=pytest.fail, trouble_s=0.0):
    return Settler(book, executor, fail=fail, trouble_s=trouble_s)


def test_what_comes_while_one_is_written_goes_into_the_next_together():
    async def run():
        book = Book(asyncio.get_running_loop())
        with ThreadPoolExecutor(1) as executor:
            settler = make_settler(book, executor)
            first = asyncio.create_task(settler.settle("a"))
            await book.begun.wait()
            rest = [asyncio.create_task(settler.settle(each)) for each in ("b", "late", "c")]
            await asyncio.sleep(0)
            book.go.set()
            assert await asyncio.gather(first, *rest) == [True, True, False, True]
            assert await settler.settle("d")
        assert book.batches == [["a"], ["b", "late", "c"], ["d"]]

    asyncio.run(run())


def test_an_error_is_told_to_each_who_waits_and_the_next_is_written():
    async def run():
        book = Book(asyncio.get_running_loop(), error=ConflictError("a bug"))
        book.go.set()
        with ThreadPoolExecutor(1) as executor:
            settler = make_settler(book, executor)
            with pytest.raises(ConflictError):
                await settler.settle("a")
            book.error = None
            assert await settler.settle("b")

    asyncio.run(run())


def test_what_a_full_disk_refuses_is_written_when_there_is_room_and_told_of_once_each_time():
    async def run():
        book = Book(asyncio.get_running_loop(), error=UnavailableError("full"))
        book.go.set()
        failures = []

        def fail(error):
            failures.append(error)
            if len(failures) == 3:
                book.error = None

        with ThreadPoolExecutor(1) as executor:
            settler = make_settler(book, executor, fail=fail)
            names = [f"n{n}" for n in range(200)]
            assert all(await asyncio.gather(*map(settler.settle, names)))
        assert book.batches[-1] == names
        assert [str(each) for each in failures] == ["full"] * 3

    asyncio.run(run())


def test_who_ends_does_not_wait_for_a_disk_that_stays_full():
    async def run():
        book = Book(asyncio.get_running_loop(), error=UnavailableError("full"))
        book.go.set()
        failed = asyncio.Event()
        with ThreadPoolExecutor(1) as executor:
            settler = make_settler(book, executor, fail=lambda _: failed.set(), trouble_s=NEVER_S)
            waiting = asyncio.create_task(settler.settle("a"))
            await failed.wait()
            await settler.finish()
            with pytest.raises(UnavailableError):
                await waiting
        assert book.batches == [["a"], ["a"]]

    asyncio.run(run())


def test_what_nobody_waits_for_any_more_is_recorded_all_the_same():
    async def run():
        book = Book(asyncio.get_running_loop())
        with ThreadPoolExecutor(1) as executor:
            settler = make_settler(book, executor)
            await settler.finish()
            waiting = [asyncio.create_task(settler.settle("a"))]
            await book.begun.wait()
            waiting.append(asyncio.create_task(settler.settle("b")))
            await asyncio.sleep(0)
            for each in waiting:
                each.cancel()
            book.go.set()
            await settler.finish()
        assert book.batches == [["a"], ["b"]]

    asyncio.run(run())
