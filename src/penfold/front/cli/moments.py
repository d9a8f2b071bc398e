"""Moments as people type them: so long ago, or a date."""

import re
from datetime import UTC, datetime
from typing import Final

from penfold.base.errors import ParseError

_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_AGO = re.compile(r"([0-9]{1,6})([mhdw])")


def parse_moment(text: str, *, now_ms: int) -> int:
    """Return the epoch milliseconds of `30m`, `12h`, `7d` or `2w` ago, or of an ISO 8601 date.

    A date without a zone is in UTC, as everything here is printed. ParseError when it is neither.
    """
    if match := _AGO.fullmatch(text):
        return now_ms - int(match[1]) * _UNITS_MS[match[2]]
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ParseError("not a time; one looks like 12h, 7d or 2026-11-27", text=text) from None
