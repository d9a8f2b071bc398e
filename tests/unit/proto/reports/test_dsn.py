"""Notifications of our own."""

import email
import email.policy
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import DSN_RECIPIENTS_MAX, DSN_RETURN_MAX_BYTES
from penfold.proto.mime.scan import scan
from penfold.proto.mime.summary import read_message
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import classify_recipient, find_bounce
from penfold.proto.reports.dsn import Subject, Told, compose_dsn
from penfold.proto.reports.wording import FAILURES
from penfold.proto.smtp.outcomes.classify import classify, read_reply
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.stage import Stage
from penfold.proto.smtp.xtext import OriginalRecipient

RAW = (
    b"Received: by mx\r\nFrom: Alice <alice@penfold.test>\r\nTo: nobody@example.org\r\n"
    b"Message-ID: <m1@penfold.test>\r\nSubject: Hello\r\n\r\nThe body\r\n"
)
NOW_MS = 1_795_773_600_000
REPLY = "550 5.1.1 <nobody@example.org>: User unknown"
TOLD = Told(
    "nobody@example.org",
    Action.FAILED,
    "5.1.1",
    Kind.INVALID_RECIPIENT,
    REPLY,
    OriginalRecipient("rfc822", "Nobody@Example.org"),
    "in.example.org",
    "192.0.2.25",
    NOW_MS,
)


def compose(*told, raw=RAW, sender="alice@penfold.test", full=False, envelope_id="QQ 314159"):
    subject = Subject(
        raw, sender, "mx.penfold.test", "penfold.test", NOW_MS - 5_000, envelope_id, full
    )
    return compose_dsn(subject, told or (TOLD,), now_ms=NOW_MS, chance=random.Random(7))


def fields_of(raw):
    return dict(scan(raw).headers)


def text_of(raw):
    return read_message(raw)[1].body


def test_notification_is_what_gmail_people_know():
    notice = compose()
    fields = fields_of(notice.raw)
    assert notice.recipient == fields["To"] == "alice@penfold.test"
    assert fields["From"] == "Mail Delivery Subsystem <mailer-daemon@penfold.test>"
    assert fields["Subject"] == "Delivery Status Notification (Failure)"
    assert fields["X-Failed-Recipients"] == "nobody@example.org"
    assert fields["Auto-Submitted"] == "auto-replied"
    assert fields["In-Reply-To"] == fields["References"] == "<m1@penfold.test>"
    assert fields["Content-Type"].endswith("report-type=delivery-status")
    assert not notice.utf8


def test_people_are_told_what_happened_and_what_to_do():
    text = text_of(compose().raw)
    assert "** Address not found **" in text
    assert (
        "wasn't delivered to nobody@example.org because the address couldn't be found"
        in " ".join(text.split())
    )
    assert "Check the address for typing errors" in text
    assert REPLY in " ".join(text.split())


def test_our_own_parser_reads_what_we_wrote():
    report = find_bounce(compose().raw)
    (found,) = report.recipients
    assert (found.final, found.original) == ("nobody@example.org", "Nobody@Example.org")
    assert (found.action, found.status, found.diagnostic) == (Action.FAILED, "5.1.1", REPLY)
    assert found.remote_mta == "in.example.org (192.0.2.25)"
    assert found.last_attempt_ms == NOW_MS
    assert (report.reporting_mta, report.envelope_id) == ("mx.penfold.test", "QQ 314159")
    assert (report.arrival_ms, report.message_id) == (NOW_MS - 5_000, "m1@penfold.test")
    assert classify_recipient(found).kind is Kind.INVALID_RECIPIENT


def test_standard_library_reads_what_we_wrote():
    message = email.message_from_bytes(compose().raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    text, status, returned = message.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert [block["Action"] for block in status.get_payload()] == [None, "failed"]
    assert returned.get_content_type() == "text/rfc822-headers"
    assert not message.defects


@pytest.mark.parametrize(
    ("action", "subject", "words"),
    [
        (Action.DELAYED, "Delay", "We'll try again until Tue, 01 Dec"),
        (Action.DELIVERED, "Success", "Your message was delivered to"),
        (Action.RELAYED, "Success", "passed on to the mail server of"),
        (Action.EXPANDED, "Success", "passed it on to the addresses behind it"),
    ],
)
def test_other_news_than_failures_have_their_own_words(action, subject, words):
    until_ms = NOW_MS + 4 * 86_400_000
    raw = compose(Told("bob@example.org", action, "2.0.0", retry_until_ms=until_ms)).raw
    fields = fields_of(raw)
    assert fields["Subject"] == f"Delivery Status Notification ({subject})"
    assert "X-Failed-Recipients" not in fields
    assert words in " ".join(text_of(raw).split())
    (found,) = find_bounce(raw).recipients
    assert found.action is action
    assert found.retry_until_ms == (until_ms if action is Action.DELAYED else None)


def test_recipients_that_share_a_fate_share_a_section():
    full = Told("full@example.org", Action.FAILED, "5.2.2", Kind.MAILBOX_FULL, "552 full")
    twins = [
        Told(f"{n}@example.org", Action.FAILED, "5.1.1", Kind.INVALID_RECIPIENT, "550 no")
        for n in "ab"
    ]
    raw = compose(*twins, full).raw
    text = text_of(raw)
    assert text.count("Address not found") == text.count("Recipient inbox full") == 1
    assert fields_of(raw)["X-Failed-Recipients"] == "a@example.org, b@example.org, full@example.org"
    assert [each.status for each in find_bounce(raw).recipients] == ["5.1.1", "5.1.1", "5.2.2"]


def test_whole_message_comes_back_only_when_asked_for_and_only_with_a_failure():
    assert b"The body" not in compose().raw
    assert b"message/rfc822\r\n\r\nReceived: by mx" in compose(full=True).raw
    assert b"The body" in compose(full=True).raw
    delayed = Told("bob@example.org", Action.DELAYED, "4.4.1")
    assert b"The body" not in compose(delayed, full=True).raw
    big = RAW + b"x\r\n" * DSN_RETURN_MAX_BYTES
    assert b"x\r\nx" not in compose(full=True, raw=big).raw


def test_returned_text_holds_nothing_that_smtp_may_not_carry():
    raw = b"Subject: " + b"x" * 5_000 + b"\0\r\nX: \0y\nZ: 1\r2\r\n\r\nbody\0\r\n"
    notice = compose(full=True, raw=raw).raw
    assert b"\0" not in notice
    assert all(len(line) <= 998 for line in notice.split(b"\r\n"))
    assert notice.count(b"\n") == notice.count(b"\r") == notice.count(b"\r\n")


def test_notification_stays_small_whatever_it_is_about():
    header = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 60) for n in range(5_000))
    notice = compose(raw=header + b"\r\nbody").raw
    assert len(notice) < 100_000
    assert b"X-0:" in notice
    assert b"X-4999:" not in notice


