"""Where a mail is and what became of it, and the last mails of an address."""

import pytest
from tests.unit.world import World, mail

from penfold.base.errors import ParseError
from penfold.base.labels import SPAM
from penfold.base.limits import TRACE_ATTEMPTS_MAX, TRACE_COPIES_MAX
from penfold.domain.access.aliases import Aliases
from penfold.domain.tracing.address import AddressTracer
from penfold.domain.tracing.mail import MailTracer
from penfold.domain.tracing.reading import look_into
from penfold.ports.queue import Attempt, QueueState

ID = "one@penfold.test"
LEE = "lee@elsewhere.example"
RAW = mail("Figures", message_id=ID, sender="alice@penfold.test")


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def trace(world, header_id=ID, **wanted):
    return MailTracer(world.directory, world.mailboxes, world.queue).trace(header_id, **wanted)


def trace_message(world, message_id):
    tracer = MailTracer(world.directory, world.mailboxes, world.queue)
    return tracer.trace_message(message_id)


def tracer_of(world):
    return AddressTracer(world.directory, world.mailboxes, world.queue)


def correspond(world, address, *, limit=20, **wanted):
    return tracer_of(world).trace(address, limit=limit, **wanted)


def where(found):
    return [(copy.mailbox, copy.sent) for copy in found.copies]


def end(world, recipient, state, outcome="250 ok", *, times=1):
    [row] = [row for row in world.queue.list_rows() if row.recipient == recipient]
    for number in range(times):
        attempt = Attempt(world.clock.now_ms() + number, f"{outcome} {number}", "", kind="network")
        world.queue.add_attempt(row.id, attempt, state=state)
    return row


# --- one mail ----------------------------------------------------------------------------


def test_a_mail_is_followed_from_the_sender_here_to_recipients_here_and_elsewhere(world):
    world.submit(RAW, "bob@penfold.test", LEE)
    end(world, LEE, QueueState.SENT)
    found = trace(world, f"<{ID}>")
    assert where(found) == [("alice@penfold.test", True), ("bob@penfold.test", False)]
    assert {copy.subject for copy in found.copies} == {"Figures"}
    [sending] = found.sendings
    assert (sending.row.recipient, sending.row.state) == (LEE, "sent")
    assert [each.outcome for each in sending.attempts] == ["250 ok 0"]
    assert (sending.destination, found.waiting, found.more) == (None, (), False)
    assert found.coverage.looked == found.coverage.accounts == 2


def test_a_copy_shows_how_it_came_and_what_was_found_of_it(world):
    raw = mail(message_id=ID, Authentication_Results="mx.penfold.test; spf=pass")
    [message] = world.receive(raw, "alice@penfold.test")
    [copy] = trace(world).copies
    assert copy.id == message
    assert copy.labels == ("INBOX", "UNREAD")
    names = [name for name, _ in copy.fields]
    assert names == ["Delivered-To", "Return-Path", "Received", "Authentication-Results"]
    assert ("Authentication-Results", "mx.penfold.test; spf=pass") in copy.fields


def test_a_mail_of_a_gmail_id_is_followed_by_its_message_id(world):
    [message] = world.submit(RAW, "bob@penfold.test")
    found = trace_message(world, message)
    assert found.header_id == ID
    assert len(found.copies) == 2
    assert trace_message(world, "1").is_empty
    with pytest.raises(ParseError):
        trace_message(world, "ffffffffffffffffff")


def test_a_mail_without_message_id_is_one_copy(world):
    [message] = world.receive(mail(), "alice@penfold.test")
    found = trace_message(world, message)
    assert (found.header_id, [copy.id for copy in found.copies]) == ("", [message])
    assert trace(world, "").is_empty


def test_a_held_destination_and_the_last_attempts_stand_with_a_row_that_waits(world):
    world.submit(RAW, LEE)
    end(world, LEE, QueueState.QUEUED, "451 later", times=TRACE_ATTEMPTS_MAX + 2)
    until_ms = world.clock.now_ms() + 60_000
    world.queue.hold("elsewhere.example", until_ms=until_ms, why="no answer")
    [sending] = trace(world).sendings
    assert sending.destination.held_ms == until_ms
    assert sending.destination.why == "no answer"
    assert sending.tries == TRACE_ATTEMPTS_MAX + 2
    assert [each.outcome for each in sending.attempts] == [
        f"451 later {number}" for number in range(2, TRACE_ATTEMPTS_MAX + 2)
    ]


def test_mail_that_cannot_be_handed_over_waits_in_the_outbox(world):
    world.mailboxes.damaged.add(world.bob.id)
    world.submit(RAW, "bob@penfold.test")
    found = trace(world)
    [waiting] = found.waiting
    assert (waiting.mailbox, waiting.recipients) == ("alice@penfold.test", ("bob@penfold.test",))
    assert found.coverage.unreadable == ("bob@penfold.test",)
    [entry] = correspond(world, "alice@penfold.test").entries
    assert entry.waiting


def test_a_notice_about_a_mail_is_found_with_what_it_says(world):
    world.submit(RAW, "nobody@penfold.test")
    [notice] = trace(world).notices
    assert notice.copy.mailbox == "alice@penfold.test"
    [recipient] = notice.recipients
    assert (recipient.final, recipient.action, recipient.status) == (
        "nobody@penfold.test",
        "failed",
        "5.1.1",
    )


