"""What the periodic tasks do to mailboxes and records."""

import threading
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from penfold.base.acting import VISITOR, Actor, act
from penfold.base.clock import FixedClock
from penfold.base.errors import MailboxBusyError, MailboxDamagedError
from penfold.base.labels import INBOX, SPAM, TRASH
from penfold.base.limits import (
    ERASE_AFTER_MS,
    EXPIRE_LOOK,
    EXPIRE_MESSAGES,
    SENDING_BODY_KEPT_MS,
)
from penfold.domain.access.identity import build_identity
from penfold.domain.mailbox.changes import change_labels
from penfold.domain.mailbox.history import Wanted, list_history
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.domain.outgoing.expiry import MailDays, delete_unchanged, find_horizon
from penfold.front.worker.sweeps import Sweeps
from penfold.ports.audit import Event
from penfold.ports.identity import Removed, Session
from penfold.ports.mailbox import Change
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.ports.sending.answers import KeptAnswer
from penfold.ports.sending.emails import Email, EmailState, NewEmail
from penfold.ports.sending.events import NOBODY, NewEvent
from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.testing.directory import MemoryDirectory
from penfold.testing.mailbox import MemoryMailboxes
from penfold.testing.pubsub import MemoryPubsub
from penfold.testing.queue import MemoryQueue
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

BOX = "m00000000000000000001"
OTHER = "m00000000000000000002"
DAY_MS = 86_400_000


class Notices:
    def sweep(self, stopping):
        return 0 if stopping.is_set() else 3


class Outbound:
    def __init__(self):
        self.recovered = []
        self.swept = 0
        self.notices = Notices()

    def recover(self, mailbox_id):
        self.recovered.append(mailbox_id)

    def sweep(self):
        self.swept += 1


class Watched(MemoryMailboxes):
    """Mailboxes that tell how many messages there were before and after each change."""

    watch = None

    def change(self, mailbox_id, change):
        def counted(box):
            before = box.get_totals().messages
            result = change(box)
            if self.watch:
                self.watch(before, box.get_totals().messages)
            return result

        return super().change(mailbox_id, counted)


class Failing(MemoryMailboxes):
    """Mailboxes of which OTHER cannot be read."""

    def __init__(self, error):
        super().__init__()
        self._error = error

    def open_reader(self, mailbox_id):
        if mailbox_id == OTHER:
            raise self._error
        return super().open_reader(mailbox_id)


class World:
    def __init__(self, mailboxes=None, *, mail_days=None, queue_days=30, sending_days=45):
        mail_days = mail_days or MailDays()
        self.clock = FixedClock()
        self.queue = MemoryQueue()
        self.mailboxes = mailboxes or Watched()
        for mailbox_id in (BOX, OTHER):
            self.mailboxes.create(mailbox_id)
        self.book = MemoryDirectory(clock=self.clock)
        self.outbound = Outbound()
        self.mark, self.asked, self.erased = 0, [], []
        self.sending = MemorySending()
        self.sweeps = Sweeps(
            clock=self.clock,
            mailboxes=self.mailboxes,
            outbound=self.outbound,
            book=self.book,
            pubsub=MemoryPubsub(),
            sending=self.sending,
            queue=self.queue,
            mail_days=mail_days,
            queue_days=queue_days,
            sending_days=sending_days,
            iter_all=lambda: [OTHER, BOX],
            iter_changed=self._iter_changed,
            load_mark=lambda: self.mark,
            save_mark=lambda now_ms: setattr(self, "mark", now_ms),
            erase=self._erase,
            close_idle=lambda: None,
            sweep_blobs=lambda now_ms: 0,
            sweep_uploads=lambda now_ms: 0,
        )

    def _erase(self, gone):
        self.erased.append(gone.former)
        self.book.change(lambda writer: writer.delete(Removed, gone.former))

    def _iter_changed(self, since_ms):
        self.asked.append(since_ms)
        return [OTHER, BOX]

    def run(self, task, *, stopping=False):
        event = threading.Event()
        if stopping:
            event.set()
        return task(event)

    def add_outbox(self, mailbox_id=BOX):
        self.mailboxes.change(
            mailbox_id,
            lambda box: box.add_outbox(
                sender="a@x", recipients=["b@y"], raw=b"x", now_ms=self.clock.now_ms()
            ),
        )

    def add_message(self, *labels):
        letter = read_letter(b"Subject: x\r\n\r\nbody\r\n")
        now_ms = self.clock.now_ms()
        return self.mailboxes.change(
            BOX,
            lambda box: add_letter(
                box,
                letter,
                labels=frozenset(labels),
                thread_id=None,
                internal_ms=now_ms,
                now_ms=now_ms,
                chance=Random(1),
            ),
        ).id

    def add_messages(self, count, *labels):
        letter = read_letter(b"Subject: x\r\n\r\nbody\r\n")
        now_ms, chance = self.clock.now_ms(), Random(2)

        def add(box):
            for number in range(count):
                add_letter(
                    box, letter, labels=frozenset(labels), thread_id=None,
                    internal_ms=now_ms - number, now_ms=now_ms, chance=chance,
                )  # fmt: skip

        self.mailboxes.change(BOX, add)

    def has(self, message_id):
        with self.mailboxes.open_reader(BOX) as box:
            return box.find_message(message_id) is not None


