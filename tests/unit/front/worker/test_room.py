"""Room for so much at a time."""

import asyncio

import pytest

from penfold.front.worker.room import Room


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Guests:
    """Each says when it is in, and stays until it is told to leave."""

    def __init__(self, room):
        self.room = room
        self.inside = []
        self.doors = {}
        self.tasks = {}

    async def invite(self, name, amount=1):
        self.doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, amount))
        await settle()

    async def _stay(self, name, amount):
        async with self.room.hold(amount):
            self.inside.append(name)
            try:
                await self.doors[name].wait()
            finally:
                self.inside.remove(name)

    async def part(self, name):
        self.doors[name].set()
        await settle()


def play(limit, scene):
    async def run():
        guests = Guests(Room(limit))
        await scene(guests)
        for task in guests.tasks.values():
            task.cancel()
        await asyncio.gather(*guests.tasks.values(), return_exceptions=True)
        assert guests.room.used == 0

    asyncio.run(run())


def test_who_comes_when_it_is_full_waits_in_order():
    async def scene(guests):
        for name in "abcd":
            await guests.invite(name)
        assert guests.inside == ["a", "b"]
        await guests.part("a")
        assert guests.inside == ["b", "c"]
        await guests.part("c")
        assert guests.inside == ["b", "d"]

    play(2, scene)


def test_a_small_one_does_not_pass_a_large_one_that_waits():
    async def scene(guests):
        await guests.invite("a", 60)
        await guests.invite("large", 50)
        await guests.invite("small", 1)
        assert guests.inside == ["a"]
        await guests.part("a")
        assert guests.inside == ["large", "small"]

    play(100, scene)


def test_what_is_larger_than_the_room_enters_alone():
    async def scene(guests):
        await guests.invite("a", 1)
        await guests.invite("huge", 1_000)
        assert guests.inside == ["a"]
        await guests.part("a")
        assert guests.inside == ["huge"]
        await guests.invite("b", 1)
        assert guests.inside == ["huge"]

    play(10, scene)


@pytest.mark.parametrize("moment", ["waiting", "let in"])
def test_who_gives_up_takes_no_room(moment):
    async def scene(guests):
        await guests.invite("a")
        await guests.invite("b")
        await guests.invite("c")
        if moment == "let in":
            guests.doors["a"].set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        guests.tasks["b"].cancel()
        await settle()
        guests.doors["a"].set()
        await settle()
        assert guests.inside == ["c"]

    play(1, scene)


def test_a_limit_that_grows_lets_more_in_when_somebody_leaves():
    async def scene(guests):
        for name in "abcd":
            await guests.invite(name)
        guests.room.limit = 3
        await guests.part("a")
        assert guests.inside == ["b", "c", "d"]

    play(1, scene)
