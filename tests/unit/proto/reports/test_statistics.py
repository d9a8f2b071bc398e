"""DMARC and TLS reports, and what strangers pack into them."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.reports.statistics import NEW, OLD, TLS, make_mail

from penfold.base.errors import ParseError
from penfold.base.limits import (
    DMARC_RECORDS_MAX,
    REPORT_UNPACKED_MAX_BYTES,
    XML_DEPTH_MAX,
    XML_ELEMENTS_MAX,
)
from penfold.proto.reports.dmarc_report import AuthResult, Reason, parse_dmarc_report
from penfold.proto.reports.statistics import find_statistics
from penfold.proto.reports.tls_report import parse_tls_report
from penfold.proto.reports.unpack import unpack_report


def zipped(data, *, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("report.xml", data)
    return file.getvalue()


def streamed_zip(data):
    """Return a zip whose member says its sizes behind it (APPNOTE.TXT 4.4.4, bit 3)."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, piece):
            self.data += bytes(piece)
            return len(piece)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("r.xml", "w") as file,
    ):
        file.write(data)
    return pipe.data


# --- DMARC -----------------------------------------------------------------------------


def test_report_of_the_new_standard_is_read():
    report = parse_dmarc_report(NEW)
    assert (report.reporter, report.report_id) == ("Sample Reporter", "3v98abbp8ya9n3va8yr8oa3ya")
    assert (report.begin_s, report.end_s) == (302_832_000, 302_918_399)
    assert report.errors == ("no DNS for a while",)
    assert report.generator == "Example DMARC Aggregate Reporter v1.2"
    policy = report.policy
    assert (policy.domain, policy.p, policy.sp, policy.np) == (
        "example.com",
        "quarantine",
        "none",
        "none",
    )
    assert (policy.testing, policy.discovery) == ("n", "treewalk")
    (record,) = report.records
    assert (record.source_ip, record.count, record.disposition) == ("192.0.2.123", 123, "pass")
    assert (record.dkim, record.spf) == ("pass", "fail")
    assert record.header_from == record.envelope_from == "example.com"
    assert record.dkim_results == (AuthResult("example.com", "pass", selector="abc123"),)


def test_report_of_the_old_standard_is_read_and_damaged_records_are_counted():
    report = parse_dmarc_report(OLD)
    assert (report.policy.percent, report.policy.aspf, report.end_s) == ("100", "r", 1_795_823_999)
    (record,) = report.records
    assert record.source_ip == "2001:db8::1"
    assert record.disposition == "none"
    assert record.reasons == (Reason("local_policy", "arc=pass"), Reason("forwarded"))
    assert [each.domain for each in record.dkim_results] == ["a.example", "b.example"]
    assert record.dkim_results[0].detail == "body hash"
    assert record.spf_results[0].scope == "mfrom"
    assert report.damaged == 2


@pytest.mark.parametrize("pack", [gzip.compress, zipped, streamed_zip, bytes])
def test_packed_reports_say_the_same(pack):
    assert parse_dmarc_report(pack(NEW)) == parse_dmarc_report(NEW)


def test_stored_zip_is_read_too():
    assert parse_dmarc_report(zipped(NEW, method=zipfile.ZIP_STORED)) == parse_dmarc_report(NEW)


def test_order_namespace_and_byte_order_mark_do_not_matter():
    turned = OLD.replace(b"<feedback>", b'<d:feedback xmlns:d="urn:x">').replace(
        b"</feedback>", b"</d:feedback>"
    )
    assert parse_dmarc_report(b"\xef\xbb\xbf" + turned) == parse_dmarc_report(OLD)
    head, _, rest = OLD.partition(b"<report_metadata>")
    about, _, rest = rest.partition(b"</report_metadata>")
    rest, _, end = rest.partition(b"</feedback>")
    moved = head + rest + b"<report_metadata>" + about + b"</report_metadata></feedback>" + end
    assert parse_dmarc_report(moved) == parse_dmarc_report(OLD)


