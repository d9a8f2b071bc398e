"""Addresses our requests may be sent to: whole, plain, and nothing hidden in them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import PUSH_ENDPOINT_MAX
from penfold.proto.endpoint import parse_endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://shop.example/hook?x=1", "shop.example", None),
        ("http://127.0.0.1:9000", "127.0.0.1", 9000),
        ("https://[2001:db8::1]:8443/", "2001:db8::1", 8443),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", None),
        (f"https://{'a' * 63}.example./", f"{'a' * 63}.example.", None),
    ],
)
def test_address_is_taken_apart(text, host, port):
    parts = parse_endpoint(text)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", "https://", "shop.example/hook", "https:///hook", "https://kim@shop.example/",
        "https://kim:secret@shop.example/", "https://shop.example/#part", "https://shop.example:0/",
        "https://shop.example:99999/", "https://shop.example:x/", "https://bücher.example/",
        "https://shop.example/a b", "https://shop.example/\r\nX: y", "https://shop.example\\@10.0.0.1/",
        "https://a..b.example/", "https://.b.example/", "https://./", f"https://{'a' * 64}.example/",
        f"https://{'a.' * 126}ab/",
        "https://[::1", "https://[::1%25eth0]/", "https://shop.example/" + "x" * PUSH_ENDPOINT_MAX,
    ],
)  # fmt: skip
def test_anything_odd_is_refused(text):
    with pytest.raises(ParseError):
        parse_endpoint(text)


@given(st.text(max_size=60) | st.text("htps:/[]@.#%0 1aé\r\n", max_size=40).map("https://".__add__))
def test_address_is_read_or_refused_and_never_ends_a_line(text):
    with contextlib.suppress(ParseError):
        parts = parse_endpoint(text)
        assert parts.hostname.encode("idna")  # as a resolver is asked
        assert parts.username is None
        assert not set("\r\n \t") & set(parts.geturl())
