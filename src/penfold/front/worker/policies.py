"""The MTA-STS policies of the domains we send to (RFC 8461), kept while they are in force.

A domain's policy is fetched when its record names one that is not known, once at a time, and not
again for a while when that failed. A policy that is kept holds for its time, whatever happens to
the record or to fetching (§5.1): an attacker who can stop both gains nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from penfold.base.clock import Clock
from penfold.base.limits import DELIVERY_DNS_S, STS_KEPT_MAX, STS_RETRY_S
from penfold.ports.delivering import Dns
from penfold.ports.mta_sts import PolicyError, PolicySource
from penfold.proto.mta_sts import Kept, Policy, Step, choose_step, find_policy_id

T = TypeVar("T")

#: Told of a domain whose policy could not be fetched, and why.
Failed = Callable[[str, PolicyError], None]


class KeptPolicies:
    """A penfold.ports.delivering.Policies for one event loop. In memory: a restart forgets."""

    def __init__(self, dns: Dns, source: PolicySource, clock: Clock, *, failed: Failed) -> None:
        self._dns = dns
        self._source = source
        self._clock = clock
        self._failed = failed
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._failures: OrderedDict[str, int] = OrderedDict()  # domain -> not before, epoch ms
        self._flights: dict[str, asyncio.Task[Policy | None]] = {}

    async def find(self, domain: str) -> Policy | None:
        if domain.startswith("["):
            return None
        policy_id = await self._dns.run(find_policy_id(domain), within_s=DELIVERY_DNS_S)
        kept = self._kept.get(domain)
        match choose_step(kept, policy_id, now_ms=self._clock.now_ms()):
            case Step.NOTHING:
                return None
            case Step.KEEP:
                return None if kept is None else kept.policy
            case Step.FETCH:
                return await self._fetch_once(domain, policy_id or "")

    async def _fetch_once(self, domain: str, policy_id: str) -> Policy | None:
        if self._failures.get(domain, 0) > self._clock.now_ms():
            return self._find_current(domain)
        flight = self._flights.get(domain)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fetch(domain, policy_id))
            self._flights[domain] = flight
            flight.add_done_callback(lambda _: self._flights.pop(domain, None))
        return await asyncio.shield(flight)

    async def _fetch(self, domain: str, policy_id: str) -> Policy | None:
        now_ms = self._clock.now_ms()
        try:
            policy = await self._source.fetch_policy(domain)
        except PolicyError as error:
            _keep(self._failures, domain, now_ms + 1000 * STS_RETRY_S)
            self._failed(domain, error)
            return self._find_current(domain)
        self._failures.pop(domain, None)
        _keep(self._kept, domain, Kept(policy, policy_id, now_ms))
        return policy

    def _find_current(self, domain: str) -> Policy | None:
        kept = self._kept.get(domain)
        if kept is None or not kept.is_current(self._clock.now_ms()):
            return None
        return kept.policy


def _keep(known: OrderedDict[str, T], domain: str, value: T) -> None:
    known[domain] = value
    known.move_to_end(domain)
    if len(known) > STS_KEPT_MAX:
        known.popitem(last=False)
