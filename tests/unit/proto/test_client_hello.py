"""What the first octets of TLS ask for, taken from real clients and from noise."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import CLIENT_HELLO_MAX_BYTES
from penfold.proto.client_hello import NOTHING, parse_client_hello


def make_hello(name="mail.example.com", protocols=("acme-tls/1",), versions=None):
    """Return what OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if versions:
        context.maximum_version = versions
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


HELLO = make_hello()


def split(hello, size):
    """Return the same message in records of `size` octets."""
    message = hello[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(hello[:3] + len(piece).to_bytes(2) + piece for piece in pieces)


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2])
@pytest.mark.parametrize("name", ["mail.example.com", "MAIL.Example.com", None])
@pytest.mark.parametrize("protocols", [(), ("acme-tls/1",), ("h2", "http/1.1")])
def test_name_and_protocols_of_a_client_are_found(version, name, protocols):
    found = parse_client_hello(make_hello(name, protocols, version))
    assert found.name == (name or "").lower()
    assert found.protocols == tuple(each.encode() for each in protocols)


def test_every_beginning_is_too_early_to_say():
    assert {parse_client_hello(HELLO[:n]) for n in range(len(HELLO))} == {None}


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_hello_over_many_records_is_the_same(size):
    assert parse_client_hello(split(HELLO, size)) == parse_client_hello(HELLO)
    assert parse_client_hello(split(HELLO, size)[:-1]) is None


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(b"\x16\x03\x01\x00\x00" + HELLO, id="empty-record"),
        pytest.param(HELLO[:5] + b"\x02" + HELLO[6:], id="another-message"),
        pytest.param(HELLO[:5] + b"\x01\xff\xff\xff" + HELLO[9:], id="endless"),
        pytest.param(b"\x16\x03\x01\x00\x01\x01" * CLIENT_HELLO_MAX_BYTES, id="dripping"),
        pytest.param(split(HELLO, 9)[:14] + b"\x17" + split(HELLO, 9)[15:], id="data-between"),
    ],
)
def test_what_is_no_hello_asks_for_nothing(octets):
    assert parse_client_hello(octets) == NOTHING


@given(st.binary(max_size=600))
def test_noise_never_fails(body):
    head = b"\x01" + len(body).to_bytes(3)
    for octets in (
        body,
        HELLO[:60] + body,
        b"\x16\x03\x01" + (4 + len(body)).to_bytes(2) + head + body,
    ):
        parse_client_hello(octets)
