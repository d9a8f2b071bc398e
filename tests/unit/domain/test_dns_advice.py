"""What the DNS of a domain should say: one zone that is right, and what is told of wrong ones."""

import hashlib
import ipaddress
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.keys import make_certificate
from tests.signatures import record_of

from penfold.domain.dns_advice.looks import list_looks, list_wanted
from penfold.domain.dns_advice.row import Facts, Report
from penfold.domain.dns_advice.transport import judge_sts_policy
from penfold.ports.identity import DkimKey
from penfold.proto.dane import find_spki
from penfold.proto.dns import Answer, Association, Exchange, Status, run_check
from penfold.proto.mailauth.private_keys import ED25519, RSA
from penfold.proto.mta_sts import make_own_policy, print_sts_record

NOW_MS = 1_794_650_400_000
DAY_MS = 86_400_000
NAME, HOST = "example.org", "mx.example.org"
#: Addresses anybody could have.
FOUR, SIX = "11.22.33.44", "2a00:1234::25"
LIST = "bl.example.net"
DER = make_certificate().public_bytes(Encoding.DER)
TLSA = Association(3, 1, 1, hashlib.sha256(find_spki(DER)).digest())


def key_of(kind, *, active_ms=1, retired_ms=0):
    selector = f"p202611{kind[0]}"
    algorithm = {"rsa": RSA, "ed": ED25519}[kind]
    record = record_of(kind).decode()
    name = f"{selector}._domainkey.{NAME}"
    return DkimKey(name, NAME, selector, algorithm, record, b"", 1, active_ms, retired_ms)


FACTS = Facts(
    domain=NAME,
    hostname=HOST,
    now_ms=NOW_MS,
    policy=make_own_policy("testing", 604_800, HOST),
    keys=(key_of("rsa"), key_of("ed")),
    lists=(LIST,),
    certificates=(DER,),
    validates=True,
)


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer


#: All is well here. Of the addresses the secure answer is told apart below.
ZONE = {
    (NAME, "MX"): [Exchange(10, HOST)],
    (HOST, "A"): [FOUR],
    (HOST, "AAAA"): [SIX],
    (reverse(FOUR), "PTR"): [HOST],
    (reverse(SIX), "PTR"): [HOST],
    (NAME, "TXT"): [b"site-verification=1", b"v=spf1 mx -all"],
    (HOST, "TXT"): [b"v=spf1 a -all"],
    ("p202611r._domainkey.example.org", "TXT"): [record_of("rsa")],
    ("p202611e._domainkey.example.org", "TXT"): [record_of("ed")],
    ("_dmarc.example.org", "TXT"): [b"v=DMARC1; p=reject; rua=mailto:postmaster@example.org"],
    ("_mta-sts.example.org", "TXT"): [print_sts_record(FACTS.policy).encode()],
    ("mta-sts.example.org", "A"): [FOUR],
    ("_smtp._tls.example.org", "TXT"): [b"v=TLSRPTv1; rua=mailto:postmaster@example.org"],
    ("_25._tcp.mx.example.org", "TLSA"): [TLSA],
}
FAILED = Answer(Status.FAILED)


def look(changes=(), facts=FACTS, *, secure=True):
    """Return the rows by what they are about; changes: (name, kind): records, an answer or None."""
    zone = {**ZONE, **dict(changes)}

    def answer(question):
        found = zone.get((question.name, question.kind))
        if isinstance(found, Answer):
            return found
        if not found:
            return Answer(Status.ABSENT)
        return Answer(Status.FOUND, tuple(found), secure=secure)

    return [row for each in list_looks(facts) for row in run_check(each, answer)]


def one(what, changes=(), facts=FACTS, **options):
    rows = [row for row in look(changes, facts, **options) if row.what == what]
    assert len(rows) == 1
    return rows[0]


def facts(**changes):
    return msgspec.structs.replace(FACTS, **changes)


def test_a_zone_that_is_right_wants_nothing():
    rows = look()
    assert [row.what for row in rows if not row.ok or row.advice] == []
    assert not Report(tuple(rows)).is_bad
    assert {row.what for row in rows} == {
        "MX", "address", "PTR", "SPF", "DKIM", "DMARC", "SPF of the host", "MTA-STS",
        "MTA-STS host", "TLS-RPT", "TLSA", "blocklists",
    }  # fmt: skip


def test_lines_that_are_wanted_are_those_that_are_there():
    for row in look():
        for line in row.wanted:
            name, _, rest = line.partition(". IN ")
            assert name == row.name
            if row.what in ("SPF", "DKIM", "DMARC"):
                assert rest == f"TXT {row.found[0]}"


