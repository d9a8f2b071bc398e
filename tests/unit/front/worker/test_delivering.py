"""The loop that delivers the queue: what is due is tried, and everything is recorded."""

import asyncio
import random
import threading
from contextlib import asynccontextmanager, closing

import pytest

from penfold.base.clock import FixedClock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    CIRCUIT_FIRST_S,
    DELAY_NOTICE_AFTER_MS,
    DELIVERIES_MAX,
    DELIVERY_BATCH,
    DELIVERY_LEASE_S,
    DELIVERY_LIFE_S,
    DELIVERY_READ_AHEAD_BYTES,
)
from penfold.base.priority import Priority
from penfold.domain.outgoing.delivery import Trail
from penfold.domain.outgoing.relaying import Relays
from penfold.domain.outgoing.shaping import Sites
from penfold.front.worker.delivering import Delivering, Prepared
from penfold.ports.queue import NewQueueRow, QueueState, Told, Tried
from penfold.proto.exchangers import Host, Route, Verdict
from penfold.spec.relays import Relay
from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.queue import MemoryQueue

NOW = 1_790_000_000_000
PATIENCE_S = 20
RAW = b"Subject: hi\r\n\r\nhello\r\n"


def answer(code, *, text="", stage="rcpt", fate="", host="mx.box.example"):
    fate = fate or {2: "accepted", 4: "deferred", 5: "refused"}.get(code // 100, "failed")
    return Tried(
        host, "192.0.2.1", 25, "opportunistic", "no-policy-found", stage, fate,
        "reply" if code else "unreachable", code, "", text,
    )  # fmt: skip


class World:
    """A queue, and servers by domain: a Tried, an exception, or an Event that lets them answer."""

    def __init__(self, relays=None, queue=None, **servers):
        self.queue = queue or MemoryQueue()
        self.servers = servers
        self.clock = FixedClock(NOW)
        self.senders = []
        self.calls, self.at_work, self.most_at_work = [], 0, 0
        self.ended, self.told, self.failures = [], [], []
        self.cannot_tell = False
        self.news = asyncio.Event()
        self.door = asyncio.Event()
        self.door.set()
        self.delivering = Delivering(
            self.queue,
            self,
            Sites(self.clock, relays=relays),
            self,
            clock=self.clock,
            chance=random.Random(7),
            trouble_s=0.01,
        )

    # the hooks

    def prepare(self, row, raw, relay):
        sender = f"b+{row.id}@{relay.host}" if relay else f"b+{row.id}@penfold.test"
        return Prepared(sender, b"DKIM-Signature: x\r\n" + raw)

    def note(self, conclusion, ms):
        self._keep(self.ended, conclusion)

    def tell(self, settlement):
        if self.cannot_tell:
            raise ZeroDivisionError("bug")
        self._keep(self.told, settlement)

    def fail(self, error):
        self._keep(self.failures, error)

    def _keep(self, where, what):
        where.append(what)
        self.loop.call_soon_threadsafe(self.news.set)

    # an Attempting

    async def find_route(self, domain, relay=None):
        if relay:
            return Route(Verdict.HOSTS, relay.host, (Host(relay.host, ("192.0.2.9",)),))
        return Route(Verdict.HOSTS, domain, (Host(f"mx.{domain}", ("192.0.2.1",)),))

    async def deliver(self, route, letter, share, relay=None):
        self.calls.append((letter.envelope.recipients[0].address, letter.raw))
        self.senders.append(letter.envelope.sender)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self.door.wait()
        finally:
            self.at_work -= 1
        said = self.servers.get(route.domain.partition(".")[0], answer(250, stage="dot"))
        if isinstance(said, Exception):
            raise said
        return Trail(route, (), (said,), relay=relay.name if relay else "")

    # the test

    def add(self, *recipients, number=1):
        rows = [
            NewQueueRow("m1", number, "al@penfold.test", each, "hi", RAW, NOW)
            for each in recipients
        ]
        return self.queue.add(rows, state=QueueState.QUEUED)

    async def wait_for(self, reached):
        async with asyncio.timeout(PATIENCE_S):
            while not reached():
                self.news.clear()
                if not reached():
                    with_patience = asyncio.wait_for(self.news.wait(), 0.05)
                    await asyncio.gather(with_patience, return_exceptions=True)

    @asynccontextmanager
    async def running(self):
        self.loop = asyncio.get_running_loop()
        await self.delivering.start()
        yield
        await self.delivering.stop(grace_s=PATIENCE_S)


def play(scene, relays=None, **servers):
    async def run():
        world = World(relays, **servers)
        await scene(world)
        return world

    return asyncio.run(run())


def test_rows_are_delivered_as_they_were_prepared_and_recorded():
    async def scene(world):
        ids = world.add("kim@box.example", "lee@other.example")
        async with world.running():
            await world.wait_for(lambda: len(world.ended) == 2)
        assert {world.queue.get_row(row_id).state for row_id in ids} == {QueueState.SENT}
        assert sorted(world.calls) == [
            ("kim@box.example", b"DKIM-Signature: x\r\n" + RAW),
            ("lee@other.example", b"DKIM-Signature: x\r\n" + RAW),
        ]
        assert sorted(world.senders) == [f"b+{row_id}@penfold.test" for row_id in ids]
        [attempt] = world.queue.list_attempts(ids[0])
        assert (attempt.kind, attempt.at_ms) == ("accepted", NOW)
        assert not world.failures

    play(scene)


def test_what_is_added_while_it_runs_is_found():
    async def scene(world):
        async with world.running():
            world.add("kim@box.example")
            await world.wait_for(lambda: world.ended)

    play(scene)


def test_a_row_that_is_put_off_is_not_tried_before_its_time():
    async def scene(world):
        [row_id] = world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: len(world.ended) == 1)
            row = world.queue.get_row(row_id)
            assert row.state is QueueState.QUEUED
            world.clock.advance(ms=row.next_attempt_ms - NOW - 1)
            world.add("lee@other.example", number=2)
            await world.wait_for(lambda: len(world.ended) == 2)
            assert len(world.queue.list_attempts(row_id)) == 1
            world.clock.advance(ms=1)
            await world.wait_for(lambda: len(world.ended) == 3)
        assert len(world.queue.list_attempts(row_id)) == 2

    play(scene, box=answer(450, text="not now"))


