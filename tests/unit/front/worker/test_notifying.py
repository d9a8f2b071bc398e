"""Changes of watched mailboxes reach their topics: all of them, at most one a second."""

import itertools
import json
import threading

import pytest

from penfold.base.errors import MailboxDamagedError
from penfold.base.limits import NOTIFY_ALL_S, WATCH_DAYS
from penfold.front.worker.notifying import FileState, Notifier, PushRounds
from penfold.ports.directory import Account
from penfold.ports.pubsub import NewMessage, PushTarget, Subscription, Topic
from penfold.spec.schemas import ModifyMessageRequest, WatchRequest
from penfold.testing.pubsub import MemoryPubsub

TOPIC = "projects/penfold-1/topics/mail"
SUB = "projects/penfold-1/subscriptions/sub"


class Desk:
    """A notifier over the world's mailboxes, and what it has told."""

    def __init__(self, world):
        self.world = world
        self.clock = world.clock
        self.counted = []
        #: mailbox -> what its file looks like, in place of the version of the mailbox in memory
        self.frozen = {}
        self.looked = []
        world.pubsub.add_topic(Topic(TOPIC))
        world.pubsub.add_subscription(Subscription(SUB, TOPIC))
        self.restart()

    def restart(self):
        self.notifier = Notifier(
            self.world.pubsub,
            self,
            self.world.directory,
            clock=self.clock,
            find_state=self._find_state,
            count=lambda number, outcome: self.counted.append((number, outcome)),
        )

    def _find_state(self, mailbox):
        if mailbox in self.frozen:
            return self.frozen[mailbox]
        size = self.world.read(lambda box: box.get_totals().history_id)
        return FileState(self.clock.now_ms() * 1_000_000, size, 1)

    def open_reader(self, mailbox):
        self.looked.append(mailbox)
        return self.world.mailboxes.open_reader(mailbox)

    def run(self):
        self.notifier.run(threading.Event())

    def rest(self):
        """Make the mailbox's file look as if nothing had happened for long."""
        old_ns = (self.clock.now_ms() - 10_000) * 1_000_000
        self.frozen[self.world.alice.id] = FileState(old_ns, 100, 1)

    def watch(self, **members):
        body = WatchRequest(topic_name=TOPIC, **members)
        return int(self.world.api("users_watch", body=body).history_id)

    def told(self):
        """Return the history ids told since the last call."""
        now_ms = self.clock.now_ms()
        found = self.world.pubsub.lease(SUB, limit=99, until_ms=now_ms + 1, now_ms=now_ms)
        self.world.pubsub.settle(SUB, done=[each.message_id for each in found])
        return [json.loads(each.message.data)["historyId"] for each in found]

    def history_id(self):
        return int(self.world.api("users_get_profile").history_id)

    def receive(self):
        [message_id] = self.world.receive(b"Subject: x\r\n\r\nbody\r\n")
        return f"{message_id:x}" if isinstance(message_id, int) else message_id

    def label(self, message_id, *, add=(), remove=()):
        body = ModifyMessageRequest(add_label_ids=list(add), remove_label_ids=list(remove))
        self.world.api("messages_modify", id=message_id, body=body)


@pytest.fixture
def desk(world):
    return Desk(world)


def test_a_change_is_told_with_the_id_after_it(desk):
    begun = desk.watch()
    assert desk.told() == [begun]
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]
    assert desk.counted == [(1, "told")]


def test_without_a_change_nothing_is_told(desk):
    desk.watch()
    desk.told()
    for _ in range(3):
        desk.clock.advance(s=2)
        desk.run()
    assert desk.told() == []


def test_a_second_has_one_notification_and_the_last_state_is_told(desk):
    desk.watch()
    desk.told()
    at = []
    for _ in range(20):  # five seconds, a change every quarter
        desk.receive()
        desk.clock.advance(ms=250)
        desk.run()
        at += [(desk.clock.now_ms(), told) for told in desk.told()]
    assert len(at) == 5
    assert all(later[0] - earlier[0] >= 1000 for earlier, later in itertools.pairwise(at))
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]


