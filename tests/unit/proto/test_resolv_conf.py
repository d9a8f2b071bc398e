"""What resolv.conf says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import DNS_SERVERS_MAX
from penfold.proto.resolv_conf import Server, parse_resolv_conf


@pytest.mark.parametrize(
    ("text", "hosts", "trusted"),
    [
        pytest.param("", ["127.0.0.1"], True, id="empty"),
        pytest.param("nameserver 192.0.2.53\n", ["192.0.2.53"], False, id="remote"),
        pytest.param("nameserver 127.0.0.53", ["127.0.0.53"], True, id="this-machine"),
        pytest.param("nameserver ::1\nnameserver 127.0.0.1", ["::1", "127.0.0.1"], True, id="both"),
        pytest.param(
            "nameserver 127.0.0.1\nnameserver 192.0.2.53",
            ["127.0.0.1", "192.0.2.53"],
            False,
            id="one-elsewhere-spoils-all",
        ),
        pytest.param(
            "options edns0 trust-ad\nnameserver 192.0.2.53", ["192.0.2.53"], True, id="trust-ad"
        ),
        pytest.param("nameserver fe80::1%eth0", ["fe80::1%eth0"], False, id="link"),
        pytest.param(
            "#nameserver 1.1.1.1\nnameserver\nnameserver x\nsearch y\nnameserver 192.0.2.1 # z",
            ["192.0.2.1"],
            False,
            id="noise",
        ),
    ],
)
def test_servers_are_read(text, hosts, trusted):
    read = parse_resolv_conf(text)
    assert read.servers == tuple(map(Server, hosts))
    assert read.trusted == trusted


@given(st.lists(st.sampled_from(["nameserver", "options", "1.1.1.1", "::", "\n", " ", "\0", "%"])))
def test_nothing_raises_and_there_is_a_server(pieces):
    assert 1 <= len(parse_resolv_conf(" ".join(pieces)).servers) <= DNS_SERVERS_MAX
