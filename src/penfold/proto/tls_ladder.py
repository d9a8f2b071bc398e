"""Which rung of the TLS ladder holds for one host: DANE, MTA-STS, or what can be had.

`find_records` is a check that asks for TLSA records where they could bind, `choose_rung` decides
from what is known, and `Demand` is what the sender of a message asks beyond that. DANE goes before
MTA-STS (RFC 8461 §2); an answer nobody gave defers, because an attacker could have silenced it
(RFC 7672 §2.1).
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from penfold.proto.dane import find_tlsa, list_usable
from penfold.proto.dns import Answer, Association, Check, Status
from penfold.proto.exchangers import Host, Route
from penfold.proto.mta_sts import Mode, Policy, is_named


class Rung(StrEnum):
    """dane: TLS with a chain that dane.verify_chain finds good. verified: TLS with a certificate of
    a public authority for the host's name. encrypted: TLS with any certificate. opportunistic:
    the same, and in clear when that is impossible (RFC 7435).

    No connection: defer: not now, ask again later. refuse: this host must not get the message.
    """

    DANE = "dane"
    VERIFIED = "verified"
    ENCRYPTED = "encrypted"
    OPPORTUNISTIC = "opportunistic"
    DEFER = "defer"
    REFUSE = "refuse"


class Demand(StrEnum):
    """What a message asks: nothing; encrypted: never in clear; verified: REQUIRETLS (RFC 8689)."""

    NOTHING = "nothing"
    ENCRYPTED = "encrypted"
    VERIFIED = "verified"


class Source(StrEnum):
    """Which policy was applied, in the words of reports (RFC 8460 §4.2); settings: a relay's, which
    is in no report.
    """

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"
    SETTINGS = "settings"


class Decision(Struct, frozen=True):
    """records: for the rung DANE. tested: a policy in testing, whose failures (a host it does not
    name, a certificate that is not verified) are only reported.
    """

    rung: Rung
    source: Source = Source.NONE
    records: tuple[Association, ...] = ()
    tested: Policy | None = None


_IN_CLEAR: Final = frozenset({Rung.OPPORTUNISTIC})
_UNVERIFIED: Final = frozenset({Rung.OPPORTUNISTIC, Rung.ENCRYPTED})


def find_records(route: Route, host: Host, port: int = 25) -> Check[Answer | None]:
    """Return the answer about a host's TLSA records; None where they would not bind (RFC 7672
    §2.2.1, §2.2.2): insecure MX or address answers, an address literal.
    """
    if not (route.secure and host.secure and host.name):
        return None
    answer = yield from find_tlsa(host.name, port)
    return answer


def choose_rung(
    route: Route,
    host: Host,
    tlsa: Answer | None,
    sts: Policy | None,
    *,
    demand: Demand = Demand.NOTHING,
) -> Decision:
    """Return what must hold of a connection to one host of a route.

    tlsa: from find_records. sts: the domain's policy, kept or fetched, while it is current.
    """
    dane = _by_dane(tlsa)
    decision = dane or Decision(Rung.OPPORTUNISTIC)
    if sts is not None and host.name and decision.rung in _UNVERIFIED:
        decision = _by_sts(decision, sts, host.name)
    named = sts is not None and sts.mode is not Mode.NONE and is_named(sts, host.name)
    return _raise(decision, demand, is_host_sure=route.secure or named)


def _by_dane(tlsa: Answer | None) -> Decision | None:
    """Return what TLSA records ask for, None when they are silent (RFC 7672 §2.2)."""
    if tlsa is None or (tlsa.status is not Status.FAILED and not tlsa.secure):
        return None
    if tlsa.status is Status.FAILED:
        return Decision(Rung.DEFER, Source.TLSA)
    if tlsa.status is not Status.FOUND:
        return None
    usable = list_usable(tlsa.associations)
    # RFC 7672 §2.2: records that are all unusable still say that there is TLS.
    return Decision(Rung.DANE if usable else Rung.ENCRYPTED, Source.TLSA, usable)


def _by_sts(decision: Decision, policy: Policy, host: str) -> Decision:
    """Return the decision with a policy of MTA-STS applied (RFC 8461 §5)."""
    match policy.mode:
        case Mode.NONE:
            return decision
        case Mode.TESTING:
            source = Source.STS if decision.source is Source.NONE else decision.source
            return Decision(decision.rung, source, tested=policy)
        case Mode.ENFORCE:
            named = is_named(policy, host)
            return Decision(Rung.VERIFIED if named else Rung.REFUSE, Source.STS)


def _raise(decision: Decision, demand: Demand, *, is_host_sure: bool) -> Decision:
    """Return the decision with what the message demands.

    RFC 8689 §4.2.1: REQUIRETLS wants a verified certificate of a host that is surely the domain's:
    by DNSSEC, or named by a policy of MTA-STS.
    """
    rung = decision.rung
    if demand is Demand.ENCRYPTED and rung in _IN_CLEAR:
        rung = Rung.ENCRYPTED
    elif demand is Demand.VERIFIED and rung in _UNVERIFIED:
        rung = Rung.VERIFIED if is_host_sure else Rung.REFUSE
    return Decision(rung, decision.source, decision.records, decision.tested)
