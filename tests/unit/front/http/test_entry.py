"""Whose forwarded fields are believed, and which names are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.entry import Names, Proxies

PROXIES = Proxies(["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"])


def settled(*fields, peer="10.0.0.1", proxies=PROXIES):
    headers = [(b"host", b"inner:80"), *((n.encode(), v.encode()) for n, v in fields)]
    scope = {"client": (peer, 9), "scheme": "http", "headers": headers}
    proxies.settle(scope)
    hosts = [value.decode() for name, value in scope["headers"] if name == b"host"]
    assert len(hosts) == 1
    return scope["client"][0], scope["scheme"], hosts[0]


ALL = (
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "mail.example"),
)


@pytest.mark.parametrize("peer", ["10.255.0.9", "127.0.0.1", "::ffff:10.0.0.1", "2001:db8::9"])
def test_a_trusted_proxy_says_who_its_client_is(peer):
    assert settled(*ALL, peer=peer) == ("203.0.113.7", "https", "mail.example")


@pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.2", "::ffff:192.0.2.1", "not-an-address"])
def test_from_anybody_else_these_fields_are_words(peer):
    assert settled(*ALL, peer=peer) == (peer, "http", "inner:80")
    assert settled(*ALL, peer=peer, proxies=Proxies([])) == (peer, "http", "inner:80")


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the client wrote the first one
        ("198.51.100.1, 203.0.113.7,10.0.0.3 , 10.0.0.2", "203.0.113.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.7:4711", "10.0.0.1"),
        ("", "10.0.0.1"),
        (",,,", "10.0.0.1"),
        ("fe80::1%<b>", "10.0.0.1"),
        ("2001:DB8:1::1", "2001:db8:1::1"),
        ("203.0.113.7," + "10.0.0.2," * 30 + "10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_nearest_hop_that_is_no_proxy_of_ours_is_the_client(hops, client):
    assert settled(("x-forwarded-for", hops))[0] == client


def test_a_field_written_twice_is_one_list():
    two = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")]
    assert settled(*two)[0] == "203.0.113.7"


def test_the_other_field_is_not_read_and_odd_schemes_are_not_taken():
    other = ("forwarded", "for=203.0.113.7;proto=https;host=evil.example")
    assert settled(other, ("x-forwarded-proto", "javascript")) == ("10.0.0.1", "http", "inner:80")


@given(st.binary(max_size=400), st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_a_proxy_says_the_client_stays_an_address_and_the_scheme_one_of_two(
    one, two, three
):
    headers = [(b"host", b"x"), (b"x-forwarded-for", one), (b"x-forwarded-proto", two),
               (b"x-forwarded-host", three)]  # fmt: skip
    scope = {"client": ("10.0.0.1", 9), "scheme": "http", "headers": headers}
    PROXIES.settle(scope)
    assert set(scope["client"][0]) <= set("0123456789abcdef:.")
    assert scope["scheme"] in ("http", "https")


# --- names


def admits(host, *, strict, guarded=False, names=("mail.example.org", "accounts.example.org")):
    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"headers": headers, "server": ("192.0.2.10", 80)}
    return Names(names, strict=strict).admits(scope, guarded=guarded)


OURS = ["mail.example.org", "MAIL.example.org.:443", "accounts.example.org:1", "192.0.2.10:8025",
        "localhost:8025", "127.0.0.1", "127.9.9.9:1", "[::1]:8025", None]  # fmt: skip
LOCAL = [
    "penfold:8025",
    "box.local",
    "app.localhost:3000",
    "penfold.test",
    "192.168.1.7",
    "8.8.8.8",
]
FOREIGN = [
    "evil.example",
    "mail.example.org.evil.example",
    "evil.example:8025",
    "localhost.evil.eu",
]


@pytest.mark.parametrize("host", OURS)
def test_our_names_are_answered_in_both_modes(host):
    assert admits(host, strict=True)
    assert admits(host, strict=False)


@pytest.mark.parametrize("host", LOCAL)
def test_names_nobody_else_can_own_are_answered_in_local_mode_alone(host):
    assert admits(host, strict=False)
    assert not admits(host, strict=True, guarded=True)


@pytest.mark.parametrize("host", FOREIGN)
def test_names_of_others_get_no_page_on_loopback_but_the_api(host):
    assert not admits(host, strict=False)
    assert admits(host, strict=False, guarded=True)
    assert not admits(host, strict=True, guarded=True)


@given(st.text(max_size=300))
def test_no_host_field_makes_an_error(host):
    headers = [(b"host", host.encode("latin-1", "replace"))]
    Names((), strict=True).admits({"headers": headers, "server": None}, guarded=False)
