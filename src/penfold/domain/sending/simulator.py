"""What becomes of mail of a test key: the address says it, and nothing leaves the machine.

    delivered@simulator.test        arrives, as does mail for any other address
    bounced@, bounced+5.2.2@        bounces, with 5.1.1 or the code that is named
    deferred@, deferred+4.2.2@      is deferred, and arrives at the next attempt
    complained@                     arrives, and its reader calls it spam
    suppressed@                     is on a list of those who get none

The domain can never be anybody's (RFC 6761 §6.2). Those of Resend's examples, at resend.dev, do the
same, so that its examples run; `+word` behind a name that takes no code changes nothing. No
simulated event suppresses an address.
"""

import re
from typing import Any, Final

from penfold.ports.sending.events import EventKind
from penfold.proto.smtp.outcomes.classify import classify
from penfold.proto.smtp.stage import Stage

DOMAINS: Final = frozenset({"simulator.test", "resend.dev"})
_CODE: Final = re.compile(r"([45])\.\d{1,3}\.\d{1,3}")
_MTA: Final = "mx.simulator.test"

Happening = tuple[EventKind, dict[str, Any]]


def simulate(address: str) -> list[Happening]:
    """Return what happens to an email for an address, in order; the last but one may be final."""
    local, _, domain = address.lower().rpartition("@")
    name, _, tag = local.partition("+")
    if domain not in DOMAINS:
        name, tag = "delivered", ""
    match name:
        case "bounced":
            return [_SENT, _refuse(EventKind.BOUNCED, tag, "5.1.1")]
        case "deferred":
            return [_SENT, _refuse(EventKind.DEFERRED, tag, "4.7.1"), _deliver(2)]
        case "complained":
            return [
                _SENT,
                _deliver(1),
                (EventKind.COMPLAINED, {"type": "abuse", "simulated": True}),
            ]
        case "suppressed":
            return [(EventKind.SUPPRESSED, {"reason": "manual", "simulated": True})]
        case _:
            return [_SENT, _deliver(1)]


_SENT: Final[Happening] = (EventKind.SENT, {"simulated": True})


def _deliver(attempt: int) -> Happening:
    return EventKind.DELIVERED, _describe("250", "2.0.0", "accepted", attempt)


def _refuse(kind: EventKind, tag: str, usual: str) -> Happening:
    """Return a refusal with the code in the tag, if it is one of that kind."""
    wanted = _CODE.fullmatch(tag)
    enhanced = tag if wanted and wanted[1] == usual[0] else usual
    code = "550" if kind is EventKind.BOUNCED else "450"
    found = classify(Stage.RCPT, int(code), enhanced, "simulated refusal")
    data = _describe(code, enhanced, "simulated refusal", 1)
    kind_of = "permanent" if kind is EventKind.BOUNCED else "transient"
    return kind, data | {"class": found.kind.value, "type": kind_of}


def _describe(code: str, enhanced: str, words: str, attempt: int) -> dict[str, Any]:
    return {
        "smtp_code": int(code),
        "enhanced_code": enhanced,
        "response": f"{code} {enhanced} {words}",
        "mta": _MTA,
        "attempt": attempt,
        "source": "smtp",
        "simulated": True,
    }