def test_rows_a_dead_process_had_in_hand_are_delivered_at_once():
    async def scene(world):
        [row_id] = world.add("kim@box.example")
        world.queue.take(now_ms=NOW, lease_ms=3_600_000, limit=1)
        async with world.running():
            await world.wait_for(lambda: world.ended)
        assert world.queue.get_row(row_id).state is QueueState.SENT

    play(scene)


def add_many(world, count, *, priority, number):
    """Add rows to a hundred domains."""
    rows = [
        NewQueueRow("m1", number + n, "al@penfold.test", f"{priority.name.lower()}{n}@d{n % 100}.example",
                    "hi", RAW, NOW, priority=priority)
        for n in range(count)
    ]  # fmt: skip
    world.queue.add(rows, state=QueueState.QUEUED)


def test_a_code_that_comes_behind_a_backlog_leaves_among_the_first(tmp_path):
    async def scene(world):
        add_many(world, 2_000, priority=Priority.LOW, number=1)
        async with world.running():
            await world.wait_for(lambda: len(world.calls) >= 100)
            before = len(world.calls)
            add_many(world, 1, priority=Priority.HIGH, number=9_000)
            await world.wait_for(lambda: any(to.startswith("high") for to, _ in world.calls))
            place = next(n for n, (to, _) in enumerate(world.calls) if to.startswith("high"))
            # Behind what was in hand, and what was being taken.
            assert place - before <= DELIVERIES_MAX + 2 * DELIVERY_BATCH

    with closing(SqliteQueue(tmp_path / "queue.db", create=True)) as queue:
        play(scene, queue=queue)


def test_mail_of_a_low_priority_moves_however_much_of_a_high_one_waits(tmp_path):
    async def scene(world):
        add_many(world, 100, priority=Priority.LOW, number=1)
        add_many(world, 500, priority=Priority.HIGH, number=9_000)
        async with world.running():
            await world.wait_for(lambda: len(world.calls) >= 300)
            low = sum(to.startswith("low") for to, _ in world.calls[:300])
            # A turn in four, of one row here as they go to many domains.
            assert 10 <= low <= 150

    with closing(SqliteQueue(tmp_path / "queue.db", create=True)) as queue:
        play(scene, queue=queue)


def test_a_slow_site_keeps_no_other_waiting_and_gets_no_more_than_its_share():
    async def scene(world):
        world.door.clear()
        world.add(*(f"r{n}@slow.example" for n in range(2 * DELIVERIES_MAX)))
        world.add("kim@quick.example", number=2)
        async with world.running():
            await world.wait_for(lambda: any("quick" in call for call, _ in world.calls))
            assert sum("slow" in call for call, _ in world.calls) <= 10
            world.door.set()
            await world.wait_for(lambda: len(world.ended) == 2 * DELIVERIES_MAX + 1)
        assert world.most_at_work <= 11

    play(scene)


