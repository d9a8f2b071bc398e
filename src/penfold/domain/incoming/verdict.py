"""What becomes of an arriving message: accepted, put into spam, or refused, and why.

First the rules: each that applies has its action from the Policy, and the hardest counts. When
they let the message pass its points decide (suspicion.py). Pure: same evidence, same verdict.

RFC 9989 §5.4: what a domain asks for is a wish, the policy here is the server's own; asked for
`none` it changes nothing. Deviates (SHOULD NOT): by default p=reject alone does refuse, as
Gmail's does, but for mail that a trusted ARC chain vouches for.

Gmail (documented, About SMTP error messages; observed 2022 to 2026): codes and words of the
refusals, without its own name and links.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from operator import attrgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.domain.incoming.evidence import Evidence
from penfold.domain.incoming.suspicion import Reason, weigh
from penfold.proto.mailauth.author import Unclear
from penfold.spec.arrival import ACTIONS, NEVER, NUMBERS


class Action(IntEnum):
    """What a rule does; the greater number is the harder. DEFER: refused with a code that invites
    another try.
    """

    ACCEPT = 0
    SPAM = 1
    DEFER = 2
    REJECT = 3


class Policy(Struct, frozen=True, gc=False, kw_only=True):
    """The operator's settings, an action for each rule.

    dmarc_undecided: DMARC could not be evaluated for a domain that asks for something. spam_points:
    from how many points on a message is spam; reject_points: refused; None: never.
    """

    dmarc_reject: Action = Action.REJECT
    dmarc_quarantine: Action = Action.SPAM
    dmarc_undecided: Action = Action.ACCEPT
    spf_fail: Action = Action.SPAM
    unauthenticated: Action = Action.SPAM
    no_ptr: Action = Action.SPAM
    no_author: Action = Action.REJECT
    several_authors: Action = Action.REJECT
    spam_points: int | None = 5
    reject_points: int | None = None


def make_policy(choices: Iterable[tuple[str, str]]) -> Policy:
    """Return the policy with these choices of the operator's (spec.arrival.parse_choice)."""
    policy = Policy()
    for name, value in choices:
        chosen: Action | int | None
        if name in NUMBERS:
            chosen = None if value == NEVER else int(value)
        else:
            chosen = Action(ACTIONS.index(value))
        policy = replace(policy, **{name: chosen})
    return policy


class Accept(Struct, frozen=True, gc=False):
    """score: the sum of the points. reasons: rules that applied, then signs."""

    score: int
    reasons: tuple[Reason, ...]


class Spam(Struct, frozen=True, gc=False):
    """As Accept, with the label SPAM."""

    score: int
    reasons: tuple[Reason, ...]


