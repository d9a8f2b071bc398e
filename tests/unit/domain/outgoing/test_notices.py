"""Senders are told once what became of their mail, in its thread, and nobody else is told."""

import itertools
import threading

import pytest
from msgspec import structs
from tests.unit.fragile import Crash, Fragile, Step
from tests.unit.world import World, mail, make_hand_over

from penfold.base.limits import (
    DELAY_NOTICE_AFTER_MS,
    DELIVERY_LIFE_S,
    NOTICE_SWEEP_AFTER_MS,
    NOTICE_SWEEP_ROWS,
)
from penfold.domain.outgoing.notices import Event, Notices, is_wanted, make_event
from penfold.ports.queue import Attempt, Facts, NewQueueRow, QueueState, Settlement, Told, Tried
from penfold.proto.mime.scan import scan
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import find_bounce
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.parameters import MailOptions, ReportRequest
from penfold.spec.schemas import AutoForwarding, Filter, FilterAction, FilterCriteria
from penfold.testing.mailbox import MemoryMailboxes
from penfold.testing.queue import MemoryQueue

KIM = "kim@elsewhere.example"
NOBODY = "nobody@penfold.test"
REPLY = "550 5.7.1 not from you"


@pytest.fixture
def world():
    world = World(captures=False)
    yield world
    world.close()


def send(world, *recipients, notify=(), raw=None, **options):
    """Submit a message; return the id of the sent copy."""
    reports = (ReportRequest(notify, "rfc822", "kim@old.example"),) * len(recipients)
    [sent] = world.submit(
        raw or mail(message_id="one@penfold.test", sender="alice@penfold.test"),
        *recipients,
        options=MailOptions(**options),
        reports=reports if notify else (),
    )
    return sent


def end(world, state=QueueState.FAILED, reply=REPLY):
    """Bring the one row to a state; return it as a delivery loop has it."""
    [row] = world.queue.list_rows()
    attempt = Attempt(at_ms=world.clock.now_ms(), outcome=reply, transcript="")
    world.queue.add_attempt(row.id, attempt, state=state)
    return row


def event(world, action=Action.FAILED, **facts):
    return Event(action, world.clock.now_ms(), **facts)


def notices(world, account=None):
    """Return the messages in the inbox, oldest first, with their octets."""
    ids = reversed(world.list_ids(account=account, label_ids=["INBOX"]))
    return [
        (world.api("messages_get", account=account, id=each), world.read(
            lambda box, each=each: box.get_raw(int(each, 16)), account
        ))
        for each in ids
    ]  # fmt: skip


def fail(world, **facts):
    return world.outbound.notices.tell(end(world), event(world, **facts))


# --- what is told --------------------------------------------------------------------------


def test_a_failure_is_told_in_the_thread_of_what_was_sent(world):
    sent = send(world, KIM)
    facts = {
        "status": "5.7.1", "kind": Kind.POLICY, "diagnostic": REPLY,
        "remote_mta": "mx.elsewhere.example", "remote_ip": "192.0.2.25",
    }  # fmt: skip
    assert fail(world, **facts)
    [(message, raw)] = notices(world)
    assert message.thread_id == sent
    assert set(message.label_ids) == {"INBOX", "UNREAD"}
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"Return-Path: <>\r\n" in head
    assert b"From: Mail Delivery Subsystem <mailer-daemon@penfold.test>\r\n" in head
    assert b"X-Failed-Recipients: kim@elsewhere.example" in head
    report = find_bounce(raw, scan(raw))
    [told] = report.recipients
    assert (told.final, told.action, told.status) == (KIM, Action.FAILED, "5.7.1")
    assert (told.remote_mta, told.diagnostic) == ("mx.elsewhere.example (192.0.2.25)", REPLY)
    assert report.message_id == "one@penfold.test"
    assert world.queue.list_rows()[0].told is Told.OUTCOME


def test_what_the_sender_called_it_comes_back(world):
    send(world, KIM, notify=("FAILURE",), envid="QQ 314", ret="FULL")
    fail(world)
    [(_, raw)] = notices(world)
    report = find_bounce(raw)
    assert report.envelope_id == "QQ 314"
    assert report.recipients[0].original == "kim@old.example"
    assert b"Content-Type: message/rfc822\r\n" in raw


def test_of_a_message_that_needs_tls_only_the_header_comes_back(world):
    send(world, KIM, notify=("FAILURE",), ret="FULL", require_tls=True)
    fail(world)
    [(_, raw)] = notices(world)
    assert b"Content-Type: text/rfc822-headers\r\n" in raw
    assert b"Hello, text." not in raw


