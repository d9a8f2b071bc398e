"""Mail from outside: recipients, trace headers, one message per mailbox, retries."""

import sys
import tracemalloc

import pytest
from tests.unit.world import mail

from penfold.base.errors import MailboxDamagedError, NotFoundError, UnavailableError
from penfold.base.limits import PARSE_INLINE_MAX_BYTES, RECEIPT_HOURS
from penfold.domain.envelope import Recipient
from penfold.domain.incoming.inbound import Inbound, judge_recipient
from penfold.domain.incoming.judging import Judged
from penfold.ports.directory import Account


def raw_of(world, message, account=None):
    return world.read(lambda box: box.get_raw(int(message, 16)), account)


@pytest.mark.parametrize(
    ("address", "judged"),
    [
        pytest.param("alice@penfold.test", Recipient.LOCAL, id="account"),
        pytest.param("Alice+news@PENFOLD.test", Recipient.LOCAL, id="plus-tag-and-case"),
        pytest.param("nobody@penfold.test", Recipient.UNKNOWN, id="unknown"),
        pytest.param("alice@elsewhere.example", Recipient.REMOTE, id="remote"),
    ],
)
def test_recipients_are_judged(world, address, judged):
    assert world.inbound.check_recipient(address) is judged
    assert world.outbound.check_recipient(address) is judged


def test_recipient_with_a_damaged_mailbox_is_unavailable_and_others_live_on(world):
    world.mailboxes.damaged.add(world.bob.id)
    assert world.inbound.check_recipient("bob@penfold.test") is Recipient.UNAVAILABLE
    assert world.inbound.check_recipient("alice@penfold.test") is Recipient.LOCAL


def test_account_whose_mailbox_is_not_made_yet_is_unavailable(world):
    world.directory.seed_account("carol@penfold.test")
    assert world.inbound.check_recipient("carol@penfold.test") is Recipient.UNAVAILABLE


class Suspending:
    """A directory whose accounts are all suspended."""

    def is_local_domain(self, domain):
        return True

    def find_account(self, address):
        return Account("m1", address, "", 0, suspended=True)


def test_suspended_account_gets_no_mail(world):
    judged = judge_recipient(Suspending(), world.mailboxes, "alice@penfold.test")
    assert judged is Recipient.UNKNOWN


def test_message_is_stored_with_trace_headers_in_front_of_what_came(world):
    raw = mail(message_id="a@x.example")
    [message] = world.receive(raw, "Alice@penfold.test")
    stored = raw_of(world, message)
    assert stored.endswith(raw)
    names = [line.split(b":")[0] for line in stored[: -len(raw)].split(b"\r\n") if line[:1] != b" "]
    assert names == [b"Delivered-To", b"Return-Path", b"Received", b""]
    assert b"Delivered-To: Alice@penfold.test\r\n" in stored
    assert b"Return-Path: <writer@elsewhere.example>\r\n" in stored
    received = stored.partition(b"Received: ")[2].partition(b"\r\nFrom:")[0].replace(b"\r\n", b"")
    assert received.startswith(
        b"from probe.example ([192.0.2.7]) by mx.penfold.test with ESMTP id s1 "
        b"for <Alice@penfold.test>; "
    )
    row = world.api("messages_get", id=message, format="minimal")
    assert set(row.label_ids) == {"INBOX", "UNREAD"}
    assert row.internal_date == str(world.clock.now_ms())


def test_null_sender_is_an_empty_return_path(world):
    [message] = world.receive(mail(), sender="")
    assert b"Return-Path: <>\r\n" in raw_of(world, message)


def test_several_recipients_get_a_message_each_that_names_no_other(world):
    raw = mail(message_id="a@x.example")
    to_alice, to_bob = world.receive(raw, "alice@penfold.test", "bob@penfold.test")
    assert b"bob" not in raw_of(world, to_alice)
    assert b" for <alice@penfold.test>" in raw_of(world, to_alice)
    assert b"alice" not in raw_of(world, to_bob, world.bob)[: -len(raw)]
    assert world.list_ids(account=world.bob) == [to_bob]


def test_recipients_of_one_mailbox_get_one_message(world):
    ids = world.receive(
        mail(), "alice@penfold.test", "alice+a@penfold.test", "Alice+b@penfold.test"
    )
    assert world.list_ids() == ids
    stored = raw_of(world, ids[0])
    assert stored.count(b"Delivered-To: ") == 3
    assert b" for <" not in stored
    found = world.list_ids(q="deliveredto:alice+a@penfold.test")
    assert found == ids


@pytest.mark.parametrize("size", [100, PARSE_INLINE_MAX_BYTES * 2])
def test_retried_octets_give_the_first_id(world, size):
    raw = mail(message_id="a@x.example", body="x" * size)
    [first] = world.receive(raw)
    world.clock.advance(s=60)
    assert world.receive(raw) == [first]
    assert world.list_ids() == [first]


class Waiting:
    """Mailboxes that do nothing yet; `changes` are what they were asked for."""

    def __init__(self):
        self.changes = []

    def submit(self, mailbox_id, change, done):
        self.changes.append((mailbox_id, change))


