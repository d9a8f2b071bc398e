"""What comes back to the return address of mail joins it, whatever it looks like, and is noted."""

import pytest
from msgspec import structs
from tests.unit.domain.outgoing.test_bounces import KIM, LEE, arrive, make_bounce, notes, send
from tests.unit.proto.reports.test_complaints import ABUSE, make
from tests.unit.world import World, mail

from penfold.base.errors import NotFoundError
from penfold.domain.envelope import Recipient
from penfold.domain.incoming.judging import Judged
from penfold.domain.outgoing.bounces import Complaint, find_complaint, note_complaint, note_returned
from penfold.domain.outgoing.report_summary import find_report
from penfold.domain.outgoing.return_paths import NoAnswerError
from penfold.ports.identity import Alias
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.ports.reports import Report, ReportKind
from penfold.proto.reports.action import Action
from penfold.proto.reports.returned import BounceReport, RecipientStatus

OOO = mail("Automatic reply: Lunch", sender=KIM, Auto_Submitted="auto-replied")


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def paths(world):
    return {row.recipient: world.returns.make(row) for row in world.queue.list_rows()}


def come_back(world, raw, address, *, sender="", account=None, **more):
    [stored] = world.receive(raw, address, sender=sender, **more)
    world.settle(account)
    return world.api("messages_get", id=stored, account=account)


def test_a_return_address_is_a_recipient_and_a_forged_one_is_unknown(world):
    send(world, KIM)
    address = paths(world)[KIM]
    assert world.inbound.check_recipient(address) is Recipient.LOCAL
    forged = address.replace("@", "a@")
    assert world.inbound.check_recipient(forged) is Recipient.UNKNOWN
    world.clock.advance(s=11 * 86_400)
    assert world.inbound.check_recipient(address) is Recipient.UNKNOWN
    with pytest.raises(NotFoundError):
        come_back(world, OOO, address)


def test_a_forged_return_address_is_what_other_addresses_are_to_a_catch_all(world):
    send(world, KIM)
    alias = Alias("1", "*@penfold.test", "penfold.test", world.bob.id, 0)
    world.directory.change(lambda writer: writer.add(alias))
    forged = paths(world)[KIM].replace("@", "a@")
    assert world.inbound.check_recipient(forged) is Recipient.LOCAL
    assert come_back(world, OOO, forged, account=world.bob).thread_id
    assert notes(world) == {KIM: []}


def test_the_mailbox_being_away_the_return_address_is_too(world):
    send(world, KIM)
    address = paths(world)[KIM]
    world.mailboxes.damaged.add(world.alice.id)
    assert world.inbound.check_recipient(address) is Recipient.UNAVAILABLE


def test_a_bounce_is_about_the_row_it_comes_back_to_even_if_it_names_neither(world):
    sent = send(world, KIM, LEE)
    raw = make_bounce("other@forwarded.example", message_id="theirs@forwarded.example")
    message = come_back(world, raw, paths(world)[LEE])
    assert message.thread_id == sent
    assert "INBOX" in message.label_ids
    assert notes(world) == {KIM: [], LEE: ["bounced later: 550 5.1.1 gone"]}


def test_of_several_recipients_in_a_bounce_the_rows_own_counts(world):
    send(world, KIM)
    [row] = world.queue.list_rows()
    report = BounceReport(
        (RecipientStatus("x@y.example", Action.FAILED), RecipientStatus(KIM, Action.DELAYED))
    )
    assert note_returned(world.queue, row, report, subject="", now_ms=0) == 1
    assert notes(world) == {KIM: ["delayed on its way"]}


def test_an_answer_that_is_no_report_joins_and_is_quoted(world):
    sent = send(world, KIM)
    assert come_back(world, OOO, paths(world)[KIM]).thread_id == sent
    assert notes(world) == {KIM: ["answered: Automatic reply: Lunch"]}


