"""What became of rows of the queue is told once, in order, and bounces stop mail."""

import itertools

import pytest
from msgspec.structs import replace
from tests.unit.domain.sending.shop import BOB, KIM, Shop
from tests.unit.fragile import Crash, Fragile, Step

from penfold.base.limits import NOTICE_SWEEP_AFTER_MS
from penfold.domain.outgoing.bounces import Complaint
from penfold.domain.sending.news import News, find_kind, find_provider_of
from penfold.domain.sending.outcomes import Outcomes
from penfold.ports.queue import Attempt, Facts, QueueState, Told, Tried
from penfold.proto.address import domain_of
from penfold.proto.smtp.outcomes.classify import Blame

HOUR_MS = 3_600_000


@pytest.fixture
def shop():
    shop = Shop()
    shop.accept(KIM)
    shop.hand_over()
    return shop


def test_what_was_taken_is_delivered(shop):
    shop.outcomes.note([shop.settle(KIM, "250 2.0.0 ok", "accepted", QueueState.SENT)])
    assert shop.events() == ["sent", "delivered"]
    data = shop.event("delivered")
    assert (data["smtp_code"], data["enhanced_code"], data["attempt"]) == (250, "2.0.0", 1)
    assert "class" not in data
    assert shop.queue.list_rows()[0].told is Told.OUTCOME


def test_a_delay_is_told_again_only_for_another_reason(shop):
    for tries, kind in enumerate(["greylisted", "greylisted", "network", "greylisted"], 1):
        shop.clock.advance(ms=1_000)
        settled = shop.settle(KIM, "450 later", kind, QueueState.QUEUED, tries=tries)
        shop.outcomes.note([settled])
    assert shop.events() == ["sent", "deferred", "deferred", "deferred"]
    assert shop.queue.list_rows()[0].told is Told.NOTHING


@pytest.mark.parametrize(
    ("kind", "facts", "wanted"),
    [
        ("invalid_recipient", Facts(blame=Blame.ADDRESS), "bounced"),
        ("content_rejected", Facts(blame=Blame.CONTENT), "bounced"),
        ("bad_domain", Facts(blame=Blame.ADDRESS), "bounced"),
        ("auth_failed", Facts(blame=Blame.SENDER_DNS), "failed"),
        ("ptr_missing", Facts(blame=Blame.OPERATOR), "failed"),
        ("protocol", Facts(blame=Blame.SOFTWARE), "failed"),
        ("undetermined", Facts(), "failed"),
        ("expired", Facts(blame=Blame.NOBODY), "expired"),
    ],
)
def test_a_failure_is_told_by_its_class(shop, kind, facts, wanted):
    [row] = shop.queue.list_rows()
    attempt = Attempt(0, "words", "", kind, facts)
    assert find_kind(News(row, QueueState.FAILED, attempt)) == wanted


@pytest.mark.parametrize(
    ("host", "policy", "wanted"),
    [
        ("aspmx.l.google.com", "no-policy-found", "google"),
        ("mx.elsewhere.example", "no-policy-found", ""),
        ("smtp-mail.outlook.com", "settings", None),
    ],
    ids=["provider", "own-server", "relay"],
)
def test_who_runs_a_domain_s_servers_is_known_by_their_names_and_not_by_a_relay(
    shop, host, policy, wanted
):
    tried = Tried(host, "192.0.2.1", 25, "", policy, "DATA", "accepted", "", 250)
    settled = shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    attempt = replace(settled.attempt, facts=Facts(tried=(tried,)))
    assert find_provider_of(News(settled.lease.row, settled.state, attempt)) == wanted
    shop.outcomes.note([replace(settled, attempt=attempt)])
    found = shop.book.read(
        lambda b: b.list_counts("a", by=("provider",), first="2026-01-01", last="2099-01-01")
    )
    assert {one.key[0] for one in found} == {wanted or domain_of(KIM)}


def test_what_ended_before_its_email_was_settled_waits_for_that():
    shop = Shop()
    shop.accept(KIM)
    [lease] = shop.take()
    fragile = shop.make_handing(book=Fragile(shop.book, Step(1, after=False), {"change"}))
    with pytest.raises(Crash):
        fragile.hand_over([lease])
    settled = shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    assert shop.outcomes.note([settled]) == [settled]
    assert shop.events() == []
    shop.release()
    shop.hand_over()
    assert shop.outcomes.note([settled]) == []
    assert shop.events() == ["sent", "delivered"]


