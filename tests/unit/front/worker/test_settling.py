"""Outcomes that gather are recorded together."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from penfold.base.errors import UnavailableError
from penfold.front.worker.settling import Settler


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


def test_what_comes_while_one_is_written_goes_into_the_next_together():
    async def run():
        book = Book(asyncio.get_running_loop())
        with ThreadPoolExecutor(1) as executor:
            settler = Settler(book, executor)
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
        book = Book(asyncio.get_running_loop(), error=UnavailableError("full"))
        book.go.set()
        with ThreadPoolExecutor(1) as executor:
            settler = Settler(book, executor)
            with pytest.raises(UnavailableError):
                await settler.settle("a")
            book.error = None
            assert await settler.settle("b")

    asyncio.run(run())


def test_what_nobody_waits_for_any_more_is_recorded_all_the_same():
    async def run():
        book = Book(asyncio.get_running_loop())
        with ThreadPoolExecutor(1) as executor:
            settler = Settler(book, executor)
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
