"""What is found in the DNS of a sending domain, by a real resolver."""

import asyncio
from random import Random

import pytest

from penfold.app.mail.resolving import make_resolver
from penfold.base.clock import FixedClock
from penfold.domain.sending.domain_dns import list_dns_records, look_at
from penfold.domain.sending.domains import SendingDomains
from penfold.proto.mailauth.private_keys import ALGORITHMS, make_private_key
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings
from penfold.testing.dns import DnsServer, Mishap
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

HOST = "mx.penfold.test"
KEYS = {algorithm: make_private_key(algorithm) for algorithm in ALGORITHMS}


@pytest.fixture
def server():
    with DnsServer({HOST: {"A": ["192.0.2.1"]}}) as server:
        yield server


@pytest.fixture
def domain():
    domains = SendingDomains(
        *(MemorySending(), PlainSealer(), FixedClock(), Random(7), HOST),
        *(lambda _: False, None),
        make_key=KEYS.__getitem__,
    )
    return domains.add("shop.example", "a")


def publish(server, domain):
    for one in list_dns_records(domain, HOST):
        value = one.value.encode() if one.kind == "TXT" else one.value
        server.answers.zones[one.name] = {one.kind: [value]}


def look(server, domain):
    async def ask():
        settings = Settings(dns_servers=(Endpoint(server.host, server.port),))
        resolver = make_resolver(settings, FixedClock())
        try:
            return await resolver.run(look_at(domain, HOST), within_s=5)
        finally:
            await resolver.close()

    return asyncio.run(ask())


def test_what_was_published_as_shown_is_found(server, domain):
    assert set(look(server, domain).values()) == {"missing"}
    publish(server, domain)
    found = look(server, domain)
    assert set(found.values()) == {"verified"}
    assert set(found) == {one.what for one in list_dns_records(domain, HOST)}


def test_each_record_that_says_something_else_is_wrong_and_silence_is_no_answer(server, domain):
    records = list_dns_records(domain, HOST)
    other = {"TXT": [b"v=DMARC1; p=nonsense"], "A": ["192.0.2.9"]}
    for one in records:
        publish(server, domain)
        server.answers.zones[one.name] = other
        found = look(server, domain)
        assert {what for what, said in found.items() if said != "verified"} == {one.what}
        server.answers.zones[one.name] = dict.fromkeys(other | {"AAAA": []}, Mishap.SERVFAIL)
        assert look(server, domain)[one.what] == "unanswered"
