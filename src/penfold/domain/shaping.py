"""How much of the servers of a domain is used now, and when they are left alone.

A site is what shares an allowance: a mail provider (proto.smtp.outcomes.providers), or a domain
with servers of its own. A site that wants less of us gets half, and a tenth more again for each ten
minutes without a complaint. A domain none of whose servers answers several times in a row is left
alone for a while, so that its rows do not use up their tries one by one.
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
from penfold.ports.delivering import Share
from penfold.proto.exchangers import Route
from penfold.proto.smtp.outcomes.classify import Outcome, Retry, find_provider
from penfold.spec.shapes import SHAPES, Shape, find_shape

T = TypeVar("T")

_FULL: Final = 1.0
#: Steps of a tenth after which even a hundredth is whole again.
_STEPS_MAX: Final = 64


class Site:
    """What is known of one. part: of what its shape allows, from 0 to 1."""

    __slots__ = ("changed_ms", "name", "part", "shape")

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.shape = shape
        self.part = _FULL
        self.changed_ms = 0


class Sites:
    """Bounded: the sites and domains that were unused for longest are forgotten."""

    def __init__(self, clock: Clock, shapes: Mapping[str, Shape] = SHAPES) -> None:
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

    def list_domains(self, name: str) -> set[str]:
        """Return the domains that are known to belong to a site; a domain is its own site."""
        if "." in name:
            return {name}
        return {domain for domain, site in self._names.items() if site == name}

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

    def _slow_down(self, site: Site) -> None:
        part = self.find_share(site).connections / site.shape.connections
        site.part, site.changed_ms = part / 2, self._clock.now_ms()


def _keep(known: OrderedDict[str, T], key: str, value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > SITES_MAX:
        known.popitem(last=False)