@pytest.fixture
def world():
    return World()


def test_only_mailboxes_with_mail_to_hand_on_are_handed_on(world):
    world.add_outbox()
    report = world.run(world.sweeps.recover_outboxes)
    assert world.outbound.recovered == [BOX]
    assert (report.mailboxes, report.changed, world.outbound.swept) == (2, 1, 1)


def test_the_next_round_asks_for_what_changed_since_this_one_began(world):
    world.run(world.sweeps.recover_outboxes)
    began_ms = world.clock.now_ms()
    world.clock.advance(s=60)
    world.run(world.sweeps.recover_outboxes)
    assert world.asked == [0, began_ms]


def test_a_busy_mailbox_is_looked_at_again_and_others_go_on():
    world = World(Failing(MailboxBusyError()))
    world.add_outbox()
    report = world.run(world.sweeps.recover_outboxes)
    assert (world.outbound.recovered, report.failed, world.mark) == ([BOX], 1, 0)


def test_a_damaged_mailbox_does_not_hold_the_mark_back():
    world = World(Failing(MailboxDamagedError()))
    world.run(world.sweeps.recover_outboxes)
    assert world.mark == world.clock.now_ms()


def test_a_round_that_is_stopped_leaves_the_mark(world):
    world.run(world.sweeps.recover_outboxes, stopping=True)
    assert world.mark == 0


LABELS = pytest.mark.parametrize("label", [TRASH, SPAM], ids=["trash", "spam"])


@LABELS
def test_what_lies_in_trash_or_spam_for_30_days_goes(world, label):
    gone, kept = world.add_message(label), world.add_message(INBOX)
    world.clock.advance(days=29)
    assert world.run(world.sweeps.expire_mail).changed == 0
    assert world.has(gone)
    world.clock.advance(days=2)
    assert world.run(world.sweeps.expire_mail).changed == 1
    assert (world.has(gone), world.has(kept)) == (False, True)


def test_clients_are_told_of_what_went_as_of_any_removal(world):
    gone = [world.add_message(TRASH), world.add_message(TRASH)]
    world.clock.advance(days=31)
    with world.mailboxes.open_reader(BOX) as box:
        start = box.get_totals().history_id
    world.run(world.sweeps.expire_mail)
    with world.mailboxes.open_reader(BOX) as box:
        [record] = box.iter_history(start)
        assert box.get_totals().messages == 0
        wanted = Wanted(limit=10, changes=frozenset({Change.MESSAGE_DELETED}))
        [shown] = list_history(box, start=start, wanted=wanted, token="").records
    assert sorted(entry.message_id for entry in record.entries) == sorted(gone)
    assert [each.message.label_ids for each in shown.messages_deleted] == [["TRASH"]] * 2


