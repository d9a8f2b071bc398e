"""Feedback reports of providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.reports.complaints import find_feedback

RETURNED = (
    "From: <someone@example.net>\nMessage-ID: <m1@penfold.test>\nSubject: Earn money\n\nSpam\n"
)
#: After RFC 5965 appendix B.2.
ABUSE = """\
Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <somespammer@example.net>
Original-Rcpt-To: <user@example.com>
Original-Rcpt-To: <other@example.com>
Arrival-Date: Thu, 8 Mar 2005 14:00:00 EST
Reporting-MTA: dns; mail.example.com
Source-IP: 192.0.2.1
Incidents: 3
Authentication-Results: mail.example.com;
               spf=fail smtp.mail=somespammer@example.com
Reported-Domain: example.net
Reported-Uri: http://example.net/earn_money.html
Reported-Uri: mailto:user@example.com
"""
#: After RFC 6591 appendix B.
AUTH = """\
Feedback-Type: auth-failure
User-Agent: SomeDKIMFilter/1.0
Version: 1
Auth-Failure: bodyhash
Delivery-Result: Reject
Source-IP: 2001:db8::1
"""


def make(
    fields, *, kind="message/feedback-report", returned=RETURNED, returned_kind="message/rfc822"
):
    return (
        "From: <abusedesk@example.com>\nSubject: FW: Earn money\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n"
        f"--b\nContent-Type: {kind}\n\n{fields}\n"
        f"--b\nContent-Type: {returned_kind}\n\n{returned}\n--b--\n"
    ).encode()


def test_complaint_is_read_whole():
    found = find_feedback(make(ABUSE))
    assert (found.kind, found.user_agent, found.incidents) == ("abuse", "SomeGenerator/1.0", 3)
    assert found.sender == "somespammer@example.net"
    assert found.recipients == ("user@example.com", "other@example.com")
    assert found.arrival_ms == 1_110_308_400_000
    assert (found.reporting_mta, found.source_ip) == ("mail.example.com", "192.0.2.1")
    assert found.domains == ("example.net",)
    assert len(found.uris) == 2
    assert found.authentication == ("mail.example.com; spf=fail smtp.mail=somespammer@example.com",)
    assert found.message_id == "m1@penfold.test"
    assert ("Subject", "Earn money") in found.returned


def test_authentication_failure_is_read():
    found = find_feedback(make(AUTH, returned_kind="text/rfc822-headers"))
    assert (found.kind, found.auth_failure, found.delivery_result) == (
        "auth-failure",
        "bodyhash",
        "reject",
    )
    assert found.message_id == "m1@penfold.test"


@pytest.mark.parametrize(
    ("count", "incidents"), [("0", 1), ("-5", 1), ("many", 1), ("9" * 30, 1), ("٣", 1), ("12", 12)]
)
def test_number_of_incidents_is_at_least_one(count, incidents):
    assert find_feedback(make(f"Feedback-Type: abuse\nIncidents: {count}\n")).incidents == incidents


def test_blacked_out_report_is_still_one():
    found = find_feedback(make("Feedback-Type: Abuse\n", returned="Subject: x\n\n"))
    assert (found.kind, found.recipients, found.message_id) == ("abuse", (), "")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(make(ABUSE, kind="text/plain"), id="no-report-part"),
        pytest.param(make("Version: 1\n"), id="no-type"),
        pytest.param(b"Content-Type: message/rfc822\n\n" + make(ABUSE), id="forwarded"),
    ],
)
def test_what_is_no_report_is_none(raw):
    assert find_feedback(raw) is None


@given(st.data())
def test_a_report_cut_anywhere_is_read_or_is_none(data):
    raw = make(ABUSE)
    at = data.draw(st.integers(0, len(raw)))
    changed = (
        raw[:at] + data.draw(st.binary(max_size=9)) + raw[data.draw(st.integers(at, len(raw))) :]
    )
    found = find_feedback(changed)
    assert found is None or (found.kind and found.incidents >= 1)
