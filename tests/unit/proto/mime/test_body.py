"""Bodies as octets, and parts by id."""

import pytest

from penfold.base.errors import NotFoundError
from penfold.proto.mime.body import body_as_utf8, decode_body, find_part, get_part, part_ids
from penfold.proto.mime.scan import scan

NESTED = b"""\
Content-Type: multipart/mixed; boundary=b

--b

zero
--b
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary=c

--c

inner
--c--
--b
Content-Type: image/png

PNG
--b--
"""


def test_ids_are_gmails():
    assert [part_id for part_id, _ in part_ids(scan(NESTED))] == [
        "", "0", "1", "1.0", "1.0.0", "2",
    ]  # fmt: skip


def test_part_is_found_by_its_place_in_the_walk():
    root = scan(NESTED)
    walk = [part for _, part in part_ids(root)]
    assert [find_part(root, at) for at in range(len(walk))] == walk
    assert get_part(root, 4) is walk[4]


@pytest.mark.parametrize("index", [-1, 6, 10**9])
def test_place_outside_the_walk_is_not_found(index):
    assert find_part(scan(NESTED), index) is None
    with pytest.raises(NotFoundError):
        get_part(scan(NESTED), index)


def body(charset, data, mime_type="text/plain"):
    raw = f"Content-Type: {mime_type}; charset={charset}\r\n\r\n".encode() + data
    return body_as_utf8(raw, scan(raw))


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        pytest.param("iso-8859-1", b"Gr\xfc\xdfe \x80", "Grüße €", id="latin1-means-windows-1252"),
        pytest.param("koi8-r", "привет".encode("koi8-r"), "привет", id="koi8-r"),
        pytest.param("iso-2022-jp", "日本".encode("iso2022_jp"), "日本", id="iso-2022-jp"),
        pytest.param("gb2312", "朱镕基".encode("gb18030"), "朱镕基", id="gb2312-means-gb18030"),
        pytest.param("ks_c_5601-1987", "한글".encode("cp949"), "한글", id="name-only-mailers-use"),
        pytest.param("utf-16le", "é".encode("utf-16-le"), "é", id="utf-16"),
        pytest.param("utf-16", b"\0", None, id="utf-16-cut-short"),
        pytest.param("utf-8", b"caf\xc3\xa9", "café", id="utf-8"),
        pytest.param("utf-8", b"caf\xe9", "caf\ufffd", id="utf-8-damaged"),
        pytest.param("x-nobody", b"caf\xc3\xa9", "café", id="unknown-guessed-as-utf-8"),
        pytest.param("x-nobody", b"caf\xe9", "café", id="unknown-guessed-as-windows-1252"),
        pytest.param("us-ascii", b"caf\xe9", "café", id="ascii-that-is-not"),
        pytest.param("ansi_x3.4-1968", b"caf\xe9", "café", id="ascii-by-another-name"),
        pytest.param('""', b"\x81\x8d", "\x81\x8d", id="nothing-fits"),
        pytest.param("unicode_escape", rb"\u0041", r"\u0041", id="python-codec"),
        pytest.param("rot13", b"abc", "abc", id="python-text-codec"),
        pytest.param("utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-", id="utf-7"),
        pytest.param("idna", b"xn--a", "xn--a", id="idna"),
        pytest.param("a" * 10_000, b"abc", "abc", id="endless-name"),
        pytest.param("\0bad", b"abc", "abc", id="nul-in-name"),
        pytest.param("../../etc", b"abc", "abc", id="path-as-name"),
    ],
)
def test_text_is_transcoded_to_utf8_and_only_from_mail_charsets(charset, data, text):
    result = body(charset, data).decode()
    assert text is None or result == text


def test_what_is_no_text_is_left_alone():
    assert body("iso-8859-1", b"\xfc", "application/x-y") == b"\xfc"


def test_size_is_the_length_of_every_decoded_leaf():
    root = scan(NESTED)
    assert [len(decode_body(NESTED, p)) for _, p in part_ids(root) if not p.parts] == [
        p.size for _, p in part_ids(root) if not p.parts
    ]
