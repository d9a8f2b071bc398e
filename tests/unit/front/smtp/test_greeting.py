"""Greylisting at the real listener: the reply to RCPT comes when the book and SPF have answered."""

import asyncio
import random
import socket

from tests.dialogue.product import MemoryProduct, make_profile
from tests.unit.front.smtp.world import Client

from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.base.limits import GREYLIST_WAIT_S
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import MxDoor
from penfold.front.smtp.facts import GreylistFacts
from penfold.front.smtp.greeting import Greeter, Visit
from penfold.front.smtp.listener import Listener
from penfold.front.smtp.protocol import HELD_MAX
from penfold.proto.mailauth.spf import SpfResult
from penfold.proto.mailauth.spf_record import Result
from penfold.testing.greylist import MemoryGreylist

VISIT = Visit("s1", "192.0.2.1", "mx.x.example", "ann@x.example")


class Knows:
    """SPF of somebody who passes, or not; `free` must be set before it answers."""

    def __init__(self, result=Result.NONE):
        self.result = result
        self.free = asyncio.Event()
        self.free.set()
        self.asked = 0

    async def check_sender(self, *, client, helo, sender):
        self.asked += 1
        await self.free.wait()
        return SpfResult(self.result, "x.example", "mailfrom")


class Broken(MemoryGreylist):
    def find(self, key):
        raise UnavailableError("the disk is gone")


def greeter_of(book, senders, **options):
    facts = []
    clock = options.pop("clock", FixedClock())
    return Greeter(book, senders, clock=clock, observe=facts.append, **options), facts


def test_stranger_is_told_how_long_to_wait_and_let_in_afterwards():
    async def main():
        clock, senders = FixedClock(), Knows()
        greeter, facts = greeter_of(MemoryGreylist(), senders, clock=clock)
        first = await greeter.greet(VISIT, "bob@penfold.test")
        clock.advance(s=GREYLIST_WAIT_S)
        second = await greeter.greet(VISIT, "bob@penfold.test")
        third = await greeter.greet(VISIT, "bob@penfold.test")
        assert first.wire == b"451 4.7.1 Greylisted, try again in 300 seconds\r\n"
        assert (second.code, third.code) == (250, 250)
        assert [fact.outcome for fact in facts] == ["new", "passed", "known"]
        assert senders.asked == 2  # who is known is not looked up

    asyncio.run(main())


def test_domain_that_spf_lets_pass_and_that_came_again_does_not_wait_twice():
    async def main():
        clock = FixedClock()
        greeter, facts = greeter_of(MemoryGreylist(), Knows(Result.PASS), clock=clock)
        await greeter.greet(VISIT, "bob@penfold.test")
        clock.advance(s=GREYLIST_WAIT_S)
        await greeter.greet(VISIT, "bob@penfold.test")
        assert (await greeter.greet(VISIT, "kim@penfold.test")).code == 250
        assert facts[-1].outcome == "vouched"

    asyncio.run(main())


def test_book_that_fails_and_spf_that_takes_too_long_let_everybody_in():
    async def main():
        broken, facts = greeter_of(Broken(), Knows())
        assert (await broken.greet(VISIT, "bob@penfold.test")).code == 250
        slow = Knows()
        slow.free.clear()
        late, more = greeter_of(MemoryGreylist(), slow, total_s=0.01)
        assert (await late.greet(VISIT, "bob@penfold.test")).code == 250
        assert [fact.outcome for fact in facts + more] == ["failed", "failed"]

    asyncio.run(main())


def test_greeter_that_is_closed_lets_everybody_in():
    async def main():
        greeter, _ = greeter_of(MemoryGreylist(), Knows())
        greeter.close()
        assert (await greeter.greet(VISIT, "bob@penfold.test")).code == 250

    asyncio.run(main())


class Elsewhere(MxDoor):
    """A door whose visitors come from another network, whatever the socket says."""

    def check_recipient(self, visit, address):
        return super().check_recipient(
            Visit(visit.session, "192.0.2.1", visit.helo, visit.sender), address
        )


