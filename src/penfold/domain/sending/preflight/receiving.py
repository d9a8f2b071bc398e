"""What a receiver would find: whether the mail is from whom it says, and what a filter thinks.

Judged by what judges arrivals here (domain.findings); this says what to do about it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from penfold.domain.incoming.findings import Findings
from penfold.domain.sending.preflight.remarks import Authentication, Reception, Remark, Severity
from penfold.ports.scanning import Opinion
from penfold.proto.mailauth.dmarc import DmarcResult
from penfold.proto.mailauth.domain_names import is_within
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.mailauth.spf import SpfResult
from penfold.proto.mailauth.spf_record import Result

_FROM: Final = "from"
#: SPF results, the worst first: one address that is refused is mail that is refused now and then.
_WORST: Final = (
    Result.FAIL, Result.PERMERROR, Result.SOFTFAIL, Result.NEUTRAL, Result.NONE, Result.TEMPERROR,
    Result.PASS,
)  # fmt: skip
#: Those after which receivers refuse before they read the signatures.
_REFUSED: Final = (Result.FAIL, Result.PERMERROR)
_SYMBOLS_TOLD: Final = 5


def authenticate(reception: Reception) -> Authentication | None:
    """Return the results in short; None when the DNS was not asked."""
    found = reception.findings
    if found is None:
        return None
    known = bool(reception.addresses)
    spf = _find_worst(_list_spf(reception)).result.value if known else "unknown"
    results = {each.result for each in found.dkim}
    order = (Outcome.PASS, Outcome.TEMPERROR)
    dkim = next((one for one in order if one in results), None) or next(iter(results), None)
    return Authentication(spf, dkim.value if dkim else "none", found.dmarc.result)


def review_reception(reception: Reception) -> list[Remark]:
    """Return what a receiver counts against the mail, and what was not looked at."""
    remarks = [*_review_spam(reception)]
    found = reception.findings
    if found is None:
        message = "local mode: the DNS was not asked, so SPF, DKIM and DMARC are not known"
        return [*remarks, Remark("not-asked", Severity.NOTE, _FROM, message)]
    return [
        *_review_spf(reception),
        *_review_dkim(found),
        *_review_dmarc(reception, found),
        *_review_name(reception, found),
        *remarks,
    ]


def _list_spf(reception: Reception) -> list[SpfResult]:
    first = [reception.findings.spf] if reception.findings else []
    return [*first, *reception.others]


def _find_worst(results: Sequence[SpfResult]) -> SpfResult:
    return min(results, key=lambda one: _WORST.index(one.result))


def _review_spf(reception: Reception) -> Iterator[Remark]:
    if not reception.addresses:
        message = (
            f"it leaves by the relay {reception.relay}: see that SPF lets that one's addresses send"
            if reception.relay
            else "the hostname has no address in the DNS, so SPF cannot be told: name those mail "
            "leaves from in public_addresses"
        )
        yield Remark("spf-unknown", Severity.WARNING, _FROM, message)
        return
    results = _list_spf(reception)
    worst = _find_worst(results)
    if worst.result is Result.PASS:
        return
    if worst.result is Result.TEMPERROR:
        yield Remark("spf-unknown", Severity.WARNING, _FROM, "SPF: no answer of the DNS; try again")
        return
    refused = [
        address
        for address, one in zip(reception.addresses, results, strict=True)
        if one.result is worst.result
    ]
    why = f" ({worst.problem})" if worst.problem else ""
    message = (
        f"SPF of {worst.domain} says {worst.result.value}{why} of {', '.join(refused)}: "
        "`penfold domain check` shows the record that lets it send"
    )
    severity = Severity.ERROR if worst.result in _REFUSED else Severity.WARNING
    yield Remark("spf", severity, _FROM, message)


def _review_dkim(found: Findings) -> Iterator[Remark]:
    """Signatures of others, which a message may have had before, are nobody's to mend."""
    results = [one for one in found.dkim if is_within(found.author.domain, one.domain)]
    if not results:
        message = (
            "no DKIM key of the domain signs: publish its record and have it looked at, with "
            "`penfold domain check`, or `penfold sending domain check` for a sending domain"
        )
        yield Remark("dkim-missing", Severity.WARNING, _FROM, message)
    for one in results:
        name = f"{one.selector}._domainkey.{one.domain}"
        if one.result is Outcome.TEMPERROR:
            message = f"DKIM: no answer of the DNS about {name}; try again"
            yield Remark("dkim-unknown", Severity.WARNING, _FROM, message)
        elif one.result is not Outcome.PASS:
            message = f"the signature with {name} does not hold ({one.reason}): mend that record"
            yield Remark("dkim", Severity.ERROR, _FROM, message)
        elif one.testing:
            message = (
                f"{name} is marked as a test (t=y), so it may count for nothing: take that out"
            )
            yield Remark("dkim-testing", Severity.WARNING, _FROM, message)