def test_an_empty_zone_is_told_all_that_mail_needs():
    rows = look(dict.fromkeys(ZONE))
    assert all(row.advice for row in rows)
    missing = [row.what for row in rows if row.is_bad]
    assert missing == [
        "MX", "address", "PTR", "SPF", "DKIM", "DKIM", "DMARC", "MTA-STS", "MTA-STS host",
    ]  # fmt: skip


def test_a_dns_that_does_not_answer_is_told_apart_from_a_zone_without_records():
    rows = look(dict.fromkeys(ZONE, FAILED))
    assert all(row.ok is None for row in rows)
    assert Report(tuple(rows)).is_bad


SPF = (NAME, "TXT")
DMARC = ("_dmarc.example.org", "TXT")
RSA_KEY = ("p202611r._domainkey.example.org", "TXT")
STS = ("_mta-sts.example.org", "TXT")
BLOCKED = "44.33.22.11.bl.example.net"


@pytest.mark.parametrize(
    ("what", "change", "ok", "told"),
    [
        ("MX", {(NAME, "MX"): [Exchange(5, "x.example"), Exchange(10, HOST)]}, True,
         "x.example first"),
        ("MX", {(NAME, "MX"): [Exchange(5, "x.example")]}, False, "leads elsewhere"),
        ("MX", {(NAME, "MX"): [Exchange(0, "")]}, False, "takes no mail"),
        ("address", {(HOST, "A"): ["192.168.0.1"]}, False, "Nobody outside can reach 192.168.0.1"),
        ("SPF", {SPF: [b"v=spf1 mx -all", b"v=spf1 -all"]}, False, "leave one"),
        ("SPF", {SPF: [b"v=spf1 ip4:11.22.33.44 -all"]}, False, f"does not let {SIX} send"),
        ("SPF", {SPF: [b"v=spf1 nonsense:x -all"]}, False, "in error"),
        ("SPF", {SPF: [b"v=spf1 include:x.example -all"], ("x.example", "TXT"): FAILED}, None,
         "no answer"),
        ("SPF of the host", {(HOST, "TXT"): None}, False, "Notices"),
        ("DMARC", {DMARC: [b"v=DMARC1; p=none; rua=mailto:a@b.example"]}, True, "reports only"),
        ("DMARC", {DMARC: [b"v=DMARC1; p=reject"]}, True, "nobody reports"),
        ("DMARC", {DMARC: [b"v=DMARC1; p=wrong"]}, False, "nothing that is known"),
        ("DMARC", {DMARC: [b"v=DMARC1; p=none", b"v=DMARC1; p=reject"]}, False, "only one"),
        ("DMARC", {DMARC: None, ("_dmarc.org", "TXT"): [b"v=DMARC1; p=reject; psd=y"]}, True,
         "of org holds here"),
        ("MTA-STS", {STS: [b"v=STSv1; id=a", b"v=STSv1; id=b"]}, False, "Add this record"),
        ("MTA-STS", {STS: [b"v=STSv1; id=a"]}, True, "Another id"),
        ("MTA-STS host", {("mta-sts.example.org", "AAAA"): FAILED}, True, ""),
        ("MTA-STS host", {("mta-sts.example.org", "A"): None}, False, "Add this record"),
        ("MTA-STS host", {("mta-sts.example.org", "A"): FAILED}, None, "no answer"),
        ("TLS-RPT", {("_smtp._tls.example.org", "TXT"): [b"v=TLSRPTv1"]}, False, "report"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_to_do(what, change, ok, told):
    row = one(what, change)
    assert row.ok is ok
    assert told in row.advice


def test_a_record_of_the_organization_is_enough_for_dmarc():
    row = one("DMARC", {DMARC: None, ("_dmarc.org", "TXT"): [b"v=DMARC1; p=reject; psd=y"]})
    assert (row.ok, row.wanted) == (True, ())


@pytest.mark.parametrize(
    ("names", "ok", "told"),
    [
        ([], False, "the provider"),
        (["other.example"], False, "the provider"),
        (["host.provider.example"], True, "Better the name"),
        (["other.example", HOST], True, ""),
    ],
)
def test_a_reverse_name_must_lead_back(names, ok, told):
    changes = {(reverse(FOUR), "PTR"): names, ("host.provider.example", "A"): [FOUR]}
    row = next(row for row in look(changes) if row.name == reverse(FOUR))
    assert (row.ok, told in row.advice) == (ok, True)
    assert row.wanted == (f"44.33.22.11.in-addr.arpa. IN PTR {HOST}.",)


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (b"v=spf1 include:x.example ~all", "v=spf1 ip4:11.22.33.44 ip6:2a00:1234::25 include:x.ex"),
        (b"v=spf1 ip4:11.22.33.44 -all", "v=spf1 ip6:2a00:1234::25 ip4:11.22.33.44 -all"),
        (b"v=spf1 include:x.example \xff -all", "v=spf1 mx -all"),
    ],
)
def test_an_spf_record_is_kept_and_what_it_lacks_is_put_in_front(record, wanted):
    [line] = one("SPF", {SPF: [record], ("x.example", "TXT"): [b"v=spf1 -all"]}).wanted
    assert wanted in line
    assert one("SPF", {SPF: [line.partition('"')[2][:-1].encode()]}).ok


def test_addresses_of_the_settings_go_before_those_of_the_dns():
    here = facts(addresses=("99.88.77.66",))
    row = one("SPF", {SPF: None}, here)
    assert row.wanted == ('example.org. IN TXT "v=spf1 ip4:99.88.77.66 -all"',)
    assert one("SPF of the host", (), here).wanted == (
        'mx.example.org. IN TXT "v=spf1 ip4:99.88.77.66 -all"',
    )
    assert one("PTR", (), here).name == reverse("99.88.77.66")
    assert one("address", (), here).ok
    assert one("address", {(HOST, "A"): None, (HOST, "AAAA"): None}, here).wanted == (
        "mx.example.org. IN A 99.88.77.66",
    )


def test_addresses_that_mail_does_not_leave_by_are_not_looked_at():
    changes = {(reverse(SIX), "PTR"): None, SPF: [b"v=spf1 ip4:11.22.33.44 -all"]}
    rows = look(changes, facts(kinds=("A",)))
    assert [row.what for row in rows if not row.ok] == []
    assert SIX in one("address").found


@pytest.mark.parametrize(
    ("key", "found", "ok", "told"),
    [
        (key_of("rsa"), None, False, "others find it invalid"),
        (key_of("rsa"), [record_of("ed")], False, "another key"),
        (key_of("rsa"), [b"v=DKIM1; p="], False, "revoked"),
        (key_of("rsa"), FAILED, None, "no answer"),
        (key_of("rsa"), [record_of("rsa").replace(b"v=DKIM1", b"v=DKIM1; t=y")], True, "test"),
        (key_of("rsa", active_ms=0), None, False, "signs once it is seen"),
        (key_of("rsa", active_ms=0), [record_of("ed")], False, "in its place"),
        (key_of("rsa", active_ms=0), [record_of("rsa")], True, ""),
        (key_of("rsa", retired_ms=NOW_MS - DAY_MS), None, False, "add it again"),
        (key_of("rsa", retired_ms=NOW_MS - 30 * DAY_MS), [record_of("rsa")], True, "may go"),
        (key_of("rsa", retired_ms=NOW_MS - 30 * DAY_MS), None, True, ""),
    ],
)
def test_a_key_is_compared_with_its_record(key, found, ok, told):
    row = one("DKIM", {RSA_KEY: found}, facts(keys=(key,)))
    assert (row.ok, row.selector) == (ok, "p202611r")
    assert told in row.advice
    assert row.required == (not key.retired_ms)


def test_an_address_on_a_blocklist_is_told_but_is_no_missing_record():
    rows = {row.name: row for row in look({(BLOCKED, "A"): ["127.0.0.2"]})}
    assert (rows[FOUR].ok, rows[FOUR].found, rows[FOUR].is_bad) == (False, (LIST,), False)
    assert rows[SIX].ok
    silent = {row.name: row for row in look({(BLOCKED, "A"): ["127.255.255.254"]})}
    assert silent[FOUR].ok is None
    assert LIST in silent[FOUR].advice


def test_without_a_policy_of_our_own_no_record_is_wanted():
    without = facts(policy=make_own_policy("none", 604_800, HOST))
    assert one("MTA-STS", {STS: None}, without).ok
    assert "take it out" in one("MTA-STS", (), without).advice
    assert judge_sts_policy(without, "nobody answers") == []
    assert "MTA-STS host" not in {row.what for row in look((), without)}


@pytest.mark.parametrize(
    ("fetched", "ok", "told"),
    [
        (FACTS.policy, True, ""),
        (make_own_policy("enforce", 1, HOST), False, "mta_sts_mode says testing"),
        (make_own_policy("testing", 1, "other.example"), False, f"does not name {HOST}"),
        ("mta-sts.example.org: the status is 404, not 200", False, "port 443"),
    ],
)
def test_the_policy_others_see_is_compared_with_our_own(fetched, ok, told):
    [row] = judge_sts_policy(FACTS, fetched)
    assert (row.ok, told in row.advice) == (ok, True)


TLSA_NAME = ("_25._tcp.mx.example.org", "TLSA")
OTHER = Association(3, 1, 1, b"x" * 32)


@pytest.mark.parametrize(
    ("records", "options", "ok", "required", "lines"),
    [
        ([TLSA], {}, True, True, 1),
        ([OTHER, TLSA], {}, True, True, 1),
        ([OTHER], {}, False, True, 1),
        ([OTHER], {"secure": False}, False, True, 1),
        (None, {}, False, False, 1),
        (None, {"secure": False}, True, False, 0),
        (FAILED, {}, None, False, 1),
        ([TLSA], {"facts": facts(certificates=())}, None, True, 0),
    ],
)
def test_tlsa_records_must_be_about_the_certificate_in_use(records, options, ok, required, lines):
    row = one("TLSA", {TLSA_NAME: records}, **options)
    assert (row.ok, row.required, len(row.wanted)) == (ok, required, lines)


def test_in_local_mode_what_would_be_wanted_is_told_without_asking():
    rows = list_wanted(FACTS)
    assert all(row.ok is None and row.wanted and not row.found for row in rows)
    assert {row.what for row in rows} >= {"MX", "address", "PTR", "SPF", "DKIM", "DMARC"}
    assert not Report(tuple(rows), looked=False).is_bad


TEXT = st.sampled_from(
    [b"", b"v=spf1", b"v=spf1 mx -all", b"v=DMARC1", b"v=DMARC1; p=x", b"v=STSv1; id=", b"v=DKIM1"]
) | st.binary(max_size=60)  # fmt: skip
RECORDS = {
    "A": st.sampled_from(["11.22.33.44", "10.0.0.1", "127.0.0.2"]),
    "AAAA": st.sampled_from(["2a00::1", "::1"]),
    "MX": st.builds(Exchange, st.integers(0, 9), st.sampled_from([HOST, "", "x.example"])),
    "PTR": st.sampled_from([HOST, "x.example", "..", "\x1b[2J"]),
    "TXT": TEXT,
    "TLSA": st.builds(Association, st.integers(0, 4), st.integers(0, 2), st.integers(0, 3), st.binary()),
}  # fmt: skip


@settings(max_examples=30)
@given(st.data())
def test_whatever_the_dns_says_every_look_ends_in_rows(data):
    def answer(question):
        status = data.draw(st.sampled_from(Status))
        if status is not Status.FOUND:
            return Answer(status)
        records = data.draw(st.lists(RECORDS[question.kind], min_size=1, max_size=3))
        return Answer(status, tuple(records), secure=data.draw(st.booleans()))

    for each in list_looks(facts(keys=(key_of("ed"),))):
        for row in run_check(each, answer):
            assert row.ok in (True, False, None)
            assert all(line.isprintable() for line in row.wanted)
            assert row.ok is True or row.advice or row.wanted


def test_page_about_domains_shows_the_records_that_are_wanted():
    page = (Path(__file__).parents[3] / "docs" / "domains.md").read_text()
    shown = {line for block in page.split("```zone\n")[1:] for line in block.split("```")[0].splitlines()}  # fmt: skip
    here = facts(addresses=("203.0.113.25",), lists=(), certificates=())
    quiet = msgspec.structs.replace(here, addresses=())
    wanted = {line for row in (*list_wanted(here), *list_wanted(quiet)) for line in row.wanted}
    assert {line for line in shown if "_domainkey" not in line} <= wanted
    assert {line.split(".")[0] for line in shown if "_domainkey" in line} == {
        "p202611r",
        "p202611e",
    }


@pytest.mark.parametrize(
    ("reports", "rua"),
    [
        ("", "rua=mailto:postmaster@example.org"),
        ("Reports@Example.org", "rua=mailto:Reports@Example.org"),
        ("reports@other.example", "rua=mailto:postmaster@example.org"),
    ],
)
def test_reports_are_asked_for_where_they_are_read_if_that_is_in_the_domain(reports, rua):
    gone = {DMARC: None, ("_smtp._tls.example.org", "TXT"): None}
    rows = {row.what: row for row in look(gone, facts(reports=reports))}
    for what in ("DMARC", "TLS-RPT"):
        assert rua in rows[what].wanted[0]
