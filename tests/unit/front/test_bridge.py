"""The bridge brings results from other threads to the loop, woken once for many."""

import asyncio
import threading

import pytest

from penfold.front.bridge import Bridge


class CountingLoop:
    """An event loop's face that counts wake-ups and lets the test decide when they run."""

    def __init__(self):
        self.wakes = []

    def create_future(self):
        return asyncio.get_running_loop().create_future()

    def call_soon_threadsafe(self, callback):
        self.wakes.append(callback)


def test_result_from_another_thread_is_returned():
    async def main():
        bridge = Bridge()
        return await bridge.wait(lambda done: threading.Thread(target=done, args=(7, None)).start())

    assert asyncio.run(main()) == 7


def test_error_from_another_thread_is_raised():
    async def main():
        bridge = Bridge()
        await bridge.wait(lambda done: done(None, KeyError("gone")))

    with pytest.raises(KeyError):
        asyncio.run(main())


def test_many_results_wake_the_loop_once():
    async def main():
        loop = CountingLoop()
        bridge = Bridge(loop)
        dones = []
        waiters = [asyncio.ensure_future(bridge.wait(dones.append)) for _ in range(50)]
        await asyncio.sleep(0)
        for number, done in enumerate(dones):
            done(number, None)
        assert len(loop.wakes) == 1
        loop.wakes[0]()
        assert await asyncio.gather(*waiters) == list(range(50))
        again = asyncio.ensure_future(bridge.wait(lambda done: done("next", None)))
        await asyncio.sleep(0)
        assert len(loop.wakes) == 2
        loop.wakes[1]()
        assert await again == "next"

    asyncio.run(main())


def test_waiter_that_gave_up_is_passed_over():
    async def main():
        loop = CountingLoop()
        bridge = Bridge(loop)
        dones = []
        gone = asyncio.ensure_future(bridge.wait(dones.append))
        stays = asyncio.ensure_future(bridge.wait(dones.append))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        for done in dones:
            done("here", None)
        loop.wakes[0]()
        assert await stays == "here"
        assert gone.cancelled()

    asyncio.run(main())


def test_result_after_the_loop_closed_is_dropped():
    async def main():
        dones = []
        waiter = asyncio.ensure_future(Bridge().wait(dones.append))
        await asyncio.sleep(0)
        waiter.cancel()
        return dones[0]

    done = asyncio.run(main())
    done("too late", None)
