"""Sending: copies, outbox and hand-over; whatever fails and whenever, each recipient gets one."""

import itertools
import threading

import pytest
from tests.unit.fragile import Crash, Fragile, Step
from tests.unit.world import World, mail, make_hand_over

from penfold.base.errors import MailboxDamagedError, StorageFullError, UnavailableError
from penfold.base.limits import HAND_OVER_MAX_ROWS
from penfold.domain.outgoing.courier import Courier
from penfold.domain.outgoing.handover import UNKNOWN_USER
from penfold.domain.outgoing.outbound import Outbound
from penfold.ports.queue import QueueState
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Message

KIM = "kim@elsewhere.example"
BOB = "bob@penfold.test"


def send(world, raw, **members):
    return world.api("messages_send", body=Message(raw=raw, **members))


def raw_of(world, message, account=None):
    return world.read(lambda box: box.get_raw(int(message, 16)), account)


def outbox(world):
    return world.read(lambda box: box.list_outbox(limit=1000))


# --- what a send leaves ------------------------------------------------------------------


def test_send_to_a_stranger_is_a_sent_copy_and_a_captured_row(world):
    sent = send(world, mail(to=f"{KIM}, lee@x.example"), label_ids=["STARRED"])
    assert sent.label_ids == ["SENT"]
    rows = world.queue.list_rows()
    assert {(row.recipient, row.state) for row in rows} == {
        (KIM, QueueState.CAPTURED), ("lee@x.example", QueueState.CAPTURED),
    }  # fmt: skip
    assert {(row.sender, row.subject) for row in rows} == {("alice@penfold.test", "Hello")}
    assert outbox(world) == []


def test_outside_local_mode_mail_is_queued():
    world = World(captures=False)
    send(world, mail(to=KIM))
    assert [row.state for row in world.queue.list_rows()] == [QueueState.QUEUED]
    world.close()


def test_account_here_gets_the_message_in_its_inbox(world):
    sent = send(world, mail(to=BOB, sender="alice@penfold.test"))
    [received] = world.list_ids(account=world.bob)
    labels = world.api("messages_get", account=world.bob, id=received).label_ids
    assert set(labels) == {"INBOX", "UNREAD"}
    stored = raw_of(world, received, world.bob)
    assert stored.startswith(
        b"Delivered-To: bob@penfold.test\r\nReturn-Path: <alice@penfold.test>\r\n"
    )
    assert stored.endswith(raw_of(world, sent.id))
    assert world.queue.list_rows() == []


@pytest.mark.parametrize("to", ["alice@penfold.test", "Alice+tag@penfold.test"])
def test_mail_to_oneself_is_one_message(world, to):
    sent = send(world, mail(to=to))
    assert set(sent.label_ids) == {"SENT", "INBOX", "UNREAD"}
    assert world.list_ids() == [sent.id]
    assert outbox(world) == []


def test_mail_to_oneself_and_others_is_one_message_here_and_one_there(world):
    sent = send(world, mail(to=f"alice@penfold.test, {BOB}, {KIM}"))
    assert set(sent.label_ids) == {"SENT", "INBOX", "UNREAD"}
    assert world.list_ids() == [sent.id]
    assert len(world.list_ids(account=world.bob)) == 1
    assert [row.recipient for row in world.queue.list_rows()] == [KIM]


def test_plus_tags_of_one_account_are_one_message_there(world):
    send(world, mail(to="bob@penfold.test, bob+a@penfold.test"))
    assert len(world.list_ids(account=world.bob)) == 1


def test_blind_copy_is_seen_by_the_sender_alone(world):
    sent = send(world, mail(to=KIM, Bcc=BOB))
    assert b"Bcc: bob@penfold.test" in raw_of(world, sent.id)
    [received] = world.list_ids(account=world.bob)
    assert b"Bcc" not in raw_of(world, received, world.bob)
    [row] = world.queue.list_rows()
    assert b"bob" not in world.queue.get_raw(row.id)


def test_reply_joins_the_conversation_on_both_sides(world):
    first = send(world, mail("Plan", to=BOB))
    message_id = (
        world.api("messages_get", id=first.id, format="metadata", metadata_headers=("Message-ID",))
        .payload.headers[0]
        .value
    )
    [received] = world.list_ids(account=world.bob)
    world.clock.advance(s=1)
    reply = mail("Re: Plan", to="alice@penfold.test", sender=BOB, References=message_id)
    body = Message(raw=reply, thread_id=received)
    answer = world.api("messages_send", account=world.bob, body=body)
    assert answer.thread_id == received
    assert len(world.api("threads_get", id=first.thread_id).messages) == 2