@pytest.mark.parametrize("days", [2, 40])
@LABELS
def test_each_label_has_its_own_time(label, days):
    mine, other = MailDays(trash=days, spam=0), MailDays(trash=0, spam=days)
    world = World(mail_days=mine if label is TRASH else other)
    message = world.add_message(label)
    stays = world.add_message(SPAM if label is TRASH else TRASH)
    for _ in range(days):
        world.clock.advance(days=1, ms=-1)
        world.add_message(INBOX)  # so that history goes on, and old history expires
        assert world.run(world.sweeps.expire_mail).changed == 0
        world.clock.advance(ms=1)
    assert world.has(message)
    world.clock.advance(ms=1)
    assert world.run(world.sweeps.expire_mail).changed == 1
    assert (world.has(message), world.has(stays)) == (False, True)


def test_raised_days_keep_what_is_not_known_to_be_so_old(world):
    """Its history expired under the shorter time, so its age is not known any more."""
    message = world.add_message(INBOX)
    world.clock.advance(days=31)
    world.run(world.sweeps.expire_mail)
    with world.mailboxes.open_reader(BOX) as box:
        horizon = find_horizon(box, days=90, now_ms=world.clock.now_ms())
        assert find_horizon(box, days=30, now_ms=world.clock.now_ms()) >= 1
        assert horizon == 0 < box.find_message(message).history_id


def test_what_was_kept_for_good_goes_once_a_time_is_set():
    forever = World(mail_days=MailDays(trash=0, spam=0))
    message = forever.add_message(TRASH)
    forever.clock.advance(days=100)
    assert forever.run(forever.sweeps.expire_mail).changed == 0
    sweeps = replace(forever.sweeps, mail_days=MailDays())
    assert forever.run(sweeps.expire_mail).changed == 1
    assert not forever.has(message)


def test_a_large_trash_goes_in_many_short_transactions(world):
    """No step removes more than its limit, and others are let in between."""
    count = 2 * EXPIRE_LOOK + 3
    world.add_messages(count, TRASH)
    kept = [world.add_message(INBOX), world.add_message(TRASH)]
    world.clock.advance(days=31)
    touched = world.add_message(TRASH)
    sizes = []
    world.mailboxes.watch = lambda before, after: sizes.append(before - after)
    assert world.run(world.sweeps.expire_mail).changed == count + 1
    assert max(sizes) == EXPIRE_MESSAGES
    assert len(sizes) > count // EXPIRE_MESSAGES
    assert [world.has(each) for each in (*kept, touched)] == [True, False, True]


def test_a_message_taken_out_of_the_trash_meanwhile_stays(world):
    message = world.add_message(TRASH)
    world.clock.advance(days=31)
    now_ms = world.clock.now_ms()

    def untrash(box):
        row = box.find_message(message)
        change_labels(box, [row], remove=frozenset({TRASH}), now_ms=now_ms)

    with world.mailboxes.open_reader(BOX) as box:
        until = find_horizon(box, days=30, now_ms=now_ms)
    world.mailboxes.change(BOX, untrash)
    delete = partial(delete_unchanged, ids=[message], label=TRASH, until=until, now_ms=now_ms)
    assert world.mailboxes.change(BOX, delete) == 0
    assert world.has(message)


def test_history_goes_after_30_days_and_a_sweep_that_is_stopped_removes_nothing(world):
    world.add_message(TRASH)
    world.clock.advance(days=31)
    assert world.run(world.sweeps.expire_mail, stopping=True).changed == 0
    with world.mailboxes.open_reader(BOX) as box:
        floor = box.get_history_floor()
    world.run(world.sweeps.expire_mail)
    with world.mailboxes.open_reader(BOX) as box:
        assert box.get_history_floor() > floor


def test_rows_of_the_queue_that_are_done_go_after_their_days():
    for days, gone in ((30, 5), (31, 0), (0, 0)):
        world = World(queue_days=days)
        rows = [
            NewQueueRow(BOX, number, "a@x", "b@y", "", b"raw", world.clock.now_ms())
            for number in range(6)
        ]
        world.queue.add(rows[:5], state=QueueState.CAPTURED)
        [waits] = world.queue.add(rows[5:], state=QueueState.QUEUED)
        world.clock.advance(days=30)
        assert world.run(world.sweeps.expire_queue).changed == 0
        world.clock.advance(ms=1)
        assert world.run(world.sweeps.expire_queue, stopping=True).changed == 0
        assert world.run(world.sweeps.expire_queue).changed == gone
        assert world.queue.get_row(waits).state is QueueState.QUEUED


