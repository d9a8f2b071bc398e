"""Forwarding: who gets a copy, what it looks like, and that no loop forms."""

import hashlib
import itertools

import pytest
from tests.unit.domain.mailbox.test_filtering import WITH_FILE, add_filter, labels_of
from tests.unit.fragile import Crash, Fragile, Step
from tests.unit.world import World, mail, make_hand_over

from penfold.base.labels import INBOX, SPAM
from penfold.base.limits import LOCAL_PART_MAX_BYTES, SMTP_HOPS_MAX
from penfold.domain.outgoing.outbound import Outbound
from penfold.domain.settings.forwarding import find_auto_target, make_forward_sender
from penfold.proto.mime.compose import header_values
from penfold.proto.smtp.parameters import MailOptions
from penfold.spec.schemas import AutoForwarding, FilterAction, ForwardingAddress, VacationSettings

ALICE, BOB, OUT = "alice@penfold.test", "bob@penfold.test", "friend@elsewhere.example"


def forward_to(world, address, account=None, disposition="leaveInInbox"):
    world.accept_forwarding(address, account)
    body = AutoForwarding(enabled=True, email_address=address, disposition=disposition)
    world.api("settings_update_auto_forwarding", account=account, body=body)


def forwarded(world):
    """Return what left for elsewhere, once both outboxes are handed over."""
    for _ in range(3):
        for account in (world.alice, world.bob):
            world.settle(account)
    return [row for row in world.queue.list_rows() if row.recipient == OUT]


def copies(world):
    return [(row.sender, row.recipient) for row in forwarded(world)]


@pytest.mark.parametrize(
    ("disposition", "labels"),
    [
        ("leaveInInbox", {"INBOX", "UNREAD"}),
        ("archive", {"UNREAD"}),
        ("trash", {"TRASH", "UNREAD"}),
        ("markRead", {"INBOX"}),
    ],
)
def test_mail_is_forwarded_and_disposed_of(world, disposition, labels):
    forward_to(world, OUT, disposition=disposition)
    [message] = world.receive(mail())
    assert labels_of(world, message) == labels
    assert copies(world) == [("alice+caf_=friend=elsewhere.example@penfold.test", OUT)]


def test_an_address_that_comes_back_gets_no_mail_until_forwarding_is_on_again(world):
    forward_to(world, BOB, disposition="archive")
    world.api("forwarding_addresses_delete", forwarding_email=BOB)
    assert world.api("settings_get_auto_forwarding") == AutoForwarding(enabled=False)
    body = ForwardingAddress(forwarding_email=BOB)
    world.api("forwarding_addresses_create", body=body)
    [message] = world.receive(mail())
    assert world.outbox() == []
    assert labels_of(world, message) == {"INBOX", "UNREAD"}


def test_copy_is_what_is_stored_with_gmails_fields_on_top(world):
    forward_to(world, OUT)
    [message] = world.receive(WITH_FILE)
    [row] = forwarded(world)
    raw = world.queue.get_raw(row.id)
    stored = world.read(lambda box: box.get_raw(int(message, 16)))
    assert raw == (f"X-Forwarded-To: {OUT}\r\nX-Forwarded-For: {ALICE} {OUT}\r\n".encode() + stored)
    assert raw.endswith(WITH_FILE)


def test_filter_forwards_what_it_matches_and_nothing_else(world):
    world.accept_forwarding(OUT)
    add_filter(world, FilterAction(forward=OUT), from_="ann")
    world.receive(mail())
    assert copies(world) == []
    [message] = world.receive(WITH_FILE)
    assert len(copies(world)) == 1
    assert labels_of(world, message) == {"INBOX", "UNREAD"}


def test_one_address_gets_one_copy_however_many_reasons_there_are(world):
    forward_to(world, OUT)
    add_filter(world, FilterAction(forward=OUT), from_="ann")
    add_filter(world, FilterAction(forward=OUT.upper()), subject="report")
    world.receive(WITH_FILE)
    assert len(copies(world)) == 1


def test_same_bytes_again_are_not_forwarded_again(world):
    forward_to(world, OUT)
    raw = mail(message_id="a@x.example")
    assert world.receive(raw) == world.receive(raw)
    assert len(copies(world)) == 1


def test_consent_counts_when_the_mail_arrives(world):
    forward_to(world, OUT, disposition="trash")
    world.change(
        lambda box: box.put_setting(
            ForwardingAddress(forwarding_email=OUT, verification_status="pending"), OUT
        )
    )
    [message] = world.receive(mail())
    world.change(lambda box: box.delete_setting(ForwardingAddress, OUT))
    world.receive(mail())
    assert copies(world) == []
    # What is not forwarded is not disposed of either.
    assert labels_of(world, message) == {"INBOX", "UNREAD"}


@pytest.mark.parametrize("needed", [True, False])
def test_what_must_not_travel_in_clear_is_sent_on_under_the_same_terms(world, needed):
    forward_to(world, OUT)
    world.receive(mail(), options=MailOptions(require_tls=needed, ret="FULL", envid="theirs"))
    [row] = forwarded(world)
    assert row.options == MailOptions(require_tls=needed)


def test_mail_from_here_that_must_not_travel_in_clear_is_sent_on_so_too(world):
    forward_to(world, OUT, world.bob)
    world.submit(mail(to=BOB, sender=ALICE), BOB, options=MailOptions(require_tls=True))
    [row] = forwarded(world)
    assert row.options == MailOptions(require_tls=True)


def test_notice_goes_on_without_a_reverse_path(world):
    forward_to(world, OUT)
    world.receive(mail(), sender="")
    assert copies(world) == [("", OUT)]


