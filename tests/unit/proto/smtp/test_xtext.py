"""xtext, ENVID and ORCPT."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import SMTP_ENVID_MAX_CHARS, SMTP_ORCPT_MAX_CHARS
from penfold.proto.smtp.xtext import (
    OriginalRecipient,
    decode_xtext,
    encode_xtext,
    format_envid,
    format_orcpt,
    parse_envid,
    parse_orcpt,
)

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
ADDRESSES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40
)


@given(PRINTABLE)
def test_printable_text_comes_back_from_xtext(text):
    value = encode_xtext(text)
    assert decode_xtext(value) == text
    assert not set(value) & set(" =")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a+2Bb+3D", "a+b="), ("QQ314159", "QQ314159"), ("+20", " "), ("", "")],
)
def test_xtext_is_decoded(value, text):
    assert decode_xtext(value) == text


@pytest.mark.parametrize("value", ["a b", "a=b", "+2b", "+2", "+", "é", "a\r\n", "\x7f"])
def test_what_is_no_xtext_is_refused(value):
    with pytest.raises(ParseError):
        decode_xtext(value)


@pytest.mark.parametrize("text", ["é", "a\nb", "\x7f", "\0"])
def test_what_xtext_cannot_carry_is_not_written(text):
    with pytest.raises(ValueError):
        encode_xtext(text)


@given(PRINTABLE.filter(bool))
def test_envelope_id_comes_back(text):
    with contextlib.suppress(ValueError):  # too long when encoded
        assert parse_envid(format_envid(text)) == text


@pytest.mark.parametrize("value", ["", "x" * (SMTP_ENVID_MAX_CHARS + 1), "+0D+0A", "+FF", "a b"])
def test_envelope_id_that_no_field_could_hold_is_refused(value):
    with pytest.raises(ParseError):
        parse_envid(value)


@given(ADDRESSES, st.booleans())
def test_original_recipient_comes_back(address, utf8):
    original = OriginalRecipient("rfc822" if address.isascii() else "utf-8", address)
    with contextlib.suppress(ValueError):  # too long when encoded
        value = format_orcpt(original, utf8=utf8)
        assert parse_orcpt(value) == original
        assert utf8 or value.isascii()


@pytest.mark.parametrize(
    ("value", "kind", "address"),
    [
        ("rfc822;Bob@Example.COM", "rfc822", "Bob@Example.COM"),
        ("RFC822;a+2Bb@example.com", "rfc822", "a+b@example.com"),
        # RFC 6533 §3: both forms of one address.
        (r"utf-8;\x{54A5}\x{5566}@x.example", "utf-8", "咥啦@x.example"),
        ("utf-8;咥啦@x.example", "utf-8", "咥啦@x.example"),
        ("x400;/O=a/", "x400", "/O=a/"),
    ],
)
def test_original_recipient_is_read(value, kind, address):
    if "/O=" in value:  # "=" is not in xtext
        with pytest.raises(ParseError):
            parse_orcpt(value)
        return
    assert parse_orcpt(value) == OriginalRecipient(kind, address)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bob@example.com",
        "rfc822;",
        ";bob@example.com",
        "rfc 822;bob@example.com",
        "rfc822;bob+0D+0A@example.com",
        "rfc822;böb@example.com",
        "rfc822;b+FFb@example.com",
        r"utf-8;\x{D800}@x",
        r"utf-8;\x{110000}@x",
        r"utf-8;\x{0A}@x",
        r"utf-8;a\b@x",
        "rfc822;" + "x" * SMTP_ORCPT_MAX_CHARS,
    ],
)
def test_malformed_original_recipient_is_refused(value):
    with pytest.raises(ParseError):
        parse_orcpt(value)


def test_original_recipient_too_long_to_carry_is_not_written():
    with pytest.raises(ValueError):
        format_orcpt(OriginalRecipient("rfc822", "x" * SMTP_ORCPT_MAX_CHARS), utf8=False)


@given(st.text(max_size=80))
def test_anything_is_read_or_refused(value):
    for parse in (decode_xtext, parse_envid, parse_orcpt):
        with contextlib.suppress(ParseError):
            parse(value)
