"""Questions and answers as octets, beside what dnspython makes of them."""

from itertools import pairwise

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import DNS_ALIASES_MAX, DNS_RECORDS_MAX
from penfold.proto.dns import Answer, Association, Exchange, Question, Status
from penfold.proto.dns_message import Names, parse_reply, print_name, print_question

#: dnspython takes milliseconds for each.
FEW = settings(max_examples=25)
NUMBER = 4711
MX = Question("example.org", "MX")
LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join)


def reply_to(question, *rows, flags=dns.flags.RA, authority=(), code=dns.rcode.NOERROR):
    """Return the octets of a reply as dnspython writes it."""
    asked = dns.message.from_wire(print_question(question, NUMBER))
    reply = dns.message.make_response(asked)
    reply.flags |= flags
    reply.set_rcode(code)
    reply.answer = [dns.rrset.from_text(*row) for row in rows]
    reply.authority = [dns.rrset.from_text(*row) for row in authority]
    return reply.to_wire()


def read(question, *rows, **more):
    return parse_reply(reply_to(question, *rows, **more), NUMBER, question)


@FEW
@given(NAME, st.sampled_from(["A", "AAAA", "MX", "PTR", "TLSA", "TXT"]), st.booleans())
def test_question_is_read_by_others_as_it_was_meant(name, kind, edns):
    wire = print_question(Question(name, kind), NUMBER, edns=edns)
    read = dns.message.from_wire(wire)
    (asked,) = read.question
    assert asked.name == dns.name.from_text(name)
    assert dns.rdatatype.to_text(asked.rdtype) == kind
    assert (read.id, read.edns >= 0) == (NUMBER, edns)
    assert read.flags & dns.flags.RD
    assert read.flags & dns.flags.AD


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..b", "a.", ".a", "é.org", "a\\.b", "a" * 64, ".".join(["a" * 60] * 5), "a\ud800"],
)
def test_name_nobody_can_have_is_not_asked_for(name):
    with pytest.raises(ParseError):
        print_question(Question(name, "A"), NUMBER)


@FEW
@given(NAME, st.lists(st.tuples(st.integers(0, 65535), NAME), min_size=1, max_size=8, unique=True))
def test_exchanges_written_by_others_are_read(name, rows):
    question = Question(name, "MX")
    texts = [f"{preference} {host}." for preference, host in rows]
    reply = read(question, (f"{name}.", 300, "IN", "MX", *texts))
    assert set(reply.answer.exchanges) == {Exchange(*row) for row in rows}
    assert reply.ttl_s == 300


@FEW
@given(st.lists(st.binary(max_size=255), min_size=1, max_size=10))
def test_strings_of_a_text_record_are_joined(strings):
    row = ("example.org.", 60, "IN", "TXT", " ".join(f'"{_escape(each)}"' for each in strings))
    reply = read(Question("example.org", "TXT"), row)
    assert reply.answer.texts == (b"".join(strings),)


def _escape(octets):
    return "".join(f"\\{octet:03d}" for octet in octets)


@pytest.mark.parametrize(
    ("kind", "text", "record"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:DB8::1", "2001:db8::1"),
        ("PTR", "Mail.Example.ORG.", "mail.example.org"),
        ("PTR", r"a\.b\032c\255.example.", r"a\.b\032c\255.example"),
        ("MX", "0 .", Exchange(0, "")),
        ("TLSA", "3 1 1 " + "ab" * 32, Association(3, 1, 1, b"\xab" * 32)),
    ],
)
def test_record_is_read(kind, text, record):
    reply = read(Question("example.org", kind), ("EXAMPLE.org.", 60, "IN", kind, text))
    assert reply.answer == Answer(Status.FOUND, (record,))


def test_aliases_are_followed_and_the_least_time_counts():
    reply = read(
        Question("www.example.org", "A"),
        ("www.example.org.", 300, "IN", "CNAME", "a.example.net."),
        ("a.example.net.", 20, "IN", "CNAME", "b.example.net."),
        ("b.example.net.", 100, "IN", "A", "192.0.2.1"),
        ("other.example.net.", 1, "IN", "A", "192.0.2.66"),
    )
    assert reply.answer.addresses == ("192.0.2.1",)
    assert (reply.ttl_s, reply.alias) == (20, "")


def test_chain_without_an_end_names_where_to_ask_on():
    alias = ("example.org.", 300, "IN", "CNAME", "b.example.net.")
    assert read(MX, alias).alias == "b.example.net"


def test_aliases_in_a_circle_are_a_failure():
    rows = [("example.org.", 9, "IN", "CNAME", "b."), ("b.", 9, "IN", "CNAME", "example.org.")]
    assert read(MX, *rows).answer.status is Status.FAILED


@pytest.mark.parametrize("length", [DNS_ALIASES_MAX, DNS_ALIASES_MAX + 1])
def test_chain_of_aliases_has_a_longest(length):
    names = ["example.org.", *(f"a{n}." for n in range(length))]
    rows = [(name, 9, "IN", "CNAME", target) for name, target in pairwise(names)]
    found = read(MX, *rows, (names[-1], 9, "IN", "MX", "1 a.")).answer.status
    assert found is (Status.FOUND if length == DNS_ALIASES_MAX else Status.FAILED)


SOA = ("org.", 900, "IN", "SOA", ". . 1 2 3 4 77")