def test_two_accounts_that_forward_to_each_other_form_no_loop(world):
    forward_to(world, BOB)
    forward_to(world, ALICE, world.bob)
    world.receive(mail("First"))
    world.receive(mail("Second", to=BOB), BOB)
    forwarded(world)
    for account in (world.alice, world.bob):
        assert len(world.list_ids(account, q="subject:first")) == 1
        assert len(world.list_ids(account, q="subject:second")) == 1
        assert world.outbox(account) == []


def test_chain_of_three_goes_round_once(world):
    carol = world.add_account("carol@penfold.test")
    forward_to(world, BOB)
    forward_to(world, carol.address, world.bob)
    forward_to(world, ALICE, carol)
    world.receive(mail("Round"))
    forwarded(world)
    world.settle(carol)
    forwarded(world)
    for account in (world.alice, world.bob, carol):
        assert len(world.list_ids(account, q="subject:round")) == 1
        assert world.outbox(account) == []


@pytest.mark.parametrize("own", [ALICE, "alice+other@penfold.test", "ALICE@penfold.test"])
def test_nobody_forwards_to_oneself(world, own):
    forward_to(world, own)
    world.receive(mail())
    world.settle()
    assert len(world.list_ids()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": f"{ALICE} {OUT}"},
        {"X_Forwarded_For": "Alice+tag@penfold.test x@y.example"},
        {"X_Forwarded_For": f"{OUT} {ALICE}"},
    ],
    ids=["forwarded by us", "under another spelling", "forwarded by the target"],
)
def test_what_came_round_by_other_servers_stops(world, headers):
    forward_to(world, OUT)
    world.receive(mail(**headers))
    assert copies(world) == []


def test_too_many_hops_end_a_loop_nobody_marks(world):
    forward_to(world, OUT)
    hop = b"Received: from x by y with SMTP id 1\r\n"
    world.receive(hop * (SMTP_HOPS_MAX - 1) + mail())
    assert len(copies(world)) == 1
    world.receive(hop * SMTP_HOPS_MAX + mail())
    assert len(copies(world)) == 1


def test_mail_between_accounts_and_to_oneself_is_forwarded(world):
    forward_to(world, OUT)
    forward_to(world, OUT, world.bob)
    world.submit(mail("Hello", to=BOB), BOB)
    world.submit(mail("Note"), ALICE)
    assert sorted(copies(world)) == [
        ("alice+caf_=friend=elsewhere.example@penfold.test", OUT),
        ("bob+caf_=friend=elsewhere.example@penfold.test", OUT),
    ]


def test_bounce_of_a_copy_reaches_the_account(world):
    forward_to(world, OUT)
    world.receive(mail())
    [row] = forwarded(world)
    world.receive(mail("Undeliverable"), row.sender, sender="")
    assert len(world.list_ids(q="subject:undeliverable")) == 1


def test_long_or_odd_targets_leave_the_plain_sender():
    long = "x" * LOCAL_PART_MAX_BYTES + "@elsewhere.example"
    assert make_forward_sender("w@x.example", ALICE, long) == ALICE
    assert make_forward_sender("w@x.example", ALICE, '"a b"@elsewhere.example') == ALICE


def test_signed_fields_and_body_keep_their_octets(world):
    """What a DKIM signature covers is the same before and after."""
    forward_to(world, OUT)
    raw = mail(body="line one  \r\n\r\n.dot\r\n\tlast\r\n", DKIM_Signature="v=1; h=from")
    world.receive(raw)
    [row] = forwarded(world)
    copy = world.queue.get_raw(row.id)
    assert hashlib.sha256(copy[-len(raw) :]).digest() == hashlib.sha256(raw).digest()
    assert header_values(copy, "DKIM-Signature") == ["v=1; h=from"]


def test_spam_is_not_forwarded_by_itself():
    auto = AutoForwarding(enabled=True, email_address=OUT)
    assert find_auto_target(auto, frozenset({INBOX})) == [OUT]
    assert find_auto_target(auto, frozenset({SPAM})) == []
    assert find_auto_target(None, frozenset({INBOX})) == []


def test_forwarded_mail_gets_no_vacation_reply_from_who_it_does_not_name(world):
    forward_to(world, BOB)
    away = VacationSettings(enable_auto_reply=True, response_subject="Away")
    world.api("settings_update_vacation", account=world.bob, body=away)
    world.receive(mail())
    forwarded(world)
    assert len(world.list_ids(world.bob)) == 1
    assert world.queue.list_rows() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_at_every_step_and_a_repeat_give_exactly_one_copy(after):
    for last in itertools.count(1):
        world = World()
        forward_to(world, OUT, world.bob)
        quiet = Outbound(**world.ports)
        quiet.close()  # so that nothing is handed over by itself
        world.outbound.close()
        raw = mail("Hello", to=BOB)
        world.change(
            lambda box, raw=raw, quiet=quiet, world=world: quiet.send(
                box, world.alice, raw, now_ms=world.clock.now_ms()
            )
        )
        step = Step(last, after=after)
        ports = {
            **world.hand_over_ports,
            "mailboxes": Fragile(world.mailboxes, step, {"change"}),
            "queue": Fragile(world.queue, step, {"add"}),
        }
        finished = move_both(world, ports)
        if not finished:
            assert move_both(world, world.hand_over_ports)
        [row] = world.queue.list_rows()
        assert row.recipient == OUT
        assert len(world.list_ids(world.bob)) == 1
        assert world.outbox(world.alice) == world.outbox(world.bob) == []
        if finished:
            assert last > 4
            return


def move_both(world, ports):
    """Hand over both outboxes; return whether no crash came between."""
    mover = make_hand_over(**ports)
    try:
        mover.move(world.alice.id)
        mover.move(world.bob.id)
    except Crash:
        return False
    return True