def test_addresses_beyond_ascii_make_it_a_global_one():
    told = Told(
        "jörg@exämple.test",
        Action.FAILED,
        "5.1.1",
        original=OriginalRecipient("utf-8", "jörg@exämple.test"),
    )
    notice = compose(told, sender="älice@penfold.test")
    assert notice.utf8
    assert "To: älice@penfold.test\r\n".encode() in notice.raw
    assert b"message/global-delivery-status" in notice.raw
    assert "Final-Recipient: utf-8; jörg@exämple.test".encode() in notice.raw
    (found,) = find_bounce(notice.raw).recipients
    assert found.final == found.original == "jörg@exämple.test"


def test_message_with_utf8_in_its_header_comes_back_as_what_it_is():
    raw = "From: älice@x\r\nSubject: Grüße\r\n\r\nbody".encode()
    assert b"message/global-headers\r\nContent-Transfer-Encoding: 8bit" in compose(raw=raw).raw
    assert b"Content-Type: message/global\r\n" in compose(raw=raw, full=True).raw


def test_a_stranger_writes_no_field_and_no_line_of_ours():
    evil = "550 no\r\nBcc: evil@example.net\r\n\r\n--x\r\n\u2028\x00\x1b[31m" + "x" * 5_000
    told = Told("a@b", Action.FAILED, "5.0.0", diagnostic=evil, remote_mta="mx\r\nX-Evil: 1")
    raw = compose(told, raw=b"Message-ID: <a b>\r\nIn-Reply-To: x\r\n\r\n").raw
    assert "Bcc" not in fields_of(raw)
    assert b"\nBcc:" not in raw
    assert b"\nX-Evil" not in raw
    assert b"\x1b" not in raw
    assert "In-Reply-To" not in fields_of(raw)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert len(find_bounce(raw).recipients) == 1


def test_nobody_is_told_about_a_message_from_nobody():
    with pytest.raises(ValueError):
        compose(sender="")


@pytest.mark.parametrize("count", [0, DSN_RECIPIENTS_MAX + 1])
def test_number_of_recipients_is_bounded(count):
    subject = Subject(RAW, "a@b", "mx", "b", NOW_MS)
    with pytest.raises(ValueError):
        compose_dsn(subject, [TOLD] * count, now_ms=NOW_MS, chance=random.Random(7))


def test_every_final_class_of_a_recipient_has_its_words():
    finals = {
        kind for kind in Kind
        if kind not in (Kind.ACCEPTED, Kind.GREYLISTED, Kind.RATE_LIMITED, Kind.NETWORK,
                        Kind.PROTOCOL, Kind.UNDETERMINED)
    }  # fmt: skip
    assert set(FAILURES) == finals
    for wording in FAILURES.values():
        assert wording.advice.endswith(".")
        assert "{whom}" in wording.event


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(
    st.lists(
        st.tuples(TEXTS, TEXTS, st.sampled_from(Action), st.sampled_from(Kind)),
        min_size=1, max_size=4,
    ),
    st.binary(max_size=200),
    st.booleans(),
)  # fmt: skip
def test_any_words_make_a_notification_with_as_many_recipients(rows, raw, full):
    told = [
        Told(f"user{n}@example.org", action, "5.0.0", kind, words, remote_mta=host)
        for n, (words, host, action, kind) in enumerate(rows)
    ]
    notice = compose(*told, raw=raw, full=full)
    report = find_bounce(notice.raw)
    assert [each.final for each in report.recipients] == [each.address for each in told]
    assert [each.action for each in report.recipients] == [each.action for each in told]
    assert notice.raw.count(b"\n") == notice.raw.count(b"\r\n") == notice.raw.count(b"\r")


def test_reply_leads_to_its_words():
    said = read_reply(REPLY)
    outcome = classify(Stage.RCPT, said.code, said.enhanced, said.text)
    assert FAILURES[outcome.kind].heading == "Address not found"
