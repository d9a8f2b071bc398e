"""One attempt: the servers of a domain, one after the other, until one decides."""

import asyncio
import random

import pytest
from msgspec.structs import replace

from penfold.base.clock import FixedClock
from penfold.base.limits import BROKEN_TLS_DAYS, DELIVERY_TRIED_MAX, ROUTE_KEPT_S
from penfold.front.worker.attempting import Attempting, Letter
from penfold.ports.delivering import Share
from penfold.proto.dns import Answer, Association, Exchange, Status, run_check
from penfold.proto.exchangers import Policy, Verdict
from penfold.proto.mta_sts import Mode
from penfold.proto.mta_sts import Policy as StsPolicy
from penfold.proto.smtp.client.outcome import Fate, Outcome, Reason, Result, TlsFacts
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.smtp.stage import Stage
from penfold.proto.tls_ladder import Rung
from penfold.spec.relays import Relay

ENVELOPE = Envelope("al@penfold.test", (Recipient("kim@box.example"),))
ZONES = {
    ("box.example", "MX"): (Exchange(10, "mx1.box.example"), Exchange(20, "mx2.box.example")),
    ("mx1.box.example", "A"): ("198.41.0.4", "199.9.14.201"),
    ("mx2.box.example", "A"): ("192.33.4.12",),
}
TLSA = Association(3, 1, 1, b"\0" * 32)
SILENT = Result("", Fate.FAILED, Stage.CONNECT, Reason.UNREACHABLE, 0, "", "nobody there")
ACCEPTED = Result("", Fate.ACCEPTED, Stage.DOT, Reason.REPLY, 250, "2.0.0", "ok")
REFUSED = Result("", Fate.REFUSED, Stage.RCPT, Reason.REPLY, 550, "5.1.1", "no such user")
TLS_BROKEN = Result("", Fate.FAILED, Stage.STARTTLS, Reason.TLS_FAILED, 0, "", "bad handshake")
FACTS = TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", verified=True, why="for mx1.box.example")


class World:
    """The DNS from a table, and servers that answer from a list; `hops` were called."""

    def __init__(self, *results, zones=ZONES, secure=False, sts=None):
        self.results = list(results)
        self.zones, self.secure, self.sts = zones, secure, sts
        self.hops = []
        self.now = 1.0
        self.clock = FixedClock()
        self.attempting = Attempting(
            self, self, self,
            reach=Policy(), clock=self.clock, chance=random.Random(7), elapsed=lambda: self.now,
        )  # fmt: skip

    async def run(self, check, *, within_s=None):
        assert within_s
        return run_check(check, self._answer)

    def _answer(self, question):
        found = self.zones.get((question.name, question.kind), ())
        if found == "failed":
            return Answer(Status.FAILED)
        status = Status.FOUND if found else Status.NOTHING
        return Answer(status, found, secure=self.secure)

    async def find(self, domain):
        assert domain == "box.example"
        return self.sts

    async def send(self, hop, envelope, raw, share):
        assert (envelope.recipients, raw, share) == (ENVELOPE.recipients, b"raw", Share(3, 9))
        self.hops.append(hop)
        result = self.results.pop(0) if self.results else SILENT
        tls = FACTS if result.fate is Fate.ACCEPTED and not hop.clear else None
        said = (f"S: {result.code}",)
        return Outcome(
            (result,),
            hop.host,
            hop.address,
            hop.port,
            tls=tls,
            dsn=tls is not None,
            transcript=said,
        )

    def attempt(self, *, encrypted=False, domain="box.example", relay=None, envelope=ENVELOPE):
        letter = Letter(envelope, b"raw", encrypted)

        async def run():
            route = await self.attempting.find_route(domain, relay)
            return await self.attempting.deliver(route, letter, Share(3, 9), relay)

        return asyncio.run(run())

    @property
    def called(self):
        return [(hop.host, hop.decision.rung, hop.clear) for hop in self.hops]


def test_servers_are_called_by_preference_and_each_address_until_one_decides():
    world = World(SILENT, SILENT, ACCEPTED)
    trail = world.attempt()
    assert [hop.host for hop in world.hops] == ["mx1.box.example"] * 2 + ["mx2.box.example"]
    assert {hop.address for hop in world.hops[:2]} == {"198.41.0.4", "199.9.14.201"}
    assert [each.fate for each in trail.tried] == ["failed", "failed", "accepted"]
    assert [each.dsn for each in trail.tried] == [False, False, True]
    assert trail.tried[-1].tls.startswith("TLSv1.3 TLS_AES_128_GCM_SHA256, verified: for mx1")
    assert trail.transcript == "S: 0\nS: 0\nS: 250"
    assert trail.dns[1] == "MX: 20 mx2.box.example at 192.33.4.12"


def test_a_refusal_of_the_recipient_ends_the_attempt():
    world = World(REFUSED)
    world.attempt()
    assert len(world.hops) == 1


def test_a_domain_without_servers_calls_nobody():
    world = World(zones={("box.example", "MX"): (Exchange(0, ""),)})
    trail = world.attempt()
    assert (world.hops, trail.tried) == ([], ())
    assert trail.dns == ("box.example: null-mx",)


def test_broken_tls_is_done_without_where_nothing_demands_it_and_remembered():
    world = World(TLS_BROKEN, ACCEPTED, ACCEPTED)
    trail = world.attempt()
    first, second = world.hops
    assert (first.clear, second.clear) == (False, True)
    assert second.address == first.address
    assert [each.fate for each in trail.tried] == ["failed", "accepted"]
    world.results = [SILENT, SILENT, ACCEPTED]
    world.attempt()
    assert {(hop.address, hop.clear) for hop in world.hops[2:]} >= {(first.address, True)}
    world.clock.advance(days=BROKEN_TLS_DAYS)
    world.hops.clear()
    world.attempt()
    assert not any(hop.clear for hop in world.hops)


