"""Who asks to be told of success is told when the message is in a mailbox here, once."""

import pytest
from tests.unit.world import World, mail

from penfold.domain.incoming.judging import Judged
from penfold.ports.queue import QueueState
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import find_bounce
from penfold.proto.smtp.parameters import NO_REQUEST, MailOptions, ReportRequest

WRITER = "writer@elsewhere.example"
SUCCESS = ReportRequest(("SUCCESS", "FAILURE"), "rfc822", "al@old.example")
OPTIONS = MailOptions(envid="QQ 314")


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def receive(world, *recipients, raw=None, reports=(SUCCESS,), options=OPTIONS, **more):
    recipients = recipients or (world.alice.address,)
    raw = raw or mail(message_id="one@elsewhere.example")
    ids = world.receive(raw, *recipients, reports=reports, options=options, **more)
    world.settle()
    return ids


def reports_out(world):
    """Return what the queue has, with what it says."""
    return [(row, find_bounce(world.queue.get_raw(row.id))) for row in world.queue.list_rows()]


def read_inbox(world, account):
    ids = world.list_ids(account=account, label_ids=["INBOX"])
    return [
        (world.api("messages_get", account=account, id=each), world.read(
            lambda box, each=each: box.get_raw(int(each, 16)), account
        ))
        for each in ids
    ]  # fmt: skip


def test_a_sender_elsewhere_gets_its_report_through_the_queue(world):
    receive(world)
    [(row, report)] = reports_out(world)
    assert (row.sender, row.recipient, row.state) == ("", WRITER, QueueState.QUEUED)
    [told] = report.recipients
    assert (told.final, told.action, told.status) == (
        "alice@penfold.test", Action.DELIVERED, "2.0.0",
    )  # fmt: skip
    assert told.original == "al@old.example"
    assert (report.envelope_id, report.message_id) == ("QQ 314", "one@elsewhere.example")
    assert report.reporting_mta == "mx.penfold.test"


def test_addresses_of_one_mailbox_are_told_of_together(world):
    plus = "alice+a@penfold.test"
    receive(world, world.alice.address, plus, reports=(SUCCESS, SUCCESS))
    [(_, report)] = reports_out(world)
    assert [told.final for told in report.recipients] == [world.alice.address, plus]


def test_only_recipients_that_were_asked_for_are_told_of(world):
    receive(
        world, world.bob.address, world.alice.address,
        reports=(ReportRequest(("NEVER",)), SUCCESS),
    )  # fmt: skip
    [(_, report)] = reports_out(world)
    assert [told.final for told in report.recipients] == [world.alice.address]


@pytest.mark.parametrize(
    "reports", [(), (NO_REQUEST,), (ReportRequest(("FAILURE", "DELAY")),)], ids=str
)
def test_nobody_else_gets_one(world, reports):
    receive(world, reports=reports)
    assert reports_out(world) == []


def test_nobody_is_told_of_mail_from_nobody(world):
    receive(world, sender="")
    assert reports_out(world) == []


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"vouched": True}, 1),
        ({"vouched": False}, 0),
        ({"vouched": True, "spam": True}, 0),
    ],
    ids=str,
)
def test_news_goes_only_to_who_really_sent_what_is_wanted(world, facts, told):
    raw = mail(message_id="one@elsewhere.example")
    receive(world, raw=raw, judged=Judged(raw, b"", **facts))
    assert len(reports_out(world)) == told


def test_a_message_that_is_offered_again_is_reported_once(world):
    receive(world)
    receive(world)
    assert len(reports_out(world)) == 1


def test_news_of_a_message_that_needs_tls_needs_it_as_well(world):
    receive(world, options=MailOptions(require_tls=True))
    [(row, _)] = reports_out(world)
    assert row.options == MailOptions(require_tls=True)


def test_a_sender_here_finds_it_in_the_thread_of_its_message(world):
    raw = mail(message_id="one@penfold.test", sender=world.alice.address, to=world.bob.address)
    [sent] = world.submit(raw, world.bob.address, reports=(SUCCESS,))
    world.settle(world.bob)
    [(message, octets)] = read_inbox(world, world.alice)
    assert (message.thread_id, set(message.label_ids)) == (sent, {"INBOX", "UNREAD"})
    [told] = find_bounce(octets).recipients
    assert (told.final, told.action) == (world.bob.address, Action.DELIVERED)
    assert reports_out(world) == []


def test_mail_to_oneself_is_reported_as_well(world):
    raw = mail(message_id="one@penfold.test", sender=world.alice.address)
    [sent] = world.submit(raw, world.alice.address, reports=(SUCCESS,))
    found = [find_bounce(octets) for _, octets in read_inbox(world, world.alice)]
    assert [each and each.recipients[0].action for each in found] == [Action.DELIVERED, None]
    threads = {message.thread_id for message, _ in read_inbox(world, world.alice)}
    assert threads == {sent}


def test_a_hand_over_that_is_repeated_reports_once(world):
    raw = mail(message_id="one@penfold.test", sender=world.alice.address, to=world.bob.address)

    def put(box):
        return box.add_outbox(
            sender=world.alice.address, recipients=[world.bob.address], raw=raw, now_ms=0,
            reports=(SUCCESS,),
        )  # fmt: skip

    world.change(put)
    [row] = world.outbox()
    world.settle()
    world.change(lambda box: box._state.outbox.update({row.number: row}))
    world.settle()
    world.settle(world.bob)
    assert len(read_inbox(world, world.bob)) == 1
    assert len(read_inbox(world, world.alice)) == 1