def test_address_of_ours_that_nobody_has_is_recorded_as_failed(world):
    send(world, mail(to="nobody@penfold.test"))
    [row] = world.queue.list_rows()
    assert row.state is QueueState.FAILED
    [attempt] = world.queue.list_attempts(row.id)
    assert attempt.outcome == UNKNOWN_USER


def test_refused_send_leaves_nothing(world):
    with pytest.raises(ProblemError):
        send(world, mail(to="nonsense"))
    assert world.list_ids() == []
    assert outbox(world) == []


# --- submission --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("alice@penfold.test", True), ("ALICE+x@penfold.test", True), ("", True),
        ("bob@penfold.test", False), ("alice@elsewhere.example", False),
    ],
)  # fmt: skip
def test_submitters_use_their_own_addresses(world, address, allowed):
    assert world.outbound.check_sender(world.alice, address) is allowed


def test_submission_stores_one_sent_copy_and_delivers(world):
    raw = mail(to=BOB, sender="alice@penfold.test", message_id="a@laptop.example")
    [message] = world.submit(raw, BOB, KIM)
    assert world.api("messages_get", id=message).label_ids == ["SENT"]
    assert b"Message-ID: <a@laptop.example>" in raw_of(world, message)
    assert len(world.list_ids(account=world.bob)) == 1
    assert [row.recipient for row in world.queue.list_rows()] == [KIM]


def test_retried_submission_is_sent_once_when_it_has_a_message_id(world):
    raw = mail(to=KIM, message_id="a@laptop.example")
    assert world.submit(raw, KIM) == world.submit(raw, KIM)
    assert len(world.queue.list_rows()) == 1
    raw = mail(to=KIM)
    assert world.submit(raw, KIM) != world.submit(raw, KIM)


def test_submission_into_a_damaged_mailbox_is_reported(world):
    world.mailboxes.damaged.add(world.alice.id)
    told = []
    world.outbound.submit(
        world.alice,
        world.envelope(world.alice.address, [KIM]),
        mail(),
        lambda *got: told.append(got),
    )
    [(ids, error)] = told
    assert ids is None
    assert isinstance(error, MailboxDamagedError)


# --- the hand-over may stop anywhere -----------------------------------------------------


def loaded_world():
    """A world with mail for everybody in alice's outbox, not yet handed over."""
    world = World()
    quiet = Outbound(**world.ports)
    quiet.close()  # so that nothing is handed over by itself
    recipients = f"{BOB}, carol@penfold.test, {KIM}, lee@x.example, nobody@penfold.test"
    world.carol = world.add_account("carol@penfold.test")
    for n in range(HAND_OVER_MAX_ROWS + 1):
        raw = mail(f"m{n}", to=recipients)
        world.change(
            lambda box, raw=raw: quiet.send(box, world.alice, raw, now_ms=world.clock.now_ms())
        )
    return world


def check_everybody_has_one_of_each(world, *, attempts=frozenset({1})):
    count = HAND_OVER_MAX_ROWS + 1
    for account in (world.bob, world.carol):
        assert len(world.list_ids(account=account)) == count
    rows = world.queue.list_rows(limit=1000)
    assert len(rows) == len({(row.recipient, row.number) for row in rows}) == 3 * count
    failed = [row for row in rows if row.state is QueueState.FAILED]
    assert {row.recipient for row in failed} == {"nobody@penfold.test"}
    assert {len(world.queue.list_attempts(row.id)) for row in failed} <= attempts
    assert outbox(world) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_at_any_step_and_a_repeat_give_everybody_exactly_one(after):
    # Each message takes the same steps: every third comes to each of them in some message.
    for last in itertools.count(1, 3):
        world = loaded_world()
        step = Step(last, after=after)
        fragile = make_hand_over(
            **{
                **world.hand_over_ports,
                "mailboxes": Fragile(world.mailboxes, step, {"change"}),
                "queue": Fragile(world.queue, step, {"add", "add_attempt"}),
            }
        )
        try:
            fragile.move(world.alice.id)
        except Crash:
            make_hand_over(**world.hand_over_ports).move(world.alice.id)
        else:
            assert last > 5 * HAND_OVER_MAX_ROWS
            return
        check_everybody_has_one_of_each(world)