def test_the_30_days_count_from_when_it_was_put_there(world):
    message_id = world.add_message(INBOX)
    world.clock.advance(days=100)
    world.mailboxes.change(
        BOX,
        lambda box: change_labels(
            box,
            [box.find_message(message_id)],
            add=frozenset({TRASH}),
            remove=frozenset(),
            now_ms=world.clock.now_ms(),
        ),
    )
    world.clock.advance(days=29)
    world.run(world.sweeps.expire_mail)
    assert world.has(message_id)


def test_sessions_that_ended_are_forgotten(world):
    identity = build_identity(
        world.book,
        world.mailboxes,
        clock=world.clock,
        chance=Random(2),
        sealer=PlainSealer(),
    )
    identity.accounts.add_domain("penfold.test")
    account = identity.accounts.add("kim@penfold.test")
    session = Session("s1", b"b", account.id, 0, world.clock.now_ms() - 1)
    world.book.change(lambda writer: writer.add(session))
    assert world.run(world.sweeps.expire_records).changed == 1
    assert world.book.find(Session, "s1") is None


def test_the_audit_log_forgets_after_90_days_where_strangers_came_from(world):
    with act(Actor(VISITOR, "192.0.2.7")):
        world.book.change(lambda writer: writer.note(Event("fail", "sign_in")))
    world.clock.advance(days=90)
    assert world.run(world.sweeps.expire_records).changed == 0
    world.clock.advance(ms=1)
    assert world.run(world.sweeps.expire_records).changed == 1


def test_the_mailbox_of_a_removed_account_is_erased_after_a_minute(world):
    gone = Removed(BOX, "kim@penfold.test", world.clock.now_ms())
    world.book.change(lambda writer: writer.add(gone))
    assert world.run(world.sweeps.erase_removed).changed == 0
    world.clock.advance(ms=ERASE_AFTER_MS)
    assert world.run(world.sweeps.erase_removed).changed == 1
    assert world.erased == [BOX]
    assert world.book.list_by(Removed) == []


def test_senders_are_told_of_what_they_missed():
    world = World()
    assert world.run(world.sweeps.tell_senders).changed == 3
    assert world.run(world.sweeps.tell_senders, stopping=True).changed == 0


@pytest.mark.parametrize(("days", "gone"), [(45, 700), (46, 0), (0, 0)])
def test_events_of_the_sending_api_go_after_their_days(days, gone):
    world = World(sending_days=days)
    events = [
        NewEvent(f"v{n}", BOX, 0, NOBODY, "x.y", world.clock.now_ms(), f"v{n}") for n in range(700)
    ]
    world.sending.change(lambda writer: [writer.add_event(one) for one in events])
    world.clock.advance(days=45)
    assert world.run(world.sweeps.expire_sending).changed == 0
    world.clock.advance(ms=1)
    assert world.run(world.sweeps.expire_sending).changed == gone
    assert len(world.sending.read(lambda b: b.list_events(BOX, limit=999))) == 700 - gone


def test_what_the_sending_api_keeps_for_a_time_goes_after_it(world):
    now_ms = world.clock.now_ms()
    email = Email(0, "e1", BOX, "k1", "a@penfold.test", "x", now_ms, state=EmailState.HANDED)
    ended = Suppression(
        "s1", BOX, "kim@x.example", Scope.ACCOUNT, "", Reason.BOUNCE, now_ms, now_ms + DAY_MS
    )

    def fill(writer):
        writer.put_answer(KeptAnswer("k1", "r", "w", b"", 200, b"", now_ms))
        writer.put_suppression(ended)
        return writer.add_email(NewEmail(email, b"content", ()))

    number = world.sending.change(fill)
    assert world.run(world.sweeps.expire_sending).changed == 0
    world.clock.advance(ms=DAY_MS + 1)
    assert world.run(world.sweeps.expire_sending).changed == 2
    assert world.sending.read(lambda book: book.find_content(number)) == b"content"
    world.clock.advance(ms=SENDING_BODY_KEPT_MS)
    assert world.run(world.sweeps.expire_sending, stopping=True).changed == 0
    assert world.run(world.sweeps.expire_sending).changed == 1
    assert world.sending.read(lambda book: book.find_content(number)) is None
