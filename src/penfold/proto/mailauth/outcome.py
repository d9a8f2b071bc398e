"""How a signature fared, in the words of RFC 8601 §2.7.1."""

from enum import StrEnum

from penfold.base.errors import PenfoldError


class Outcome(StrEnum):
    """pass: the signature holds. fail: it does not. neutral: it cannot be read. policy: it holds,
    but not for what a reader sees, or its key is too weak. permerror: it can never be checked.
    temperror: perhaps later, the DNS did not answer.
    """

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


class RefusedError(PenfoldError):
    """A signature that comes to this outcome before anything is computed; says why."""

    public = "The signature cannot be used"

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
