"""Bodies of multipart uploads, cut into pieces anywhere."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import PART_HEAD_MAX_BYTES
from penfold.proto.related import RelatedParser

JSON = b'{"labelIds": ["INBOX"]}'


def make_body(media, *, end="\r\n", encoding="", kind="message/rfc822", boundary="b"):
    lines = [
        f"--{boundary}", "Content-Type: application/json", "MIME-Version: 1.0", "", JSON.decode(),
        f"--{boundary}", f"Content-Type: {kind}",
    ]  # fmt: skip
    if encoding:
        lines.append(f"Content-Transfer-Encoding: {encoding}")
    head = end.join([*lines, "", ""]).encode()
    return head + media + f"{end}--{boundary}--".encode()


def read(body, *, sizes=(1 << 20,), content_type='multipart/related; boundary="b"'):
    parser = RelatedParser(content_type)
    media, at = b"", 0
    for size in [*sizes, len(body)]:
        media += parser.feed(body[at : at + size])
        at += size
    return parser, media + parser.close()


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("boundary", ["b", "===============123==", "a b"], ids=str)
def test_json_and_media_come_apart(end, boundary):
    media = b"To: a@x\r\n\r\nHello\r\n--not the boundary\n"
    parser, found = read(
        make_body(media, end=end, boundary=boundary),
        content_type=f'multipart/related; charset=x; boundary="{boundary}"',
    )
    assert (parser.metadata, parser.media_type, found) == (JSON, "message/rfc822", media)


def test_base64_is_undone():
    media = bytes(range(256)) * 9
    body = make_body(base64.encodebytes(media), encoding="Base64")
    assert read(body, sizes=[7] * 900)[1] == media


def test_preamble_and_epilogue_are_passed_over():
    body = b"preamble\r\n" + make_body(b"x") + b"\r\nepilogue\r\n--b\r\n"
    assert read(body)[1] == b"x"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no boundary line\r\n" * 9, id="no-boundary-line"),
        pytest.param(make_body(b"x")[:-6], id="cut-off"),
        pytest.param(b"--b\r\n\r\n{}\r\n--b--\r\n", id="one-part"),
        pytest.param(b"--b\r\nX: " + b"x" * (PART_HEAD_MAX_BYTES + 9), id="long-head"),
        pytest.param(b"x" * (PART_HEAD_MAX_BYTES + 9), id="long-preamble"),
        pytest.param(make_body(b"!!!!", encoding="base64"), id="no-base64"),
        pytest.param(make_body(b"QQ", encoding="base64") + b"x", id="fine-but-for-padding"),
    ],
)
def test_what_is_no_upload_is_refused(body):
    if b"QQ" in body:
        assert read(body)[1] == b"A"
        return
    with pytest.raises(ParseError):
        read(body)


@pytest.mark.parametrize("kind", ["multipart/related", "multipart/related; boundary=", ""])
def test_a_type_without_boundary_is_refused(kind):
    with pytest.raises(ParseError):
        RelatedParser(kind)


@given(
    st.binary(max_size=400),
    st.lists(st.integers(1, 40), max_size=40),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "base64"]),
)
def test_media_is_the_same_however_it_is_cut(media, sizes, end, encoding):
    if b"\n--b" in media or media.startswith(b"--b"):
        return
    packed = base64.b64encode(media) if encoding else media
    parser, found = read(make_body(packed, end=end, encoding=encoding), sizes=sizes)
    if end == "\r\n" or not media.endswith(b"\r") or encoding:
        assert found == media
    assert parser.metadata == JSON


@given(st.binary(max_size=300), st.lists(st.integers(1, 20), max_size=20))
def test_anything_is_read_or_refused(body, sizes):
    try:
        read(b"--b\n" + body, sizes=sizes)
    except ParseError:
        return


def test_hole_2026_011_an_empty_head_is_the_same_wherever_the_body_is_cut():
    body = make_body(b"x").replace(b"--b\r\nContent-Type: m", b"--b\r\n\n\nContent-Type: m")
    assert read(body)[1] == read(body, sizes=[1] * 300)[1]