def _review_dmarc(reception: Reception, found: Findings) -> Iterator[Remark]:
    """Of a server whose addresses are not known (a relay's) SPF is not known either: no errors."""
    dmarc, domain = found.dmarc, found.author.domain
    unsigned = all(one.result is not Outcome.PASS for one in found.dkim)
    sure = Severity.ERROR if reception.addresses else Severity.WARNING
    if dmarc.result == "temperror":
        message = "DMARC: no answer of the DNS; try again"
        yield Remark("dmarc-unknown", Severity.WARNING, _FROM, message)
    elif dmarc.result == "fail" and dmarc.disposition != "none":
        yield Remark("dmarc", sure, _FROM, _explain_dmarc(dmarc, domain))
    elif unsigned and found.spf.result is not Result.PASS:
        # Gmail (documented, sender guidelines): mail with neither is refused with 5.7.26.
        message = f"neither SPF nor DKIM vouches for {domain}: Gmail and others refuse such mail"
        yield Remark("unauthenticated", sure, _FROM, message)
    elif dmarc.result == "fail":
        yield Remark("dmarc", Severity.WARNING, _FROM, _explain_dmarc(dmarc, domain))
    if dmarc.result in ("none", "permerror"):
        message = (
            f"no usable DMARC record of {domain}, which Gmail and Yahoo want of mail to many: "
            f'publish _dmarc.{domain} TXT "v=DMARC1; p=none"'
        )
        yield Remark("dmarc-missing", Severity.WARNING, _FROM, message)


def _explain_dmarc(dmarc: DmarcResult, domain: str) -> str:
    return (
        f"DMARC fails ({dmarc.reason}), and {dmarc.policy_domain} asks for {dmarc.policy}: "
        f"let SPF or a signature of {domain} pass"
    )


def _review_name(reception: Reception, found: Findings) -> Iterator[Remark]:
    """Gmail (documented, sender guidelines): addresses need names that lead back (5.7.25)."""
    if reception.addresses and found.iprev.result in ("fail", "permerror"):
        message = (
            f"{reception.addresses[0]} has no name that leads back to it, so Gmail and others "
            "refuse its mail: have whoever gave you the address set its PTR record"
        )
        yield Remark("reverse-name", Severity.ERROR, "", message)


def _review_spam(reception: Reception) -> Iterator[Remark]:
    scanned = reception.scanned
    if scanned is None:
        return
    if scanned.opinion is None:
        message = f"rspamd says nothing ({scanned.problem or scanned.outcome}): see that it runs"
        yield Remark("spam-unknown", Severity.WARNING, "", message)
        return
    severity = {"reject": Severity.ERROR, "spam": Severity.ERROR, "defer": Severity.WARNING}.get(
        scanned.opinion.action
    )
    if severity is not None:
        yield Remark("spam", severity, "", _explain_spam(scanned.opinion))


def _explain_spam(opinion: Opinion) -> str:
    weighty = [one.name for one in opinion.symbols if one.score > 0][:_SYMBOLS_TOLD]
    why = f": mend what it says by {', '.join(weighty)}" if weighty else ""
    return f"rspamd would {opinion.said} it (score {opinion.score:.1f}){why}"
