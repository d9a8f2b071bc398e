"""Retry-After of an HTTP answer (RFC 9110 §10.2.3): seconds, or a date."""

import re
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
#: Characters of the longest date there is, with room.
_LONGEST: Final = 64


def parse_retry_after(text: str, *, now_s: int) -> int | None:
    """Return how many seconds to wait, 0 for a date that is over; None when it says nothing."""
    text = text.strip(" \t")
    if _SECONDS.fullmatch(text):
        return int(text)
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp()) - now_s)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
