"""Identifiers as Gmail prints them: make, parse, print.

A message id is a 63-bit integer, epoch milliseconds << 20 | 20 random bits, so id order is
time order. A thread id is the id of its first message. Both print as lower-case hex.
A user label is `Label_<n>`, a draft `r<signed 64-bit decimal>`, a history id plain decimal.
Gmail: observed 2026-09 (message ids), documented (the rest).
"""

import re

from penfold.base.errors import ParseError

MAX_ID = 2**63 - 1
RANDOM_BITS = 20
#: Epoch ms from which a message id would not fit in 63 bits (the year 2248).
DATE_LIMIT_MS = 1 << (63 - RANDOM_BITS)

_HEX = re.compile(r"[0-9a-fA-F]{1,64}")
_DRAFT = re.compile(r"r(-?[0-9]{1,19})")


def make_message_id(ms: int, random20: int) -> int:
    """Return the id of a message indexed at `ms` (epoch ms); times before 1970 count as 1970."""
    return max(ms, 1) << RANDOM_BITS | random20


def message_id_ms(message_id: int) -> int:
    """Return the epoch milliseconds a message id carries."""
    return message_id >> RANDOM_BITS


def parse_message_id(text: str) -> int:
    """Return the integer of a message or thread id; upper case and leading zeros are accepted.

    Gmail (observed): 7fffffffffffffff is valid, 8000000000000000 and anything not hex is
    `Invalid id value`, which is what ParseError becomes on the wire.
    """
    if not _HEX.fullmatch(text):
        raise ParseError("id is not hexadecimal")
    number = int(text, 16)
    if number > MAX_ID:
        raise ParseError("id is beyond 63 bits")
    return number


def format_message_id(number: int) -> str:
    return f"{number:x}"


def parse_draft_id(text: str) -> int:
    match = _DRAFT.fullmatch(text)
    if not match or not -MAX_ID - 1 <= int(match[1]) <= MAX_ID:
        raise ParseError("not a draft id")
    return int(match[1])


def format_draft_id(number: int) -> str:
    return f"r{number}"


def project_id(number: str) -> str:
    """Return the name of a project, which files call project_id."""
    return f"penfold-{number}"
