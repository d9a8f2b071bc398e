"""What the checks of an arriving message found, told in two ways: as evidence for the verdict, and
as the fields that go in front of the message.

Pure. The checks themselves are in proto (mailauth, iprev, blocklists); front/smtp/checking.py has
them run.
"""

from collections.abc import Collection

from msgspec import Struct

from penfold.domain.envelope import Envelope
from penfold.domain.incoming.evidence import Evidence
from penfold.proto.iprev import Iprev
from penfold.proto.mailauth.arc import ArcResult
from penfold.proto.mailauth.author import Author
from penfold.proto.mailauth.dkim import DkimResult
from penfold.proto.mailauth.dmarc import DmarcResult
from penfold.proto.mailauth.domain_names import is_within
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.mailauth.results import (
    ArcInfo,
    DkimInfo,
    SpfInfo,
    format_authentication_results,
    format_received_spf,
)
from penfold.proto.mailauth.results_read import read_chain
from penfold.proto.mailauth.spf import SpfResult
from penfold.proto.mailauth.spf_record import Result


class Findings(Struct, frozen=True, gc=False, kw_only=True):
    """listed: the blocklists with the client on them."""

    author: Author
    spf: SpfResult
    dkim: tuple[DkimResult, ...]
    arc: ArcResult
    dmarc: DmarcResult
    iprev: Iprev
    listed: tuple[str, ...] = ()


def list_passed(dkim: Collection[DkimResult]) -> tuple[str, ...]:
    """Return the domains whose signatures hold."""
    return tuple(each.domain for each in dkim if each.result is Outcome.PASS)


def list_undecided(spf: SpfResult, dkim: Collection[DkimResult]) -> tuple[str, ...]:
    """Return the domains of which the DNS did not say whether they stand for the message."""
    by_spf = (spf.domain,) if spf.result is Result.TEMPERROR else ()
    by_dkim = (each.domain for each in dkim if each.result is Outcome.TEMPERROR)
    return (*by_spf, *by_dkim)


def make_evidence(
    found: Findings, envelope: Envelope, *, sealers: Collection[str] = ()
) -> Evidence:
    """Return what the verdict rests on. sealers: domains whose ARC seals are trusted.

    `known` is left False: it is another thing in each mailbox (domain.judging).
    """
    passed = list_passed(found.dkim)
    # RFC 6376 §3.6.1: a failure of a key under test counts as no signature.
    failed = [e for e in found.dkim if e.result is not Outcome.PASS and not e.testing]
    return Evidence(
        client=envelope.client,
        author=found.author,
        dmarc=found.dmarc,
        spf=found.spf.result,
        spf_domain=found.spf.domain,
        dkim_passed=passed,
        dkim_failed=bool(failed),
        iprev=found.iprev.result,
        chain_trusted=_is_chain_trusted(found, sealers),
        listed=found.listed,
    )


def _is_chain_trusted(found: Findings, sealers: Collection[str]) -> bool:
    """RFC 8617 §7.2.1: a chain counts when its last sealer is trusted, and saw what we miss."""
    if found.arc.status != "pass" or not any(is_within(found.arc.domain, s) for s in sealers):
        return False
    seen = _read_arc(found.arc)
    return bool(seen.from_domain) and seen.from_domain == found.author.domain


def is_author_authentic(found: Evidence) -> bool:
    """Say whether the author's own domain, or one above it, stands for the message.

    Weaker than DMARC, which is about domains that publish something: it tells whether the name in
    From may be taken for an old acquaintance.
    """
    author = found.author.domain
    vouching = [*found.dkim_passed, *([found.spf_domain] if found.spf == "pass" else [])]
    return bool(author) and any(is_within(author, domain) for domain in vouching if domain)


def write_fields(found: Findings, envelope: Envelope, *, authserv_id: str) -> bytes:
    """Return Received-SPF and Authentication-Results, with line ends, as they stand in front.

    Gmail (observed): in this order, below Received.
    """
    spf = SpfInfo(
        result=found.spf.result,
        client=envelope.client,
        sender=envelope.sender,
        helo=envelope.helo,
        reason=found.spf.problem,
    )
    results = format_authentication_results(
        authserv_id,
        dkim=[_show_signature(each) for each in found.dkim if each.domain],
        arc=_read_arc(found.arc) if found.arc.status != "none" else None,
        spf=spf,
        dmarc=found.dmarc,
    )
    return (format_received_spf(authserv_id, spf) + results).encode()


def _show_signature(each: DkimResult) -> DkimInfo:
    return DkimInfo(
        result=each.result,
        domain=each.domain,
        selector=each.selector,
        identity=each.identity,
        signature=each.head,
        reason=each.reason,
    )


def _read_arc(arc: ArcResult) -> ArcInfo:
    return read_chain(arc.status, instance=arc.instances, results=arc.results, reason=arc.reason)
