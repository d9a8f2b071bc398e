"""SPF records taken apart."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import SPF_RECORD_MAX_BYTES, SPF_TEXT_MAX_CHARS
from penfold.proto.mailauth.spf_macro import Macro
from penfold.proto.mailauth.spf_record import (
    Mechanism,
    Record,
    Result,
    is_spf_record,
    parse_record,
)


def test_a_record_is_its_mechanisms_in_order_and_its_modifiers_wherever_they_stand():
    text = b"V=SPF1 exp=e.%{D2} MX//48 redirect=r.x  ~a:A.x/24//64 x-other=%{i} ?ip6:::1/0 -All "
    assert is_spf_record(text)
    assert parse_record(text) == Record(
        (
            Mechanism("MX//48", Result.PASS, "mx", prefix6=48),
            Mechanism("~a:A.x/24//64", Result.SOFTFAIL, "a", ("A.x",), None, 24, 64),
            Mechanism(
                "?ip6:::1/0", Result.NEUTRAL, "ip6",
                network=ipaddress.IPv6Address("::1"), prefix6=0,
            ),
            Mechanism("-All", Result.FAIL, "all"),
        ),
        redirect=("r.x",),
        explanation=("e.", Macro("d", escaped=True, keep=2)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"v=spf1", True),
        (b"v=spf1 ", True),
        (b"v=SpF1 a", True),
        (b"v=spf1 \xff", True),
        (b"v=spf10", False),
        (b"v=spf1\ta", False),
        (b" v=spf1", False),
        (b"v=spf", False),
        (b"", False),
        (b"spf2.0/pra", False),
    ],
)
def test_a_record_is_known_by_its_version_and_the_end_of_it(text, is_one):
    assert is_spf_record(text) is is_one


@pytest.mark.parametrize(
    "terms",
    ["", " ", "a", "+a", "mx", "ptr", "ptr:x.y", "A/0", "a//0", "a/32//128", "a:%{d}/24", "all",
     "a:x.y//64", "a:x/y.z/8", "ip4:0.0.0.0", "ip4:255.255.255.255/32", "ip6:::ffff:1.2.3.4",
     "ip6:A::/128", "exists:%{i}.x.y", "include:_x.y", "?INCLUDE:x.y", "foo=", "foo=bar:baz/8",
     "a=", "x.-_9=%{l}", "exp=%{d}", "redirect=x.y."],
)  # fmt: skip
def test_a_well_formed_term_is_taken(terms):
    assert parse_record(f"v=spf1 {terms}".encode())


@pytest.mark.parametrize(
    "terms",
    ["b", "moo", "--all", "-", "=x", "1x=y", "-x=y", "all:x.y", "all/8", "all.", "include", "include:",
     "include:x.y/8", "includes:x.y", "exists", "exists:x.y/24", "ptr/8", "ptr:", "a:", "a:/8", "a/",
     "a//", "a/33", "a//129", "a/08", "a/8/64", "a/8///64", "a/-1", "a/8/", "mx:x.y/33", "ip4", "ip4:",
     "ip4:1.2.3", "ip4:1.2.3.4.5", "ip4:1.2.3.256", "ip4:1.2.3.04", "ip4:1.2.3.4/33", "ip4:1.2.3.4/",
     "ip4:1.2.3.4/032", "ip4:1.2.3.4//32", "ip4:1.2.3.4:25", "ip4:::1", "ip4/8", "ip6", "ip6:1.2.3.4",
     "ip6:::1/129", "ip6:::1//8", "ip6:::1%eth0", "ip6:1::2::3", "ip6:12345::", "ip6:[::1]",
     "exp=", "redirect=", "redirect=x", "redirect:x.y", "exp=-all", "exp=x.y exp=x.y",
     "redirect=x.y REDIRECT=x.y", "foo=%", "foo=%{z}", "foo=%{t}", "a:x.y\tb", "a\x00", "a:x.y,",
     "a:%(d).x.y", "a:1.2.3.4"],
)  # fmt: skip
def test_one_malformed_term_spoils_the_record(terms):
    for text in (f"v=spf1 {terms}", f"v=spf1 all {terms}", f"v=spf1 {terms} all"):
        with pytest.raises(ParseError):
            parse_record(text.encode())


def test_octets_beyond_ascii_spoil_the_record():
    with pytest.raises(ParseError):
        parse_record(b"v=spf1 a \x96all")


def test_a_record_of_the_greatest_length_is_read_and_a_longer_one_is_not():
    text = b"v=spf1" + b" a" * 5_000
    assert len(parse_record(text[:SPF_RECORD_MAX_BYTES]).mechanisms) == 4_093
    with pytest.raises(ParseError, match="too long"):
        parse_record(text[: SPF_RECORD_MAX_BYTES + 1])


@pytest.mark.parametrize("term", ["b" * 5_000, "\0\r\n\x1b"])
def test_what_is_told_of_a_wrong_term_is_short_and_printable(term):
    with pytest.raises(ParseError) as caught:
        parse_record(f"v=spf1 {term}".encode())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= SPF_TEXT_MAX_CHARS + 40


@given(st.binary(max_size=200), st.text(alphabet=st.sampled_from("aimxp46:/.=%{d}-~ 01lexcr")))
def test_any_octets_are_a_record_or_are_refused(octets, text):
    for each in (octets, b"v=spf1 " + octets, f"v=spf1 {text}".encode()):
        try:
            record = parse_record(each)
        except ParseError:
            continue
        for mechanism in record.mechanisms:
            assert 0 <= mechanism.prefix4 <= 32
            assert 0 <= mechanism.prefix6 <= 128
