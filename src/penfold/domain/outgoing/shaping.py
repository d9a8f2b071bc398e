"""How much of the servers of a domain is used now, and when they are left alone.

A site is what shares an allowance: a mail provider (proto.smtp.outcomes.providers), or a domain
with servers of its own. A site that wants less of us gets half, and a tenth more again for each ten
minutes without a complaint. A domain none of whose servers answers several times in a row is left
alone for a while, so that its rows do not use up their tries one by one. A relay is a site for the
mail of all domains that goes there; one that does not let us in is left alone as a whole.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeVar

from penfold.base.clock import Clock
from penfold.base.limits import (
    CIRCUIT_FAILURES,
    CIRCUIT_FIRST_S,
    CIRCUIT_LAST_S,
    RECOVER_MS,
    SITES_MAX,
    SLOW_DOWN_S,
)
from penfold.domain.outgoing.relaying import Relays
from penfold.ports.delivering import Share
from penfold.proto.exchangers import Route
from penfold.proto.smtp.outcomes.classify import Outcome, Retry, find_provider
from penfold.spec.relays import Relay
from penfold.spec.shapes import SHAPES, Shape, find_shape

T = TypeVar("T")

_FULL: Final = 1.0
#: In front of the names of relays; no domain has a blank.
_RELAY: Final = "relay "
#: Steps of a tenth after which even a hundredth is whole again.
_STEPS_MAX: Final = 64


class Site:
    """What is known of one. part: of what its shape allows, from 0 to 1.

    Of a relay: held_ms, why: until when it is left alone. refusals: of our login, in a row.
    doubtful: it has not let us in yet, so one connection tries.
    """

    __slots__ = (
        "changed_ms", "doubtful", "held_ms", "name", "part", "refusals", "shape", "why",
    )  # fmt: skip

    def __init__(self, name: str, shape: Shape) -> None:
        self.held_ms = 0
        self.why = ""
        self.refusals = 0
        self.doubtful = False
        self.name = name
        self.shape = shape
        self.part = _FULL
        self.changed_ms = 0


class Sites:
    """Bounded: the sites and domains that were unused for longest are forgotten."""

    def __init__(
        self,
        clock: Clock,
        shapes: Mapping[str, Shape] = SHAPES,
        relays: Relays | None = None,
    ) -> None:
        self.relays = relays or Relays()
        self._clock = clock
        self._shapes = shapes
        self._sites: OrderedDict[str, Site] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._failures: OrderedDict[str, int] = OrderedDict()

    def find(self, domain: str, route: Route) -> Site:
        """Return the site a domain's mail goes to, by its first server."""
        provider = find_provider(route.hosts[0].name) if route.hosts else ""
        name = provider or domain
        _keep(self._names, domain, name)
        site = self._sites.get(name) or Site(name, find_shape(self._shapes, provider))
        _keep(self._sites, name, site)
        return site

    def find_relay(self, relay: Relay) -> Site:
        """Return the site of a relay."""
        name = self.name_relay(relay)
        site = self._sites.get(name)
        if site is None:
            site = Site(name, find_shape(self._shapes, find_provider(relay.host)))
            site.doubtful = bool(relay.user)
        _keep(self._sites, name, site)
        return site

    def name_relay(self, relay: Relay) -> str:
        """Return the name of a relay's site."""
        return _RELAY + relay.name

    def is_relay(self, name: str) -> bool:
        """Return whether that is the name of a relay's site."""
        return name.startswith(_RELAY)

    def find_name(self, domain: str) -> str:
        """Return the name of the site a domain's mail went to last, its own until then."""
        return self._names.get(domain, domain)

    def list_domains(self, name: str) -> set[str]:
        """Return the domains whose mail goes to the site of that name, as far as is known.

        None for a relay: it may get some of a domain's mail and not the rest.
        """
        if self.is_relay(name):
            return set()
        if "." in name:
            return {name}
        return {domain for domain, site in self._names.items() if site == name}

    def find_room(self, site: Site) -> int:
        """Return how many messages may be at a site at a time."""
        return 1 if site.doubtful else self.find_share(site).connections

    def find_room_of(self, name: str) -> int:
        """Return the same by the name of a site, which may be unknown yet."""
        site = self._sites.get(name) or Site(name, find_shape(self._shapes, ""))
        return self.find_room(site)

    def find_share(self, site: Site) -> Share:
        """Return what may be used of a site now."""
        steps = (self._clock.now_ms() - site.changed_ms) // RECOVER_MS
        part = min(_FULL, site.part * 1.1 ** min(steps, _STEPS_MAX))
        return Share(max(1, int(site.shape.connections * part)), site.shape.messages)

    def note(self, domain: str, site: Site, outcome: Outcome, *, reached: bool) -> int:
        """Take in what came of an attempt; return for how many seconds to leave the domain alone.

        reached: some server of it answered.
        """
        if outcome.retry is Retry.SLOWER:
            self._slow_down(site)
            return outcome.wait_s or SLOW_DOWN_S
        if reached or outcome.permanent:
            self._failures.pop(domain, None)
            return 0
        failures = self._failures.get(domain, 0) + 1
        _keep(self._failures, domain, failures)
        beyond = failures - CIRCUIT_FAILURES
        return 0 if beyond < 0 else min(CIRCUIT_FIRST_S << min(beyond, 8), CIRCUIT_LAST_S)

    def note_relay(
        self,
        site: Site,
        outcome: Outcome,
        *,
        reached: bool,
        at_fault: bool,
        login: bool,
        why: str,
    ) -> None:
        """As `note`, for a relay, which is left alone by this.

        at_fault: what came of it is about the relay, not the message. login: it is about ours.
        why: in words.
        """
        hold_s = 0
        if login:
            hold_s = min(CIRCUIT_FIRST_S << min(site.refusals, 8), CIRCUIT_LAST_S)
            site.refusals += 1
            site.doubtful = True
        elif at_fault or outcome.retry is Retry.SLOWER:
            # Who turns us away before it knows the message is as good as not there.
            wanted_s = self.note(site.name, site, outcome, reached=reached and not at_fault)
            hold_s = wanted_s if at_fault else 0
        else:
            self._failures.pop(site.name, None)
            site.refusals, site.doubtful = 0, False
        if hold_s:
            site.held_ms, site.why = self._clock.now_ms() + 1000 * hold_s, why

    def is_held(self, site: Site) -> bool:
        """Return whether a relay is left alone now; not when the login it refused was changed."""
        if self._clock.now_ms() >= site.held_ms:
            return False
        if site.refusals and self.relays.is_mended(site.name.removeprefix(_RELAY)):
            site.held_ms = 0
        return site.held_ms > 0

    def _slow_down(self, site: Site) -> None:
        part = self.find_share(site).connections / site.shape.connections
        site.part, site.changed_ms = part / 2, self._clock.now_ms()


def _keep(known: OrderedDict[str, T], key: str, value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > SITES_MAX:
        known.popitem(last=False)