def test_a_failure_is_told_once_however_often_it_is_reported(world):
    send(world, KIM)
    row = end(world)
    for _ in range(3):
        assert world.outbound.notices.tell(row, event(world))
    world.queue.mark_told(row.id, Told.NOTHING)  # as if a crash came before the mark
    assert world.outbound.notices.tell(row, event(world))
    assert len(notices(world)) == 1


def test_two_at_once_tell_it_once():
    world = World(captures=False, runs_twice=False)
    send(world, KIM)
    row = end(world)
    threads = [
        threading.Thread(target=world.outbound.notices.tell, args=(row, event(world)))
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(notices(world)) == 1
    world.close()


def test_a_notice_starts_a_thread_when_the_sent_copy_is_gone(world):
    sent = send(world, KIM)
    world.api("messages_delete", id=sent)
    fail(world)
    [(message, _)] = notices(world)
    assert message.thread_id == message.id


def test_a_forwarding_that_fails_is_told_in_the_thread_of_what_was_forwarded(world):
    world.accept_forwarding(KIM)
    auto = AutoForwarding(enabled=True, email_address=KIM, disposition="leaveInInbox")
    world.change(lambda box: box.put_setting(auto))
    [received] = world.receive(mail(message_id="theirs@elsewhere.example"))
    world.settle()
    world.clock.advance(s=1)
    fail(world)
    *_, (message, raw) = notices(world)
    assert (message.thread_id, message.id != received) == (received, True)
    assert b"To: alice+caf_=kim=elsewhere.example@penfold.test\r\n" in raw


def test_filters_see_notices_as_any_mail(world):
    rule = Filter(
        id="f",
        criteria=FilterCriteria(from_="mailer-daemon"),
        action=FilterAction(add_label_ids=["STARRED"], remove_label_ids=["INBOX"]),
    )
    world.change(lambda box: box.put_setting(rule, "f"))
    send(world, KIM)
    fail(world)
    assert notices(world) == []
    assert len(world.list_ids(label_ids=["STARRED"])) == 1


# --- who wants to know ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notify", "wanted"),
    [
        ((), {Action.FAILED, Action.DELAYED}),
        (("NEVER",), set()),
        (("FAILURE",), {Action.FAILED}),
        (("DELAY",), {Action.DELAYED}),
        (("SUCCESS",), {Action.RELAYED}),
        (("SUCCESS", "FAILURE", "DELAY"), {Action.FAILED, Action.DELAYED, Action.RELAYED}),
    ],
)
def test_senders_are_told_what_they_asked_for(world, notify, wanted):
    send(world, KIM, notify=notify)
    [row] = world.queue.list_rows()
    actions = (Action.FAILED, Action.DELAYED, Action.RELAYED)
    assert {each for each in actions if is_wanted(row, event(world, each))} == wanted


def test_who_does_not_want_to_know_is_not_told_and_not_asked_again(world):
    send(world, KIM, notify=("NEVER",))
    assert fail(world)
    assert notices(world) == []
    assert world.queue.list_untold() == []


def test_nobody_is_told_of_mail_from_nobody(world):
    world.submit(mail(), KIM, sender="")
    assert fail(world)
    assert notices(world) == []
    assert world.queue.list_untold() == []


def test_success_is_told_where_the_next_server_does_not_report(world):
    sent = send(world, KIM, notify=("SUCCESS",))
    row = end(world, QueueState.SENT, "250 2.0.0 queued")
    world.outbound.notices.tell(row, event(world, Action.RELAYED))
    [(message, raw)] = notices(world)
    assert message.thread_id == sent
    [told] = find_bounce(raw).recipients
    assert (told.action, told.status) == (Action.RELAYED, "2.0.0")


def test_success_is_left_to_the_next_server_when_it_reports(world):
    send(world, KIM, notify=("SUCCESS",))
    row = end(world, QueueState.SENT, "250 2.0.0 queued")
    world.outbound.notices.tell(row, event(world, Action.RELAYED, passed_on=True))
    assert notices(world) == []
    assert world.queue.list_untold() == []


def test_a_row_that_somebody_gave_up_is_not_told_of(world):
    send(world, KIM)
    [row] = world.queue.list_rows()
    world.queue.cancel(row.id)
    assert world.outbound.notices.tell(row, event(world))
    assert notices(world) == []


def other(world, **ports):
    """Return notices with other stores."""
    known = {name: world.ports[name] for name in ("directory", "clock", "chance", "hostname")}
    known |= {"mailboxes": world.mailboxes, "queue": world.queue}
    return Notices(**known | ports, arriving=world.outbound.arriving)


def test_a_row_that_is_gone_has_nobody_to_tell(world):
    send(world, KIM)
    assert other(world, queue=MemoryQueue()).tell(end(world), event(world))
    assert notices(world) == []