def test_a_domain_whose_servers_are_not_found_yet_keeps_no_other_waiting():
    async def scene(world):
        find_route, found = world.find_route, asyncio.Event()

        async def find_slowly(domain, relay=None):
            if domain == "dead.example":
                await found.wait()
            return await find_route(domain, relay)

        world.find_route = find_slowly
        world.add(*(f"r{n}@Dead.example" for n in range(2 * DELIVERIES_MAX)))
        async with world.running():
            world.add("kim@quick.example", number=2)
            await world.wait_for(lambda: world.calls)
            assert [call for call, _ in world.calls] == ["kim@quick.example"]
            found.set()
            await world.wait_for(lambda: len(world.ended) == 2 * DELIVERIES_MAX + 1)

    play(scene)


def test_a_slow_relay_keeps_no_other_mail_waiting_not_even_to_the_same_domain(tmp_path):
    slow = Relay(host="hub.example", domains=("*",), senders=("news.test",))

    async def scene(world):
        deliver = world.deliver

        async def deliver_slowly(route, letter, share, relay=None):
            if relay:
                await world.door.wait()
            return await deliver(route, letter, share, relay)

        world.deliver = deliver_slowly
        world.door.clear()
        news = [
            NewQueueRow("m1", n, "al@news.test", f"kim@d{n:03}.example", "hi", RAW, NOW - 1)
            for n in range(DELIVERIES_MAX + 20)
        ]
        world.queue.add(news, state=QueueState.QUEUED)
        async with world.running():
            own = world.add(f"lee@d{len(news) - 1}.example", "lee@quick.example", number=len(news))
            await world.wait_for(lambda: len(world.calls) == len(own))
            assert all(call.startswith("lee@") for call, _ in world.calls)
            world.door.set()
        assert not world.failures

    with closing(SqliteQueue(tmp_path / "queue.db", create=True)) as queue:
        play(scene, Relays((slow,)), queue=queue)


