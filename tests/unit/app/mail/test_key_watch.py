"""Keys begin to sign when the DNS has their records."""

import threading

import pytest
from tests.signatures import DOMAIN, record_of
from tests.unit.domain.outgoing.test_signing_keys import Signing, make_key
from tests.until import until

from penfold.app.mail.key_watch import KeyWatch
from penfold.proto.mailauth.private_keys import ED25519
from penfold.spec.events import SIGNING_BEGUN
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import Settings
from penfold.testing.dns import DnsServer, Mishap


class Log(list):
    def emit(self, event, /, **fields):
        self.append((event, fields))


class World:
    def __init__(self, server):
        self.signing = Signing(
            make_key("old", active_ms=1), make_key("rsa", active_ms=0),
            make_key("ed", ED25519, active_ms=0),
        )  # fmt: skip
        self.log = Log()
        settings = Settings(dns_servers=(Endpoint(server.host, server.port),))
        self.watch = KeyWatch(self.signing.book, settings, self.signing.clock, self.log)

    def run(self, *, stopping=False):
        event = threading.Event()
        if stopping:
            event.set()
        return self.watch.run(event).changed

    def selectors(self):
        self.signing.clock.advance(s=60)
        return self.signing.selectors()


@pytest.fixture
def server():
    with DnsServer({}) as server:
        yield server


def publish(server, **records):
    for selector, record in records.items():
        server.answers.zones[f"{selector}._domainkey.{DOMAIN}"] = {"TXT": record}


def test_a_key_signs_once_its_record_is_there(server):
    world = World(server)
    assert world.run() == 0
    assert world.selectors() == ["old"]
    publish(server, rsa=[record_of("rsa")], ed=[record_of("ed")])
    assert world.run() == 2
    assert world.selectors() == ["rsa", "ed"]
    assert {event for event, _ in world.log} == {SIGNING_BEGUN}
    told = [(fields["domain"], fields["selector"]) for _, fields in world.log]
    assert sorted(told) == [(DOMAIN, "ed"), (DOMAIN, "rsa")]


def test_records_of_another_key_and_silence_begin_nothing(server):
    publish(server, rsa=[record_of("ed")], ed=Mishap.SERVFAIL)
    world = World(server)
    assert (world.run(), world.selectors(), world.log) == (0, ["old"], [])


def test_nothing_is_asked_when_no_key_waits_or_the_process_stops(server):
    publish(server, rsa=[record_of("rsa")], ed=[record_of("ed")])
    world = World(server)
    assert world.run(stopping=True) == 0
    assert server.asked == {}
    assert world.run() == 2
    server.asked.clear()
    assert world.run() == 0
    assert server.asked == {}


def test_a_server_that_stops_does_not_wait_for_a_dns_that_says_nothing(server):
    publish(server, rsa=Mishap.SILENCE, ed=Mishap.SILENCE)
    stopping = threading.Event()
    watch = threading.Thread(target=World(server).watch.run, args=(stopping,))
    watch.start()
    until(lambda: server.asked)
    stopping.set()
    watch.join()
    assert len({name for name, _ in server.asked}) == 1  # the other key is not asked about
