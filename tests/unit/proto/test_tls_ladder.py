"""Which rung holds, case by case."""

import asyncio
import random

import pytest

from penfold.base.clock import FixedClock
from penfold.net.dns import Resolver
from penfold.proto.dns import Answer, Association, Exchange, Question, Status, run_check
from penfold.proto.exchangers import Host, Route, Verdict, find_route
from penfold.proto.exchangers import Policy as RoutePolicy
from penfold.proto.mta_sts import Mode, Policy
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.proto.tls_ladder import Demand, Rung, Source, choose_rung, find_records
from penfold.testing.dns import DnsServer, Entry

GOOD = Association(3, 1, 1, b"d" * 32)
PKIX = Association(1, 1, 1, b"d" * 32)
SECURE = Answer(Status.FOUND, (PKIX, GOOD), secure=True)
UNUSABLE = Answer(Status.FOUND, (PKIX,), secure=True)
INSECURE = Answer(Status.FOUND, (GOOD,))
SILENT = Answer(Status.FAILED)
ABSENT = Answer(Status.ABSENT, secure=True)
ENFORCED = Policy(Mode.ENFORCE, 1, ("*.example",))
OTHERS = Policy(Mode.ENFORCE, 1, ("*.example.net",))
TESTED = Policy(Mode.TESTING, 1, ("*.example.net",))
TESTED_NAMED = Policy(Mode.TESTING, 1, ("*.example",))
GONE = Policy(Mode.NONE, 1, ("*.example",))
NOTHING, ENCRYPTED, VERIFIED = Demand

HOST = Host("mx.example", ("192.0.2.1",), secure=True)
LITERAL = Host("", ("192.0.2.1",))


def route_to(host, *, secure=True):
    return Route(Verdict.HOSTS, "example", (host,), secure=secure)


@pytest.mark.parametrize(
    ("tlsa", "sts", "demand", "rung", "source"),
    [
        # Nobody says anything: what can be had.
        (None, None, NOTHING, "opportunistic", "no-policy-found"),
        (ABSENT, None, NOTHING, "opportunistic", "no-policy-found"),
        (ABSENT, GONE, NOTHING, "opportunistic", "no-policy-found"),
        (INSECURE, None, NOTHING, "opportunistic", "no-policy-found"),
        # DANE, before MTA-STS.
        (SECURE, None, NOTHING, "dane", "tlsa"),
        (SECURE, OTHERS, NOTHING, "dane", "tlsa"),
        (SECURE, TESTED, NOTHING, "dane", "tlsa"),
        (SECURE, None, VERIFIED, "dane", "tlsa"),
        (UNUSABLE, None, NOTHING, "encrypted", "tlsa"),
        (UNUSABLE, TESTED, NOTHING, "encrypted", "tlsa"),
        (UNUSABLE, ENFORCED, NOTHING, "verified", "sts"),
        (SILENT, None, NOTHING, "defer", "tlsa"),
        (SILENT, ENFORCED, VERIFIED, "defer", "tlsa"),
        # MTA-STS.
        (None, ENFORCED, NOTHING, "verified", "sts"),
        (INSECURE, ENFORCED, NOTHING, "verified", "sts"),
        (None, OTHERS, NOTHING, "refuse", "sts"),
        (None, OTHERS, VERIFIED, "refuse", "sts"),
        (None, TESTED, NOTHING, "opportunistic", "sts"),
        # What the message demands.
        (None, None, ENCRYPTED, "encrypted", "no-policy-found"),
        (None, TESTED, ENCRYPTED, "encrypted", "sts"),
        (SECURE, None, ENCRYPTED, "dane", "tlsa"),
        (None, ENFORCED, VERIFIED, "verified", "sts"),
    ],
)
def test_rung_follows_from_what_is_known(tlsa, sts, demand, rung, source):
    for secure in (True, False):
        decision = choose_rung(route_to(HOST, secure=secure), HOST, tlsa, sts, demand=demand)
        assert (decision.rung, decision.source) == (Rung(rung), Source(source))
        assert decision.records == ((GOOD,) if rung == "dane" else ())


@pytest.mark.parametrize(
    ("tlsa", "sts", "secure", "rung"),
    [
        (None, None, False, "refuse"),
        (None, None, True, "verified"),
        (None, TESTED, False, "refuse"),
        (None, TESTED_NAMED, False, "verified"),
        (None, GONE, False, "refuse"),
        (UNUSABLE, None, True, "verified"),
    ],
)
def test_requiretls_wants_a_host_that_is_surely_the_domains(tlsa, sts, secure, rung):
    route = route_to(HOST, secure=secure)
    assert choose_rung(route, HOST, tlsa, sts, demand=VERIFIED).rung is Rung(rung)


def test_policy_in_testing_is_handed_on_for_reports():
    assert choose_rung(route_to(HOST), HOST, None, TESTED).tested == TESTED
    assert choose_rung(route_to(HOST), HOST, SECURE, TESTED).tested is None
    assert choose_rung(route_to(HOST), HOST, None, ENFORCED).tested is None


def test_address_literal_has_no_policy():
    decision = choose_rung(route_to(LITERAL), LITERAL, None, OTHERS)
    assert decision.rung is Rung.OPPORTUNISTIC


@pytest.mark.parametrize(
    ("host", "secure", "asked"),
    [
        (HOST, True, True),
        (HOST, False, False),
        (Host("mx.example", ("192.0.2.1",)), True, False),
        (LITERAL, True, False),
    ],
    ids=["all-secure", "exchangers-insecure", "addresses-insecure", "literal"],
)
def test_records_are_asked_for_where_they_could_bind(host, secure, asked):
    table = {Question("_25._tcp.mx.example", "TLSA"): SECURE}
    found = run_check(find_records(route_to(host, secure=secure), host), table.__getitem__)
    assert found == (SECURE if asked else None)


def test_everything_is_found_out_by_asking_a_real_server():
    zones = {
        "example.org": {"MX": Entry([Exchange(10, "mx.example.org")], secure=True)},
        "mx.example.org": {"A": Entry(["8.8.1.1"], secure=True), "AAAA": Entry(secure=True)},
        "_25._tcp.mx.example.org": {"TLSA": Entry([GOOD], secure=True)},
    }

    def check():
        route = yield from find_route("example.org", RoutePolicy(), random.Random(1))
        (host,) = route.hosts
        tlsa = yield from find_records(route, host)
        return choose_rung(route, host, tlsa, None)

    with DnsServer(zones) as server:
        for trusted, rung in ((True, Rung.DANE), (False, Rung.OPPORTUNISTIC)):
            resolver = Resolver(
                Resolvers((Server(server.host, server.port),), trusted),
                clock=FixedClock(),
                chance=random.Random(1),
            )
            assert asyncio.run(resolver.run(check())).rung is rung
