"""The small DNS server is one: another resolver than ours understands it."""

import contextlib
import socket

import dns.exception
import dns.resolver
import pytest

from penfold.proto.dns import Association, Exchange
from penfold.testing.dns import DnsServer, Entry, Mishap

ZONES = {
    "example.org": {
        "MX": [Exchange(10, "mx.example.org"), Exchange(0, "")],
        "TXT": [b"a" * 600],
        "TLSA": [Association(3, 1, 1, b"\xab" * 32)],
    },
    "mx.example.org": {"A": Entry(["192.0.2.1"], ttl_s=7), "AAAA": ["2001:db8::1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
    "www.example.org": {"CNAME": ["mx.example.org"]},
    "bad.example.org": {"A": Mishap.SERVFAIL},
}


@pytest.fixture(scope="module")
def server():
    with DnsServer(ZONES) as server:
        yield server


@pytest.fixture(scope="module")
def resolver(server):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server.host]
    resolver.port = server.port
    return resolver


@pytest.mark.parametrize(
    ("name", "kind", "texts"),
    [
        ("example.org", "MX", {"10 mx.example.org.", "0 ."}),
        ("example.org", "TXT", {f'"{"a" * 255}" "{"a" * 255}" "{"a" * 90}"'}),
        ("example.org", "TLSA", {"3 1 1 " + "ab" * 32}),
        ("mx.example.org", "A", {"192.0.2.1"}),
        ("MX.Example.ORG", "AAAA", {"2001:db8::1"}),
        ("1.2.0.192.in-addr.arpa", "PTR", {"mx.example.org."}),
        ("www.example.org", "A", {"192.0.2.1"}),
    ],
)
def test_records_are_served(resolver, name, kind, texts):
    assert {row.to_text() for row in resolver.resolve(name, kind)} == texts


def test_times_to_live_are_those_of_the_table(resolver):
    assert resolver.resolve("mx.example.org", "A").rrset.ttl == 7


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("gone.example.org", dns.resolver.NXDOMAIN),
        ("org", dns.resolver.NoAnswer),
        ("example.org", dns.resolver.NoAnswer),
        ("bad.example.org", dns.resolver.NoNameservers),
    ],
)
def test_what_is_not_there_is_told(resolver, name, error):
    with pytest.raises(error):
        resolver.resolve(name, "A")


def test_questions_are_counted_and_tables_may_change(server, resolver):
    server.answers.zones["new.example.org"] = {"A": ["192.0.2.9"]}
    assert resolver.resolve("new.example.org", "A").rrset[0].to_text() == "192.0.2.9"
    assert server.asked["new.example.org", "A"] == 1
    with contextlib.suppress(dns.exception.DNSException):
        resolver.resolve("new.example.org", "AAAA")
    assert server.asked["new.example.org", "AAAA"] == 1


def test_noise_is_passed_over(server, resolver):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for data in (b"", b"x", b"\0" * 12, b"\xff" * 40):
            noise.sendto(data, (server.host, server.port))
    with socket.create_connection((server.host, server.port)) as cut:
        cut.sendall(b"\0")
    with socket.create_connection((server.host, server.port)) as noise:
        noise.sendall(b"\0\2xx")
    assert resolver.resolve("mx.example.org", "A", tcp=True).rrset[0].to_text() == "192.0.2.1"


def test_port_is_free_again_after_it():
    with DnsServer({}) as server:
        pass
    with socket.create_server((server.host, server.port)):
        pass
