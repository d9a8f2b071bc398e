"""Webhooks are told beside each other by real posts, and no receiver holds up another."""

import random
import threading
import time

import pytest
from tests.hook_receiver import receive_hooks
from tests.unit.domain.sending.hooks import find_due
from tests.unit.world import World

from penfold.base.clock import FixedClock
from penfold.base.limits import (
    WEBHOOK_LEASE_MS,
    WEBHOOK_THREADS_ACCOUNT,
    WEBHOOK_THREADS_EACH,
    WEBHOOK_THREADS_LIMITED,
)
from penfold.domain.sending.webhook_notice import OwnerNotices
from penfold.domain.sending.webhook_sender import Sent, WebhookSender
from penfold.domain.sending.webhooks import Webhooks
from penfold.front.worker.webhooks import WebhookRounds
from penfold.net.http_out import HttpOut
from penfold.ports.sending.events import NOBODY, NewEvent
from penfold.ports.sending.records import Webhook
from penfold.ports.sending.webhooks import DeliveryState
from penfold.store.sqlite.sending.book import SqliteSending
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

HOUR_MS = 3_600_000


class Desk:
    """A book on disk, real posts, a clock that is moved."""

    def __init__(self, folder, *, asker=None):
        self.world = World()
        self.account = self.world.alice.id
        # The receiver verifies with the time of this machine.
        self.clock = FixedClock(int(time.time() * 1000))
        self.book = SqliteSending(folder / "sending.db", create=True)
        self.hooks = Webhooks(
            self.book, self.clock, self.world.chance, PlainSealer(), lambda _: None
        )
        self.failures, self.off = [], []
        self.asker = asker or HttpOut(plain=True, timeout_s=10)
        self.tried = []
        self.count = 0
        self.rounds = self.make_rounds()

    def make_rounds(self):
        world = self.world
        sender = WebhookSender(
            self.book, self.asker, PlainSealer(), self.clock, random.Random(7), self.tried.append
        )
        ports = (world.directory, world.mailboxes, world.outbound.arriving)
        notices = OwnerNotices(self.book, *ports, self.clock, world.chance, "mx.penfold.test")
        return WebhookRounds(
            sender,
            notices,
            self.book,
            clock=self.clock,
            failed=self.failures.append,
            turned_off=self.off.append,
        )

    def add(self, url):
        made = self.hooks.add(self.account, url, ())
        return made.webhook.id, made.secret

    def event(self, kind="delivered"):
        self.count += 1
        name = f"ev{self.count}"
        event = NewEvent(name, self.account, 0, NOBODY, kind, self.clock.now_ms(), name)
        self.book.change(lambda writer: writer.add_event(event))
        return name

    def round(self):
        self.rounds.run(threading.Event())
        self.rounds.close(timeout_s=30)

    def rounds_until(self, until_ms):
        """Run rounds as often as something is due until then."""
        while True:
            due_ms = find_due(self.book)
            if due_ms is None or max(due_ms, self.clock.now_ms()) > until_ms:
                return
            self.clock.advance(ms=max(0, due_ms - self.clock.now_ms()))
            before = len(self.tried)
            self.round()
            if len(self.tried) == before:  # it rests
                self.clock.advance(s=1)

    def states(self, webhook_id):
        found = self.book.read(lambda book: book.list_deliveries(webhook_id, limit=1_000))
        return {one.state for one in found}

    def close(self):
        self.rounds.close(timeout_s=30)
        self.book.close()
        self.world.close()
        assert self.failures == []


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def receiver():
    with receive_hooks() as receiver:
        yield receiver


def test_event_comes_signed_for_the_standards_own_library(desk, receiver):
    _, receiver.secret = desk.add(receiver.url)
    name = desk.event()
    desk.round()
    assert receiver.ids == [name]
    assert [one.attempt.status for one in desk.tried] == [200]


def test_receiver_that_was_down_for_an_hour_gets_all_of_it(desk, receiver):
    webhook_id, _ = desk.add("http://127.0.0.1:1/hook")
    names = [desk.event() for _ in range(25)]
    desk.rounds_until(desk.clock.now_ms() + HOUR_MS)
    assert desk.states(webhook_id) == {DeliveryState.WAITING}
    desk.hooks.change(webhook_id, desk.account, url=receiver.url)
    desk.rounds_until(desk.clock.now_ms() + 24 * HOUR_MS)
    assert desk.states(webhook_id) == {DeliveryState.DELIVERED}
    assert sorted(receiver.ids) == sorted(names)


def test_backlog_of_a_receiver_that_is_down_costs_few_tries(desk):
    desk.add("http://127.0.0.1:1/hook")
    for _ in range(300):
        desk.event()
    desk.rounds_until(desk.clock.now_ms() + 60_000)
    assert 10 <= len(desk.tried) <= 15