def test_a_bounce_of_an_address_that_is_not_there_suppresses_it(shop):
    shop.bounce(KIM)
    assert shop.suppressed() == [(KIM, "account", "", "bounce")]


@pytest.mark.parametrize(
    ("kind", "hours", "wanted"),
    [
        pytest.param("inactive_mailbox", [0, 1], [0, 1], id="inactive-twice"),
        pytest.param("inactive_mailbox", [0, 192, 193], [0, 0, 1], id="inactive-long-ago"),
        pytest.param("mailbox_full", [0, 1, 2], [0, 0, 1], id="full-three-times"),
        pytest.param("bad_domain", [0, 1, 24], [0, 0, 1], id="domain-gone-for-a-day"),
        pytest.param("content_rejected", [0, 1, 2], [0, 0, 0], id="content-never"),
    ],
)
def test_an_address_that_may_come_back_is_suppressed_after_several(kind, hours, wanted):
    shop = Shop()
    began_ms, found = shop.clock.now_ms(), []
    for number, hour in enumerate(hours):
        shop.clock.advance(ms=began_ms + hour * HOUR_MS - shop.clock.now_ms())
        address = KIM.upper() if number % 2 else KIM
        shop.accept(address)
        shop.hand_over()
        shop.bounce(address, "550 5.2.1 no", kind)
        found.append(len(shop.suppressed()))
    assert found == wanted


def test_a_complaint_is_told_once_and_stops_the_stream(shop):
    shop.outcomes.note([shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)])
    [row] = shop.queue.list_rows()
    for _ in range(2):
        shop.outcomes.note_complaint(row, Complaint("abuse", reporter="Yard"))
    shop.outcomes.note_complaint(row, Complaint("not-spam"))
    assert shop.events() == ["sent", "delivered", "complained"]
    assert shop.suppressed() == [(KIM, "stream", "transactional", "complaint")]


def test_what_is_told_of_an_account_that_was_erased_is_let_go(shop):
    settled = shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    shop.book.change(lambda writer: writer.erase_account("a"))
    assert shop.outcomes.note([settled]) == []
    assert shop.queue.list_untold(sending=True) == []


def test_what_was_cancelled_by_hand_is_told_by_the_sweep(shop):
    shop.queue.cancel(shop.queue.list_rows()[0].id)
    assert shop.sweep() == 1
    assert shop.events() == ["sent", "cancelled"]
    assert shop.sweep() == 0


def test_the_sweep_leaves_what_was_settled_just_now_to_who_did_it(shop):
    shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    assert shop.sweep() == 0
    shop.clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
    assert shop.sweep() == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_step_and_a_new_process_tell_it_once(after):
    for last in itertools.count(1):
        shop = Shop()
        shop.accept(KIM, BOB)
        shop.hand_over()
        settled = shop.settle(KIM, "550 5.1.1 no", "invalid_recipient", QueueState.FAILED)
        step = Step(last, after=after)
        fragile = Outcomes(
            Fragile(shop.book, step, {"change"}),
            Fragile(shop.queue, step, {"mark_all_told"}),
            shop.clock,
            shop.chance,
        )
        crashed = False
        try:
            fragile.note([settled])
        except Crash:
            crashed = True
        shop.clock.advance(ms=1)
        shop.outcomes = Outcomes(shop.book, shop.queue, shop.clock, shop.chance)
        shop.sweep()
        assert shop.events(recipient=KIM) == ["sent", "bounced"]
        assert shop.queue.list_untold(sending=True) == []
        assert len(shop.suppressed()) == 1
        if not crashed:
            assert last == 3
            return


def test_a_settlement_that_was_told_changes_nothing_when_it_is_told_again(shop):
    settled = shop.settle(KIM, "250 ok", "accepted", QueueState.SENT)
    shop.outcomes.note([settled, replace(settled)])
    assert shop.events() == ["sent", "delivered"]