@pytest.mark.parametrize("fields", [None, b"X-Found: nothing\r\n"], ids=["plain", "judged"])
def test_what_was_found_of_a_long_message_costs_no_copy_of_it(world, fields):
    raw = mail(message_id="a@x.example", body="x" * 64 * PARSE_INLINE_MAX_BYTES)
    waiting = Waiting()
    inbound = Inbound(**{**world.inbound_ports, "mailboxes": waiting})
    envelope = world.envelope("writer@elsewhere.example", [world.alice.address])
    inbound.accept(envelope, raw, print, fields and Judged(raw, fields))
    [(mailbox_id, change)] = waiting.changes
    tracemalloc.start()
    try:
        world.mailboxes.change(mailbox_id, change)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * len(raw)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fields", [None, b"X-Found: nothing\r\n"], ids=["plain", "judged"])
def test_long_message_is_let_go_of_once_its_copy_with_trace_headers_is_made(world, fields):
    raw = mail(message_id="a@x.example", body="x" * PARSE_INLINE_MAX_BYTES)
    held = sys.getrefcount(raw)
    waiting = Waiting()
    judged = fields and Judged(raw, fields)
    envelope = world.envelope("writer@elsewhere.example", [world.alice.address])
    inbound = Inbound(**{**world.inbound_ports, "mailboxes": waiting})
    inbound.accept(envelope, raw, print, judged)
    del judged
    assert sys.getrefcount(raw) > held
    [(mailbox_id, change)] = waiting.changes
    first = world.mailboxes.change(mailbox_id, change)
    assert sys.getrefcount(raw) == held
    stored = raw_of(world, f"{first:x}")
    assert stored.endswith((fields or b"") + raw)
    # A change whose transaction was not committed is run again; here in a mailbox without it.
    again = world.mailboxes.change(world.bob.id, change)
    assert raw_of(world, f"{again:x}", world.bob) == stored


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda w: w.receive(mail(message_id="b@x.example")), id="other-message-id"),
        pytest.param(
            lambda w: w.receive(mail(message_id="a@x.example"), sender="other@x.example"),
            id="other-sender",
        ),
        pytest.param(
            lambda w: w.receive(mail(message_id="a@x.example"), "alice+2@penfold.test"),
            id="other-recipient",
        ),
        pytest.param(
            lambda w: w.receive(mail(message_id="a@x.example", body="other")), id="other-octets"
        ),
    ],
)
def test_what_differs_is_another_message(world, again):
    [first] = world.receive(mail(message_id="a@x.example"))
    [second] = again(world)
    assert second != first


def test_equal_messages_without_message_id_are_two(world):
    assert world.receive(mail()) != world.receive(mail())


def test_receipt_is_forgotten_after_its_time(world):
    raw = mail(message_id="a@x.example")
    [first] = world.receive(raw)
    world.clock.advance(s=RECEIPT_HOURS * 3600 + 1)
    world.receive(mail(message_id="later@x.example"))
    assert world.receive(raw) != [first]


def test_failed_mailbox_fails_the_transaction_and_the_retry_doubles_nothing(world):
    raw = mail(message_id="a@x.example")
    world.mailboxes.damaged.add(world.bob.id)
    with pytest.raises(MailboxDamagedError):
        world.receive(raw, "alice@penfold.test", "bob@penfold.test")
    world.mailboxes.damaged.clear()
    to_alice, to_bob = world.receive(raw, "alice@penfold.test", "bob@penfold.test")
    assert world.list_ids() == [to_alice]
    assert world.list_ids(account=world.bob) == [to_bob]


def test_recipient_that_is_gone_at_the_end_refuses_the_whole(world):
    with pytest.raises(NotFoundError):
        world.receive(mail(), "alice@penfold.test", "nobody@penfold.test")
    assert world.list_ids() == []


def test_directory_in_trouble_is_reported(world):
    class Broken:
        def find_account(self, address):
            raise UnavailableError

    inbound = Inbound(**{**world.inbound_ports, "directory": Broken()})
    told = []
    inbound.accept(world.envelope("", ["a@penfold.test"]), b"", lambda *got: told.append(got))
    [(ids, error)] = told
    assert ids is None
    assert isinstance(error, UnavailableError)


class Sink:
    """Takes reports for one address; `taken` says how often."""

    def __init__(self, error=None):
        self.error, self.taken = error, 0

    def is_for(self, address):
        return address == "reports@penfold.test"

    def submit(self, envelope, data, done):
        self.taken += 1
        done(None if self.error else 0, self.error)


def test_reports_need_no_account_and_others_get_their_copy_as_well(world):
    sink = Sink()
    world.inbound.sinks = (sink,)
    assert world.inbound.check_recipient("reports@penfold.test") is Recipient.LOCAL
    raw = mail(message_id="r@x.example")
    world.receive(raw, "reports@penfold.test")
    first, _ = world.receive(raw, "alice@penfold.test", "reports@penfold.test")
    assert raw in raw_of(world, first)
    assert sink.taken == 2


def test_a_report_that_cannot_be_kept_fails_the_transaction(world):
    world.inbound.sinks = (Sink(UnavailableError("full")),)
    with pytest.raises(UnavailableError):
        world.receive(mail(message_id="r@x.example"), "alice@penfold.test", "reports@penfold.test")