def test_what_changed_while_no_notifier_ran_is_told_by_the_next(desk):
    desk.watch()
    desk.told()
    desk.receive()
    desk.clock.advance(s=5)
    desk.restart()
    desk.run()
    assert desk.told() == [desk.history_id()]
    desk.restart()
    desk.clock.advance(s=5)
    desk.run()
    assert desk.told() == []


def test_a_clock_set_back_holds_nothing_up(desk):
    desk.watch()
    desk.told()
    desk.receive()
    desk.clock.advance(s=-3600)
    desk.run()
    assert desk.told() == [desk.history_id()]


@pytest.mark.parametrize(
    ("labels", "behavior", "told"),
    [
        (["INBOX"], "include", True),
        (["TRASH"], "include", False),
        (["TRASH", "UNREAD"], "include", True),
        (["INBOX"], "exclude", False),
        (["TRASH"], "exclude", True),
        ([], "exclude", True),
    ],
)
def test_labels_choose_which_changes_are_told(desk, labels, behavior, told):
    desk.watch(label_ids=labels, label_filter_behavior=behavior)
    desk.told()
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert bool(desk.told()) is told


def test_a_label_that_was_taken_away_counts_as_a_change_of_it(desk):
    message_id = desk.receive()
    desk.watch(label_ids=["UNREAD"])
    desk.told()
    desk.label(message_id, add=["STARRED"], remove=["INBOX"])
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()], "the message still has UNREAD"
    desk.label(message_id, remove=["UNREAD"])
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]
    desk.label(message_id, remove=["STARRED"])
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == []


def test_what_does_not_count_is_passed_for_good(desk):
    desk.watch(label_ids=["TRASH"])
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert desk.world.pubsub.list_watches()[0].seen == desk.history_id()


def test_history_that_has_expired_counts_as_a_change(desk):
    desk.watch(label_ids=["TRASH"])
    desk.told()
    desk.receive()
    desk.world.change(lambda box: box.expire_history(before_ms=desk.clock.now_ms() + 1, limit=9))
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]


def test_a_mailbox_at_rest_is_not_opened_until_its_file_changes(desk):
    desk.watch()
    mailbox = desk.world.alice.id
    desk.clock.advance(s=10)
    old_ns = (desk.clock.now_ms() - 5_000) * 1_000_000
    desk.frozen[mailbox] = FileState(old_ns, 100, 1)
    for _ in range(3):
        desk.run()
    assert desk.looked == [mailbox]
    desk.frozen[mailbox] = FileState(old_ns, 200, 1)
    desk.run()
    assert desk.looked == [mailbox] * 2
    desk.clock.advance(s=int(NOTIFY_ALL_S))
    desk.run()
    assert desk.looked == [mailbox] * 3, "now and then every one is"


def test_two_changes_within_one_tick_of_the_file_systems_clock_are_both_told(desk):
    desk.watch()
    desk.told()
    desk.receive()
    desk.clock.advance(s=1)
    desk.frozen[desk.world.alice.id] = FileState(desk.clock.now_ms() * 1_000_000, 100, 1)
    desk.run()
    assert desk.told() == [desk.history_id()]
    desk.receive()  # its file looks the same
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]


def test_a_change_that_waits_for_its_second_is_not_forgotten_when_its_file_is_old(desk):
    desk.clock.advance(s=10)
    desk.watch()
    desk.told()
    desk.receive()
    desk.rest()
    desk.run()
    assert desk.told() == []
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]


def test_a_watch_ends_after_its_time(desk):
    desk.watch()
    desk.told()
    desk.clock.advance(days=WATCH_DAYS)
    desk.receive()
    desk.run()
    assert desk.told() == []


def test_a_stopped_watch_is_told_nothing_more(desk):
    desk.watch()
    desk.run()
    desk.told()
    desk.world.api("users_stop")
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == []


