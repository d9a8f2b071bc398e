"""Durations as proto3 JSON writes them: decimal seconds and an `s`, as in `3.5s`.

Whole milliseconds here; finer ones are cut off. Negative durations are refused: nothing of ours
has one.
"""

import re
from typing import Final

from penfold.base.errors import ParseError

#: Google: 315,576,000,000 seconds at most, nine digits after the point.
_SECONDS_MAX: Final = 315_576_000_000
_DURATION: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?s")


def parse_duration(text: str) -> int:
    """Return the milliseconds of a duration."""
    match = _DURATION.fullmatch(text)
    if not match or int(match[1]) > _SECONDS_MAX:
        raise ParseError("not a duration")
    return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")[:3])


def format_duration(ms: int) -> str:
    """Return a duration with as many digits as it needs, in threes."""
    return f"{ms // 1000}.{ms % 1000:03d}s" if ms % 1000 else f"{ms // 1000}s"
