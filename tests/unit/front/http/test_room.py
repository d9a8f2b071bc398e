"""Room for large bodies: bounded, fair, and given back."""

import asyncio

import pytest

from penfold.front.http.room import Room


def play(steps):
    """Run a coroutine over a fresh room of 100 octets in which up to 10 are small."""
    return asyncio.run(steps(Room(100, small=10)))


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Guest:
    """One who takes room until told to go."""

    def __init__(self, room, octets):
        self._go = asyncio.Event()
        self.inside = False
        self.task = asyncio.ensure_future(self._stay(room, octets))

    async def _stay(self, room, octets):
        async with room.take(octets):
            self.inside = True
            await self._go.wait()
        self.inside = False

    async def leave(self):
        self._go.set()
        await self.task


def test_room_is_shared_until_it_is_full_then_in_order():
    async def steps(room):
        first, second, third, last = (Guest(room, n) for n in (60, 40, 90, 11))
        await settle()
        assert [g.inside for g in (first, second, third, last)] == [True, True, False, False]
        await second.leave()
        await settle()
        assert not last.inside  # it waits behind the third, though it would fit
        await first.leave()
        await settle()
        assert (third.inside, last.inside) == (True, False)
        await third.leave()
        await last.leave()

    play(steps)


def test_small_bodies_never_wait():
    async def steps(room):
        full, small = Guest(room, 100), Guest(room, 10)
        await settle()
        assert full.inside
        assert small.inside
        await small.leave()
        await full.leave()

    play(steps)


def test_body_larger_than_the_room_takes_all_of_it():
    async def steps(room):
        huge, next_one = Guest(room, 10_000), Guest(room, 11)
        await settle()
        assert (huge.inside, next_one.inside) == (True, False)
        await huge.leave()
        await settle()
        assert next_one.inside
        await next_one.leave()

    play(steps)


@pytest.mark.parametrize("admitted", [False, True], ids=["while-waiting", "when-just-admitted"])
def test_who_gives_up_holds_nothing(admitted):
    async def steps(room):
        full, gone, after = Guest(room, 100), Guest(room, 100), Guest(room, 100)
        await settle()
        if admitted:
            await full.leave()  # hands the room to `gone`, which has not run yet
        gone.task.cancel()
        await settle()
        if not admitted:
            await full.leave()
        await settle()
        assert after.inside
        await after.leave()

    play(steps)
