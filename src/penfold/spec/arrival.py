"""The rules of arrival an operator may change, and the names counted on /metrics.

`arrival_policy = ["dmarc_reject=spam", "spam_points=8"]`: each rule has one of three actions, and
two numbers of points may be set. What the rules mean is in domain/incoming/verdict.py, the signs'
points in domain/incoming/suspicion.py; tests compare the names.
"""

from typing import Final

from penfold.base.errors import ParseError

#: Actions, from the mildest. later: refused with a code that invites another try.
ACTIONS: Final = ("accept", "spam", "later", "reject")
RULES: Final = (
    "dmarc_reject", "dmarc_quarantine", "dmarc_undecided", "spf_fail", "unauthenticated", "no_ptr",
    "no_author", "several_authors",
)  # fmt: skip
NUMBERS: Final = ("spam_points", "reject_points")
NEVER: Final = "never"
#: What a verdict may rest on: rules, too many points, signs, and the scanner.
REASONS: Final = (
    *RULES, "too_many_points", "author_authentic", "signature_passes", "spf_passes",
    "chain_trusted", "author_known", "signature_broken", "spf_softfail", "spf_permerror",
    "spf_none", "ptr_elsewhere", "author_unclear", "listed", "scanner",
)  # fmt: skip
_POINTS_MAX: Final = 1_000


def parse_choice(text: str) -> tuple[str, str]:
    """Return the rule, or the number, and what it is to be."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or name not in (*RULES, *NUMBERS):
        raise ParseError(f"must be RULE=ACTION with a rule of {', '.join(RULES)}, not {text!r}")
    if name in RULES and value not in ACTIONS:
        raise ParseError(f"{name} must be one of {', '.join(ACTIONS)}, not {value!r}")
    is_number = value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= _POINTS_MAX
    if name in NUMBERS and not is_number and value != NEVER:
        raise ParseError(f"{name} must be a number from 1 to {_POINTS_MAX} or {NEVER}")
    return name, value
