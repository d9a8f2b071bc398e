"""What a rule says, and the classes it leads to.

Words are compared in lower case with single blanks. No pattern repeats without a bound, so the
work on a reply is linear in it.
"""

import re
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """Why a message did or did not get there."""

    ACCEPTED = "accepted"
    INVALID_RECIPIENT = "invalid_recipient"
    BAD_DOMAIN = "bad_domain"
    INACTIVE_MAILBOX = "inactive_mailbox"
    MAILBOX_FULL = "mailbox_full"
    MESSAGE_TOO_LARGE = "message_too_large"
    CONTENT_REJECTED = "content_rejected"
    SPAM_BLOCK = "spam_block"
    AUTH_FAILED = "auth_failed"
    PTR_MISSING = "ptr_missing"
    POLICY = "policy"
    RATE_LIMITED = "rate_limited"
    GREYLISTED = "greylisted"
    NETWORK = "network"
    PROTOCOL = "protocol"
    EXPIRED = "expired"
    UNDETERMINED = "undetermined"


class Rule(Struct, frozen=True, gc=False):
    """A rule matches when everything it names does. code "" is an attempt without a reply."""

    id: str
    kind: Kind
    provider: str = ""
    stages: frozenset[str] = frozenset()
    code: re.Pattern[str] | None = None
    enhanced: re.Pattern[str] | None = None
    words: re.Pattern[str] | None = None


def make_rule(
    rule_id: str,
    kind: Kind,
    *words: str,
    provider: str = "",
    code: str | None = None,
    enhanced: str = "",
    stages: str = "",
) -> Rule:
    """Return a rule; any of the patterns in `words` may match, stages are separated by blanks."""
    return Rule(
        rule_id,
        kind,
        provider,
        frozenset(stages.split()),
        None if code is None else re.compile(code),
        re.compile(enhanced) if enhanced else None,
        re.compile("|".join(words)) if words else None,
    )