def test_two_at_once_give_everybody_exactly_one():
    world = loaded_world()
    movers = [
        threading.Thread(
            target=make_hand_over(**world.hand_over_ports).move, args=(world.alice.id,)
        )
        for _ in range(4)
    ]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    # A failure noted by several at once is noted several times; nobody gets anything twice.
    check_everybody_has_one_of_each(world, attempts=set(range(1, len(movers) + 1)))


def test_recipient_that_cannot_be_reached_holds_up_nobody_and_gets_it_later():
    world = loaded_world()
    world.mailboxes.damaged.add(world.bob.id)
    with pytest.raises(MailboxDamagedError):
        make_hand_over(**world.hand_over_ports).move(world.alice.id)
    waiting = outbox(world)
    assert [row.recipients for row in waiting] == [(BOB,)] * (HAND_OVER_MAX_ROWS + 1)
    assert len(world.list_ids(account=world.carol)) == HAND_OVER_MAX_ROWS + 1
    world.mailboxes.damaged.clear()
    make_hand_over(**world.hand_over_ports).move(world.alice.id)
    check_everybody_has_one_of_each(world)


def test_full_disk_of_the_queue_leaves_the_row():
    world = loaded_world()

    class Full:
        def add(self, rows, *, state):
            raise StorageFullError

    with pytest.raises(StorageFullError):
        make_hand_over(**{**world.hand_over_ports, "queue": Full()}).move(world.alice.id)
    assert len(outbox(world)) == HAND_OVER_MAX_ROWS + 1
    make_hand_over(**world.hand_over_ports).move(world.alice.id)
    check_everybody_has_one_of_each(world)


def test_start_up_recovers_what_a_crash_left(world):
    other = loaded_world()
    other.outbound.recover(other.alice.id)
    assert other.settle() is None
    check_everybody_has_one_of_each(other)
    other.close()


# --- the courier -------------------------------------------------------------------------


class Moves:
    """A move function that waits to be let through and may fail."""

    def __init__(self):
        self.seen = []
        self.gate = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self.error = None

    def __call__(self, mailbox_id):
        self.seen.append(mailbox_id)
        self.arrived.release()
        self.gate.acquire()
        if self.error:
            raise self.error


@pytest.fixture
def moves():
    return Moves()


@pytest.fixture
def courier(moves):
    courier = Courier(moves)
    yield courier
    for _ in range(10):
        moves.gate.release()
    courier.close()


def test_mailbox_waits_once_and_everybody_who_asked_is_told(courier, moves):
    told = []
    finished = threading.Semaphore(0)

    def done(name):
        return lambda error: (told.append((name, error)), finished.release())

    courier.send("a", done("first"))
    moves.arrived.acquire()
    for name in ("second", "third"):
        courier.send("a", done(name))
    for _ in range(2):
        moves.gate.release()
    for _ in range(3):
        finished.acquire()
    assert moves.seen == ["a", "a"]
    assert told == [("first", None), ("second", None), ("third", None)]


def test_who_fails_on_being_told_ends_no_courier(courier, moves):
    def fail(_error):
        raise ZeroDivisionError("bug")

    finished = threading.Event()
    courier.send("a", fail)
    courier.send("b", lambda _: finished.set())
    for _ in range(2):
        moves.gate.release()
    assert finished.wait(20)
    assert moves.seen == ["a", "b"]


def test_failed_mailbox_is_tried_again_by_a_sweep_and_not_before(courier, moves):
    errors = []
    finished = threading.Semaphore(0)
    moves.error = UnavailableError("no")
    courier.send("a", lambda error: (errors.append(error), finished.release()))
    moves.gate.release()
    finished.acquire()
    assert errors == [moves.error]
    moves.error = None
    courier.sweep()
    courier.send("b", lambda error: (errors.append(error), finished.release()))
    for _ in range(2):
        moves.gate.release()
    finished.acquire()
    assert moves.seen == ["a", "a", "b"]
    courier.sweep()
    assert moves.seen == ["a", "a", "b"]


def test_closing_finishes_what_is_in_hand_and_tells_those_who_wait(courier, moves):
    told = []
    courier.send("a", told.append)
    moves.arrived.acquire()
    courier.send("b", told.append)
    closer = threading.Thread(target=courier.close)
    closer.start()
    moves.gate.release()
    closer.join()
    courier.close()
    assert moves.seen == ["a"]
    assert told[0] is None
    assert isinstance(told[1], UnavailableError)
    courier.send("c", told.append)
    assert isinstance(told[2], UnavailableError)