def test_the_watches_of_a_removed_account_go(desk):
    gone = desk.world.add_account("gone@penfold.test")
    body = WatchRequest(topic_name=TOPIC)
    desk.world.api("users_watch", account=gone, body=body)
    desk.watch()
    desk.world.directory.change(lambda writer: writer.delete(Account, gone.id))
    desk.run()
    assert [row.address for row in desk.world.pubsub.list_watches()] == ["alice@penfold.test"]


def test_a_topic_that_no_longer_lets_gmail_publish_is_told_nothing(desk):
    desk.watch()
    desk.told()
    desk.world.pubsub.replace_topic(Topic(TOPIC, {}, ()))
    desk.receive()
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == []


def test_a_damaged_mailbox_does_not_hold_up_others(desk):
    desk.watch()
    desk.told()
    body = WatchRequest(topic_name=TOPIC)
    desk.world.api("users_watch", account=desk.world.bob, body=body)
    desk.told()
    desk.receive()
    whole, bob = desk.open_reader, desk.world.bob.id

    def open_reader(mailbox):
        if mailbox == bob:
            raise MailboxDamagedError
        return whole(mailbox)

    desk.open_reader = open_reader
    desk.clock.advance(s=1)
    desk.run()
    assert desk.told() == [desk.history_id()]


def test_while_too_much_waits_notifications_wait_and_then_come(desk):
    desk.watch()
    desk.told()
    desk.world.pubsub._max_bytes = -1
    desk.receive()
    desk.rest()
    desk.clock.advance(s=1)
    desk.run()
    assert (desk.told(), desk.counted) == ([], [(1, "waiting")])
    desk.world.pubsub._max_bytes = 1000
    desk.run()
    assert desk.told() == [desk.history_id()]


# --- rounds of pushes


class Pushers:
    """A pusher that waits until it may go on."""

    def __init__(self, fails=None):
        self.go = threading.Event()
        self.pushed = []
        self.fails = fails

    def push(self, name):
        self.pushed.append(name)
        assert self.go.wait(10)
        if self.fails:
            raise self.fails
        return 0


def push_book(clock, count):
    book = MemoryPubsub()
    book.add_topic(Topic(TOPIC))
    for number in range(count):
        target = PushTarget("https://push.example/")
        book.add_subscription(Subscription(f"{SUB}{number:02d}", TOPIC, target))
    book.publish(TOPIC, [NewMessage(b"x")], now_ms=clock.now_ms())
    return book


def test_subscriptions_are_pushed_beside_each_other_and_each_once(world):
    book, pusher = push_book(world.clock, 10), Pushers()
    rounds = PushRounds(pusher, book, clock=world.clock, failed=pytest.fail)
    rounds.run(threading.Event())
    rounds.run(threading.Event())
    pusher.go.set()
    rounds.close(timeout_s=10)
    assert len(pusher.pushed) == len(set(pusher.pushed)) == 8


def test_a_push_that_fails_in_a_way_nobody_expected_is_told_and_tried_again(world):
    book, pusher, failures = push_book(world.clock, 1), Pushers(KeyError("x")), []
    pusher.go.set()
    rounds = PushRounds(pusher, book, clock=world.clock, failed=failures.append)
    for _ in range(2):
        rounds.run(threading.Event())
        rounds.close(timeout_s=10)
    assert [type(failure) for failure in failures] == [KeyError, KeyError]


def test_what_was_in_hand_when_the_process_ended_is_pushed_at_once_by_the_next(world):
    book, pusher = push_book(world.clock, 1), Pushers()
    pusher.go.set()
    now_ms = world.clock.now_ms()
    book.lease(f"{SUB}00", limit=1, until_ms=now_ms + 200_000, now_ms=now_ms)
    rounds = PushRounds(pusher, book, clock=world.clock, failed=pytest.fail)
    rounds.run(threading.Event())
    rounds.close(timeout_s=10)
    assert pusher.pushed == [f"{SUB}00"]
