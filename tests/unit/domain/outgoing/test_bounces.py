"""Bounces that arrive join what they are about, and explain its queue row; forged ones do not."""

import random

import pytest
from tests.unit.world import World, mail

from penfold.base.errors import StorageFullError
from penfold.base.limits import BOUNCE_NOTES_MAX
from penfold.domain.incoming.inbound import Inbound
from penfold.domain.incoming.judging import Judged
from penfold.domain.outgoing.bounces import note_bounce
from penfold.domain.outgoing.outbound import Outbound
from penfold.ports.queue import Attempt, NewQueueRow, QueueState
from penfold.proto.reports.action import Action
from penfold.proto.reports.dsn import Subject, Told, compose_dsn
from penfold.proto.reports.returned import BounceReport, RecipientStatus
from penfold.proto.smtp.parameters import ReportRequest
from penfold.testing.queue import MemoryQueue

KIM, LEE = "kim@elsewhere.example", "lee@x.example"
NOW_MS = 1_790_000_000_000


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def send(world, *recipients, message_id="one@penfold.test"):
    """Send a message that another server takes; return the id of the sent copy."""
    raw = mail("Lunch", message_id=message_id, sender=world.alice.address)
    [sent] = world.submit(raw, *recipients)
    for row in world.queue.list_rows():
        attempt = Attempt(world.clock.now_ms(), "250 ok", "")
        world.queue.add_attempt(row.id, attempt, state=QueueState.SENT)
    return sent


def make_bounce(*addresses, message_id="one@penfold.test", action=Action.FAILED):
    """Return a notification as another server writes it."""
    subject = Subject(
        raw=mail("Lunch", message_id=message_id),
        sender="alice@penfold.test",
        hostname="mx.elsewhere.example",
        domain="elsewhere.example",
        arrival_ms=0,
    )
    told = [Told(each, action, "5.1.1", diagnostic="550 5.1.1 gone") for each in addresses]
    return compose_dsn(subject, told, now_ms=0, chance=random.Random(1)).raw


def arrive(world, raw, sender=""):
    [stored] = world.receive(raw, sender=sender)
    world.settle()
    return world.api("messages_get", id=stored)


def notes(world):
    return {
        row.recipient: [each.outcome for each in world.queue.list_attempts(row.id)[1:]]
        for row in world.queue.list_rows()
    }


def test_a_bounce_joins_the_thread_of_what_was_sent_and_explains_its_row(world):
    sent = send(world, KIM, LEE)
    assert arrive(world, make_bounce(LEE)).thread_id == sent
    assert notes(world) == {KIM: [], LEE: ["bounced later: 550 5.1.1 gone"]}
    assert {row.state for row in world.queue.list_rows()} == {QueueState.SENT}


def test_a_note_says_who_reported_and_what_class_it_is(world):
    send(world, KIM)
    arrive(world, make_bounce(KIM))
    [row] = world.queue.list_rows()
    note = world.queue.list_attempts(row.id)[-1]
    assert (note.kind, note.facts.blame) == ("invalid_recipient", "address")
    assert note.transcript == "reported by mx.elsewhere.example"


def test_a_bounce_that_is_offered_again_is_noted_once(world):
    send(world, KIM)
    arrive(world, make_bounce(KIM))
    arrive(world, make_bounce(KIM))
    assert notes(world) == {KIM: ["bounced later: 550 5.1.1 gone"]}


def test_a_bounce_from_behind_a_forwarding_is_about_the_only_recipient(world):
    send(world, KIM)
    arrive(world, make_bounce("kim@forwarded.example"))
    assert notes(world) == {KIM: ["bounced later: 550 5.1.1 gone"]}


def test_of_several_recipients_none_is_guessed(world):
    send(world, KIM, LEE)
    arrive(world, make_bounce("kim@forwarded.example"))
    assert notes(world) == {KIM: [], LEE: []}


def test_a_bounce_of_what_was_never_sent_from_here_stands_alone(world):
    send(world, KIM)
    message = arrive(world, make_bounce(KIM, message_id="other@penfold.test"))
    assert message.thread_id == message.id
    assert notes(world) == {KIM: []}


def test_a_bounce_of_what_was_received_here_joins_nothing(world):
    world.receive(mail("Lunch", message_id="theirs@elsewhere.example"))
    message = arrive(world, make_bounce(KIM, message_id="theirs@elsewhere.example"))
    assert message.thread_id == message.id


def test_a_bounce_in_another_mailbox_says_nothing_about_the_row(world):
    send(world, KIM)
    world.receive(make_bounce(KIM), world.bob.address, sender="")
    world.settle(world.bob)
    assert notes(world) == {KIM: []}


def test_a_report_with_a_reverse_path_is_mail_like_any(world):
    send(world, KIM)
    message = arrive(world, make_bounce(KIM), sender="writer@elsewhere.example")
    assert message.thread_id == message.id
    assert notes(world) == {KIM: []}