# --- delays --------------------------------------------------------------------------------


def delay(world):
    [row] = world.queue.list_rows()
    until_ms = row.created_ms + 5 * 86_400_000
    facts = event(world, Action.DELAYED, diagnostic="451 4.7.1 later", retry_until_ms=until_ms)
    return world.outbound.notices.tell(row, facts)


def test_a_delay_is_told_once_after_four_hours(world):
    sent = send(world, KIM)
    world.clock.advance(ms=DELAY_NOTICE_AFTER_MS - 1)
    delay(world)
    assert notices(world) == []
    for _ in range(3):
        world.clock.advance(ms=1)
        assert delay(world)
    [(message, raw)] = notices(world)
    assert message.thread_id == sent
    assert b"Subject: Delivery Status Notification (Delay)" in raw
    [told] = find_bounce(raw).recipients
    assert (told.action, told.status) == (Action.DELAYED, "4.0.0")
    assert told.retry_until_ms is not None


def test_a_failure_after_a_delay_is_told_as_well(world):
    send(world, KIM)
    world.clock.advance(ms=DELAY_NOTICE_AFTER_MS)
    delay(world)
    fail(world)
    assert len(notices(world)) == 2


def test_a_delay_is_not_told_to_who_asked_for_failures_alone(world):
    send(world, KIM, notify=("FAILURE",))
    world.clock.advance(ms=DELAY_NOTICE_AFTER_MS)
    assert delay(world)
    assert notices(world) == []


def settle(world, state, **facts):
    """Settle the one row as a delivery loop does, and tell of it."""
    world.queue.retry(world.queue.list_rows()[0].id, now_ms=world.clock.now_ms())
    [lease] = world.queue.take(now_ms=world.clock.now_ms(), lease_ms=1, limit=1)
    attempt = Attempt(world.clock.now_ms(), REPLY, "", **facts)
    settlement = Settlement(lease, attempt, state, world.clock.now_ms())
    assert world.queue.settle([settlement]) == [True]
    return world.outbound.notices.tell_settled(settlement)


def test_what_is_settled_is_told_of_by_its_state(world):
    send(world, KIM, notify=("SUCCESS", "FAILURE", "DELAY"))
    created_ms = world.clock.now_ms()
    world.clock.advance(ms=DELAY_NOTICE_AFTER_MS)
    for state in (QueueState.QUEUED, QueueState.FAILED, QueueState.SENT):
        world.clock.advance(s=1)
        assert settle(world, state)
    told = [find_bounce(raw).recipients[0] for _, raw in notices(world)]
    assert [each.action for each in told] == [Action.DELAYED, Action.FAILED, Action.RELAYED]
    assert told[0].retry_until_ms == created_ms + 1_000 * DELIVERY_LIFE_S
    assert told[1].retry_until_ms is None


def test_a_row_that_fails_again_after_a_retry_by_hand_is_told_of_again(world):
    send(world, KIM)
    for _ in range(2):
        world.clock.advance(s=60)
        assert settle(world, QueueState.FAILED)
    assert len(notices(world)) == 2
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert sweep(world) == 0


# --- what cannot be stored now -------------------------------------------------------------


def sweep(world):
    return world.outbound.notices.sweep(threading.Event())


def test_a_notice_that_cannot_be_stored_is_made_up_for(world):
    sent = send(world, KIM)
    world.mailboxes.damaged.add(world.alice.id)
    assert not fail(world)
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert sweep(world) == 0
    world.mailboxes.damaged.clear()
    assert sweep(world) == 1
    [(message, raw)] = notices(world)
    assert message.thread_id == sent
    [told] = find_bounce(raw).recipients
    assert (told.status, told.diagnostic) == ("5.7.1", REPLY)
    assert sweep(world) == 0
    assert len(notices(world)) == 1


def test_a_sweep_leaves_alone_what_ended_just_now(world):
    send(world, KIM)
    end(world)
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS - 1)
    assert sweep(world) == 0
    world.clock.advance(ms=1)
    assert sweep(world) == 1


def test_a_sweep_goes_past_what_it_cannot_tell(world):
    world.queue.add(
        [
            NewQueueRow(world.bob.id, number, world.bob.address, KIM, "", b"x", 0)
            for number in range(NOTICE_SWEEP_ROWS + 1)
        ],
        state=QueueState.QUEUED,
    )
    send(world, KIM)
    for row in world.queue.list_rows(limit=NOTICE_SWEEP_ROWS + 2):
        attempt = Attempt(at_ms=world.clock.now_ms(), outcome=REPLY, transcript="")
        world.queue.add_attempt(row.id, attempt, state=QueueState.FAILED)
    world.mailboxes.damaged.add(world.bob.id)
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert sweep(world) == 1
    assert len(notices(world)) == 1