@pytest.mark.parametrize(
    "jumps",
    [
        pytest.param([DELIVERY_LEASE_S + 1], id="slept"),
        pytest.param([DELIVERY_LEASE_S // 2] * 3, id="slow"),
        pytest.param([-10 * DELIVERY_LEASE_S, 11 * DELIVERY_LEASE_S], id="clock-was-set"),
    ],
)
def test_a_row_that_waits_for_room_longer_than_its_lease_is_sent_once(jumps):
    async def scene(world):
        world.door.clear()
        ids = world.add(*(f"r{n}@slow.example" for n in range(15)))
        async with world.running():
            await world.wait_for(lambda: world.at_work)
            for n, jump in enumerate(jumps):
                world.clock.advance(s=jump)
                sure = f"sure{n}"  # whose delivery shows that the queue was looked at since
                rows = [NewQueueRow("m2", n, "", f"{sure}@quick.example", "", RAW, 0)]
                world.queue.add(rows, state=QueueState.QUEUED)
                await world.wait_for(lambda sure=sure: any(sure in x for x, _ in world.calls))
            world.door.set()
            await world.wait_for(lambda: len(world.ended) == len(ids) + len(jumps))
        assert len(world.calls) == len(ids) + len(jumps)
        assert not world.failures

    play(scene)


def test_trouble_of_our_own_puts_the_row_off_and_goes_on_with_others():
    async def scene(world):
        bad, good = world.add("kim@bad.example", "lee@good.example")
        async with world.running():
            await world.wait_for(lambda: world.ended and world.failures)
            await world.wait_for(lambda: world.queue.list_attempts(bad))
        assert world.queue.get_row(bad).state is QueueState.QUEUED
        assert world.queue.get_row(bad).next_attempt_ms > NOW
        assert world.queue.get_row(good).state is QueueState.SENT

    play(scene, bad=ZeroDivisionError("bug"))


@pytest.mark.parametrize(
    ("said", "attempts"),
    [
        pytest.param(answer(421, text="too many messages, slow down"), 1, id="slower"),
        pytest.param(answer(0, stage="connect"), 3, id="silent"),
    ],
)
def test_a_domain_that_wants_less_or_is_silent_is_held(said, attempts):
    async def scene(world):
        world.add(*(f"r{n}@box.example" for n in range(attempts)))
        async with world.running():
            await world.wait_for(lambda: world.queue.list_destinations()[0].held_ms > NOW)
            world.add("late@box.example", number=2)
            world.add("kim@other.example", number=3)
            await world.wait_for(lambda: len(world.ended) == attempts + 1)
        assert not any("late" in call for call, _ in world.calls)

    play(scene, box=said)


def test_stopping_waits_for_what_is_in_hand():
    async def scene(world):
        world.door.clear()
        [row_id] = world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: world.calls)
            asyncio.get_running_loop().call_later(0.01, world.door.set)
        assert world.queue.get_row(row_id).state is QueueState.SENT

    play(scene)


def test_stopping_cuts_off_what_takes_too_long_and_leaves_it_for_the_next_process():
    async def scene(world):
        world.door.clear()
        [row_id] = world.add("kim@box.example")
        world.loop = asyncio.get_running_loop()
        await world.delivering.start()
        await world.wait_for(lambda: world.calls)
        await world.delivering.stop(grace_s=0)
        assert world.queue.list_attempts(row_id) == []
        assert world.queue.release(now_ms=NOW) == 1

    play(scene)


RELAY = Relay(host="hub.example", domains=("*",), user="al", password_file="/pw")
NO_LOGIN = answer(535, text="bad password", stage="auth")


class Login:
    mended = False

    def is_mended(self):
        return self.mended


def relays():
    login = Login()
    return Relays([RELAY], {RELAY.name: login}), login


def test_a_relay_that_refuses_our_login_is_tried_once_and_no_mail_for_it_bounces_or_counts():
    known, login = relays()

    async def scene(world):
        ids = world.add(*(f"r{n}@d{n}.example" for n in range(30)))
        async with world.running():
            until = NOW + 1000 * CIRCUIT_FIRST_S
            await world.wait_for(
                lambda: sum(world.queue.get_row(n).next_attempt_ms == until for n in ids) == 29
            )
            assert len(world.calls) == len(world.ended) == 1
            assert world.ended[0].about_login
            assert {world.queue.get_row(n).state for n in ids} == {QueueState.QUEUED}
            assert sum(len(world.queue.list_attempts(n)) for n in ids) == 1
            # The operator writes another password and does not want to wait.
            login.mended, world.servers["hub"] = True, answer(250, stage="dot")
            world.queue.retry(ids[0], now_ms=NOW)
            await world.wait_for(lambda: len(world.ended) == 2)
            login.mended = False
            world.clock.advance(s=CIRCUIT_FIRST_S)
            await world.wait_for(lambda: len(world.ended) == 31)
        assert {world.queue.get_row(n).state for n in ids} == {QueueState.SENT}
        assert world.most_at_work <= 10

    play(scene, known, hub=NO_LOGIN)


def test_mail_for_a_relay_that_is_left_alone_expires_untried_and_is_told_of():
    known, _ = relays()

    async def scene(world):
        world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: world.ended)
            world.queue.add(
                [
                    NewQueueRow(
                        "m1", 2, "al@penfold.test", "lee@old.example", "hi", RAW,
                        NOW - 1000 * DELIVERY_LIFE_S,
                    )
                ],
                state=QueueState.QUEUED,
            )  # fmt: skip
            await world.wait_for(lambda: len(world.ended) == 2)
        settlement = world.ended[1].settlement
        assert (settlement.state, settlement.attempt.kind) == (QueueState.FAILED, "expired")
        assert "535 bad password" in settlement.attempt.outcome
        assert len(world.calls) == 1

    play(scene, known, hub=NO_LOGIN)


def test_a_sender_hears_once_that_mail_for_a_relay_that_is_left_alone_is_late():
    known, _ = relays()

    async def scene(world):
        world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: world.ended)
            late = NewQueueRow(
                "m1",
                2,
                "al@penfold.test",
                "lee@old.example",
                "hi",
                RAW,
                NOW - DELAY_NOTICE_AFTER_MS,
            )
            [row_id] = world.queue.add([late], state=QueueState.QUEUED)
            await world.wait_for(lambda: len(world.ended) == 2)
            settlement = world.ended[1].settlement
            assert settlement.state is QueueState.QUEUED
            assert settlement.attempt.outcome.startswith("not tried, as the relay is left alone")
            world.queue.retry(row_id, now_ms=NOW)
            world.queue.mark_told(row_id, Told.DELAY)
            until = NOW + 1000 * CIRCUIT_FIRST_S
            await world.wait_for(lambda: world.queue.get_row(row_id).next_attempt_ms == until)
        assert len(world.queue.list_attempts(row_id)) == 1
        assert len(world.calls) == 1

    play(scene, known, hub=NO_LOGIN)


