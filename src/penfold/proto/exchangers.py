"""Where mail for a domain goes: the hosts to try, in order, or why there is none.

`find_route` is a check (proto.dns): it asks for MX records and the addresses of their hosts
(RFC 5321 §5.1), refuses addresses mail must not go to, and says how much of it was secure
(RFC 7672 §2.2). An address literal asks nothing. Hosts of equal preference and the addresses of a
host are shuffled, which is how their owners want the load spread.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.errors import ParseError
from penfold.base.limits import (
    EXCHANGER_ADDRESSES_MAX,
    EXCHANGERS_FAILED_MAX,
    EXCHANGERS_MAX,
    ROUTE_ADDRESSES_MAX,
)
from penfold.proto.address import parse_domain
from penfold.proto.dns import Answer, Check, Exchange, Kind, Question, Status
from penfold.proto.special_addresses import Reach, is_here, reach_of, reached_by

T = TypeVar("T")


class Verdict(StrEnum):
    """What became of the question, by what the sender does next."""

    HOSTS = "hosts"
    NO_DOMAIN = "no-domain"  # there is no such name, or nobody can have it
    NULL_MX = "null-mx"  # the domain takes no mail (RFC 7505)
    NO_ADDRESS = "no-address"  # the domain is there, a host to deliver to is not
    LOOP = "loop"  # mail would come back to this machine
    FORBIDDEN = "forbidden"  # only addresses where mail must not go
    NO_ANSWER = "no-answer"  # nobody could say; ask again later


#: RFC 3463 §3.2, §3.5 and RFC 7505 §4.1. The only one that passes by waiting begins with 4.
STATUS_OF: Final = {
    Verdict.HOSTS: "2.0.0",
    Verdict.NO_DOMAIN: "5.1.2",
    Verdict.NULL_MX: "5.1.10",
    Verdict.NO_ADDRESS: "5.4.4",
    Verdict.LOOP: "5.4.6",
    Verdict.FORBIDDEN: "5.4.4",
    Verdict.NO_ANSWER: "4.4.3",
}


class Families(StrEnum):
    """Which addresses of a host are tried, and which of them first."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    IPV4_FIRST = "ipv4-first"
    IPV6_FIRST = "ipv6-first"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return _KINDS_OF[self]


_KINDS_OF: Final[dict[Families, tuple[Kind, ...]]] = {
    Families.IPV4: ("A",),
    Families.IPV6: ("AAAA",),
    Families.IPV4_FIRST: ("A", "AAAA"),
    Families.IPV6_FIRST: ("AAAA", "A"),
}


_LOCALHOST: Final[dict[Kind, str]] = {"A": "127.0.0.1", "AAAA": "::1"}


class Policy(Struct, frozen=True):
    """Where mail may go. IPv4 goes first by default: providers trust an IPv6 sender less.

    own: addresses this server takes mail at (as reached_by spells them), own_names: its names;
    mail there would come back. private, loopback: such addresses are allowed (an internal relay;
    a test).
    """

    families: Families = Families.IPV4_FIRST
    own: frozenset[str] = frozenset()
    own_names: frozenset[str] = frozenset()
    private: bool = False
    loopback: bool = False


class Host(Struct, frozen=True):
    """A host to try. name: for TLS and for reports; "" when mail goes to an address literal.

    secure: all answers about its addresses were.
    """

    name: str
    addresses: tuple[str, ...]
    preference: int = 0
    secure: bool = False


class Route(Struct, frozen=True):
    """hosts: in the order to try, none unless the verdict is HOSTS.

    secure: the answer about MX records was. implicit: there were none, the domain is the host.
    domain: in A-labels, or the literal.
    """

    verdict: Verdict
    domain: str
    hosts: tuple[Host, ...] = ()
    secure: bool = False
    implicit: bool = False

    @property
    def status(self) -> str:
        """The enhanced status code of the verdict."""
        return STATUS_OF[self.verdict]


class _Found(Struct, frozen=True):
    """What was found about one host: addresses that are allowed, and what there was beside.

    own: it is this server. here: an address of this machine was refused.
    """

    addresses: tuple[str, ...] = ()
    secure: bool = False
    failed: bool = False
    forbidden: bool = False
    own: bool = False
    here: bool = False


def find_route(domain: str, policy: Policy, chance: Chance) -> Check[Route]:
    """Return where mail for a domain goes. domain: as in an address: U-labels, A-labels or a
    literal (`[192.0.2.1]`).
    """
    try:
        domain = parse_domain(domain)
    except ParseError:
        return Route(Verdict.NO_DOMAIN, domain)
    if domain.startswith("["):
        return _route_literal(domain, policy)
    answer = yield Question(domain, "MX")
    match answer.status:
        case Status.FAILED:
            return Route(Verdict.NO_ANSWER, domain)
        case Status.ABSENT:
            return Route(Verdict.NO_DOMAIN, domain, secure=answer.secure)
        case Status.NOTHING:
            exchanges = [Exchange(0, domain)]
        case Status.FOUND:
            # RFC 7505 §3: the null MX stands alone; beside others it says nothing.
            exchanges = _order([each for each in answer.exchanges if each.host], chance)
            if not exchanges:
                return Route(Verdict.NULL_MX, domain, secure=answer.secure)
    found = yield from _find_hosts(exchanges, policy, chance)
    return _route(domain, answer, found)


