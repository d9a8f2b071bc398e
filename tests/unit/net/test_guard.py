"""Requests cannot make the server talk to its neighbours, whatever the address looks like."""

import socket

import pytest

from penfold.net.guard import ForbiddenAddressError, UnreachableError, connect, is_allowed

INSIDE = [
    "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::", "fe80::1%eth0", "fd00::1", "ff02::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1", "192.0.2.1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
OURS = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]


@pytest.mark.parametrize("address", INSIDE)
def test_inner_address_is_never_allowed(address):
    assert not is_allowed(address, loopback=True)


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_address_is_allowed(address):
    assert is_allowed(address, loopback=False)


@pytest.mark.parametrize("address", OURS)
def test_own_address_is_allowed_in_local_mode_only(address):
    assert is_allowed(address, loopback=True)
    assert not is_allowed(address, loopback=False)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_connection_goes_to_the_address_that_was_checked(listener):
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return ["127.0.0.1"]

    with connect(
        "hooks.example", listener, loopback=True, timeout_s=5, resolve=resolve
    ) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    assert asked == [("hooks.example", listener)]


def test_one_forbidden_address_among_several_refuses_the_name(listener):
    with pytest.raises(ForbiddenAddressError):
        connect("x.example", listener, loopback=True, timeout_s=5,
                resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])  # fmt: skip


def test_name_without_an_answer_is_unreachable():
    def fail(*_):
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(UnreachableError):
        connect("x.example", 1, loopback=True, timeout_s=5, resolve=fail)


@pytest.mark.parametrize("host", ["a..b.example", f"{'a' * 64}.example"])
def test_name_no_resolver_can_be_asked_for_is_unreachable(host):
    with pytest.raises(UnreachableError):
        connect(host, 443, loopback=True, timeout_s=5)


def test_port_nobody_listens_at_is_unreachable(listener):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError):
        connect("x.example", port, loopback=True, timeout_s=5, resolve=lambda *_: ["127.0.0.1"])


def test_each_address_has_a_share_of_the_time_and_the_connection_has_all_of_it(listener):
    with connect(
        "x.example", listener, loopback=True, timeout_s=8, resolve=lambda *_: ["::1", "127.0.0.1"]
    ) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
        assert connection.gettimeout() == 8
