"""Where mail for a domain goes, domain by domain."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penfold.base.clock import FixedClock
from penfold.base.limits import EXCHANGERS_FAILED_MAX, EXCHANGERS_MAX, ROUTE_ADDRESSES_MAX
from penfold.net.dns import Resolver
from penfold.proto.dns import Answer, Exchange, Question, Status, run_check
from penfold.proto.exchangers import Families, Policy, Verdict, find_host, find_route
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.testing.dns import DnsServer, Entry, Mishap

OWN = "198.51.99.1"
A1, A2, A3 = "8.8.1.1", "8.8.1.2", "8.8.1.3"
V6 = "2001:4860::1"
FAILED = Answer(Status.FAILED)

ZONES = {
    "two.example": {"MX": [Exchange(20, "b.example"), Exchange(10, "a.example")]},
    "a.example": {"A": [A1], "AAAA": [V6]},
    "b.example": {"A": [A2]},
    "safe.example": {"MX": Entry([Exchange(1, "safe-host.example")], secure=True)},
    "safe-host.example": {"A": Entry([A1], secure=True), "AAAA": Entry([V6], secure=True)},
    "half-safe.example": {"MX": Entry([Exchange(1, "half-safe-host.example")], secure=True)},
    "half-safe-host.example": {"A": [A1], "AAAA": Entry([V6], secure=True)},
    "null.example": {"MX": Entry([Exchange(0, "")], secure=True)},
    "nulls-beside.example": {"MX": [Exchange(0, ""), Exchange(10, "a.example")]},
    "bare.example": {"A": [A3], "TXT": [b""]},
    "bare6.example": {"AAAA": [V6]},
    "empty.example": {"TXT": [b"x"]},
    "dead.example": {"MX": [Exchange(10, "gone.example"), Exchange(20, "empty.example")]},
    "dead-first.example": {"MX": [Exchange(10, "gone.example"), Exchange(20, "b.example")]},
    "mx-fails.example": {"MX": Mishap.SERVFAIL, "A": [A1]},
    "host-fails.example": {"MX": [Exchange(10, "failing.example"), Exchange(20, "gone.example")]},
    "one-host-fails.example": {"MX": [Exchange(10, "failing.example"), Exchange(20, "b.example")]},
    "failing.example": {"A": Mishap.SERVFAIL, "AAAA": Mishap.SERVFAIL},
    "half-failing.example": {"A": Mishap.SERVFAIL, "AAAA": [V6]},
    "bare-fails.example": {"TXT": [b""], "A": Mishap.SERVFAIL},
    "local.example": {"A": ["127.0.0.1"]},
    "nowhere.example": {"A": ["0.0.0.0"]},
    "mapped.example": {"AAAA": ["::ffff:127.0.0.1"]},
    "group.example": {"A": ["224.0.0.1"]},
    "metadata.example": {"A": ["169.254.169.254"]},
    "inside.example": {"A": ["10.0.0.1"]},
    "mixed.example": {"A": ["10.0.0.1", A1]},
    "own.example": {"A": [OWN]},
    "own-mapped.example": {"AAAA": [f"::ffff:{OWN}"]},
    "alias.example": {"MX": [Exchange(1, "alias-host.example")]},
    "alias-host.example": {"CNAME": ["a.example"]},
    "inside-alias.example": {"CNAME": ["inside.example"]},
    "backup.example": {
        "MX": [
            Exchange(10, "a.example"),
            Exchange(20, "mx.own.example"),
            Exchange(20, "b.example"),
            Exchange(30, "bare.example"),
        ]
    },
    "backup-by-address.example": {"MX": [Exchange(10, "a.example"), Exchange(20, "own.example")]},
    "ours-first.example": {"MX": [Exchange(10, "own.example"), Exchange(20, "b.example")]},
    "twice.example": {"MX": [Exchange(20, "a.example"), Exchange(10, "a.example")]},
    "xn--bcher-kva.example": {"MX": [Exchange(10, "a.example")]},
}
POLICY = Policy(own=frozenset([OWN]), own_names=frozenset(["mx.own.example"]))


@pytest.fixture(scope="module")
def server():
    with DnsServer(ZONES) as server:
        yield server


@pytest.fixture
def find(server):
    """Return a function that asks the real server through the real resolver."""

    def find(domain, policy=POLICY, seed=7, check=find_route):
        resolver = Resolver(
            Resolvers((Server(server.host, server.port),), trusted=True),
            clock=FixedClock(),
            chance=random.Random(seed),
        )
        return asyncio.run(resolver.run(check(domain, policy, random.Random(seed))))

    return find


def hosts_of(route):
    return [(host.name, *host.addresses) for host in route.hosts]


@pytest.mark.parametrize(
    ("domain", "hosts"),
    [
        ("two.example", [("a.example", A1, V6), ("b.example", A2)]),
        ("TWO.Example", [("a.example", A1, V6), ("b.example", A2)]),
        ("nulls-beside.example", [("a.example", A1, V6)]),
        ("bare.example", [("bare.example", A3)]),
        ("bare6.example", [("bare6.example", V6)]),
        ("dead-first.example", [("b.example", A2)]),
        ("one-host-fails.example", [("b.example", A2)]),
        ("half-failing.example", [("half-failing.example", V6)]),
        ("alias.example", [("alias-host.example", A1, V6)]),
        ("mixed.example", [("mixed.example", A1)]),
        ("backup.example", [("a.example", A1, V6)]),
        ("backup-by-address.example", [("a.example", A1, V6)]),
        ("twice.example", [("a.example", A1, V6)]),
        ("bücher.example", [("a.example", A1, V6)]),
        ("BÜCHER。example", [("a.example", A1, V6)]),
        ("[8.8.1.1]", [("", A1)]),
        ("[IPv6:2001:4860::1]", [("", V6)]),
    ],
)
def test_mail_goes_to_the_hosts_of_its_domain(find, domain, hosts):
    route = find(domain)
    assert hosts_of(route) == hosts
    assert (route.verdict, route.status) == (Verdict.HOSTS, "2.0.0")


@pytest.mark.parametrize(
    ("domain", "verdict", "status"),
    [
        ("gone.example", Verdict.NO_DOMAIN, "5.1.2"),
        ("", Verdict.NO_DOMAIN, "5.1.2"),
        ("a..b", Verdict.NO_DOMAIN, "5.1.2"),
        ("192.0.2.1", Verdict.NO_DOMAIN, "5.1.2"),
        ("[192.0.2.1", Verdict.NO_DOMAIN, "5.1.2"),
        ("[x]", Verdict.NO_DOMAIN, "5.1.2"),
        ("null.example", Verdict.NULL_MX, "5.1.10"),
        ("empty.example", Verdict.NO_ADDRESS, "5.4.4"),
        ("dead.example", Verdict.NO_ADDRESS, "5.4.4"),
        ("mx-fails.example", Verdict.NO_ANSWER, "4.4.3"),
        ("host-fails.example", Verdict.NO_ANSWER, "4.4.3"),
        ("bare-fails.example", Verdict.NO_ANSWER, "4.4.3"),
        ("local.example", Verdict.LOOP, "5.4.6"),
        ("nowhere.example", Verdict.LOOP, "5.4.6"),
        ("mapped.example", Verdict.LOOP, "5.4.6"),
        ("own.example", Verdict.LOOP, "5.4.6"),
        ("own-mapped.example", Verdict.LOOP, "5.4.6"),
        ("ours-first.example", Verdict.LOOP, "5.4.6"),
        ("[127.0.0.1]", Verdict.LOOP, "5.4.6"),
        (f"[{OWN}]", Verdict.LOOP, "5.4.6"),
        ("[IPv6:::ffff:127.0.0.1]", Verdict.LOOP, "5.4.6"),
        ("group.example", Verdict.FORBIDDEN, "5.4.4"),
        ("metadata.example", Verdict.FORBIDDEN, "5.4.4"),
        ("inside.example", Verdict.FORBIDDEN, "5.4.4"),
        ("inside-alias.example", Verdict.FORBIDDEN, "5.4.4"),
        ("[10.0.0.1]", Verdict.FORBIDDEN, "5.4.4"),
    ],
)
def test_why_mail_goes_nowhere_is_told(find, domain, verdict, status):
    route = find(domain)
    assert (route.verdict, route.status, route.hosts) == (verdict, status, ())


def test_private_addresses_and_those_of_this_machine_may_be_allowed(find):
    assert hosts_of(find("inside.example", Policy(private=True))) == [
        ("inside.example", "10.0.0.1")
    ]
    assert find("local.example", Policy(private=True)).verdict is Verdict.LOOP
    assert hosts_of(find("local.example", Policy(loopback=True))) == [
        ("local.example", "127.0.0.1")
    ]
    for domain in ("group.example", "metadata.example", "nowhere.example"):
        assert not find(domain, Policy(private=True, loopback=True)).hosts


@pytest.mark.parametrize(
    ("families", "addresses"),
    [
        (Families.IPV4, (A1,)),
        (Families.IPV6, (V6,)),
        (Families.IPV4_FIRST, (A1, V6)),
        (Families.IPV6_FIRST, (V6, A1)),
    ],
)
def test_families_of_addresses_are_a_matter_of_policy(find, families, addresses):
    assert find("two.example", Policy(families=families)).hosts[0].addresses == addresses


def test_what_was_secure_is_told_of_exchangers_and_addresses(find):
    safe, half, none = (find(f"{name}.example") for name in ("safe", "half-safe", "two"))
    assert (safe.secure, safe.hosts[0].secure) == (True, True)
    assert (half.secure, half.hosts[0].secure) == (True, False)
    assert (none.secure, none.hosts[0].secure) == (False, False)
    assert find("null.example").secure


def test_host_that_is_listed_twice_is_tried_once_at_its_best(find):
    assert [host.preference for host in find("twice.example").hosts] == [10]


def test_domain_without_exchangers_is_its_own(find):
    assert find("bare.example").implicit
    assert not find("two.example").implicit


def answers_of(table):
    return lambda question: table.get(question, Answer(Status.ABSENT))


def many(preferences, addresses=1):
    """Return answers for a domain with a host for each preference."""
    table = {
        Question("x.example", "MX"): Answer(
            Status.FOUND, tuple(Exchange(p, f"h{n}.example") for n, p in enumerate(preferences))
        )
    }
    for n, _ in enumerate(preferences):
        found = tuple(f"8.{m}.{n // 250}.{n % 250}" for m in range(addresses))
        table[Question(f"h{n}.example", "A")] = Answer(Status.FOUND, found)
    return table


def test_a_thousand_exchangers_cost_few_questions():
    asked = []

    def look_up(question):
        asked.append(question)
        return many([10] * 1_000).get(question, Answer(Status.ABSENT))

    route = run_check(find_route("x.example", Policy(), random.Random(1)), look_up)
    assert len(route.hosts) == EXCHANGERS_MAX
    assert len(asked) == 1 + 2 * EXCHANGERS_MAX


def test_hosts_nobody_knows_about_cost_few_questions():
    asked = []

    def look_up(question):
        asked.append(question)
        return FAILED if question.kind != "MX" else many(range(10))[question]

    route = run_check(find_route("x.example", Policy(), random.Random(1)), look_up)
    assert route.verdict is Verdict.NO_ANSWER
    assert len(asked) == 1 + 2 * EXCHANGERS_FAILED_MAX


def test_addresses_are_bounded_together_and_each_host_has_its_share():
    table = many([1, 2, 3, 4], addresses=50)
    route = run_check(find_route("x.example", Policy(), random.Random(1)), answers_of(table))
    assert [len(host.addresses) for host in route.hosts] == [4, 4, 2]
    assert sum(len(host.addresses) for host in route.hosts) == ROUTE_ADDRESSES_MAX


def test_equals_come_in_any_order_and_so_do_addresses():
    table = many([10, 10, 5], addresses=2)
    orders = set()
    for seed in range(40):
        route = run_check(find_route("x.example", Policy(), random.Random(seed)), answers_of(table))
        names = [host.name for host in route.hosts]
        assert names[0] == "h2.example"
        orders.add((tuple(names), route.hosts[0].addresses))
    assert len(orders) == 4


@settings(max_examples=50)
@given(
    st.text(max_size=40),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "c", "", "a\\.b"])), max_size=6),
    st.lists(st.sampled_from(["1.1.1.1", "::1", "0.0.0.0", "ff02::1", "10.0.0.1"]), max_size=5),
)  # fmt: skip
def test_no_answers_raise_and_no_forbidden_address_is_tried(domain, exchanges, addresses):
    def look_up(question):
        if question.kind == "MX":
            return Answer(Status.FOUND, tuple(Exchange(*each) for each in exchanges))
        return Answer(Status.FOUND, tuple(addresses)) if addresses else FAILED

    for name in (domain, "x.example"):
        route = run_check(find_route(name, Policy(), random.Random(1)), look_up)
        assert (route.verdict is Verdict.HOSTS) == bool(route.hosts)
        assert {each for host in route.hosts for each in host.addresses} <= {"1.1.1.1"}


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        pytest.param("two.example", (), id="whatever-its-mx"),
        pytest.param("a.example", (A1, V6), id="public"),
        pytest.param("inside.example", ("10.0.0.1",), id="private"),
        pytest.param("local.example", ("127.0.0.1",), id="this-machine"),
        pytest.param("alias-host.example", (A1, V6), id="alias"),
        pytest.param("localhost", ("127.0.0.1", "::1"), id="localhost"),
        pytest.param("192.168.7.7", ("192.168.7.7",), id="address"),
        pytest.param("fd00::7", ("fd00::7",), id="address6"),
    ],
)
def test_a_relay_is_where_its_name_says_be_it_a_private_address(find, host, addresses):
    route = find(host, check=find_host)
    assert hosts_of(route) == ([(host, *addresses)] if addresses else [])


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        ("gone.example", Verdict.NO_ADDRESS),
        ("failing.example", Verdict.NO_ANSWER),
        ("own.example", Verdict.LOOP),
        ("mx.own.example", Verdict.LOOP),
        ("group.example", Verdict.FORBIDDEN),
    ],
)
def test_why_there_is_no_way_to_a_relay_is_told(find, host, verdict):
    assert find(host, check=find_host).verdict is verdict
