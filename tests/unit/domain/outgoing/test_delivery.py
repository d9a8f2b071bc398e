"""What an attempt means for its row: done, given up, or tried again, and when."""

import random

import pytest
from msgspec import structs

from penfold.base.limits import DELIVERY_LIFE_S
from penfold.domain.outgoing.delivery import (
    Trail,
    conclude,
    explain_held,
    explain_over,
    find_status,
    is_decided,
    make_envelope,
    put_off,
)
from penfold.domain.outgoing.notices import make_event
from penfold.ports.queue import Lease, QueueRow, QueueState, Tried
from penfold.proto.exchangers import Host, Route, Verdict
from penfold.proto.reports.action import Action
from penfold.proto.smtp.client.outcome import Fate, Reason, Result
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest
from penfold.proto.smtp.stage import Stage

NOW = 1_790_000_000_000
MINUTE = 60_000
ROUTE = Route(Verdict.HOSTS, "box.example", (Host("mx.box.example", ("192.0.2.1",)),))


def lease(*, tries=1, age_s=0, options=NO_OPTIONS):
    row = QueueRow(
        id=7,
        origin="m1",
        number=1,
        sender="al@penfold.test",
        recipient="kim@box.example",
        state=QueueState.QUEUED,
        size=100,
        subject="hello",
        created_ms=NOW - 1000 * age_s,
        next_attempt_ms=NOW,
        options=options,
    )
    return Lease(row, 1, tries)


def tried(stage, fate, code=0, enhanced="", text="", *, host="mx.box.example", reused=False):
    return Tried(
        host=host,
        address="192.0.2.1",
        port=25,
        demand="opportunistic",
        policy="no-policy-found",
        stage=stage,
        fate=fate,
        reason="reply" if code else "unreachable",
        code=code,
        enhanced=enhanced,
        text=text,
        reused=reused,
    )


NOBODY = tried("connect", "failed", enhanced="4.4.1", text="nobody answered in time")
ACCEPTED = tried("dot", "accepted", 250, "2.0.0", "queued")
GREYLISTED = tried("rcpt", "deferred", 450, "4.2.0", "Greylisted, try again in 300 seconds")
UNKNOWN_USER = tried("rcpt", "refused", 550, "5.1.1", "no such user")
BUSY = tried("banner", "deferred", 421, "4.3.2", "too busy")
UNWELCOME = tried("banner", "refused", 554, "", "no mail from you")
LOST = tried("dot", "unknown", enhanced="4.4.2", text="closed")
OUT_OF_STEP = tried("mail", "refused", 503, "5.5.1", "bad sequence", reused=True)


def come_to(*servers, route=ROUTE, **options):
    return conclude(
        lease(**options), Trail(route, tried=servers), now_ms=NOW, chance=random.Random(7)
    )


@pytest.mark.parametrize(
    ("servers", "state", "kind"),
    [
        ((ACCEPTED,), "sent", "accepted"),
        ((NOBODY, ACCEPTED), "sent", "accepted"),
        ((UNKNOWN_USER,), "failed", "invalid_recipient"),
        ((NOBODY, UNKNOWN_USER), "failed", "invalid_recipient"),
        ((GREYLISTED,), "queued", "greylisted"),
        ((NOBODY,), "queued", "network"),
        ((NOBODY, BUSY), "queued", "rate_limited"),
        ((BUSY, NOBODY), "queued", "rate_limited"),  # what was said counts for more than silence
        ((UNWELCOME,), "failed", "spam_block"),
        ((UNWELCOME, NOBODY), "queued", "network"),  # the other may take it yet
        ((UNWELCOME, UNWELCOME), "failed", "spam_block"),
        ((LOST,), "queued", "network"),
        ((OUT_OF_STEP,), "queued", "protocol"),
    ],
    ids=range(13),
)
def test_the_server_whose_word_counts_decides(servers, state, kind):
    settlement = come_to(*servers).settlement
    assert (settlement.state, settlement.attempt.kind) == (state, kind)
    assert (settlement.next_attempt_ms > NOW) == (state == "queued")


def test_what_has_an_end_is_looked_at_when_that_comes_and_not_tried_any_more():
    until = MailOptions(until_ms=NOW + 1_000)
    waits = come_to(GREYLISTED, options=until).settlement
    assert (waits.state, waits.next_attempt_ms) == ("queued", NOW + 1_000)
    assert explain_over(lease(options=until), now_ms=NOW + 999) is None
    assert explain_over(lease(), now_ms=NOW) is None
    over = explain_over(lease(options=until), now_ms=NOW + 1_000).settlement
    assert (over.state, over.attempt.kind) == ("failed", "expired")


@pytest.mark.parametrize(
    ("verdict", "state", "kind"),
    [
        (Verdict.NO_DOMAIN, "failed", "bad_domain"),
        (Verdict.NULL_MX, "failed", "bad_domain"),
        (Verdict.NO_ADDRESS, "failed", "bad_domain"),
        (Verdict.FORBIDDEN, "failed", "bad_domain"),
        (Verdict.LOOP, "failed", "policy"),
        (Verdict.NO_ANSWER, "queued", "network"),
        (Verdict.HOSTS, "queued", "network"),  # none of them may have it now
    ],
)
def test_what_the_dns_says_decides_when_nobody_is_called(verdict, state, kind):
    settlement = come_to(route=Route(verdict, "box.example")).settlement
    assert (settlement.state, settlement.attempt.kind) == (state, kind)
    assert settlement.attempt.outcome[:2] in ("4.", "5.")


