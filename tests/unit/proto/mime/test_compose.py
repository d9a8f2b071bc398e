"""Header surgery leaves everything else as it was and writes nothing it did not mean to."""

import email
import email.policy
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.address import parse_address_list
from penfold.proto.mime.compose import (
    encode_header_value,
    format_address,
    header_values,
    normalize_crlf,
    prepend_headers,
    received_header,
    remove_headers,
    replace_header,
)
from penfold.proto.mime.model import Address
from penfold.proto.mime.scan import scan

RAW = b"From: a@b\r\nBCC: x@y,\r\n\tz@y\r\nSubject: s\r\nbcc : q@y\r\n\r\nBcc: body\r\n\0\xff"


def test_every_field_of_the_names_goes_and_nothing_else():
    assert remove_headers(RAW, ["Bcc"]) == (b"From: a@b\r\nSubject: s\r\n\r\nBcc: body\r\n\0\xff")
    assert remove_headers(RAW, ["X-Not-There"]) is RAW


def test_values_are_unfolded_and_come_in_order():
    assert header_values(RAW, "bcc") == ["x@y, z@y", "q@y"]
    assert header_values(RAW, "Cc") == []


def test_encoded_words_stay_encoded_in_values():
    assert header_values(b"To: =?utf-8?q?a?= <a@b>\n\n", "to") == ["=?utf-8?q?a?= <a@b>"]


def test_fields_beyond_those_shown_are_removed_too():
    raw = b"A: b\r\n" * 2000 + b"Bcc: x\r\n\r\n"
    assert b"Bcc" not in remove_headers(raw, ["bcc"])


def test_fields_are_put_on_top_in_order():
    assert prepend_headers(RAW, [("A", "1"), ("B", "2")]) == b"A: 1\r\nB: 2\r\n" + RAW


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_fields_that_are_written_already_follow_with_the_line_ends_of_the_message(line_end):
    raw = b"Subject: x" + line_end + line_end + b"Hello"
    shown = prepend_headers(raw, [("A", "1")], written=b"B: 2\r\n 3\r\n")
    assert shown == line_end.join([b"A: 1", b"B: 2", b" 3", raw])
    assert prepend_headers(raw, [], written=b"B: 2\r\n") == b"B: 2" + line_end + raw


def test_nothing_to_write_changes_nothing():
    assert prepend_headers(RAW, []) is RAW


def test_internationalized_fields_are_written_as_they_are():
    raw = prepend_headers(b"\r\n", [("To", "jörg@exämple.test")], utf8=True)
    assert raw == "To: jörg@exämple.test\r\n\r\n".encode()
    with pytest.raises(ValueError):
        prepend_headers(b"\r\n", [("To", "jörg@x\r\nBcc: evil@x")], utf8=True)


def test_lines_of_encoded_words_stay_short_behind_a_long_name():
    name = "X-" + "Long-" * 12 + "Name"
    raw = prepend_headers(b"\r\n", [(name, "é" * 100)])
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
    assert scan(raw).headers == ((name, "é" * 100),)


@given(st.text("aé€𐀀", min_size=30, max_size=120))
def test_no_character_is_split_between_words(text):
    for word in encode_header_value("é" + text).split(" "):
        b64decode(word.removeprefix("=?utf-8?b?").removesuffix("?=")).decode()


def test_word_longer_than_a_line_may_be_is_encoded():
    raw = prepend_headers(b"\r\n", [("Subject", "x" * 2000), ("A", "short " * 200)])
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert scan(raw).headers == (("Subject", "x" * 2000), ("A", ("short " * 200).strip()))


def test_line_ends_follow_the_message():
    assert prepend_headers(b"A: b\n\nx\n", [("C", "d " * 60)]).count(b"\r") == 0


def test_mbox_line_stays_on_top():
    raw = prepend_headers(b"From x Thu\nA: b\n\n", [("C", "d")])
    assert scan(raw).headers == (("C", "d"), ("A", "b"))


def test_bare_body_stays_body():
    raw = prepend_headers(b" indented\r\ntext", [("A", "b")])
    assert scan(raw).headers == (("A", "b"),)
    assert raw[scan(raw).start :] == b" indented\r\ntext"


def test_field_is_replaced_where_it_stood_and_its_repetitions_go():
    assert replace_header(RAW, "bcc", "new") == (
        b"From: a@b\r\nbcc: new\r\nSubject: s\r\n\r\nBcc: body\r\n\0\xff"
    )
    assert replace_header(RAW, "Cc", "new") == b"Cc: new\r\n" + RAW


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Subject", "a\r\nBcc: evil@x", id="crlf-in-value"),
        pytest.param("Subject", "a\nb", id="lf-in-value"),
        pytest.param("Subject", "a\0b", id="nul-in-value"),
        pytest.param("Subject", "a\x85b", id="next-line-in-value"),
        pytest.param("Subject", "a\u2028b", id="line-separator-in-value"),
        pytest.param("Subject", "\ud800", id="surrogate-in-value"),
        pytest.param("X\r\nBcc", "evil@x", id="crlf-in-name"),
        pytest.param("X:", "y", id="colon-in-name"),
        pytest.param("X Y", "y", id="blank-in-name"),
        pytest.param("", "y", id="empty-name"),
        pytest.param("É", "y", id="name-beyond-ascii"),
        pytest.param("--b", "y", id="name-like-a-delimiter"),
    ],
)
def test_controls_and_bad_names_are_refused(name, value):
    for write in (
        lambda: prepend_headers(RAW, [(name, value)]),
        lambda: replace_header(RAW, name, value),
    ):
        with pytest.raises(ValueError):
            write()


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300))
def test_written_value_reads_back_and_makes_no_other_field(value):
    raw = prepend_headers(b"Z: 1\r\n\r\nbody", [("Subject", encode_header_value(value))])
    headers = scan(raw).headers
    assert [name for name, _ in headers] == ["Subject", "Z"]
    assert all(len(line) <= 78 for line in raw.split(b"\r\n") if line.startswith(b" =?"))
    if scan(b"S: " + value.encode() + b"\r\n\r\n").headers == (("S", value),):  # nothing to clean
        assert headers[0][1] == value


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=400))
def test_ascii_value_keeps_its_octets_however_it_is_folded(value):
    raw = prepend_headers(b"\r\n", [("X-Y", value)])
    assert header_values(raw, "x-y") == [value.strip()]