def test_an_answer_without_a_subject_is_noted_in_a_word(world):
    send(world, KIM)
    come_back(world, mail(""), paths(world)[KIM])
    assert notes(world) == {KIM: ["answered"]}


def test_an_answer_joins_what_was_forwarded_from_the_mailbox(world):
    [received] = world.receive(mail("News", message_id="news@elsewhere.example"))
    forwarded = NewQueueRow(
        world.alice.id, 1, world.alice.address, KIM, "News", b"x", world.clock.now_ms(),
        message_id="news@elsewhere.example",
    )  # fmt: skip
    world.queue.add([forwarded], state=QueueState.SENT)
    assert come_back(world, OOO, paths(world)[KIM]).thread_id == received


def test_an_answer_to_what_was_removed_stands_alone_is_noted_and_no_spam(world):
    sent = send(world, KIM)
    world.api("messages_delete", id=sent)
    judged = Judged(OOO, b"", spam=True, spares_reports=True)
    message = come_back(world, OOO, paths(world)[KIM], judged=judged)
    assert message.thread_id == message.id
    assert "INBOX" in message.label_ids
    assert len(notes(world)[KIM]) == 1


def test_an_answer_that_is_offered_again_is_stored_and_noted_once(world):
    send(world, KIM)
    raw = mail("Away", message_id="away@elsewhere.example")
    first = come_back(world, raw, paths(world)[KIM])
    assert come_back(world, raw, paths(world)[KIM]).id == first.id
    assert notes(world) == {KIM: ["answered: Away"]}


@pytest.mark.parametrize("spares", [True, False])
def test_an_answer_is_no_spam_for_want_of_a_signature_but_by_a_scanners_word(world, spares):
    sent = send(world, KIM)
    judged = Judged(OOO, b"", spam=True, spares_reports=spares)
    message = come_back(world, OOO, paths(world)[KIM], judged=judged)
    assert ("SPAM" in message.label_ids) != spares
    assert (message.thread_id == sent) == spares
    assert len(notes(world)[KIM]) == spares


def test_mail_that_answers_nothing_is_refused_at_a_return_address(world):
    send(world, KIM)
    with pytest.raises(NoAnswerError):
        come_back(world, mail("Buy"), paths(world)[KIM], sender="seller@elsewhere.example")
    assert notes(world) == {KIM: []}


def test_a_report_with_a_reverse_path_comes_in(world):
    sent = send(world, KIM)
    message = come_back(world, make_bounce(KIM), paths(world)[KIM], sender="mta@x.example")
    assert message.thread_id == sent
    assert len(notes(world)[KIM]) == 1


def test_a_row_that_waits_gets_its_answer_without_a_note(world):
    """Servers that ask whether the sender exists do so while the row is being delivered."""
    world.submit(mail(message_id="one@penfold.test"), KIM)
    come_back(world, OOO, paths(world)[KIM])
    [row] = world.queue.list_rows()
    assert (row.state, world.queue.list_attempts(row.id)) == (QueueState.QUEUED, [])


def test_one_message_to_a_mailbox_and_to_its_return_address_is_one(world):
    sent = send(world, KIM)
    stored = world.receive(OOO, world.alice.address, paths(world)[KIM], sender="")
    assert len(stored) == 1
    assert world.api("messages_get", id=stored[0]).thread_id == sent


def test_an_automatic_answer_of_an_account_here_reaches_who_sent_it(world):
    """Mail that left came back by way of a list elsewhere."""
    sent = send(world, "list@elsewhere.example")
    [address] = paths(world).values()
    world.change(
        lambda box: box.add_outbox(sender="", recipients=[address], raw=OOO, now_ms=0), world.bob
    )
    assert world.settle(world.bob) is None
    world.settle()
    [answer] = world.list_ids(label_ids=["INBOX"])
    assert world.api("messages_get", id=answer).thread_id == sent
    assert notes(world) == {"list@elsewhere.example": ["answered: Automatic reply: Lunch"]}