def test_a_server_that_names_a_time_gets_it_and_a_little_more():
    assert come_to(GREYLISTED).settlement.next_attempt_ms == NOW + 310_000


def test_who_was_not_reached_is_tried_again_soon_and_a_full_mailbox_later():
    full = tried("rcpt", "deferred", 452, "4.2.2", "mailbox full")
    assert come_to(NOBODY).settlement.next_attempt_ms < NOW + 2 * MINUTE
    assert come_to(full).settlement.next_attempt_ms > NOW + 3 * MINUTE


def test_after_five_days_it_is_given_up_with_the_last_words():
    settlement = come_to(NOBODY, age_s=DELIVERY_LIFE_S, tries=30).settlement
    assert settlement.state is QueueState.FAILED
    assert settlement.attempt.kind == "expired"
    assert settlement.attempt.outcome.startswith("given up after 30 tries, the last: 4.4.1 nobody")


def test_the_words_of_a_server_are_one_line():
    settlement = come_to(tried("rcpt", "refused", 550, "5.1.1", "no\nsuch\r\n\tuser")).settlement
    assert settlement.attempt.outcome == "550 5.1.1 no such user"


def test_only_an_answer_counts_as_reached():
    assert not come_to(NOBODY).reached
    assert come_to(NOBODY, BUSY).reached


def result(stage, fate, reason=Reason.REPLY, code=0):
    return Result("kim@box.example", fate, stage, reason, code)


@pytest.mark.parametrize(
    ("given", "decided"),
    [
        (result(Stage.DOT, Fate.ACCEPTED), True),
        (result(Stage.DOT, Fate.UNKNOWN, Reason.CLOSED), True),
        (result(Stage.RCPT, Fate.REFUSED), True),
        (result(Stage.RCPT, Fate.DEFERRED), True),
        (result(Stage.MAIL, Fate.REFUSED), True),
        (result(Stage.MAIL, Fate.DEFERRED), False),
        (result(Stage.BANNER, Fate.REFUSED), False),
        (result(Stage.EHLO, Fate.DEFERRED), False),
        (result(Stage.CONNECT, Fate.FAILED, Reason.UNREACHABLE), False),
        (result(Stage.DATA, Fate.FAILED, Reason.CLOSED), False),
        (result(Stage.MAIL, Fate.UNSUITED, Reason.TOO_BIG), True),
        (result(Stage.MAIL, Fate.UNSUITED, Reason.NEEDS_REQUIRETLS), False),
    ],
    ids=str,
)
def test_another_server_is_asked_unless_this_one_decided(given, decided):
    assert is_decided(given) == decided


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.REPLY])
def test_what_we_noticed_ourselves_has_a_status_too(reason):
    status = find_status(Result("k@box.example", Fate.FAILED, Stage.CONNECT, reason))
    assert status.startswith("4.")


def test_a_reply_keeps_its_own_status_even_when_it_has_none():
    assert find_status(result(Stage.RCPT, Fate.REFUSED, code=550)) == ""


def test_trouble_on_this_side_puts_a_row_off_and_names_no_more_than_its_kind():
    settlement = put_off(lease(), RuntimeError("secret"), now_ms=NOW, chance=random.Random(7))
    assert settlement.state is QueueState.QUEUED
    assert settlement.next_attempt_ms > NOW
    assert "RuntimeError" in settlement.attempt.outcome
    assert "secret" not in settlement.attempt.outcome


def test_a_row_travels_with_its_senders_wishes():
    row = structs.replace(
        lease().row,
        options=MailOptions(require_tls=True, ret="HDRS", envid="QQ 314"),
        report=ReportRequest(("SUCCESS", "DELAY"), "utf-8", r"k\x{FC}m@old.example"),
    )
    recipient = Recipient("kim@box.example", ("SUCCESS", "DELAY"), "utf-8;küm@old.example")
    assert make_envelope(row, row.sender) == Envelope(
        "al@penfold.test", (recipient,), ret="HDRS", envelope_id="QQ 314", require_tls=True
    )


def test_a_row_without_wishes_travels_without():
    recipient = Recipient("kim@box.example")
    assert make_envelope(lease().row, "b+1@penfold.test") == Envelope(
        "b+1@penfold.test", (recipient,)
    )


@pytest.mark.parametrize("stage", ["data", "dot", "auth"])
def test_a_yes_to_something_else_is_no_delivery(stage):
    """A server that answers DATA with 250 has heard no message."""
    yes = tried(stage, "failed", 250, "2.0.0", "ok")
    settlement = come_to(yes).settlement
    assert settlement.state is QueueState.QUEUED
    assert settlement.next_attempt_ms > NOW


def test_what_is_wrong_with_a_file_of_a_login_stays_with_the_attempt_and_is_told_to_no_sender():
    detail = "/etc/penfold/hub.password cannot be used: Permission denied"
    no_login = structs.replace(
        tried("auth", "failed", enhanced="4.7.0", text=detail), reason=Reason.NO_LOGIN.value
    )
    trail = Trail(ROUTE, tried=(no_login,), relay="al at hub.example:587")
    attempt = conclude(lease(), trail, now_ms=NOW, chance=random.Random(7)).settlement.attempt
    late = lease(age_s=DELIVERY_LIFE_S)
    held = explain_held(late, attempt.outcome, until_ms=NOW, now_ms=NOW).settlement.attempt
    for each in (attempt, held):
        assert "login of this server" in make_event(Action.DELAYED, each).diagnostic
        assert "/etc" not in make_event(Action.DELAYED, each).diagnostic
    assert attempt.facts.tried[0].text == detail