def test_nobody_is_left_when_the_account_is_gone(world):
    [row_id] = world.queue.add(
        [NewQueueRow("mgone", 1, "gone@penfold.test", KIM, "", b"x", 0)], state=QueueState.QUEUED
    )
    end(world)
    assert world.outbound.notices.tell(world.queue.get_row(row_id), event(world))
    assert world.queue.list_untold() == []


def test_a_success_whose_report_was_lost_is_made_up_for(world):
    send(world, KIM, notify=("SUCCESS",))
    end(world, QueueState.SENT, "250 2.0.0 queued as 77")
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert sweep(world) == 1
    [(_, raw)] = notices(world)
    assert find_bounce(raw).recipients[0].action is Action.RELAYED


def test_an_event_is_made_from_an_old_attempt_that_has_no_facts():
    found = make_event(Action.FAILED, Attempt(7, "550 5.1.1 no such user here", ""))
    assert (found.status, found.kind, found.at_ms) == ("5.1.1", Kind.INVALID_RECIPIENT, 7)
    assert make_event(Action.FAILED, Attempt(7, "nobody answered", "")).status == ""


def test_an_event_has_the_server_that_decided():
    tried = Tried("mx.elsewhere.example", "192.0.2.25", 25, "may", "", "rcpt", "refused", "reply")
    said = structs.replace(tried, code=550, enhanced="5.2.2", dsn=True)
    facts = Facts(tried=(tried, said))
    found = make_event(Action.FAILED, Attempt(7, "full", "", kind="mailbox_full", facts=facts))
    assert (found.remote_mta, found.remote_ip) == ("mx.elsewhere.example", "192.0.2.25")
    assert (found.status, found.kind, found.passed_on) == ("5.2.2", Kind.MAILBOX_FULL, True)
    silent = make_event(Action.FAILED, Attempt(7, "no answer", "", facts=Facts(tried=(tried,))))
    assert (silent.remote_mta, silent.passed_on) == ("", False)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_step_and_a_sweep_tell_it_once(after):
    for last in itertools.count(1):
        world = World(captures=False)
        send(world, KIM)
        row = end(world)
        step = Step(last, after=after)
        fragile = other(
            world,
            mailboxes=Fragile(world.mailboxes, step, {"change"}),
            queue=Fragile(world.queue, step, {"mark_told"}),
        )
        crashed = False
        try:
            fragile.tell(row, event(world))
        except Crash:
            crashed = True
        world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
        sweep(world)
        assert len(notices(world)) == 1
        assert world.queue.list_untold() == []
        world.close()
        if not crashed:
            assert last == 3
            return


# --- addresses of ours that nobody has -----------------------------------------------------


def test_an_address_here_that_nobody_has_is_told_of_at_once(world):
    sent = send(world, NOBODY, raw=mail(message_id="one@penfold.test"))
    [(message, raw)] = notices(world)
    assert message.thread_id == sent
    assert b"** Address not found **" in raw
    assert b"remote server" not in raw
    [told] = find_bounce(raw).recipients
    assert (told.final, told.status) == (NOBODY, "5.1.1")


def test_an_address_here_that_nobody_has_is_not_told_of_when_nobody_asked(world):
    send(world, NOBODY, notify=("SUCCESS",))
    assert notices(world) == []


def test_a_crash_before_the_row_is_marked_and_a_second_hand_over_tell_it_once(world):
    fragile = Fragile(world.queue, Step(1, after=False), {"mark_told"})
    hand_over = make_hand_over(**world.hand_over_ports | {"notices": other(world, queue=fragile)})
    world.change(
        lambda box: box.add_outbox(
            sender=world.alice.address, recipients=[NOBODY], raw=mail(), now_ms=0
        )
    )
    with pytest.raises(Crash):
        hand_over.move(world.alice.id)
    world.clock.advance(s=5)
    make_hand_over(**world.hand_over_ports).move(world.alice.id)
    assert len(notices(world)) == 1
    assert world.queue.list_untold() == []


def test_a_notice_that_cannot_be_stored_does_not_hold_up_the_outbox(world):
    broken = MemoryMailboxes()
    broken.damaged.add(world.alice.id)
    hand_over = make_hand_over(
        **world.hand_over_ports | {"notices": other(world, mailboxes=broken)}
    )
    world.change(
        lambda box: box.add_outbox(
            sender=world.alice.address, recipients=[NOBODY], raw=mail(), now_ms=0
        )
    )
    hand_over.move(world.alice.id)
    assert world.outbox() == []
    world.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert sweep(world) == 1
    assert len(notices(world)) == 1
