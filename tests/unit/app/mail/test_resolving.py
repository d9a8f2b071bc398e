"""From settings to a resolver that asks."""

import asyncio

import pytest

from penfold.app.config import load_settings
from penfold.app.mail.resolving import make_resolver
from penfold.base.clock import FixedClock
from penfold.net.dns import load_resolvers
from penfold.proto.dns import Question
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings
from penfold.testing.dns import DnsServer, Entry


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.53", [("192.0.2.53", 53)]),
        ("192.0.2.53:5353,::1", [("192.0.2.53", 5353), ("::1", 53)]),
        ("[2001:db8::53]:5353", [("2001:db8::53", 5353)]),
        ("fe80::1%eth0", [("fe80::1%eth0", 53)]),
    ],
)
def test_servers_are_named_by_address_with_or_without_a_port(tmp_path, text, found):
    settings = load_settings({"data": str(tmp_path)}, {"PENFOLD_DNS_SERVERS": text}).settings
    assert list(map(tuple, settings.dns_servers)) == found


def test_servers_of_the_settings_are_asked():
    with DnsServer({"x.example": {"A": Entry(["192.0.2.1"], secure=True)}}) as server:
        settings = Settings(dns_servers=(Endpoint(server.host, server.port),))
        resolver = make_resolver(settings, FixedClock())
        answer = asyncio.run(resolver.ask(Question("x.example", "A")))
    assert answer.addresses == ("192.0.2.1",)
    assert answer.secure  # it is on this machine


def test_servers_elsewhere_are_trusted_by_setting_only():
    servers = (Endpoint("192.0.2.53", 53),)
    assert not make_resolver(Settings(dns_servers=servers), FixedClock()).trusted
    assert make_resolver(Settings(dns_servers=servers, dns_trusted="on"), FixedClock()).trusted
    assert make_resolver(Settings(dns_trusted="on"), FixedClock()).trusted


def test_system_is_asked_without_a_setting():
    resolver = make_resolver(Settings(), FixedClock())
    assert resolver.trusted == load_resolvers().trusted
