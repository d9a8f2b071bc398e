"""Any octets are a message; a message that was put together falls apart the same way."""

import base64
import quopri

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from penfold.proto.mime.body import body_as_utf8, decode_body, find_part, part_ids
from penfold.proto.mime.model import Part, Summary
from penfold.proto.mime.scan import scan
from penfold.proto.mime.summary import read_message

PIECES = [
    b"\r\n", b"\n", b"\r", b"--b", b"--b--", b"--c", b"--", b"Content-Type: ", b"multipart/mixed",
    b"; boundary=b", b'; boundary="c"', b"message/rfc822", b"text/html", b"text/plain", b"\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"QUJD", b"=", b"Subject: ", b"=?utf-8?q?=E9?=", b" ",
    b"From: a@b\r\n", b"\xff", b"\0", b"<p>", b"; name*0=", b"; charset=utf-16", b"Date: ", b":",
]  # fmt: skip

RAW = st.binary(max_size=2048) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)


@given(RAW)
def test_any_octets_have_a_tree_and_a_summary(raw):
    root, summary = read_message(raw)
    for at, (_, part) in enumerate(part_ids(root)):
        assert 0 <= part.start <= part.end <= len(raw)
        assert find_part(root, at) == part
        if part.parts:
            assert all(part.start <= child.start <= child.end <= part.end for child in part.parts)
            assert part.size in (0, part.end - part.start)
        else:
            assert part.size == len(decode_body(raw, part))
            body_as_utf8(raw, part).decode() if part.mime_type.startswith("text/") else None
        for name, value in part.headers:
            assert name.isascii()
            assert not set(value) & {"\r", "\n", "\0"}
    # the store keeps both as msgpack
    assert msgpack.decode(msgpack.encode(root), type=Part) == root
    assert msgpack.decode(msgpack.encode(summary), type=Summary) == summary


@st.composite
def leaves(draw):
    body = draw(st.binary(max_size=80))
    encoding = draw(st.sampled_from(["base64", "quoted-printable"]))
    mime_type = draw(st.sampled_from(["text/plain", "text/html", "image/png"]))
    encoded = base64.encodebytes(body) if encoding == "base64" else quopri.encodestring(body)
    if encoding == "quoted-printable":
        # cannot look like a delimiter, or like half of the line end that belongs to one
        encoded = encoded.replace(b"-", b"=2D").replace(b"\r", b"=0D")
    head = f"Content-Type: {mime_type}\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    return head + encoded.rstrip(b"\n") * (encoding == "base64") + encoded * (
        encoding != "base64"
    ), (mime_type, body)


@st.composite
def containers(draw, children):
    parts = draw(st.lists(children, min_size=1, max_size=4))
    boundary = draw(st.text("bB-=_ '", max_size=6)).strip() + f"{draw(st.integers(0, 10**9))}"
    raw = f'Content-Type: multipart/mixed; boundary="{boundary}"\n\npreamble\n'.encode()
    for text, _ in parts:
        raw += f"--{boundary}\n".encode() + text + b"\n"
    return raw + f"--{boundary}--\n".encode(), ("multipart/mixed", [tree for _, tree in parts])


@st.composite
def forwards(draw, children):
    text, tree = draw(children)
    return b"Content-Type: message/rfc822\n\nX-A: b\n" + text, ("message/rfc822", [tree])


MESSAGES = st.recursive(leaves(), lambda inner: containers(inner) | forwards(inner), max_leaves=8)


def tree_of(raw, part):
    if part.parts:
        return part.mime_type, [tree_of(raw, child) for child in part.parts]
    return part.mime_type, decode_body(raw, part)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(MESSAGES, st.booleans())
def test_message_put_together_falls_apart_the_same_way(message, crlf):
    raw, tree = message
    if len(set(boundaries(raw))) != len(boundaries(raw)):
        return  # two containers drew one boundary
    if crlf:
        raw = raw.replace(b"\n", b"\r\n")
        tree = None if b"quoted" in raw else tree  # bodies with line ends change with them
    result = tree_of(raw, scan(raw))
    assert tree is None or result == tree


def boundaries(raw):
    return [line for line in raw.split(b"\n") if b"boundary=" in line]
