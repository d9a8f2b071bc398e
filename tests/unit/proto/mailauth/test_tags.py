"""Tag lists: one reading, or none; and what is written can be read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.mailauth.tags import (
    fold_text,
    parse_base64,
    parse_list,
    parse_number,
    parse_tags,
    write_field,
    write_signature,
)


@pytest.mark.parametrize(
    ("octets", "tags"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"a=1", {"a": "1"}, id="one"),
        pytest.param(b"a=1; b=2;", {"a": "1", "b": "2"}, id="semicolon-at-the-end"),
        pytest.param(b" a\t=\r\n 1 ;\r\n\tb = 2 \r\n ", {"a": "1", "b": "2"}, id="blanks"),
        pytest.param(b"a=", {"a": ""}, id="empty-value"),
        pytest.param(b"a=b=c", {"a": "b=c"}, id="equals-in-a-value"),
        pytest.param(b"a=1\r\n 2\n\t3", {"a": "1 2\t3"}, id="folded-value"),
        pytest.param(b"A=1;a=2", {"A": "1", "a": "2"}, id="case-counts"),
        pytest.param("d=bücher.example".encode(), {"d": "bücher.example"}, id="utf-8"),
    ],
)
def test_a_list_is_read(octets, tags):
    assert parse_tags(octets) == tags


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"a", id="no-equals"),
        pytest.param(b"=1", id="no-name"),
        pytest.param(b"1a=1", id="digit-first"),
        pytest.param(b"a-b=1", id="hyphen-in-a-name"),
        pytest.param(b"_=1", id="underscore-alone"),
        pytest.param(b"a=1;;b=2", id="empty-tag"),
        pytest.param(b"a=1;;", id="two-semicolons-at-the-end"),
        pytest.param(b"a=1;b=2;a=1", id="twice"),
        pytest.param(b"a=1\x00", id="nul"),
        pytest.param(b"a=1\r2", id="lone-cr"),
        pytest.param(b"a=\xe9", id="not-utf-8"),
    ],
)
def test_a_doubtful_list_is_refused(octets):
    with pytest.raises(ParseError):
        parse_tags(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_a_list_or_refused(octets):
    try:
        tags = parse_tags(octets)
    except ParseError:
        return
    assert all(";" not in value and value == value.strip(" \t") for value in tags.values())


def test_base64_may_be_folded_but_nothing_else():
    assert parse_base64("aGVs\t bG8=") == b"hello"
    for text in ("aGVsbG8", "aGVs*bG8=", "aGVsbG8=é"):
        with pytest.raises(ParseError):
            parse_base64(text)


def test_numbers_have_twelve_digits_at_most():
    assert parse_number("999999999999") == 999_999_999_999
    for text in ("", "-1", "1 2", "1000000000000", "١"):
        with pytest.raises(ParseError):
            parse_number(text)


NAMES = st.text("acdxyz", min_size=1, max_size=3)
ITEMS = st.lists(st.text("aZ0+/=<>@", min_size=1, max_size=90), min_size=1, max_size=9)
VALUES = ITEMS.map(":".join)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=300))
def test_what_is_written_is_read_back(tags, signature):
    field = write_signature(write_field("DKIM-Signature", tags.items()), signature)
    name, _, value = field.partition(b":")
    read = parse_tags(value)
    assert name == b"DKIM-Signature"
    assert parse_base64(read.pop("b")) == signature
    assert {key: parse_list(text) for key, text in read.items()} == {
        key: parse_list(text) for key, text in tags.items()
    }


def test_lines_are_folded_where_a_list_allows_it():
    names = ":".join(["content-transfer-encoding"] * 9)
    field = write_signature(write_field("DKIM-Signature", [("h", names)]), b"x" * 256)
    assert max(len(line) for line in field.split(b"\r\n")) <= 76
    text = fold_text("ARC-Authentication-Results", "i=1; mx.example; " + "spf=pass " * 20)
    assert max(len(line) for line in text.split("\r\n")) <= 76
    assert text.replace("\r\n", "").count("spf=pass") == 20