def test_a_bounce_that_is_spam_joins_and_notes_nothing(world):
    send(world, KIM)
    raw = make_bounce(KIM)
    [stored] = world.receive(raw, sender="", judged=Judged(raw, b"", spam=True))
    world.settle()
    assert world.api("messages_get", id=stored).thread_id == stored
    assert notes(world) == {KIM: []}


def test_a_report_of_what_was_sent_from_here_is_no_spam_for_want_of_a_signature(world):
    send(world, KIM)
    raw = make_bounce(KIM)
    judged = Judged(raw, b"", spam=True, spares_reports=True)
    [stored] = world.receive(raw, sender="", judged=judged)
    world.settle()
    message = world.api("messages_get", id=stored)
    assert "INBOX" in message.label_ids
    assert message.thread_id != stored
    assert len(notes(world)[KIM]) == 1


def test_a_report_of_what_was_never_sent_is_spared_nothing(world):
    raw = make_bounce(KIM)
    judged = Judged(raw, b"", spam=True, spares_reports=True)
    [stored] = world.receive(raw, sender="", judged=judged)
    assert "SPAM" in world.api("messages_get", id=stored).label_ids


def test_a_row_that_still_waits_is_left_alone(world):
    world.submit(mail(message_id="one@penfold.test", sender=world.alice.address), KIM)
    arrive(world, make_bounce(KIM))
    [row] = world.queue.list_rows()
    assert (row.state, world.queue.list_attempts(row.id)) == (QueueState.QUEUED, [])


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Action.DELAYED, "delayed on its way: 4.4.1"),
        (Action.DELIVERED, "reported as delivered: 2.0.0"),
        (Action.RELAYED, "reported as passed on"),
    ],
)
def test_news_of_other_kinds_is_noted_in_its_words(action, words):
    queue = MemoryQueue()
    row = NewQueueRow("m1", 1, "a@penfold.test", KIM, "", b"x", 0, message_id="one@penfold.test")
    [row_id] = queue.add([row], state=QueueState.SENT)
    status = words.partition(": ")[2]
    report = BounceReport((RecipientStatus(KIM, action, status=status),), message_id=row.message_id)
    assert note_bounce(queue, "m1", report, now_ms=NOW_MS) == 1
    [noted] = queue.list_attempts(row_id)
    assert (noted.at_ms, noted.outcome) == (NOW_MS, words)


def test_the_recipient_the_sender_meant_is_known_too():
    queue = MemoryQueue()
    wishes = {"message_id": "one@penfold.test"}
    asked = ReportRequest((), "rfc822", "list@old.example")
    queue.add(
        [
            NewQueueRow("m1", 1, "a@penfold.test", KIM, "", b"x", 0, report=asked, **wishes),
            NewQueueRow("m1", 1, "a@penfold.test", LEE, "", b"x", 0, **wishes),
        ],
        state=QueueState.SENT,
    )
    status = RecipientStatus("x@y.example", Action.FAILED, original="LIST@old.example")
    report = BounceReport((status,), message_id="one@penfold.test")
    assert note_bounce(queue, "m1", report, now_ms=NOW_MS) == 1
    assert len(queue.list_attempts(1)) == 1


def test_a_flood_of_bounces_is_noted_so_often_and_no_more():
    queue = MemoryQueue()
    row = NewQueueRow("m1", 1, "a@penfold.test", KIM, "", b"x", 0, message_id="one@penfold.test")
    [row_id] = queue.add([row], state=QueueState.SENT)
    status = RecipientStatus(KIM, Action.FAILED, status="5.1.1")
    report = BounceReport((status,) * 1000, message_id="one@penfold.test")
    noted = [note_bounce(queue, "m1", report, now_ms=NOW_MS) for _ in range(BOUNCE_NOTES_MAX + 1)]
    assert noted == [1] * BOUNCE_NOTES_MAX + [0]
    assert len(queue.list_attempts(row_id)) == BOUNCE_NOTES_MAX


class Full(MemoryQueue):
    """A queue without room for a note."""

    def add_attempt(self, row_id, attempt, *, state):
        raise StorageFullError


def test_a_bounce_is_stored_when_the_queue_cannot_take_the_note(world, caplog):
    world.queue = world.ports["queue"] = Full()
    world.outbound = Outbound(**world.ports)
    world.inbound = Inbound(**world.inbound_ports | {"arriving": world.outbound.arriving})
    raw = mail(message_id="one@penfold.test", sender=world.alice.address)
    [sent] = world.submit(raw, KIM)
    MemoryQueue.add_attempt(world.queue, 1, Attempt(0, "250 ok", ""), state=QueueState.SENT)
    assert arrive(world, make_bounce(KIM)).thread_id == sent
    assert "is not noted" in caplog.text
