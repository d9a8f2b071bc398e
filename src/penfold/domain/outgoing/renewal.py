"""When a certificate from an ACME server is asked for: a plan that survives restarts.

The plan is for one demand (server, names, challenge): another demand is due at once, whatever the
plan says. After a success the next date is at two thirds of the certificate's life, with some
jitter; after a failure it is minutes away, doubling up to a day, or what the server asked for. The
server counts failures too, so a restart, which may mean that somebody mended what was wrong,
shortens the wait no further than to a quarter of an hour.
"""

from collections.abc import Sequence

from msgspec import Struct, structs

from penfold.base.chance import Chance
from penfold.base.limits import (
    ACME_RESTART_WAIT_S,
    ACME_RETRY_FIRST_S,
    ACME_RETRY_MAX_S,
    TLS_RENEW_JITTER_SHARE,
    TLS_RENEW_SHARE,
)

_BITS = 32


class Demand(Struct, frozen=True):
    """directory: address of the server. names: what the certificate is to be for."""

    directory: str
    names: tuple[str, ...]
    challenge: str


class Plan(Struct, frozen=True):
    """next_ms: when to ask, milliseconds; earliest_ms: what the server asked for. failures: in a
    row. problem: the last one, "" after a success. demand: what all this is about.
    """

    demand: Demand
    next_ms: int = 0
    earliest_ms: int = 0
    failures: int = 0
    problem: str = ""


def find_plan(known: Plan | None, demand: Demand, *, certified: bool) -> Plan:
    """Return the plan for this demand: the known one, or to ask at once.

    certified: a certificate for the demand is there; one that is lost is asked for at once, unless
    the last try failed.
    """
    if known is None or known.demand != demand or not (certified or known.failures):
        return Plan(demand)
    return known


def plan_renewal(plan: Plan, *, begins_ms: int, expires_ms: int, chance: Chance) -> Plan:
    """Return the plan after a success, for a certificate with this life."""
    jitter = TLS_RENEW_JITTER_SHARE * chance.getrandbits(_BITS) / 2**_BITS
    life_ms = expires_ms - begins_ms
    return Plan(plan.demand, begins_ms + round(life_ms * (TLS_RENEW_SHARE + jitter)))


def plan_retry(plan: Plan, problem: str, *, wait_s: float, now_ms: int) -> Plan:
    """Return the plan after a failure. wait_s: how long the server wants to be left alone."""
    doubled_s = ACME_RETRY_FIRST_S * 2 ** min(plan.failures, 16)
    delay_s = max(min(doubled_s, ACME_RETRY_MAX_S), wait_s)
    return Plan(
        plan.demand,
        next_ms=now_ms + round(1000 * delay_s),
        earliest_ms=now_ms + round(1000 * wait_s),
        failures=plan.failures + 1,
        problem=problem,
    )


def shorten_wait(plan: Plan, *, now_ms: int) -> Plan:
    """Return the plan after a start of the server: what failed is tried again soon."""
    if not plan.failures:
        return plan
    soon_ms = now_ms + round(1000 * ACME_RESTART_WAIT_S)
    return structs.replace(plan, next_ms=max(plan.earliest_ms, min(plan.next_ms, soon_ms)))


def list_names(hostname: str, domains: Sequence[str], *, mta_sts: bool) -> tuple[str, ...]:
    """Return the names to certify: the server's, and of each domain where its policy is fetched."""
    policies = (f"mta-sts.{domain}" for domain in domains) if mta_sts else ()
    return tuple(dict.fromkeys((hostname, *policies)))
