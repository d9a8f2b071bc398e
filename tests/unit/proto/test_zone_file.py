"""Records as lines of a zone file."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.dns import Association, Exchange
from penfold.proto.zone_file import (
    print_alias,
    print_mx,
    print_record,
    print_strings,
    print_tlsa,
    print_txt,
)

_STRING = re.compile(r'"((?:\\\d{3}|\\.|[^"\\])*)"(?: |\Z)')
_ESCAPE = re.compile(r"\\(\d{3}|.)")


def read(text):
    """Return the octets of each string, as a name server reads them."""
    assert "".join(each[0] for each in _STRING.finditer(text)) == text
    return [
        _ESCAPE.sub(lambda one: chr(int(one[1])) if one[1].isdigit() and len(one[1]) == 3 else one[1],
                    each[1]).encode("latin-1")
        for each in _STRING.finditer(text)
    ]  # fmt: skip


@given(st.binary(max_size=1000) | st.text('"\\; 09é', max_size=300).map(str.encode))
def test_a_text_comes_back_from_its_strings(text):
    printed = print_strings(text)
    assert printed.isascii()
    assert printed.isprintable()
    strings = read(printed)
    assert b"".join(strings) == text
    assert all(len(each) <= 255 for each in strings)


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 510, 511, 3000])
def test_no_string_is_longer_than_a_record_can_hold(size):
    assert [len(each) for each in read(print_strings(b"x" * size))] == (
        [255] * (size // 255) + [size % 255] * bool(size % 255) or [0]
    )


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (print_mx("example.org", Exchange(10, "mx.example.org")), "MX 10 mx.example.org."),
        (print_alias("example.org", "x.example.org"), "CNAME x.example.org."),
        (print_record("example.org", "AAAA", "2001:db8::1"), "AAAA 2001:db8::1"),
        (print_txt("example.org", "v=spf1 -all"), 'TXT "v=spf1 -all"'),
        (print_txt("example.org", ""), 'TXT ""'),
        (print_tlsa("example.org", Association(3, 1, 1, b"\xab\x01")), "TLSA 3 1 1 ab01"),
    ],
)
def test_a_line_has_the_whole_name_and_what_the_kind_wants(line, printed):
    assert line == f"example.org. IN {printed}"