async def open_listener(greeter, facts, *, door=Elsewhere):
    listener = Listener(
        name="mx",
        profile=make_profile("mx", {}),
        door=door(MemoryProduct(), greeter=greeter),
        clock=FixedClock(),
        chance=random.Random(3),
        observe=facts.append,
        bounds=Bounds(error_delay_s=0.0),
    )
    sock = socket.create_server(("127.0.0.1", 0))
    await listener.start(sock)
    return listener, Client(*await asyncio.open_connection(*sock.getsockname()))


def test_commands_sent_ahead_wait_until_the_recipient_is_answered():
    async def main():
        senders = Knows()
        senders.free.clear()
        greeter, facts = greeter_of(MemoryGreylist(), senders)
        listener, client = await open_listener(greeter, facts)
        await client.say(
            b"EHLO probe.example\r\nMAIL FROM:<ann@x.example>\r\n"
            if await client.reply() == 220
            else b""
        )
        assert [await client.reply() for _ in range(2)] == [250, 250]
        await client.say(b"RCPT TO:<alice@box.example>\r\nRCPT TO:<nobody@box.example>\r\nNOOP\r\n")
        while not senders.asked:  # noqa: ASYNC110 - what the kernel hands on has no event
            await asyncio.sleep(0)
        listener.review(listener.now + 3_600)  # the client waits for us: no deadline of its own
        senders.free.set()
        assert [await client.reply() for _ in range(3)] == [451, 550, 250]
        await client.close()
        await listener.stop(grace_s=0)
        [fact] = [fact for fact in facts if isinstance(fact, GreylistFacts)]
        assert fact.recipient == "alice@box.example"

    asyncio.run(main())


def test_client_that_sends_on_and_on_meanwhile_is_not_read():
    async def main():
        senders = Knows()
        senders.free.clear()
        greeter, facts = greeter_of(MemoryGreylist(), senders)
        listener, client = await open_listener(greeter, facts)
        assert await client.reply() == 220
        await client.say(b"EHLO p.example\r\nMAIL FROM:<ann@x.example>\r\n")
        assert [await client.reply() for _ in range(2)] == [250, 250]
        client.writer.write(b"RCPT TO:<alice@box.example>\r\n" + b"NOOP\r\n" * HELD_MAX)
        [session] = listener._sessions
        while not session._paused:  # noqa: ASYNC110 - what the kernel hands on has no event
            await asyncio.sleep(0)
        senders.free.set()
        assert await client.reply() == 451
        await client.close()
        await listener.stop(grace_s=0)

    asyncio.run(main())


def test_client_that_goes_while_it_is_asked_about_leaves_nothing_behind():
    async def main():
        senders = Knows()
        senders.free.clear()
        greeter, facts = greeter_of(MemoryGreylist(), senders)
        listener, client = await open_listener(greeter, facts)
        assert await client.reply() == 220
        await client.say(
            b"EHLO p.example\r\nMAIL FROM:<ann@x.example>\r\nRCPT TO:<alice@box.example>\r\n"
        )
        while not senders.asked:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await client.reset()
        while listener.sessions:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        assert listener.visitors.is_empty
        await listener.stop(grace_s=0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert all(task.cancelling() for task in left)
        await asyncio.gather(*left, return_exceptions=True)

    asyncio.run(main())


def test_this_machine_and_unknown_recipients_are_not_greylisted():
    async def main():
        greeter, facts = greeter_of(MemoryGreylist(), Knows())
        listener, client = await open_listener(greeter, facts, door=MxDoor)
        assert await client.reply() == 220
        await client.say(
            b"EHLO p.example\r\nMAIL FROM:<ann@x.example>\r\nRCPT TO:<alice@box.example>\r\n"
        )
        assert [await client.reply() for _ in range(3)] == [250, 250, 250]
        await client.close()
        await listener.stop(grace_s=0)
        assert not [fact for fact in facts if isinstance(fact, GreylistFacts)]

    asyncio.run(main())
