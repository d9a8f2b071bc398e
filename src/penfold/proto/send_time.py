"""When an email is to be sent: RFC 3339 §5.6, or a few words.

`in 10 min`, `in 1 hour`, `in 2 days`, as examples of Resend's documentation have it.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from penfold.base.errors import ParseError

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WORDS: Final = re.compile(r"in ([0-9]{1,6}) ?(sec|second|min|minute|hour|day)s?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_UNITS_S: Final = {
    "sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3_600, "day": 86_400,
}  # fmt: skip


def parse_time(text: str) -> int:
    """Return an RFC 3339 time in epoch ms; ParseError for anything else."""
    if not _TIME.fullmatch(text):
        raise ParseError("not an RFC 3339 time")
    whole, dot, rest = text.upper().replace(" ", "T").partition(".")
    if dot:  # Python reads 3 or 6 digits of a second
        digits = re.match("[0-9]+", rest)
        count = digits.end() if digits else 0
        whole += f".{rest[:count][:6]:0<6}{rest[count:]}"
    try:
        return (datetime.fromisoformat(whole) - _EPOCH) // _MS
    except (ValueError, OverflowError) as error:
        raise ParseError("not a time there is") from error


def parse_send_time(text: str, *, now_ms: int) -> int:
    """Return the time that is meant, in epoch ms; ParseError for what means none."""
    match = _WORDS.fullmatch(text.strip().lower())
    if match:
        return now_ms + 1000 * int(match[1]) * _UNITS_S[match[2]]
    return parse_time(text)