LENGTHS = st.sampled_from([1, 2, 23, 24, 25, 75, 76, 90])
WORDS = st.tuples(LENGTHS, LENGTHS).map(lambda both: " " * both[0] + "a" * both[1])


@given(st.lists(WORDS, max_size=8), st.sampled_from([1, 23, 72, 73, 74, 75, 76]))
def test_lines_break_only_where_they_would_be_too_long_and_none_is_blank(words, name_length):
    value = "".join(words).strip(" ")
    raw = prepend_headers(b"", [("X" * name_length, value)]).removesuffix(b"\r\n\r\n")
    lines = raw.split(b"\r\n")
    assert all(line.strip() for line in lines)
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        shown = line.split()
        assert len(line) <= 76 or len(shown) == 1 or (line == lines[0] and len(shown) == 2)
        if following:  # RFC 5322 §3.2.2: a line of blanks only is obsolete
            blanks = len(following) - len(following.lstrip())
            assert len(line) + blanks + len(following.split()[0]) > 76


def test_standard_library_reads_what_we_write():
    raw = prepend_headers(
        b"\r\n",
        [
            ("Subject", encode_header_value("Grüße an alle " * 12 + "Ende =?x?=")),
            ("To", format_address(Address("Zoë, Müller", "z@x"))),
        ],
    )
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["subject"] == "Grüße an alle " * 12 + "Ende =?x?="
    assert message["to"].addresses[0].display_name == "Zoë, Müller"


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), max_size=60)


@given(NAMES.map(lambda name: " ".join(name.split())))
def test_address_reads_back(name):
    address = Address(name, "a@example.org")
    assert parse_address_list(format_address(address), strict=True) == [address]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "a@b"),
        ("Jane Roe", "Jane Roe <a@b>"),
        ("Roe, J.", '"Roe, J." <a@b>'),
        ('J "x"', '"J \\"x\\"" <a@b>'),
        ("é", "=?utf-8?b?w6k=?= <a@b>"),
        ("a\r\nBcc: b", '"a  Bcc: b" <a@b>'),
        ("a\u2028b\x85", "a b <a@b>"),
    ],
)
def test_name_is_quoted_or_encoded_as_it_needs(name, text):
    assert format_address(Address(name, "a@b")) == text


def test_address_with_line_end_is_refused():
    with pytest.raises(ValueError):
        format_address(Address("", "a@b\r\n"))


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        pytest.param(b"a: b\r\n\r\nx\r\n", b"a: b\r\n\r\nx\r\n", id="untouched"),
        pytest.param(b"a: b\n\nx\ny", b"a: b\r\n\r\nx\r\ny", id="lf"),
        pytest.param(b"a: b\r\n\nx\ry\r\n", b"a: b\r\n\r\nx\r\ny\r\n", id="mixed"),
        pytest.param(b"a: b\rBcc: c\n\n", b"a: b Bcc: c\r\n\r\n", id="lone-cr-begins-no-field"),
        pytest.param(b"\n\r\r\n", b"\r\n\r\n\r\n", id="empty-lines"),
        pytest.param(b"", b"", id="empty"),
    ],
)
def test_every_line_ends_in_crlf(raw, normal):
    assert normalize_crlf(raw) == normal
    assert normalize_crlf(normal) == normal


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a: b", b"x", b" ", b"--"])).map(b"".join))
def test_normal_form_has_no_lone_cr_or_lf_and_no_new_field(raw):
    normal = normalize_crlf(raw)
    assert normal.count(b"\r\n") == normal.count(b"\r") == normal.count(b"\n")
    assert normalize_crlf(normal) == normal
    assert [name for name, _ in scan(normal).headers] == [name for name, _ in scan(raw).headers]


def test_trace_line_says_who_gave_what_to_whom():
    value = received_header(
        helo="mail.example.org", peer="2001:db8::1", by="mx.penfold.test", protocol="ESMTPS",
        identity="18c0", epoch_ms=0, recipient="alice@penfold.test", tls="TLSv1.3 TLS_AES_128",
    )  # fmt: skip
    assert value == (
        "from mail.example.org ([2001:db8::1]) by mx.penfold.test (using TLSv1.3 TLS_AES_128) "
        "with ESMTPS id 18c0 for <alice@penfold.test>; Thu, 01 Jan 1970 00:00:00 +0000"
    )


def test_trace_line_of_this_product_itself_has_no_peer():
    value = received_header(
        helo="gmailapi", peer="", by="mx", protocol="HTTP", identity="1", epoch_ms=0,
        recipient="é@x",
    )  # fmt: skip
    assert value == "from gmailapi by mx with HTTP id 1; Thu, 01 Jan 1970 00:00:00 +0000"


def test_strangers_cannot_write_into_the_trace_line():
    value = received_header(
        helo="x (by y) id 1; for <a@b>\r\nBcc: c", peer="1.2.3.4", by="mx", protocol="SMTP",
        identity="1", epoch_ms=0,
    )  # fmt: skip
    assert value.startswith(
        "from x??by?y??id?1??for??a@b???Bcc:?c ([1.2.3.4]) by mx with SMTP id 1;"
    )
