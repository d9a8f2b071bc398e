"""Notifications of the field: who did not get what, and why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.reports import bounces

from penfold.base.limits import REPORT_RECIPIENTS_MAX, REPORT_VALUE_MAX
from penfold.proto.mime.scan import scan
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import classify_recipient, find_bounce
from penfold.proto.smtp.outcomes.rule import Kind

FAILED, DELAYED = Action.FAILED, Action.DELAYED


def test_postfix_says_everything():
    found = find_bounce(bounces.POSTFIX)
    (recipient,) = found.recipients
    assert (recipient.final, recipient.original) == ("nobody@example.org", "Nobody@Example.org")
    assert (recipient.action, recipient.status) == (FAILED, "5.1.1")
    assert recipient.diagnostic.endswith(
        "Recipient address rejected: User unknown in local recipient table"
    )
    assert (recipient.diagnostic_type, recipient.remote_mta) == ("smtp", "in.example.org")
    assert (found.reporting_mta, found.message_id) == ("mx.example.org", "m1@penfold.test")
    assert found.arrival_ms == 1_795_773_600_000
    assert ("Subject", "Hello") in found.returned
    assert found.source == "rfc3464"


@pytest.mark.parametrize(
    ("name", "recipients"),
    [
        ("EXCHANGE", [("nobody@example.org", FAILED, "5.1.10")]),
        ("CRAMMED", [("a@example.org", FAILED, "5.2.2"), ("b@example.org", DELAYED, "4.4.1")]),
        ("TORN", [("a@example.org", FAILED, "5.7.1")]),
        ("GLOBAL", [("jörg@example.org", FAILED, "5.6.7")]),
        ("SENDMAIL", [("nobody@example.org", FAILED, "5.1.1")]),
        ("QMAIL", [("nobody@example.org", FAILED, "5.1.1"), ("full@example.org", FAILED, "5.2.2")]),
        ("EXIM", [("nobody@example.org", FAILED, "")]),
        ("EXIM_DELAY", [("slow@example.org", DELAYED, "")]),
        ("EXCHANGE_TEXT", [("nobody@example.org", FAILED, "5.1.1")]),
        ("EXCHANGE_OLD", [("nobody@example.org", FAILED, "5.1.1")]),
        ("DOMINO", [("nobody@example.org", FAILED, "")]),
        ("GMAIL_OLD", [("nobody@example.org", FAILED, "5.1.1")]),
        ("YAHOO", [("nobody@example.org", FAILED, "")]),
        ("OTHER", [("nobody@example.org", FAILED, "5.1.1")]),
        ("LAPOSTE", [("xxxx@xxxx.net", FAILED, "5.7.1")]),
    ],
)
def test_bounce_says_who_did_not_get_which_message(name, recipients):
    found = find_bounce(bounces.ALL[name])
    assert [(r.final, r.action, r.status) for r in found.recipients] == recipients
    assert found.message_id == "m1@penfold.test"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("POSTFIX", [Kind.INVALID_RECIPIENT]),
        ("EXCHANGE", [Kind.INVALID_RECIPIENT]),
        ("CRAMMED", [Kind.MAILBOX_FULL, Kind.NETWORK]),
        ("SENDMAIL", [Kind.INVALID_RECIPIENT]),
        ("QMAIL", [Kind.INVALID_RECIPIENT, Kind.MAILBOX_FULL]),
        ("EXIM", [Kind.INVALID_RECIPIENT]),
        ("EXIM_DELAY", [Kind.NETWORK]),
        ("EXCHANGE_TEXT", [Kind.INVALID_RECIPIENT]),
        ("DOMINO", [Kind.INVALID_RECIPIENT]),
        ("GMAIL_OLD", [Kind.INVALID_RECIPIENT]),
        ("YAHOO", [Kind.INVALID_RECIPIENT]),
        ("OTHER", [Kind.INVALID_RECIPIENT]),
    ],
)
def test_bounce_says_why(name, kinds):
    found = find_bounce(bounces.ALL[name])
    assert [classify_recipient(recipient).kind for recipient in found.recipients] == kinds


@pytest.mark.parametrize(
    ("name", "count", "kind"),
    [
        ("msg_16.txt", 1, Kind.MAILBOX_FULL),  # Sun Internet Mail Server
        ("msg_25.txt", 1, Kind.POLICY),  # sendmail, its boundary lost on the way
        ("msg_43.txt", 25, Kind.CONTENT_REJECTED),  # Postfix
    ],
)
def test_real_bounces_of_the_standard_librarys_corpus_are_read(name, count, kind):
    data = pytest.importorskip("test.test_email", reason="this Python came without its tests")
    path = Path(data.__file__).parent / "data" / name
    if not path.exists():
        pytest.skip("this interpreter came without test messages")
    raw = path.read_bytes()
    found = find_bounce(raw)
    assert len(found.recipients) == count
    assert {classify_recipient(each).kind for each in found.recipients} == {kind}


def test_family_of_a_text_is_known():
    for name, source in [
        ("QMAIL", "qmail"),
        ("EXIM", "exim"),
        ("DOMINO", "domino"),
        ("OTHER", "other"),
    ]:
        assert find_bounce(bounces.ALL[name]).source == source


def test_gateways_empty_status_does_not_hide_what_the_server_said():
    raw = bounces.report(
        "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 552 5.3.4 no\n"
    )
    assert classify_recipient(find_bounce(raw).recipients[0]).kind is Kind.MESSAGE_TOO_LARGE


def test_status_without_words_is_enough():
    raw = bounces.report("Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nStatus: 5.1.1\n")
    (recipient,) = find_bounce(raw).recipients
    assert recipient.action is FAILED
    assert classify_recipient(recipient).kind is Kind.INVALID_RECIPIENT


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_are_read_too(action):
    raw = bounces.report(
        f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: {action}\nStatus: 2.1.5\n"
    )
    assert find_bounce(raw).recipients[0].action.value == action


@pytest.mark.parametrize(
    "kind", ["text/rfc822-headers", "message/global-headers", "message/global"]
)
def test_message_is_known_by_the_header_that_came_back(kind):
    raw = bounces.POSTFIX.replace(b"message/rfc822", kind.encode())
    assert find_bounce(raw).message_id == "m1@penfold.test"


def test_message_is_known_by_the_thread_when_nothing_came_back():
    raw = bounces.POSTFIX.replace(b"message/rfc822", b"text/plain")
    assert find_bounce(raw).message_id == ""
    assert find_bounce(b"In-Reply-To: <m1@penfold.test>\n" + raw).message_id == "m1@penfold.test"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"From: bob@example.org\n\nHi. This is the qmail-send program", id="letter"),
        pytest.param(
            bounces.QMAIL.replace(b"MAILER-DAEMON@mx", b"bob@mx"), id="quoted-by-a-person"
        ),
        pytest.param(bounces.letter("Hello,\n\nall is well.\n"), id="daemon-says-nothing"),
        pytest.param(
            bounces.letter("Look what I got:\n\nHi. This is the qmail-send program\n<a@b>:\nx\n",
                           sender="bob@example.org"), id="told-about"),
        pytest.param(
            b"From: bob@example.org\nContent-Type: message/rfc822\n\n" + bounces.POSTFIX,
            id="forwarded",
        ),
        pytest.param(bounces.report("Reporting-MTA: dns; x\n"), id="no-recipient"),
    ],
)  # fmt: skip
def test_what_is_no_bounce_is_none(raw):
    assert find_bounce(raw) is None


def test_what_is_read_is_bounded():
    block = "Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n\n"
    many = find_bounce(bounces.report("Reporting-MTA: dns; x\n\n" + block * 3_000))
    assert len(many.recipients) == REPORT_RECIPIENTS_MAX
    long = find_bounce(bounces.report(block + "Diagnostic-Code: smtp; " + "x" * 9_999))
    assert len(long.recipients[0].diagnostic) <= REPORT_VALUE_MAX


@given(st.data())
def test_a_bounce_cut_anywhere_is_read_or_is_none(data):
    raw = bounces.ALL[data.draw(st.sampled_from(sorted(bounces.ALL)))]
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    changed = raw[:start] + data.draw(st.binary(max_size=9)) + raw[end:]
    found = find_bounce(changed)
    assert found == find_bounce(changed, scan(changed))
    if found is not None:
        assert found.recipients
        for recipient in found.recipients:
            assert recipient.final
            classify_recipient(recipient)


@given(st.binary(max_size=400))
def test_any_octets_in_a_status_part_are_read_or_passed_over(octets):
    raw = bounces.POSTFIX.replace(b"Reporting-MTA: dns; mx", octets)
    find_bounce(raw)
