"""Parts that are written are read back, by our reader and by the library's."""

import email
from email import policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penfold.proto.mime.body import decode_body
from penfold.proto.mime.build import join, make_file, make_text, write
from penfold.proto.mime.scan import scan

#: Anything a caller can put into JSON, with what breaks lines and encodings made likely.
TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(list("\r\n\t =.-äß漢😀\0From")),
    ),
    max_size=200,
)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


def lines_of(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def check_wire(raw):
    assert raw.isascii()
    assert b"\0" not in raw
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")


@given(TEXTS, st.integers(1, 20))
@example("000\x1f\x80", 7)  # one long line, packed: its soft line ends are CRLF too
def test_a_text_is_read_back_whatever_is_in_it(text, times):
    raw = write(make_text("plain", text * times))
    check_wire(raw)
    wanted = lines_of(text * times)
    root = scan(raw)
    assert (root.mime_type, root.charset) == ("text/plain", "utf-8")
    assert decode_body(raw, root).decode() == wanted
    assert email.message_from_bytes(raw).get_payload(decode=True).decode() == wanted


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("plain\n", "7bit", id="ascii"),
        pytest.param("x" * 998, "7bit", id="longest-line"),
        pytest.param("x" * 999, "quoted-printable", id="long-line"),
        pytest.param("Grüße an alle, die dies lesen", "quoted-printable", id="some-foreign"),
        pytest.param("漢字漢字", "base64", id="mostly-foreign"),
        pytest.param("a\0b", "quoted-printable", id="nul"),
    ],
)
def test_a_text_travels_as_it_is_or_as_what_is_shorter(text, encoding):
    assert dict(make_text("plain", text).fields)["Content-Transfer-Encoding"] == encoding


@given(NAMES, st.binary(max_size=300))
def test_a_file_is_read_back_with_its_name(name, data):
    raw = write(make_file(name, data))
    check_wire(raw)
    shown = " ".join(name.split())
    root = scan(raw)
    assert decode_body(raw, root) == data
    read = email.message_from_bytes(raw, policy=policy.default)
    assert read.get_payload(decode=True) == data
    if shown.strip():
        assert " ".join(root.filename.split()) == shown[: len(root.filename)].strip()


@pytest.mark.parametrize(
    "kind",
    ["message/rfc822", "multipart/mixed", "text/html; charset=x", "a/b\r\nBcc: kim@x.example", "x"],
)
def test_a_type_that_is_none_of_a_file_becomes_octets(kind):
    assert dict(make_file("a", b"", mime_type=kind).fields)["Content-Type"] == (
        "application/octet-stream"
    )


def test_a_type_is_told_from_the_name():
    assert dict(make_file("bill.PDF", b"").fields)["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("text", ["a\r\nBcc: kim@x.example", "a\nb", "a\x00b", "\u2028b"])
def test_no_file_name_or_content_id_begins_a_second_field(text):
    raw = write(make_file(text, b""))
    assert b"\r\nBcc:" not in raw
    with pytest.raises(ValueError, match="control"):
        write(make_file("a", b"", content_id=text))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_parts_stay_apart(texts):
    parts = [make_text("plain", text) for text in texts]
    raw = write(join("mixed", parts, boundary="0123456789abcdef"), before=[("MIME-Version", "1.0")])
    check_wire(raw)
    root = scan(raw)
    assert [decode_body(raw, part).decode() for part in root.parts] == [*map(lines_of, texts)]
    read = email.message_from_bytes(raw)
    assert len(read.get_payload()) == len(texts)