def test_other_charsets_are_read():
    latin = NEW.replace(b"utf-8", b"iso-8859-1").replace(b"Sample", b"S\xe4mple")
    assert parse_dmarc_report(latin).reporter == "Sämple Reporter"
    wide = NEW.decode().replace("utf-8", "utf-16").encode("utf-16")
    assert parse_dmarc_report(wide).reporter == "Sample Reporter"


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE feedback [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE feedback [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd">',
        b"<!DOCTYPE feedback>",
        b'<!DOCTYPE feedback [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>',
    ],
    ids=["billion-laughs", "external-entity", "external-dtd", "bare", "parameter-entity"],
)
def test_a_document_type_is_refused(doctype):
    with pytest.raises(ParseError, match="document type"):
        parse_dmarc_report(NEW.replace(b"?>", b"?>" + doctype))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<feedback", id="cut-off"),
        pytest.param(b"<feedback/>", id="no-domain"),
        pytest.param(NEW.replace(b"feedback", b"feed"), id="other-root"),
        pytest.param(NEW.replace(b"Reporter<", b"R&x;<"), id="unknown-entity"),
        pytest.param(NEW.replace(b"Sample", b"S\xe4mple"), id="not-utf-8"),
        pytest.param(
            NEW.replace(b"utf-8", b"rot13").replace(b"Sample", b"\xff"), id="odd-encoding"
        ),
        pytest.param(gzip.compress(NEW)[:-20], id="gzip-cut-off"),
        pytest.param(gzip.compress(NEW)[:40] + b"\0" * 40, id="gzip-damaged"),
        pytest.param(zipped(NEW)[:60], id="zip-cut-off"),
        pytest.param(b"PK\x03\x04", id="zip-header-only"),
        pytest.param(zipped(NEW, method=zipfile.ZIP_LZMA), id="zip-unknown-method"),
    ],
)
def test_what_is_no_report_is_refused(data):
    with pytest.raises(ParseError):
        parse_dmarc_report(data)


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_a_bomb_is_refused_at_the_limit(pack):
    bomb = pack(b" " * (REPORT_UNPACKED_MAX_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(ParseError, match="too much"):
        unpack_report(bomb)


@pytest.mark.parametrize("data", [gzip.compress(NEW)[:-20], zipped(NEW)[:60]], ids=["gzip", "zip"])
def test_packed_file_that_is_cut_off_is_refused_before_it_is_read(data):
    with pytest.raises(ParseError, match="cut off"):
        unpack_report(data)


@pytest.mark.parametrize(
    "inside",
    [
        b"<a>" * XML_DEPTH_MAX + b"</a>" * XML_DEPTH_MAX,
        b"<a/>" * XML_ELEMENTS_MAX,
        b"<record>" + b"<a/>" * XML_ELEMENTS_MAX + b"</record>",
    ],
    ids=["depth", "elements", "elements-of-a-record"],
)
def test_document_that_is_right_but_too_much_is_refused(inside):
    with pytest.raises(ParseError, match="too deep, or"):
        parse_dmarc_report(NEW.replace(b"<record>", inside + b"<record>"))


def test_file_that_just_fits_is_unpacked():
    assert unpack_report(gzip.compress(b"x" * 1_000), most=1_000) == b"x" * 1_000
    with pytest.raises(ParseError):
        unpack_report(gzip.compress(b"x" * 1_001), most=1_000)


def test_encrypted_zip_is_refused():
    data = bytearray(zipped(NEW))
    data[6] |= 1
    with pytest.raises(ParseError, match="encrypted"):
        unpack_report(bytes(data))


def test_records_beyond_the_limit_are_counted_only():
    start, _, end = NEW.partition(b"<record>")
    report = parse_dmarc_report(start + b"<record/>" * (DMARC_RECORDS_MAX + 5) + b"<record>" + end)
    assert (len(report.records), report.damaged, report.omitted) == (0, DMARC_RECORDS_MAX, 6)


# --- TLS -------------------------------------------------------------------------------


def test_tls_report_is_read():
    report = parse_tls_report(gzip.compress(TLS))
    assert (report.reporter, report.contact) == ("Company-X", "sts-reporting@company-x.example")
    assert (report.begin_s, report.end_s) == (1_459_468_800, 1_459_555_199)
    (policy,) = report.policies
    assert (policy.kind, policy.domain) == ("sts", "company-y.example")
    assert (policy.successes, policy.failures) == (5_326, 303)
    assert policy.mx_hosts == ("*.mail.company-y.example",)
    assert len(policy.lines) == 3
    first, second = policy.details
    assert (first.result, first.sessions) == ("certificate-expired", 100)
    assert (second.reason, second.information) == (
        "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
        "see the log",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"policies": 1}',
        b'{"policies":' + b"[" * 100_000,
        b'{"a": "\xff"}',
    ],
    ids=["empty", "cut-off", "list", "nothing", "no-list", "deep", "not-utf-8"],
)
def test_what_is_no_tls_report_is_refused(data):
    with pytest.raises(ParseError):
        parse_tls_report(data)


def test_values_of_a_wrong_type_are_left_out():
    report = parse_tls_report(
        b'{"organization-name": 5, "date-range": [], "policies": [7, {"policy": "x", "summary":'
        b' {"total-successful-session-count": -1, "total-failure-session-count": true},'
        b' "failure-details": [3, {"result-type": null}]}]}'
    )
    assert (report.reporter, report.begin_s, len(report.policies)) == ("", 0, 2)
    assert (report.policies[1].successes, report.policies[1].failures) == (0, 0)
    assert [each.result for each in report.policies[1].details] == [""]


# --- in a message -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (gzip.compress(OLD), "application/gzip", "x.xml.gz"),
        (gzip.compress(OLD), "application/octet-stream", "google.com!x!1!2.XML.GZ"),
        (zipped(OLD), "application/x-zip-compressed", "report"),
        (OLD, "text/xml", "report.xml"),
    ],
)
def test_dmarc_report_is_found_in_a_message(data, kind, name):
    assert find_statistics(make_mail(data, kind=kind, name=name)) == parse_dmarc_report(OLD)


@pytest.mark.parametrize("kind", ["application/tlsrpt+gzip", "application/octet-stream"])
def test_tls_report_is_found_in_a_message(kind):
    raw = make_mail(gzip.compress(TLS), kind=kind, name="x!y!1!2.json.gz")
    assert find_statistics(raw) == parse_tls_report(TLS)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Content-Type: text/xml\n\n<nothing/>",
        make_mail(b"no report", name="report.zip"),
        make_mail(gzip.compress(OLD), kind="application/octet-stream", name="letter.doc"),
        b"Content-Type: message/rfc822\n\n" + make_mail(gzip.compress(OLD)),
    ],
    ids=["empty", "other-xml", "not-packed", "other-name", "forwarded"],
)
def test_message_without_a_report_has_none(raw):
    assert find_statistics(raw) is None


SEEDS = [NEW, OLD, TLS, gzip.compress(OLD), zipped(OLD)]


@given(st.data())
def test_a_report_changed_anywhere_is_read_or_refused(data):
    raw = data.draw(st.sampled_from(SEEDS))
    at = data.draw(st.integers(0, len(raw)))
    changed = (
        raw[:at] + data.draw(st.binary(max_size=6)) + raw[data.draw(st.integers(at, len(raw))) :]
    )
    for parse in (parse_dmarc_report, parse_tls_report):
        try:
            parse(changed)
        except ParseError:
            continue
