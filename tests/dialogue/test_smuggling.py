"""One message never becomes two: the table of vectors, by every way in and cut at every octet."""

import dataclasses
import socket
import tomllib
from pathlib import Path

import pytest
from tests.unit.proto.smtp.driver import MX, SUBMISSION, Driver, codes, messages

from penfold.proto.smtp.framing import normalize_line_ends

VECTORS = tomllib.loads(Path(__file__).with_name("smuggling.toml").read_text())["vector"]
INNER = (
    b"MAIL FROM:<x@other.example>\r\nRCPT TO:<alice@box.example>\r\nDATA\r\n"
    b"Subject: inner\r\n\r\nsmuggled"
)
OWN = dataclasses.replace(SUBMISSION, require_auth=False, errors_max=100)
PROFILES = {way: dataclasses.replace(MX, errors_max=100) for way in ("data", "chunk", "binary")}
PROFILES["own"] = OWN
CASES = [
    pytest.param(vector, way, id=f"{vector['octets']!r}-{way}")
    for vector in VECTORS
    for way in PROFILES
]


def content_of(vector, way):
    """Return what stands in the message and what follows, up to the true end."""
    inner = INNER + b"\r\n" if way in ("chunk", "binary") else INNER
    return b"Subject: outer\r\n\r\ntext" + vector["octets"].encode() + inner


def stream_of(vector, way):
    content = content_of(vector, way)
    if way in ("data", "own"):
        return b"DATA\r\n" + content + b"\r\n.\r\n"
    return b"BDAT %d LAST\r\n%b" % (len(content), content)


def expected_of(vector, way):
    content = content_of(vector, way)
    if way in ("chunk", "binary"):
        return content
    text = (content + b"\r\n").replace(b"\r\n.", b"\r\n")
    return normalize_line_ends(text) if way == "own" else text


def opened(way):
    driver = Driver(PROFILES[way], tls=True)
    body = b" BODY=BINARYMIME" if way == "binary" else b""
    driver.send(b"EHLO a\r\nMAIL FROM:<a@a.example>%b\r\nRCPT TO:<b@box.example>\r\n" % body)
    driver.output = b""
    return driver


@pytest.mark.parametrize(("vector", "way"), CASES)
def test_there_is_one_reply_and_at_most_one_message_wherever_the_stream_is_cut(vector, way):
    stream = stream_of(vector, way) + b"NOOP\r\n"
    prompt = [354] if way in ("data", "own") else []
    pieces = [[stream[:at], stream[at:]] for at in range(len(stream))]
    for cut in [*pieces, [bytes([octet]) for octet in stream]]:
        driver = opened(way)
        for piece in cut:
            driver.send(piece)
        assert codes(driver.output) == [*prompt, vector[way], 250]
        stored = [message.data for message in messages(driver)]
        assert stored == ([expected_of(vector, way)] if vector[way] == 250 else [])


def test_the_true_end_does_end_a_message():
    """Shows that the table would notice: after a real end the rest is commands."""
    driver = opened("data")
    driver.send(stream_of({"octets": "\r\n.\r\n"}, "data"))
    assert len(messages(driver)) == 2


def test_every_vector_is_one_message_at_the_real_listener(converse):
    ways = [(vector, way) for vector in VECTORS for way in ("data", "chunk", "binary")]

    def talk(address):
        for vector, way in ways:
            body = b" BODY=BINARYMIME" if way == "binary" else b""
            opening = b"MAIL FROM:<p@probe.example>%b\r\nRCPT TO:<alice@box.example>\r\n" % body
            with socket.create_connection(address, 10) as sock, sock.makefile("rb") as reader:
                assert reader.readline().startswith(b"220")
                sock.sendall(b"EHLO probe.example\r\n" + opening + stream_of(vector, way))
                sock.sendall(b"QUIT\r\n")
                assert codes(reader.read())[-2:] == [vector[way], 221]

    product, _ = converse(talk, {})
    assert [data for _, data in product.delivered] == [
        expected_of(vector, way) for vector, way in ways if vector[way] == 250
    ]