def find_host(host: str, policy: Policy, chance: Chance) -> Check[Route]:
    """Return the way to one server by its own name, whatever MX records say: a relay.

    host: in A-labels, or an IP address. The operator has named it, so it may stand on a private
    network or on this machine, under any name but this server's own.
    """
    policy = replace(policy, private=True, loopback=True)
    fixed = find_fixed(host, policy.families)
    if fixed:
        found = _judge(fixed, policy, ROUTE_ADDRESSES_MAX)
    else:
        found = yield from _find_addresses(host, policy, chance, ROUTE_ADDRESSES_MAX)
    answer = Answer(Status.FAILED if found.failed else Status.FOUND, secure=found.secure)
    return _route(host, answer, [(Exchange(0, host), found)])


def find_fixed(host: str, families: Families) -> list[str]:
    """Return the addresses that need no question: an IP address, and localhost (RFC 6761 §6.3)."""
    if host == "localhost":
        return [_LOCALHOST[kind] for kind in families.kinds]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return []


def _find_hosts(
    exchanges: Sequence[Exchange], policy: Policy, chance: Chance
) -> Check[list[tuple[Exchange, _Found]]]:
    """Return hosts with their addresses, as many as will be tried."""
    found: list[tuple[Exchange, _Found]] = []
    room, failures = ROUTE_ADDRESSES_MAX, 0
    for exchange in exchanges[:EXCHANGERS_MAX]:
        host = yield from _find_addresses(exchange.host, policy, chance, room)
        found.append((exchange, host))
        room -= len(host.addresses)
        failures += host.failed
        if host.own or room <= 0 or failures >= EXCHANGERS_FAILED_MAX:
            break
    return found


def _route(domain: str, answer: Answer, found: Sequence[tuple[Exchange, _Found]]) -> Route:
    # RFC 5321 §5.1: hosts less preferred than this one, and as much, are left out.
    limit = min((exchange.preference for exchange, host in found if host.own), default=None)
    hosts = tuple(
        Host(exchange.host, host.addresses, exchange.preference, host.secure)
        for exchange, host in found
        if host.addresses and (limit is None or exchange.preference < limit)
    )
    implicit = answer.status is Status.NOTHING
    if hosts:
        return Route(Verdict.HOSTS, domain, hosts, secure=answer.secure, implicit=implicit)
    if any(host.failed for _, host in found):
        verdict = Verdict.NO_ANSWER
    elif any(host.here for _, host in found):
        verdict = Verdict.LOOP
    elif any(host.forbidden for _, host in found):
        verdict = Verdict.FORBIDDEN
    else:
        verdict = Verdict.NO_ADDRESS
    return Route(verdict, domain, secure=answer.secure, implicit=implicit)


def _find_addresses(name: str, policy: Policy, chance: Chance, room: int) -> Check[_Found]:
    if name in policy.own_names:
        return _Found(own=True, here=True)
    addresses: list[str] = []
    secure, failed = True, False
    for kind in policy.families.kinds:
        answer = yield Question(name, kind)
        addresses += _shuffle(answer.addresses, chance)
        secure = secure and answer.secure
        failed = failed or answer.status is Status.FAILED
    found = _judge(addresses, policy, room)
    return replace(found, secure=secure, failed=failed)


def _judge(addresses: Sequence[str], policy: Policy, room: int) -> _Found:
    allowed = [each for each in addresses if is_allowed(each, policy)]
    refused = set(addresses).difference(allowed)
    own = any(reached_by(each) in policy.own for each in refused)
    return _Found(
        tuple(allowed[: min(EXCHANGER_ADDRESSES_MAX, room)]),
        forbidden=bool(refused),
        own=own,
        here=own or any(is_here(each) for each in refused),
    )


def is_allowed(address: str, policy: Policy) -> bool:
    """Return whether mail may go to a textual address."""
    if reached_by(address) in policy.own:
        return False
    match reach_of(address):
        case Reach.PUBLIC:
            return True
        case Reach.PRIVATE:
            return policy.private
        case Reach.LOOPBACK:
            return policy.loopback
        case Reach.NEVER:
            return False


def _route_literal(literal: str, policy: Policy) -> Route:
    address = literal[1:-1].removeprefix("IPv6:")
    found = _judge([address], policy, 1)
    if found.here:
        return Route(Verdict.LOOP, literal)
    if not found.addresses:
        return Route(Verdict.FORBIDDEN, literal)
    return Route(Verdict.HOSTS, literal, (Host("", found.addresses),))


def _order(exchanges: Sequence[Exchange], chance: Chance) -> list[Exchange]:
    """Return the exchanges by preference, equals in any order (RFC 5321 §5.1), each host once."""
    ordered = sorted(exchanges, key=lambda each: each.preference)
    groups = groupby(ordered, key=lambda each: each.preference)
    seen: dict[str, Exchange] = {}
    for _, equals in groups:
        for each in _shuffle(tuple(equals), chance):
            seen.setdefault(each.host, each)
    return list(seen.values())


def _shuffle(items: Sequence[T], chance: Chance) -> Iterator[T]:
    yield from sorted(items, key=lambda _: chance.getrandbits(32))