def test_what_a_relay_says_of_a_recipient_is_final_and_holds_up_nobody():
    known, _ = relays()

    async def scene(world):
        ids = world.add("kim@box.example", "lee@box.example")
        async with world.running():
            await world.wait_for(lambda: len(world.ended) == 2)
        assert {world.queue.get_row(n).state for n in ids} == {QueueState.FAILED}
        assert {each.rpartition("@")[2] for each in world.senders} == {"hub.example"}

    play(scene, known, hub=answer(550, text="no such user"))


def test_trouble_with_telling_the_sender_does_not_send_again():
    async def scene(world):
        world.cannot_tell = True
        [row_id] = world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: world.failures)
        assert world.queue.get_row(row_id).state is QueueState.FAILED
        assert len(world.queue.list_attempts(row_id)) == len(world.calls) == 1

    play(scene, box=answer(550, text="no such user"))


def test_a_sender_who_is_slow_to_be_told_holds_up_no_other_mail():
    async def scene(world):
        told, tell = threading.Event(), world.tell

        def tell_slowly(settlement):
            assert told.wait(PATIENCE_S)
            tell(settlement)

        world.tell = tell_slowly
        world.add(*(f"r{n}@bad.example" for n in range(2 * DELIVERIES_MAX)))
        async with world.running():
            await world.wait_for(lambda: world.ended)
            world.add("kim@good.example", number=2)
            await world.wait_for(lambda: any("good" in call for call, _ in world.calls))
            assert not world.told
            told.set()

    play(scene, bad=answer(550, text="no such user"))


def test_only_what_may_be_news_to_the_sender_is_told():
    async def scene(world):
        world.add("kim@box.example", "lee@other.example")
        async with world.running():
            await world.wait_for(lambda: len(world.ended) == 2 and world.told)
        assert [each.lease.row.recipient for each in world.told] == ["kim@box.example"]

    play(scene, box=answer(450, text="not now"))


class FullDisk(MemoryQueue):
    """A queue that takes no outcome until there is room again."""

    def __init__(self):
        super().__init__()
        self.refused = 0
        self.has_room = False

    def settle(self, settlements):
        if self.has_room:
            return super().settle(settlements)
        self.refused += 1
        raise UnavailableError("the disk is full")


def test_what_the_disk_refuses_is_recorded_when_there_is_room_and_not_sent_again():
    async def scene(world):
        [row_id] = world.add("kim@box.example")
        async with world.running():
            await world.wait_for(lambda: world.queue.refused > 2)
            world.queue.has_room = True
            await world.wait_for(lambda: world.ended)
        assert world.queue.get_row(row_id).state is QueueState.SENT
        assert len(world.calls) == 1
        assert len(world.failures) == world.queue.refused

    play(scene, queue=FullDisk())


def test_a_long_message_is_read_when_its_turn_comes():
    async def scene(world):
        raw = b"Subject: hi\r\n\r\n" + b"x" * (DELIVERY_READ_AHEAD_BYTES + 1)
        row = NewQueueRow("m1", 1, "al@penfold.test", "kim@box.example", "hi", raw, NOW)
        world.queue.add([row], state=QueueState.QUEUED)
        async with world.running():
            await world.wait_for(lambda: world.ended)
        assert world.calls == [("kim@box.example", b"DKIM-Signature: x\r\n" + raw)]

    play(scene)


class HeldQueue(MemoryQueue):
    """Writes what came of leases when it is let go."""

    def __init__(self):
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()

    def settle(self, settlements):
        self.begun.set()
        assert self.go.wait(PATIENCE_S)
        return super().settle(settlements)


def test_what_was_sent_is_recorded_though_the_server_stops_while_another_record_is_written():
    async def scene(world):
        world.loop = asyncio.get_running_loop()
        deliver, second = world.deliver, asyncio.Event()

        async def in_turn(route, letter, *about, **more):
            if letter.envelope.recipients[0].address == "y@a.example":
                await second.wait()
            return await deliver(route, letter, *about, **more)

        world.deliver = in_turn
        rows = world.add("x@a.example", "y@a.example")  # of one domain: taken together
        await world.delivering.start()
        await world.wait_for(world.queue.begun.is_set)
        second.set()
        await world.wait_for(lambda: len(world.calls) == 2 and world.at_work == 0)
        stopping = asyncio.create_task(world.delivering.stop(grace_s=0))
        await world.wait_for(lambda: not world.delivering._in_hand)
        world.queue.go.set()
        await stopping
        assert {world.queue.get_row(each).state for each in rows} == {QueueState.SENT}

    play(scene, queue=HeldQueue())