def test_mail_of_an_account_here_to_a_return_address_is_for_nobody(world):
    send(world, KIM)
    address = paths(world)[KIM]
    assert world.outbound.check_recipient(address) is Recipient.UNKNOWN


# --- complaints


def complain(*, sender="", message_id="", recipient="", kind="abuse"):
    """Return a complaint about a message."""
    fields = [
        f"Feedback-Type: {kind}", "User-Agent: Yard/1", "Version: 1",
        f"Original-Rcpt-To: {recipient}" if recipient else "",
    ]  # fmt: skip
    header = [
        f"Return-Path: <{sender}>" if sender else "",
        f"Message-ID: <{message_id}>",
        "Subject: x",
    ]
    return make("\n".join(filter(None, fields)), returned="\n".join(filter(None, header)) + "\n")


def test_a_complaint_that_comes_to_a_return_address_is_noted(world):
    sent = send(world, KIM)
    raw = complain()
    message = come_back(world, raw, paths(world)[KIM], sender="fbl@yard.example")
    assert message.thread_id == sent
    assert notes(world) == {KIM: ["complained of: abuse"]}


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_feedback_that_is_no_complaint_is_not_called_one(world, kind):
    send(world, KIM)
    come_back(world, complain(kind=kind), paths(world)[KIM])
    [said] = notes(world)[KIM]
    assert said.startswith("reported as n")


def test_a_complaint_that_returns_a_return_path_is_noted_wherever_it_arrives(world):
    send(world, KIM, LEE)
    raw = complain(sender=paths(world)[LEE])
    world.receive(raw, world.bob.address, sender="fbl@yard.example")
    world.settle(world.bob)
    assert notes(world) == {KIM: [], LEE: ["complained of: abuse"]}


def test_a_complaint_in_the_senders_mailbox_is_noted_by_its_message_id(world):
    send(world, KIM, LEE)
    raw = complain(message_id="one@penfold.test", recipient=KIM)
    message = arrive(world, raw, sender="fbl@yard.example")
    assert message.thread_id == message.id
    assert notes(world) == {KIM: ["complained of: abuse"], LEE: []}


def test_a_complaint_in_another_mailbox_needs_more_than_a_message_id(world):
    send(world, KIM)
    world.receive(complain(message_id="one@penfold.test"), world.bob.address, sender="f@y.example")
    world.settle(world.bob)
    assert notes(world) == {KIM: []}


def test_a_complaint_kept_with_the_reports_is_noted_by_what_it_names(world):
    send(world, KIM, LEE)
    by_path = complain(sender=paths(world)[LEE])
    by_id = complain(message_id="one@penfold.test", recipient=KIM)
    by_neither = complain(message_id="other@penfold.test")
    noted = [
        note_complaint(
            world.queue,
            find_complaint(find_report(raw)),
            find_row=world.returns.find_row,
            now_ms=world.clock.now_ms(),
        )
        for raw in (by_path, by_id, by_neither)
    ]
    assert noted == [1, 1, 0]
    assert notes(world) == {KIM: ["complained of: abuse"], LEE: ["complained of: abuse"]}


def test_reports_of_other_kinds_are_no_complaints():
    report = Report(
        kind=ReportKind.DMARC, reporter="r.example", domain="penfold.test", report_id="1"
    )
    assert find_complaint(report) is None
    found = find_complaint(find_report(make(ABUSE)))
    assert found.kind == "abuse"
    assert found.sender == "somespammer@example.net"


def test_a_complaint_about_a_row_that_is_gone_is_dropped(world):
    send(world, KIM)
    [row] = world.queue.list_rows()
    complaint = Complaint("abuse", sender="any")
    gone = structs.replace(row, id=99)
    assert not note_complaint(world.queue, complaint, find_row=lambda _: gone, now_ms=0)