def test_only_what_is_new_enough_is_shown(world):
    world.submit(RAW, LEE, "bob@penfold.test")
    now_ms = world.clock.now_ms()
    assert len(trace(world, since_ms=now_ms).copies) == 2
    assert trace(world, since_ms=now_ms + 1).is_empty
    assert correspond(world, LEE, since_ms=now_ms + 1).entries == ()


def test_so_many_copies_are_shown_and_no_more(world):
    for number in range(TRACE_COPIES_MAX // 2 + 1):
        world.receive(mail(f"{number}", message_id=ID), "alice@penfold.test", "bob@penfold.test")
    found = trace(world)
    assert len(found.copies) == TRACE_COPIES_MAX
    assert found.more


def test_so_many_mailboxes_are_looked_into_those_that_sent_it_first(world):
    aaron = world.directory.seed_account("aaron@penfold.test", account_id="m0")
    world.mailboxes.create(aaron.id)
    assert world.directory.list_accounts()[0] == aaron
    world.submit(RAW, LEE)
    tracer = MailTracer(world.directory, world.mailboxes, world.queue, mailboxes_max=1)
    found = tracer.trace(ID)
    assert (found.coverage.looked, found.coverage.accounts) == (1, 3)
    assert where(found) == [("alice@penfold.test", True)]


def test_looking_ends_when_it_is_enough(world):
    seen = []
    accounts = [world.alice, world.bob]
    answers, coverage = look_into(
        world.mailboxes, accounts, lambda account, _: seen.append(account), enough=lambda: seen
    )
    assert seen == [world.alice]
    assert (len(answers), coverage.looked, coverage.accounts) == (1, 1, 2)


# --- an address --------------------------------------------------------------------------


def summary(found):
    return [
        (
            entry.copy.subject if entry.copy else entry.rows[0].subject,
            entry.copy.mailbox if entry.copy else None,
            [row.state.value for row in entry.rows],
        )
        for entry in found.entries
    ]


def test_mail_of_an_account_is_listed_both_ways_newest_first_with_its_rows(world):
    world.receive(mail("In", message_id="in@x"), "alice@penfold.test")
    world.clock.advance(ms=1000)
    world.submit(RAW, LEE)
    end(world, LEE, QueueState.FAILED)
    found = correspond(world, "Alice@Penfold.test")
    assert (found.local, found.accounts) == (True, (world.alice,))
    assert summary(found) == [
        ("Figures", "alice@penfold.test", ["failed"]),
        ("In", "alice@penfold.test", []),
    ]
    assert found.coverage.accounts == 1
    assert len(correspond(world, "alice@penfold.test", limit=1).entries) == 1


def test_spam_is_listed_too(world):
    [message] = world.receive(mail("Win"), "alice@penfold.test")
    world.change(lambda box: box.set_labels(int(message, 16), frozenset({SPAM})))
    [entry] = correspond(world, "alice@penfold.test").entries
    assert entry.copy.labels == ("SPAM",)


def test_mail_of_an_address_elsewhere_is_found_in_all_mailboxes_and_in_the_queue(world):
    world.receive(mail("In", message_id="in@x", sender=LEE), "bob@penfold.test")
    world.clock.advance(ms=1000)
    world.submit(RAW, LEE, "kim@elsewhere.example")
    world.clock.advance(ms=1000)
    world.submit(
        mail("Hidden", message_id="h@x", sender="alice@penfold.test", to="bob@penfold.test"),
        "Lee@elsewhere.example",  # in the envelope only
    )
    until_ms = world.clock.now_ms() + 60_000
    world.queue.hold("elsewhere.example", until_ms=until_ms, why="no answer")
    found = correspond(world, "LEE@elsewhere.example")
    assert (found.local, found.accounts) == (False, ())
    assert found.destination.held_ms == until_ms
    assert summary(found) == [
        ("Hidden", None, ["queued"]),
        ("Figures", None, ["queued"]),
        ("In", "bob@penfold.test", []),
    ]


def test_a_mail_in_a_mailbox_and_in_the_queue_is_one_entry(world):
    world.submit(
        mail("Both", message_id=ID, sender="alice@penfold.test", to=LEE), LEE, "kim@x.example"
    )
    [entry] = correspond(world, LEE).entries
    assert entry.copy.mailbox == "alice@penfold.test"
    assert [row.recipient for row in entry.rows] == [LEE]


def test_mail_of_an_alias_is_found_where_it_leads_though_no_header_names_it(world):
    Aliases(world.directory, world.clock).add("team@penfold.test", "bob@penfold.test")
    world.receive(mail("Blind", message_id=ID, to=LEE), "team@penfold.test")
    world.receive(mail("Other", message_id="o@x"), "bob@penfold.test")
    found = correspond(world, "team@penfold.test")
    assert found.accounts == (world.bob,)
    assert summary(found) == [("Blind", "bob@penfold.test", [])]


def test_addresses_are_known_by_account_alias_or_queue_and_not_by_a_catch_all(world):
    aliases = Aliases(world.directory, world.clock)
    aliases.add("team@penfold.test", "bob@penfold.test")
    aliases.add("*@penfold.test", "bob@penfold.test")
    world.submit(RAW, LEE)
    tracer = tracer_of(world)
    known = ("alice@penfold.test", "Team@penfold.test", "LEE@elsewhere.example")
    assert [tracer.is_known(address) for address in known] == [True] * 3
    assert not tracer.is_known("x9@penfold.test")
    assert not tracer.is_known(ID)