class Reject(Struct, frozen=True, gc=False):
    """A refusal: reply code, enhanced code (RFC 3463), and the lines of its text."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    score: int
    reasons: tuple[Reason, ...]


Verdict = Accept | Spam | Reject


class Rule(Struct, frozen=True, gc=False):
    """name: a field of Policy. lines: with {author}, {client} and {sender} to be filled in.

    detail: what it was found by.
    """

    name: str
    applies: Callable[[Evidence], bool]
    code: str
    lines: tuple[str, ...]
    detail: Callable[[Evidence], str] = lambda _: ""


def _asks(policy: str) -> Callable[[Evidence], bool]:
    def applies(found: Evidence) -> bool:
        # An ARC chain tells what forwarding has broken (RFC 8617 §7.2.1).
        return found.dmarc.disposition == policy and not found.chain_trusted

    return applies


def _is_undecided(found: Evidence) -> bool:
    return found.dmarc.result == "temperror" and found.dmarc.policy != "none"


def _is_forbidden(found: Evidence) -> bool:
    # RFC 9989 §7.1: forwarding breaks SPF and leaves signatures whole, so one is enough.
    return found.spf == "fail" and not found.dkim_passed


def _is_unauthenticated(found: Evidence) -> bool:
    return not found.is_authenticated and found.spf != "temperror"


def _author_problem(*problems: Unclear) -> Callable[[Evidence], bool]:
    return lambda found: found.author.problem in problems


def _author_domain(found: Evidence) -> str:
    return found.dmarc.author_domain


def _author_domains(found: Evidence) -> str:
    return " ".join(found.author.domains)


_DMARC_LINES: Final = (
    "Unauthenticated email from {author} is not accepted due to",
    "domain's DMARC policy. Please contact the administrator of",
    "{author} domain if this was a legitimate mail.",
)

#: In the order in which reasons are told. Of equally hard ones the first gives the reply.
RULES: Final = (
    Rule(
        "no_author",
        _author_problem(Unclear.MISSING, Unclear.INVALID),
        "550 5.7.1",
        (
            "Messages missing a valid address in the From: header, or having no",
            "From: header, are not accepted.",
        ),
    ),
    Rule(
        "several_authors",
        _author_problem(Unclear.REPEATED),
        "550 5.7.1",
        (
            "This message is not RFC 5322 compliant because it has duplicate",
            "headers: From. To reduce the amount of spam, it has been blocked.",
        ),
        _author_domains,
    ),
    Rule(
        "several_authors",
        _author_problem(Unclear.SEVERAL),
        "550 5.7.1",
        ("Messages with multiple addresses in From: header are not accepted.",),
        _author_domains,
    ),
    Rule("dmarc_reject", _asks("reject"), "550 5.7.26", _DMARC_LINES, _author_domain),
    Rule("dmarc_quarantine", _asks("quarantine"), "550 5.7.26", _DMARC_LINES, _author_domain),
    Rule(
        "dmarc_undecided",
        _is_undecided,
        "451 4.7.26",
        (
            "Unauthenticated email from {author} is not accepted due to",
            "domain's DMARC policy, but temporary DNS failures prevent",
            "authentication. Please contact the administrator of",
            "{author} domain if this was a legitimate mail.",
        ),
        _author_domain,
    ),
    Rule(
        "spf_fail",
        _is_forbidden,
        "550 5.7.26",
        (
            "The MAIL FROM domain [{sender}] has an SPF record with a",
            "hard fail policy (-all) but it fails to pass SPF checks with the ip:",
            "[{client}]. To best protect our users from spam and phishing, the",
            "message has been blocked.",
        ),
        lambda found: found.spf_domain,
    ),
    Rule(
        "unauthenticated",
        _is_unauthenticated,
        "550 5.7.26",
        (
            "Your email has been blocked because the sender is unauthenticated.",
            "All senders have to authenticate with either SPF or DKIM.",
            "Authentication results:",
            "DKIM = did not pass",
            "SPF [{sender}] with ip: [{client}] = did not pass",
        ),
        lambda found: found.spf_domain,
    ),
    Rule(
        "no_ptr",
        lambda found: found.iprev == "permerror",
        "550 5.7.25",
        (
            "[{client}] The IP address sending this message does not have a PTR",
            "record setup, or the corresponding forward DNS entry does not match",
            "the sending IP. As a policy, messages from IPs with missing PTR",
            "records are not accepted.",
        ),
        lambda found: found.client,
    ),
)

UNSOLICITED: Final = (
    "This message is likely unsolicited mail. To reduce the amount of spam,",
    "it has been blocked.",
)
_TOO_MANY_POINTS: Final = Rule("too_many_points", lambda _: True, "550 5.7.1", UNSOLICITED)


def decide(found: Evidence, policy: Policy) -> Verdict:
    """Return what becomes of the message."""
    signs = weigh(found)
    score = sum(sign.points for sign in signs)
    applying = [rule for rule in RULES if rule.applies(found)]
    told = tuple(Reason(rule.name, detail=rule.detail(found)) for rule in applying)
    reasons = (*told, *signs)
    hardest = max(applying, key=lambda rule: _action(rule, policy), default=None)
    action = Action.ACCEPT if hardest is None else _action(hardest, policy)
    if hardest is not None and action >= Action.DEFER:
        return _refuse(hardest, found, score, reasons, later=action == Action.DEFER)
    if policy.reject_points is not None and score >= policy.reject_points:
        return _refuse(_TOO_MANY_POINTS, found, score, reasons, later=False)
    if policy.spam_points is not None and score >= policy.spam_points:
        action = Action.SPAM
    return Accept(score, reasons) if action == Action.ACCEPT else Spam(score, reasons)


def _action(rule: Rule, policy: Policy) -> Action:
    action: Action = attrgetter(rule.name)(policy)
    return action


def _refuse(
    rule: Rule, found: Evidence, score: int, reasons: tuple[Reason, ...], *, later: bool
) -> Reject:
    """Return the refusal; later: with the codes of a temporary one (RFC 3463 §2)."""
    code, enhanced = rule.code.split(" ")
    if later and code == "550":
        code, enhanced = "451", f"4{enhanced[1:]}"
    lines = tuple(
        line.format(author=found.dmarc.author_domain, client=found.client, sender=found.spf_domain)
        for line in rule.lines
    )
    return Reject(int(code), enhanced, lines, score, reasons)
