"""DMARC (RFC 9989): is a message really from the domain it names as its author, and if not, what
does that domain ask for.

A check asks the DNS for policy records; SPF and DKIM were evaluated before. It says what the
domain's owner asks; what is done is decided elsewhere (RFC 9989 §5.4).

Written after draft-ietf-dmarc-dmarcbis-41, which became RFC 9989.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.errors import UnavailableError
from penfold.base.limits import DMARC_IDENTIFIERS_MAX
from penfold.proto.dns import Check, Question, Status
from penfold.proto.mailauth.dmarc_record import DmarcRecord, Policy
from penfold.proto.mailauth.dmarc_walk import Place, Steps, Tree
from penfold.proto.mailauth.domain_names import find_domain_name, is_within

#: RFC 9989 §4.7, tag t: one level below what is asked.
_TESTED: Final[dict[Policy, Policy]] = {
    "reject": "quarantine",
    "quarantine": "none",
    "none": "none",
}


class Why(StrEnum):
    """What a result rests on."""

    ALIGNED = "an authenticated domain is aligned with the author's"
    UNALIGNED = "no authenticated domain is aligned with the author's"
    UNAUTHENTICATED = "no domain is authenticated"
    UNDECIDED = "SPF or DKIM of an aligned domain could not be decided"
    NO_AUTHOR = "there is no author domain"
    NO_RECORD = "no policy record is published"
    UNUSABLE = "the policy record asks for nothing known"
    NO_ANSWER = "the DNS gave no answer"


class DmarcResult(Struct, frozen=True, gc=False, kw_only=True):
    """result: as in RFC 9989 §9.2. reason: on what it rests.

    policy_domain: where the record is published, "" when there is none. organization: the
    Organizational Domain, "" when nobody needed to know. spf_aligned, dkim_aligned: what passed
    and is aligned. policy: what the record asks for this author domain; disposition: what is to
    be done by it, "none" unless the result is fail, and one level less while it is tested.
    """

    result: Literal["pass", "fail", "none", "temperror", "permerror"]
    reason: Why
    author_domain: str
    policy_domain: str = ""
    organization: str = ""
    record: DmarcRecord | None = None
    spf_aligned: bool = False
    dkim_aligned: tuple[str, ...] = ()
    policy: Policy = "none"
    disposition: Policy = "none"


class _Identifiers(Struct, frozen=True, gc=False):
    """The domains of MAIL FROM and of signatures that passed, and those of neither yet."""

    spf: Sequence[str]
    dkim: Sequence[str]
    undecided: Sequence[str]


class _Judged(Struct, frozen=True, gc=False):
    """The aligned ones of some domains, and whether one could not be compared."""

    aligned: tuple[str, ...] = ()
    doubtful: bool = False


def check_dmarc(
    *,
    author_domain: str,
    spf: tuple[str, bool],
    dkim: Sequence[str],
    undecided: Sequence[str] = (),
) -> Check[DmarcResult]:
    """Return what DMARC says of a message; never raises.

    author_domain: of the From field (see author.py); "" for a message without a single one. spf:
    the domain of MAIL FROM (that of HELO for the null sender, RFC 7208 §2.4), and whether it
    passed. dkim: the d= of signatures that passed. undecided: domains whose SPF or DKIM ended in
    temperror; when one of them would be aligned the result is temperror in place of fail.
    """
    author = find_domain_name(author_domain)
    if author is None:
        return DmarcResult(result="none", reason=Why.NO_AUTHOR, author_domain=author_domain)
    tree = Tree()
    blank = DmarcResult(result="none", reason=Why.NO_RECORD, author_domain=author)
    try:
        place = yield from tree.find_policy(author)
    except UnavailableError:
        return replace(blank, result="temperror", reason=Why.NO_ANSWER)
    if place is None:
        return blank
    blank = replace(blank, policy_domain=place.domain, record=place.record)
    if not place.record.usable:
        return replace(blank, result="permerror", reason=Why.UNUSABLE)
    identifiers = _Identifiers([spf[0]] if spf[1] else [], dkim, undecided)
    result = yield from _judge(tree, blank, place.record, identifiers)
    return (yield from _apply(result, place))


def _judge(
    tree: Tree, blank: DmarcResult, record: DmarcRecord, identifiers: _Identifiers
) -> Steps[DmarcResult]:
    """Return pass, fail or temperror, with the policy still to be filled in."""
    author = blank.author_domain
    by_spf = yield from _align(tree, author, identifiers.spf, strict=record.aspf)
    by_dkim = yield from _align(tree, author, identifiers.dkim, strict=record.adkim)
    result = replace(
        blank,
        organization=tree.known_organization(author),
        spf_aligned=bool(by_spf.aligned),
        dkim_aligned=by_dkim.aligned,
    )
    if by_spf.aligned or by_dkim.aligned:
        return replace(result, result="pass", reason=Why.ALIGNED)
    if by_spf.doubtful or by_dkim.doubtful:
        # RFC 9989 §5.3.6: neither pass nor fail.
        return replace(result, result="temperror", reason=Why.NO_ANSWER)
    # Strict only when both are: it is not said which of the two a domain belongs to.
    strict = record.aspf and record.adkim
    open_ones = yield from _align(tree, author, identifiers.undecided, strict=strict)
    if open_ones.aligned or open_ones.doubtful:
        return replace(result, result="temperror", reason=Why.UNDECIDED)
    why = Why.UNALIGNED if identifiers.spf or identifiers.dkim else Why.UNAUTHENTICATED
    return replace(result, result="fail", reason=why)


def _align(tree: Tree, author: str, domains: Sequence[str], *, strict: bool) -> Steps[_Judged]:
    """Return which of these domains are in Identifier Alignment with the author's."""
    names = dict.fromkeys(find_domain_name(domain) for domain in domains)
    names.pop(None, None)
    # The author's own first: it needs no walk and must not be cut off.
    ordered = sorted((name for name in names if name), key=lambda name: name != author)
    aligned = []
    doubtful = False
    for name in ordered[:DMARC_IDENTIFIERS_MAX]:
        try:
            if (yield from _is_aligned(tree, author, name, strict=strict)):
                aligned.append(name)
        except UnavailableError:
            doubtful = True
    return _Judged(tuple(aligned), doubtful)


def _is_aligned(tree: Tree, author: str, name: str, *, strict: bool) -> Steps[bool]:
    """RFC 9989 §4.10.2. A name outside the author's organization costs no question."""
    if name == author or strict:
        return name == author
    organization = yield from tree.find_organization(author)
    if not is_within(name, organization):
        return False
    return (yield from tree.find_organization(name)) == organization


def _apply(result: DmarcResult, place: Place) -> Steps[DmarcResult]:
    """Return the result with what the record asks for (RFC 9989 §4.10.1)."""
    record = place.record
    if place.domain == result.author_domain:
        policy = record.p
    else:
        exists = True
        if result.result == "fail" and record.np not in {None, record.policy_below(exists=True)}:
            exists = yield from _exists(result.author_domain)
        policy = record.policy_below(exists=exists)
    if result.result != "fail":
        return replace(result, policy=policy)
    return replace(result, policy=policy, disposition=_TESTED[policy] if record.t else policy)


def _exists(domain: str) -> Steps[bool]:
    """Say whether there is such a name (RFC 8020: NXDOMAIN for any type says no).

    A name nobody can say anything about is taken to exist: np is usually the harder one.
    """
    answer = yield Question(domain, "A")
    return answer.status != Status.ABSENT
