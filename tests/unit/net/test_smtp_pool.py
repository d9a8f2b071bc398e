"""Connections are kept, used again and let go, within bounds."""

import asyncio

import pytest
from tests.scripted import serve

from penfold.net.smtp_out import SmtpConnection
from penfold.net.smtp_pool import Bounds, Destination, SmtpPool
from penfold.net.tls_out import NoTls, Opportunistic
from penfold.proto.smtp.client.outcome import Fate, Reason
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.transaction import Envelope, Recipient

RAW = b"Subject: hi\r\n\r\nhello\r\n"
ENVELOPE = Envelope("p@probe.example", (Recipient("alice@box.example"),))
PROFILE = ClientProfile(hostname="mail.probe.example")
PATIENCE_S = 20


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Scene:
    """A pool and a server; `opened` counts connections."""

    def __init__(self, port, bounds):
        self.clock = Clock()
        self.opened = 0
        self.pool = SmtpPool(self._open, clock=self.clock, bounds=bounds)
        self.port = port

    async def _open(self, destination):
        self.opened += 1
        return await SmtpConnection.open(
            destination.host,
            destination.address,
            destination.port,
            destination.tls,
            profile=PROFILE,
            allowed=lambda _: True,
        )

    async def send(self, *, tls=None):
        destination = Destination("mx.box.example", "127.0.0.1", self.port, tls or NoTls())
        return await self.pool.send(destination, ENVELOPE, RAW)


def run(play, talk=None, **bounds):
    """Play with a pool; return what `play` does, and what was heard on each connection."""

    async def behave(conversation):
        await conversation.greet("PIPELINING")
        return await conversation.take_messages()

    async def hold():
        async with asyncio.timeout(PATIENCE_S), serve(talk or behave) as (port, heard):
            scene = Scene(port, Bounds(**bounds))
            result = await play(scene)
            await scene.pool.close()
            assert scene.pool.idle_connections == 0
            assert scene.pool._lanes == {}
        return result, heard

    return asyncio.run(hold())


def test_messages_one_after_the_other_share_a_connection():
    async def play(scene):
        outcomes = [await scene.send() for _ in range(3)]
        assert [outcome.reused for outcome in outcomes] == [False, True, True]
        assert all(outcome.is_accepted for outcome in outcomes)
        assert scene.pool.idle_connections == 1
        return scene.opened

    assert run(play) == (1, [3])


def test_another_demand_for_tls_is_another_destination():
    async def play(scene):
        await scene.send()
        await scene.send(tls=Opportunistic())
        return scene.opened

    opened, heard = run(play)
    assert (opened, heard) == (2, [1, 1])


def test_a_connection_is_closed_after_its_last_message():
    async def play(scene):
        for _ in range(5):
            await scene.send()
        return scene.opened

    opened, heard = run(play, messages_max=2)
    assert opened == 3
    assert sorted(heard) == [1, 2, 2]


def test_who_comes_later_waits_for_room():
    async def play(scene):
        outcomes = await asyncio.gather(*(scene.send() for _ in range(9)))
        assert all(outcome.is_accepted for outcome in outcomes)
        return scene.opened

    opened, heard = run(play, connections_max=2)
    assert opened == 2
    assert sum(heard) == 9


def test_what_stands_idle_too_long_is_closed():
    async def play(scene):
        await scene.send()
        scene.clock.now = 59.0
        scene.pool.sweep()
        assert scene.pool.idle_connections == 1
        scene.clock.now = 60.0
        scene.pool.sweep()
        assert scene.pool.idle_connections == 0
        await scene.send()
        return scene.opened

    assert run(play, idle_s=60.0) == (2, [1, 1])


def test_the_pool_sweeps_by_itself():
    gone = asyncio.Event()

    async def note_the_end(conversation):
        await conversation.greet()
        await conversation.take_messages()
        gone.set()

    async def play(scene):
        scene.pool._clock = asyncio.get_running_loop().time
        await scene.send()
        await gone.wait()
        assert scene.pool.idle_connections == 0

    run(play, note_the_end, idle_s=0.01)


def test_the_longest_idle_connection_makes_room_for_others():
    async def play(scene):
        await scene.send()
        await scene.send(tls=Opportunistic())
        assert scene.pool.idle_connections == 1
        await scene.send(tls=Opportunistic())
        return scene.opened

    assert run(play, idle_max=1)[0] == 2


@pytest.mark.parametrize("farewell", ["", "421 4.4.2 idle for too long"])
def test_a_message_that_finds_the_connection_closed_goes_over_a_new_one(farewell):
    async def take_one(conversation):
        await conversation.greet()
        for reply in ("250 OK", "250 OK", "354 go"):
            await conversation.hear()
            await conversation.say(reply)
        await conversation.hear_message()
        await conversation.say("250 OK")
        # It is gone when the next message has begun.
        await conversation.hear()
        if farewell:
            await conversation.say(farewell)

    async def play(scene):
        outcomes = [await scene.send() for _ in range(3)]
        assert all(outcome.is_accepted for outcome in outcomes)
        assert not any(outcome.reused for outcome in outcomes)
        return scene.opened

    assert run(play, take_one)[0] == 3


def test_a_message_whose_verdict_is_lost_is_not_sent_again():
    async def leave_at_dot(conversation):
        await conversation.greet()
        for _ in range(2):
            for reply in ("250 OK", "250 OK", "354 go"):
                await conversation.hear()
                await conversation.say(reply)
            await conversation.hear_message()
            if not _:
                await conversation.say("250 OK")

    async def play(scene):
        await scene.send()
        outcome = await scene.send()
        assert (outcome.results[0].fate, outcome.reused) == (Fate.UNKNOWN, True)
        return scene.opened

    assert run(play, leave_at_dot)[0] == 1


def test_a_message_that_got_further_is_not_sent_again_by_itself():
    async def leave_at_data(conversation):
        await conversation.greet()
        for reply in ("250 OK", "250 OK", "354 go"):
            await conversation.hear()
            await conversation.say(reply)
        await conversation.hear_message()
        await conversation.say("250 OK")
        for reply in ("250 OK", "250 OK"):
            await conversation.hear()
            await conversation.say(reply)
        await conversation.hear()

    async def play(scene):
        await scene.send()
        outcome = await scene.send()
        (result,) = outcome.results
        assert (result.fate, result.stage, result.reason) == (Fate.FAILED, "data", Reason.CLOSED)
        return scene.opened

    assert run(play, leave_at_data)[0] == 1


def test_a_closed_pool_keeps_nothing():
    async def play(scene):
        await scene.pool.close()
        outcome = await scene.send()
        assert outcome.is_accepted
        return scene.opened

    assert run(play) == (1, [1])


def test_a_cancelled_message_gives_its_room_back():
    reached = asyncio.Event()

    async def stall(conversation):
        await conversation.greet()
        await conversation.hear()
        reached.set()
        await conversation.hear()

    async def play(scene):
        sending = [asyncio.create_task(scene.send()) for _ in range(3)]
        await reached.wait()
        for task in sending:
            task.cancel()
        results = await asyncio.gather(*sending, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert scene.opened == 1

    run(play, stall, connections_max=1)


def test_an_address_where_nobody_is_leaves_nothing_behind():
    async def play(scene):
        scene.port = 1
        return (await scene.send()).results[0].reason

    assert run(play)[0] is Reason.UNREACHABLE