def test_redirect_is_not_followed(desk, receiver):
    webhook_id, _ = desk.add(receiver.url)
    with receive_hooks() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        desk.event()
        desk.round()
        assert (len(receiver.got), elsewhere.got) == (1, [])
    assert desk.states(webhook_id) == {DeliveryState.WAITING}
    assert "redirect" in desk.tried[0].attempt.outcome


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]",
        "[::ffff:127.0.0.1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1",
        "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "hook.example",
    ],
)  # fmt: skip
def test_in_production_no_address_leads_to_this_machine_or_its_neighbours(tmp_path, receiver, host):
    from penfold.net.guard import resolve as system

    def resolve(name, port):
        return ["127.0.0.1"] if name == "hook.example" else system(name, port)

    desk = Desk(tmp_path, asker=HttpOut(plain=False, timeout_s=5, resolve=resolve))
    port = receiver.url.rpartition(":")[2]
    desk.add(f"https://{host}:{port}")
    desk.event()
    desk.round()
    assert receiver.got == []
    [tried] = desk.tried
    assert tried.attempt.outcome in (
        "leads to a forbidden address",
        "the name cannot be resolved",  # spellings this system does not take for an address
    )
    desk.close()


def test_what_was_in_hand_when_the_process_was_killed_comes_again_from_the_next(desk, receiver):
    webhook_id, _ = desk.add(receiver.url)
    name = desk.event()
    now_ms = desk.clock.now_ms()
    desk.book.change(
        lambda w: w.take_deliveries(webhook_id, now_ms=now_ms, lease_ms=WEBHOOK_LEASE_MS, limit=9)
    )
    desk.round()
    assert receiver.ids == [name]


def test_receiver_that_is_gone_is_turned_off_and_its_owner_has_mail(desk, receiver):
    receiver.status = 410
    webhook_id, _ = desk.add(receiver.url)
    desk.event()
    desk.round()
    assert [one.id for one in desk.off] == [webhook_id]
    assert len(desk.world.list_ids()) == 1
    assert desk.rounds.tell_owners(threading.Event()).changed == 0


def test_webhook_that_is_gone_leaves_no_deliveries_behind(desk):
    now_ms = desk.clock.now_ms()
    desk.book.change(lambda w: w.add_deliveries("none", [1], now_ms=now_ms, replay=False))
    desk.round()
    assert desk.book.read(lambda b: b.list_webhooks_due(now_ms=now_ms + WEBHOOK_LEASE_MS)) == []


# --- who may have how many threads


class Stuck:
    """A sender that comes to no end before it is let go."""

    def __init__(self):
        self.go = threading.Event()
        self.names = []

    def send(self, webhook_id):
        self.names.append(webhook_id)
        assert self.go.wait(30)
        return Sent()


@pytest.fixture
def stuck():
    stuck = Stuck()
    yield stuck
    stuck.go.set()


def fill(stuck, *webhooks):
    """Run rounds while each of these has something due, and return who got threads."""
    clock, book = FixedClock(), MemorySending()
    for webhook in webhooks:
        book.change(lambda w, webhook=webhook: w.add(webhook))
        book.change(
            lambda w, webhook=webhook: w.add_deliveries(webhook.id, [1], now_ms=0, replay=False)
        )
    rounds = WebhookRounds(stuck, None, book, clock=clock, failed=pytest.fail)
    for _ in range(10):
        rounds.run(threading.Event())
    stuck.go.set()
    rounds.close(timeout_s=30)
    return stuck.names


def hook(name, account="a", failing_ms=0):
    return Webhook(name, account, "https://x.example/", 0, failing_ms=failing_ms)


def test_webhook_and_account_have_so_many_threads_and_no_more(stuck):
    names = fill(stuck, *(hook(f"w{at}") for at in range(5)), hook("v", "b"))
    assert names.count("v") == WEBHOOK_THREADS_EACH
    assert len(names) - names.count("v") == WEBHOOK_THREADS_ACCOUNT
    assert max(map(names.count, names)) <= WEBHOOK_THREADS_EACH


def test_those_that_fail_leave_threads_to_those_that_answer(stuck):
    failing = [hook(f"w{at}", f"a{at}", failing_ms=1) for at in range(40)]
    names = fill(stuck, *failing, hook("x-good", "b"))
    assert names.count("x-good") == WEBHOOK_THREADS_EACH
    assert len(names) == WEBHOOK_THREADS_LIMITED + WEBHOOK_THREADS_EACH


def test_receiver_that_does_not_answer_holds_up_no_other(desk, receiver):
    with receive_hooks() as silent:
        silent.wait = threading.Event()
        desk.add(silent.url)
        _, receiver.secret = desk.add(receiver.url)
        desk.event()
        desk.rounds.run(threading.Event())
        receiver.await_count(1)
        silent.await_count(1)
        silent.wait.set()
        desk.rounds.close(timeout_s=30)
