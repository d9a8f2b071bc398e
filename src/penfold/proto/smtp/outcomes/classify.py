"""What came of a delivery attempt: from a reply's codes and words to a class with consequences.

RFC 5321 §4.2.1 lets the first digit say whether trying again makes sense. Why mail was refused it
does not say, and 5.1.1 is not always a wrong address: so words that are known to mean something go
first. The rules are data: of those that match a reply the first counts, and they stand in five
groups: what the stage alone says, words and codes of one provider, words anybody uses, enhanced
codes, reply codes. The id of a rule names its group or provider; it is kept in events, so a rule
that changes its meaning gets a new id.

Never raises; the words of a stranger are looked at up to OUTCOME_TEXT_MAX.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from penfold.base.limits import OUTCOME_TEXT_MAX, OUTCOME_WAIT_MAX_S
from penfold.proto.smtp.outcomes.codes import CODE_RULES, ENHANCED_RULES, STAGE_RULES
from penfold.proto.smtp.outcomes.providers import PROVIDER_RULES, PROVIDERS
from penfold.proto.smtp.outcomes.rule import Kind, Rule
from penfold.proto.smtp.outcomes.words import WORD_RULES
from penfold.proto.smtp.stage import Stage

#: All of them, in the order in which they are tried.
RULES: Final = (*STAGE_RULES, *PROVIDER_RULES, *WORD_RULES, *ENHANCED_RULES, *CODE_RULES)


class Blame(StrEnum):
    """Who can do something about it."""

    NOBODY = "nobody"
    ADDRESS = "address"
    CONTENT = "content"
    REPUTATION = "reputation"
    SENDER_DNS = "sender_dns"
    OPERATOR = "operator"
    POLICY = "policy"
    SHAPING = "shaping"
    NETWORK = "network"
    SOFTWARE = "software"


class Retry(StrEnum):
    """How to go on. same_address: from the same IP address, or greylisting begins anew."""

    NO = "no"
    LATER = "later"
    SLOWER = "slower"
    SAME_ADDRESS = "same_address"
    NEW_CONNECTION = "new_connection"


class Suppression(Struct, frozen=True, gc=False):
    """When to stop sending: after `times` such outcomes within `days`.

    whole_domain: to every address of the domain. hours: what must lie between the first and the
    last of them, because a domain may vanish by mistake for some hours.
    """

    times: int = 1
    days: int = 0
    whole_domain: bool = False
    hours: int = 0


class Outcome(Struct, frozen=True, gc=False):
    """What to do about one recipient.

    permanent: this message will not get there; tell the sender. suppress: only of permanent ones.
    rule: the id of the rule that decided. wait_s: what the server asked to wait, None if nothing.
    """

    kind: Kind
    permanent: bool
    retry: Retry
    suppress: Suppression | None
    blame: Blame
    rule: str
    wait_s: int | None = None


class Said(Struct, frozen=True, gc=False):
    """A reply taken apart: code 0 and enhanced "" when it has none."""

    code: int
    enhanced: str
    text: str


class _Traits(Struct, frozen=True, gc=False):
    """What follows from a kind. digit: whether it is permanent is the first digit's affair."""

    blame: Blame
    retry: Retry = Retry.LATER
    suppress: Suppression | None = None
    digit: bool = True


_TRAITS: Final[Mapping[Kind, _Traits]] = {
    Kind.ACCEPTED: _Traits(Blame.NOBODY, Retry.NO),
    Kind.INVALID_RECIPIENT: _Traits(Blame.ADDRESS, suppress=Suppression()),
    Kind.BAD_DOMAIN: _Traits(
        Blame.ADDRESS, suppress=Suppression(times=2, days=7, whole_domain=True, hours=24)
    ),
    Kind.INACTIVE_MAILBOX: _Traits(Blame.ADDRESS, suppress=Suppression(times=2, days=7)),
    Kind.MAILBOX_FULL: _Traits(Blame.ADDRESS, suppress=Suppression(times=3, days=14)),
    Kind.MESSAGE_TOO_LARGE: _Traits(Blame.CONTENT),
    Kind.CONTENT_REJECTED: _Traits(Blame.CONTENT),
    Kind.SPAM_BLOCK: _Traits(Blame.REPUTATION, Retry.SLOWER),
    Kind.AUTH_FAILED: _Traits(Blame.SENDER_DNS),
    Kind.PTR_MISSING: _Traits(Blame.OPERATOR),
    Kind.POLICY: _Traits(Blame.POLICY),
    Kind.RATE_LIMITED: _Traits(Blame.SHAPING, Retry.SLOWER, digit=False),
    Kind.GREYLISTED: _Traits(Blame.NOBODY, Retry.SAME_ADDRESS, digit=False),
    Kind.NETWORK: _Traits(Blame.NETWORK),
    Kind.PROTOCOL: _Traits(Blame.SOFTWARE, Retry.NEW_CONNECTION),
    Kind.EXPIRED: _Traits(Blame.NOBODY, Retry.NO),
    Kind.UNDETERMINED: _Traits(Blame.NOBODY),
}