def test_a_provider_that_is_never_called_in_clear_is_not_when_its_tls_is_broken():
    world = World(TLS_BROKEN, TLS_BROKEN, TLS_BROKEN)
    world.attempt(encrypted=True)
    assert {(rung, clear) for _, rung, clear in world.called} == {(Rung.ENCRYPTED, False)}
    assert len(world.hops) == 3


def test_a_policy_of_the_domain_leaves_out_servers_it_does_not_name():
    policy = StsPolicy(Mode.ENFORCE, 86_400, ("mx2.box.example",))
    world = World(ACCEPTED, sts=policy)
    trail = world.attempt()
    assert world.called == [("mx2.box.example", Rung.VERIFIED, False)]
    assert "mx1.box.example is not called" in trail.dns[-1]
    assert trail.tried[0].policy == "sts"


def test_tlsa_records_are_asked_for_where_the_dns_is_secure_and_bind():
    zones = {**ZONES, ("_25._tcp.mx1.box.example", "TLSA"): (TLSA,)}
    world = World(ACCEPTED, zones=zones, secure=True)
    world.attempt()
    [hop] = world.hops
    assert (hop.decision.rung, hop.decision.records) == (Rung.DANE, (TLSA,))
    assert hop.names == ("mx1.box.example", "box.example")


def test_when_nobody_says_which_certificate_is_right_the_server_is_not_called():
    zones = {
        **ZONES,
        ("_25._tcp.mx1.box.example", "TLSA"): "failed",
        ("_25._tcp.mx2.box.example", "TLSA"): "failed",
    }
    world = World(zones=zones, secure=True)
    trail = world.attempt()
    assert world.hops == []
    assert [line for line in trail.dns if "is not called" in line] == list(trail.dns[2:])


@pytest.mark.parametrize("hosts", [4, 30])
def test_no_more_servers_are_called_than_one_attempt_may(hosts):
    zones = {
        ("box.example", "MX"): tuple(Exchange(n, f"m{n}.box.example") for n in range(hosts)),
        **{(f"m{n}.box.example", "A"): (f"198.41.{n}.4",) for n in range(hosts)},
    }
    world = World(zones=zones)
    trail = world.attempt()
    assert len(trail.tried) == min(hosts, DELIVERY_TRIED_MAX)


HUB = {("hub.example", "A"): ("10.0.0.1", "10.0.0.2")}
REFUSED_LOGIN = Result("", Fate.REFUSED, Stage.AUTH, Reason.REPLY, 535, "5.7.8", "no")


def relay(**more):
    return Relay(host="hub.example", domains=("*",), **more)


@pytest.mark.parametrize(
    ("table", "rung", "implicit", "clear"),
    [
        pytest.param(relay(), Rung.VERIFIED, False, False, id="starttls"),
        pytest.param(relay(tls="implicit"), Rung.VERIFIED, True, False, id="implicit"),
        pytest.param(relay(tls="opportunistic"), Rung.OPPORTUNISTIC, False, False, id="opportune"),
        pytest.param(relay(tls="none"), Rung.OPPORTUNISTIC, False, True, id="none"),
    ],
)
def test_a_relay_is_called_by_its_own_name_and_as_the_settings_say(table, rung, implicit, clear):
    world = World(ACCEPTED, zones=HUB)
    trail = world.attempt(relay=table)
    [hop] = world.hops
    assert (hop.host, hop.port, hop.relay) == ("hub.example", table.port, table.name)
    assert (hop.decision.rung, hop.implicit, hop.clear) == (rung, implicit, clear)
    assert trail.relay == table.name
    assert trail.dns[0].startswith(
        "relay of the settings, MX is not asked for: 0 hub.example at 10."
    )
    assert trail.tried[0].policy == "settings"


def test_a_message_with_requiretls_goes_to_a_relay_that_proves_itself_only():
    world = World(ACCEPTED, zones=HUB)
    strict = replace(ENVELOPE, require_tls=True)
    world.attempt(relay=relay(tls="none"), envelope=strict)
    assert world.called == [("hub.example", Rung.VERIFIED, False)]


def test_a_login_that_is_refused_at_one_address_is_not_tried_at_the_next():
    world = World(REFUSED_LOGIN, zones=HUB)
    world.attempt(relay=relay())
    assert len(world.hops) == 1


def test_a_relay_that_is_silent_at_one_address_is_called_at_the_next():
    world = World(SILENT, ACCEPTED, zones=HUB)
    assert len(world.attempt(relay=relay()).tried) == 2


def test_a_relay_without_an_address_calls_nobody():
    trail = World(zones={}).attempt(relay=relay())
    assert (trail.tried, trail.dns) == ((), ("hub.example: no-address",))


def test_a_route_serves_for_a_moment_and_is_then_found_anew():
    world = World(ACCEPTED, ACCEPTED, ACCEPTED)
    world.attempt()
    world.zones = {**ZONES, ("mx1.box.example", "A"): ("192.58.128.30",)}
    world.attempt()
    assert world.hops[-1].address != "192.58.128.30"
    world.now += ROUTE_KEPT_S
    world.attempt()
    assert world.hops[-1].address == "192.58.128.30"


def test_a_domain_that_could_not_be_found_is_asked_for_at_once_again():
    world = World(ACCEPTED, zones={("box.example", "MX"): "failed"})
    assert world.attempt().route.verdict is Verdict.NO_ANSWER
    world.zones = ZONES
    assert world.attempt().route.verdict is Verdict.HOSTS
