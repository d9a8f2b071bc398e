"""One attempt to deliver: where the domain's mail goes, and its servers one after the other.

Finds the route (proto.exchangers) and for each server what must hold of TLS (proto.tls_ladder),
calls them until one decides (domain.delivery), and keeps what it learnt on the way as a Trail.
A server whose TLS is broken, where nothing demands it, is called again in clear, and remembered.
A relay of the settings is a route of its own, whose TLS is as they say.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import (
    BROKEN_TLS_DAYS,
    DELIVERY_DNS_S,
    DELIVERY_TRIED_MAX,
    ROUTE_KEPT_S,
    SITES_MAX,
    SMTP_OUT_TRANSCRIPT_CHARS,
)
from penfold.domain.outgoing.delivery import Trail, find_status, is_decided
from penfold.ports.delivering import Carrier, Dns, Hop, Policies, Share
from penfold.ports.queue import Tried
from penfold.proto.exchangers import Host, Policy, Route, Verdict, find_host, find_route
from penfold.proto.smtp.client.outcome import Outcome, Reason, TlsFacts
from penfold.proto.smtp.client.transaction import Envelope
from penfold.proto.tls_ladder import Decision, Demand, Rung, Source, choose_rung, find_records
from penfold.spec.relays import IMPLICIT, NONE, Relay

_DAY_MS = 86_400_000
_NO_CONNECTION = frozenset({Rung.DEFER, Rung.REFUSE})
_TLS_BROKEN = frozenset({Reason.TLS_FAILED})


class Letter(Struct, frozen=True, gc=False):
    """What is sent. encrypted: never in clear, whatever the server offers."""

    envelope: Envelope
    raw: bytes
    encrypted: bool = False


class _Notes:
    """What an attempt learns."""

    def __init__(self, route: Route, relay: Relay | None) -> None:
        self.dns = list(_describe(route, relay))
        self.relay = relay.name if relay else ""
        self.tried: list[Tried] = []
        self.transcript: list[str] = []

    def add(self, hop: Hop, outcome: Outcome, ms: int) -> None:
        result = outcome.results[0]
        self.tried.append(
            Tried(
                host=hop.host,
                address=hop.address,
                port=hop.port,
                demand=hop.decision.rung,
                policy=hop.decision.source,
                stage=result.stage,
                fate=result.fate,
                reason=result.reason,
                code=result.code,
                enhanced=find_status(result),
                text=result.text,
                tls=_describe_tls(outcome.tls),
                reused=outcome.reused,
                ms=ms,
                dsn=outcome.dsn,
            )
        )
        self.transcript += outcome.transcript

    def make_trail(self, route: Route) -> Trail:
        text = "\n".join(self.transcript)[: DELIVERY_TRIED_MAX * SMTP_OUT_TRANSCRIPT_CHARS]
        return Trail(route, tuple(self.dns), tuple(self.tried), text, self.relay)


class Attempting:
    """elapsed: seconds, monotonic. port: of other servers, 25 but in tests."""

    def __init__(
        self,
        dns: Dns,
        policies: Policies,
        carrier: Carrier,
        *,
        reach: Policy,
        clock: Clock,
        chance: Chance,
        elapsed: Callable[[], float],
        port: int = 25,
    ) -> None:
        self._dns = dns
        self._policies = policies
        self._carrier = carrier
        self._reach = reach
        self._clock = clock
        self._chance = chance
        self._elapsed = elapsed
        self._port = port
        self._routes: OrderedDict[tuple[str, str], tuple[float, Route]] = OrderedDict()
        self._broken_tls: OrderedDict[str, int] = OrderedDict()  # address -> until, epoch ms

    async def find_route(self, domain: str, relay: Relay | None = None) -> Route:
        """Return the way to a domain's servers, or to the relay that takes its mail.

        Rows of a domain are taken together, so one answer serves for ROUTE_KEPT_S.
        """
        key = (domain, relay.host if relay else "")
        known = self._routes.get(key)
        if known is not None and self._elapsed() < known[0]:
            return known[1]
        if relay is not None:
            check = find_host(relay.host, self._reach, self._chance)
        else:
            check = find_route(domain, self._reach, self._chance)
        route = await self._dns.run(check, within_s=DELIVERY_DNS_S)
        if route.verdict is Verdict.HOSTS:
            self._routes[key] = (self._elapsed() + ROUTE_KEPT_S, route)
            if len(self._routes) > SITES_MAX:
                self._routes.popitem(last=False)
        return route

    async def deliver(
        self, route: Route, letter: Letter, share: Share, relay: Relay | None = None
    ) -> Trail:
        """Offer a message for one recipient to the servers of a route until one decides.

        relay: where the route leads, as find_route was asked.
        """
        notes = _Notes(route, relay)
        if route.verdict is Verdict.HOSTS and relay is not None:
            await self._try_relay(route.hosts[0], relay, letter, share, notes)
        elif route.verdict is Verdict.HOSTS:
            await self._try_hosts(route, letter, share, notes)
        return notes.make_trail(route)

    async def _try_relay(
        self, host: Host, relay: Relay, letter: Letter, share: Share, notes: _Notes
    ) -> None:
        """Call a relay as the settings say; REQUIRETLS wants a certificate whatever they say."""
        verified = relay.is_proved or letter.envelope.require_tls
        rung = Rung.VERIFIED if verified else Rung.OPPORTUNISTIC
        for address in host.addresses[:DELIVERY_TRIED_MAX]:
            broken = relay.tls == NONE or self._is_tls_broken(address)
            hop = Hop(
                relay.host,
                address,
                relay.port,
                Decision(rung, Source.SETTINGS),
                relay=relay.name,
                implicit=relay.tls == IMPLICIT,
                clear=rung is Rung.OPPORTUNISTIC and broken,
            )
            if await self._try(hop, letter, share, notes):
                return

    async def _try_hosts(self, route: Route, letter: Letter, share: Share, notes: _Notes) -> None:
        sts = await self._policies.find(route.domain)
        demand = _find_demand(letter)
        for host in route.hosts:
            check = find_records(route, host, self._port)
            tlsa = await self._dns.run(check, within_s=DELIVERY_DNS_S)
            decision = choose_rung(route, host, tlsa, sts, demand=demand)
            if decision.rung in _NO_CONNECTION:
                notes.dns.append(f"{host.name} is not called: {_WHY_NOT[decision.rung]}")
                continue
            for address in host.addresses:
                if len(notes.tried) >= DELIVERY_TRIED_MAX:
                    return
                hop = self._make_hop(route, host, address, decision)
                if await self._try(hop, letter, share, notes):
                    return

    def _make_hop(self, route: Route, host: Host, address: str, decision: Decision) -> Hop:
        names = (host.name, route.domain) if route.secure else (host.name,)
        clear = decision.rung is Rung.OPPORTUNISTIC and self._is_tls_broken(address)
        return Hop(host.name, address, self._port, decision, names, clear=clear)

    async def _try(self, hop: Hop, letter: Letter, share: Share, notes: _Notes) -> bool:
        """Call one server, twice when its TLS is broken; return whether it decided."""
        result = (await self._send(hop, letter, share, notes)).results[0]
        may_be_clear = hop.decision.rung is Rung.OPPORTUNISTIC and not hop.clear
        if result.reason in _TLS_BROKEN and may_be_clear:
            self._remember_broken_tls(hop.address)
            in_clear = replace(hop, clear=True)
            result = (await self._send(in_clear, letter, share, notes)).results[0]
        return is_decided(result)

    async def _send(self, hop: Hop, letter: Letter, share: Share, notes: _Notes) -> Outcome:
        began_s = self._elapsed()
        outcome = await self._carrier.send(hop, letter.envelope, letter.raw, share)
        notes.add(hop, outcome, round(1000 * (self._elapsed() - began_s)))
        return outcome

    def _is_tls_broken(self, address: str) -> bool:
        return self._broken_tls.get(address, 0) > self._clock.now_ms()

    def _remember_broken_tls(self, address: str) -> None:
        self._broken_tls[address] = self._clock.now_ms() + BROKEN_TLS_DAYS * _DAY_MS
        if len(self._broken_tls) > SITES_MAX:
            self._broken_tls.popitem(last=False)


_WHY_NOT = {
    Rung.DEFER: "nobody could say which certificate it must have (TLSA)",
    Rung.REFUSE: "the domain's policy of MTA-STS does not name it, or it cannot be verified",
}


def _find_demand(letter: Letter) -> Demand:
    if letter.envelope.require_tls:
        return Demand.VERIFIED
    return Demand.ENCRYPTED if letter.encrypted else Demand.NOTHING


def _describe(route: Route, relay: Relay | None) -> Iterable[str]:
    """Yield what the DNS said, a line for each server."""
    secure = ", secure" if route.secure else ""
    kind = "no MX, so the domain itself" if route.implicit else f"MX{secure}"
    if relay is not None:
        kind = "relay of the settings, MX is not asked for"
    if route.verdict is not Verdict.HOSTS:
        yield f"{route.domain}: {route.verdict}{secure}"
    for host in route.hosts:
        known = ", secure" if host.secure else ""
        name = host.name or "address literal"
        yield f"{kind}: {host.preference} {name} at {', '.join(host.addresses)}{known}"


def _describe_tls(tls: TlsFacts | None) -> str:
    if tls is None:
        return ""
    verified = "verified" if tls.verified else "not verified"
    return f"{tls.version} {tls.cipher}, {verified}: {tls.why}"