@pytest.mark.parametrize(
    ("code", "status"),
    [(dns.rcode.NXDOMAIN, Status.ABSENT), (dns.rcode.NOERROR, Status.NOTHING)],
)
def test_nothing_is_kept_as_long_as_the_zone_says(code, status):
    reply = read(MX, code=code, authority=[SOA])
    assert (reply.answer.status, reply.ttl_s) == (status, 77)
    assert read(MX, code=code, authority=[("org.", 3, *SOA[2:])]).ttl_s == 3


def test_absence_is_about_the_last_name_of_a_chain():
    alias = ("example.org.", 30, "IN", "CNAME", "gone.example.")
    reply = read(MX, alias, code=dns.rcode.NXDOMAIN, authority=[SOA])
    assert (reply.answer.status, reply.ttl_s, reply.alias) == (Status.ABSENT, 30, "")


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTAUTH])
def test_other_codes_are_failures(code):
    reply = read(MX, code=code)
    assert (reply.answer.status, reply.plain) == (Status.FAILED, False)


def test_server_that_cannot_read_the_question_is_asked_without_edns():
    assert read(MX, code=dns.rcode.FORMERR).plain
    head = bytes.fromhex(f"{NUMBER:04x}8001") + bytes(8)
    assert parse_reply(head, NUMBER, MX).plain


def test_authenticated_data_are_told_apart():
    row = ("example.org.", 60, "IN", "MX", "1 a.")
    assert read(MX, row, flags=dns.flags.RA | dns.flags.AD).answer.secure
    assert not read(MX, row).answer.secure


def test_referral_is_a_failure():
    assert read(MX, flags=0, authority=[("org.", 60, "IN", "NS", "a.nic.")]).answer.status == (
        Status.FAILED
    )


def test_truncated_reply_asks_for_tcp_whatever_is_left_of_it():
    wire = bytearray(reply_to(MX, ("example.org.", 60, "IN", "MX", "1 a.")))
    wire[2] |= 0x02
    assert parse_reply(bytes(wire[:-3]), NUMBER, MX).truncated


def test_what_answers_something_else_is_not_an_answer():
    wire = reply_to(MX, ("example.org.", 60, "IN", "MX", "1 a."))
    assert parse_reply(wire, NUMBER ^ 1, MX) is None
    assert parse_reply(wire, NUMBER, Question("example.org", "A")) is None
    assert parse_reply(wire, NUMBER, Question("example.net", "MX")) is None
    assert parse_reply(print_question(MX, NUMBER), NUMBER, MX) is None
    assert parse_reply(wire[:14], NUMBER, MX) is None


def test_longest_name_behind_a_pointer_is_read():
    name = ".".join("a" * 127)
    question = Question(name, "MX")
    (record,) = read(question, (f"{name}.", 60, "IN", "MX", f"1 {name}.")).answer.records
    assert record.host == name


def test_more_records_than_are_read_is_a_failure():
    head = print_question(MX, NUMBER, edns=False)
    row = b"\xc0\x0c\0\x0f\0\1\0\0\0\1\0\3\0\1\0"
    for count in (DNS_RECORDS_MAX, DNS_RECORDS_MAX + 1):
        counts = b"\0\1" + count.to_bytes(2) + bytes(4)
        wire = head[:2] + b"\x81\x80" + counts + head[12:] + row * count
        read = parse_reply(wire, NUMBER, MX).answer
        assert len(read.records) == (count if count == DNS_RECORDS_MAX else 0)


@pytest.mark.parametrize(
    "octets",
    [b"\xc0\x00", b"\xc0\x02" + b"\0", b"\x40a\0", b"\x03ab", b"\xc0", b"", b"\x01a" * 128 + b"\0"],
    ids=["to-itself", "forward", "kind", "cut", "half-pointer", "empty", "long"],
)
def test_broken_name_is_refused(octets):
    with pytest.raises(ParseError):
        Names(octets).read(0)


def test_chain_of_bare_pointers_ends():
    data = b"\0" + b"".join(bytes((0xC0 | at >> 8, at & 255)) for at in (0, *range(1, 2001, 2)))
    with pytest.raises(ParseError):
        Names(data).read(len(data) - 2)


@given(NAME)
def test_printed_name_is_read_back(name):
    wire = print_name(name)
    assert Names(wire).read(0) == (name, len(wire))


WHOLE = reply_to(MX, ("example.org.", 60, "IN", "MX", "1 a.", "2 b."), authority=[SOA])


@given(st.binary(max_size=80))
@example(b"\xc0\x0c\0\x0f\0\1\0\0\0\1\0\0")
@example(b"\xc0\x0c\0\x06\0\1\0\0\0\1\0\2ab")
def test_no_octets_behind_the_question_raise(tail):
    head = print_question(MX, NUMBER, edns=False)
    for answers, authorities in ((1, 0), (0, 1), (3, 1)):
        counts = bytes((0, 1, 0, answers, 0, authorities, 0, 0))
        wire = head[:2] + b"\x81\x80" + counts + head[12:] + tail
        assert parse_reply(wire, NUMBER, MX) is not None


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3))
def test_no_damage_to_a_reply_raises(at, octets):
    parse_reply(WHOLE[:at] + octets + WHOLE[at + len(octets) :], NUMBER, MX)
    parse_reply(WHOLE[:at], NUMBER, MX)