def classify(
    stage: Stage, code: int, enhanced: str = "", text: str = "", *, provider: str = ""
) -> Outcome:
    """Return what a reply means.

    code: 0 when there was no reply; then `enhanced` says what went wrong as RFC 3463 has it
    (4.4.3 no answer from the DNS, 5.1.2 no such domain, 4.4.1 no connection, 5.6.7 no SMTPUTF8).
    enhanced: "" when there was none. provider: as find_provider names it.
    """
    if 200 <= code < 300:
        return _conclude(Kind.ACCEPTED, "code.2xx", code, enhanced, None)
    words = " ".join(text[:OUTCOME_TEXT_MAX].lower().split())
    reply = _Reply(stage, str(code) if code else "", enhanced, words, provider)
    for rule in RULES:
        if _matches(rule, reply):
            return _conclude(rule.kind, rule.id, code, enhanced, find_wait_s(words))
    return _conclude(Kind.UNDETERMINED, "none", code, enhanced, find_wait_s(words))


def find_suppression(kind: Kind) -> Suppression | None:
    """Return when permanent outcomes of a kind are reason to stop sending, None for never."""
    return _TRAITS[kind].suppress


class _Reply(Struct, frozen=True, gc=False):
    """What rules look at: the code in digits, the words in lower case with single blanks."""

    stage: Stage
    digits: str
    enhanced: str
    words: str
    provider: str


def _matches(rule: Rule, reply: _Reply) -> bool:
    return (
        (not rule.provider or rule.provider == reply.provider)
        and (not rule.stages or reply.stage in rule.stages)
        and (rule.code is None or rule.code.fullmatch(reply.digits) is not None)
        and (rule.enhanced is None or rule.enhanced.fullmatch(reply.enhanced) is not None)
        and (rule.words is None or rule.words.search(reply.words) is not None)
    )


def _conclude(kind: Kind, rule: str, code: int, enhanced: str, wait_s: int | None) -> Outcome:
    traits = _TRAITS[kind]
    first = str(code)[0] if code else enhanced[:1]
    permanent = kind is Kind.EXPIRED or (traits.digit and first == "5")
    retry = traits.retry
    if permanent and retry is not Retry.NEW_CONNECTION:
        retry = Retry.NO
    return Outcome(
        kind,
        permanent,
        retry,
        traits.suppress if permanent else None,
        traits.blame,
        rule,
        None if permanent else wait_s,
    )


def find_provider(mx_host: str) -> str:
    """Return who runs a mail server, by its name; "" when it is nobody we have rules for."""
    name = f".{mx_host.lower().rstrip('.')}"
    for suffix, provider in PROVIDERS:
        if name.endswith(suffix):
            return provider
    return ""


# --- words -----------------------------------------------------------------------------

#: How servers say how long to wait: "in 300 seconds", "for 5 minutes", "(seconds: 59)", "00:05:00".
_CLOCK = re.compile(r"\b(?:in|for|after) (\d{1,2}):(\d{2}):(\d{2})\b")
_AMOUNT = re.compile(
    r"\b(?:in|for|after|wait|within|another|least) (?:about |at least |another )?"
    r"(\d{1,6}) ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b"
)
_AMOUNT_AFTER = re.compile(r"\b(seconds?|minutes?|hours?)[:=] ?(\d{1,6})\b")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600}


def find_wait_s(text: str) -> int | None:
    """Return the seconds a reply asks to wait, None when it names none.

    At most OUTCOME_WAIT_MAX_S: a stranger does not decide that mail waits for a week. Whoever waits
    adds some seconds, because the other clock is not ours.
    """
    words = text[:OUTCOME_TEXT_MAX].lower()
    if match := _CLOCK.search(words):
        wait_s = int(match[1]) * 3_600 + int(match[2]) * 60 + int(match[3])
    elif match := _AMOUNT.search(words):
        wait_s = int(match[1]) * _UNIT_S[match[2][0]]
    elif match := _AMOUNT_AFTER.search(words):
        wait_s = int(match[2]) * _UNIT_S[match[1][0]]
    else:
        return None
    return min(wait_s, OUTCOME_WAIT_MAX_S)


#: RFC 5321 §4.2 and RFC 2034 §4; also "#5.1.1" of qmail, and codes in brackets.
_CODES = re.compile(
    r"(?<![\d.])([245]\d\d)(?:[ -]{1,2}[\[(#]{0,2}([245]\.\d{1,3}\.\d{1,3})\b)?(?![\d.]*\d)"
)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![.\d])")


def read_reply(text: str) -> Said:
    """Return the codes in the words of a reply or a diagnostic, wherever they stand in it."""
    text = " ".join(text[:OUTCOME_TEXT_MAX].split())
    codes = _CODES.search(text)
    enhanced = codes[2] if codes and codes[2] else None
    if enhanced is None and (status := _ENHANCED.search(text)):
        enhanced = status[1]
    code = int(codes[1]) if codes else 0
    if enhanced and code and enhanced[0] != str(code)[0]:
        code = 0  # a number that only looked like a reply code
    return Said(code, enhanced or "", text)
