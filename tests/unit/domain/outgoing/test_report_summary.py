"""Reports of others in short."""

import gzip
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.reports.statistics import NEW, OLD, TLS, make_mail
from tests.unit.proto.reports.test_complaints import ABUSE, AUTH, make

from penfold.base.limits import REPORT_SOURCES_MAX
from penfold.domain.outgoing.report_summary import find_report
from penfold.ports.reports import Finding, Report, ReportKind, Source


def test_a_dmarc_report_says_who_sent_and_how_much_of_it_passed():
    assert find_report(make_mail(gzip.compress(NEW))) == Report(
        kind=ReportKind.DMARC,
        reporter="Sample Reporter",
        domain="example.com",
        report_id="3v98abbp8ya9n3va8yr8oa3ya",
        begin_ms=302_832_000_000,
        end_ms=302_918_399_000,
        passed=123,
        sources=(Source("192.0.2.123", 123, 0),),
    )
    old = find_report(make_mail(OLD))
    assert (old.passed, old.failed, old.left_out) == (0, 2, 2)


def record(number, count, result):
    return (
        f"<record><row><source_ip>10.0.{number // 256}.{number % 256}</source_ip>"
        f"<count>{count}</count><policy_evaluated><dkim>{result}</dkim><spf>fail</spf>"
        "</policy_evaluated></row></record>"
    )


def test_the_addresses_that_sent_most_are_kept_and_the_others_counted():
    records = [record(n, n + 1, "pass") for n in range(REPORT_SOURCES_MAX + 20)]
    records += [record(3, 1000, "fail")]
    data = OLD.partition(b"<record>")[0] + "".join(records).encode() + b"</feedback>"
    found = find_report(make_mail(data))
    assert found.sources[0] == Source("10.0.0.3", 4, 1000)
    assert len(found.sources) == REPORT_SOURCES_MAX
    assert found.left_out == 20
    assert found.failed == 1000
    assert found.passed == sum(range(REPORT_SOURCES_MAX + 21))


def test_a_tls_report_says_what_failed_where():
    found = find_report(make_mail(TLS, kind="application/tlsrpt+json", name="r.json"))
    assert (found.kind, found.reporter, found.domain) == ("tls", "Company-X", "company-y.example")
    assert (found.passed, found.failed) == (5326, 303)
    assert found.findings == (
        Finding("certificate-expired", 100, "mx1.mail.company-y.example"),
        Finding("validation-failure", 3, "mx-backup.mail.company-y.example"),
    )


def test_a_complaint_says_about_which_message_and_how_often():
    found = find_report(make(ABUSE))
    assert (found.kind, found.domain, found.failed) == ("complaint", "example.net", 3)
    about = dict(found.about)
    assert about["type"] == "abuse"
    assert about["recipient"] == "user@example.com, other@example.com"
    assert about["message_id"] == "m1@penfold.test"
    assert dict(find_report(make(AUTH)).about)["auth_failure"] == "bodyhash"


def test_reports_without_an_id_are_still_told_apart():
    first, second = (make(ABUSE.replace("Incidents: 3", f"Incidents: {n}")) for n in (1, 2))
    assert find_report(first).report_id != find_report(second).report_id
    nameless = OLD.replace(b"<report_id>1234567890</report_id>", b"")
    assert find_report(make_mail(nameless)).report_id == "1795737600-1795823999"


def test_a_letter_is_no_report():
    assert find_report(b"Subject: hi\r\n\r\nI do not like your mail.\r\n") is None


@given(
    st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1), st.text(max_size=20),
)  # fmt: skip
def test_whatever_numbers_and_names_a_stranger_writes_the_summary_can_be_kept(count, begin, name):
    records = [record(n, count, "fail") for n in range(3)] * 20
    head = OLD.replace(b"1795737600", str(begin).encode()).partition(b"<record>")[0]
    data = head + "".join(records).encode() + b"</feedback>"
    document = json.loads(TLS) | {"organization-name": name}
    for raw in (make_mail(data), make_mail(json.dumps(document).encode(), name="r.json")):
        report = find_report(raw)
        assert 0 <= report.failed <= 1 << 53
        assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


@given(st.binary(max_size=500))
def test_anything_is_a_report_or_none(raw):
    for mail in (raw, make_mail(raw), make_mail(gzip.compress(raw))):
        found = find_report(mail)
        assert found is None or msgspec.json.encode(found)
