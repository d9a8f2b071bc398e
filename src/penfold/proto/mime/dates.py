"""Date fields (RFC 5322 §3.3, §4.3) and their way back.

Reads the obsolete forms and what mailers get wrong (asctime order, ISO 8601, no seconds, no zone, a
wrong day name, a comment for a zone). What is no real point in time is None. Never raises; input
longer than a date can be is not looked at.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}
#: RFC 5322 §4.3: the North American names; every other letter zone says nothing (-0000).
_ZONES: Final = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
                 "PST": -480, "PDT": -420}  # fmt: skip
#: Seen in real mail.
_ZONES_SEEN: Final = {"CET": 60, "CEST": 120, "MET": 60, "MEST": 120, "BST": 60, "JST": 540,
                      "EET": 120, "EEST": 180, "IST": 330, "MSK": 180}  # fmt: skip

_TIME = r"(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}))?(?:[.,]\d{1,9})?"
_RFC = re.compile(
    r"(?:[A-Za-z]{2,9}\.?,?\s*)?(\d{1,2})[\s.-]*([A-Za-z]{3})[a-z]{0,7}\.?,?[\s.-]*(\d{2,4}),?\s+"
    + _TIME
    + r"\s*([+-]\s?\d{1,2}:?\d{2}|[A-Za-z]{1,5})?"
)
_ASCTIME = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3})[a-z]{0,7}\s+(\d{1,2}),?\s+"
    + _TIME
    + r"(?:\s+([A-Z]{1,5}|[+-]\d{4}))?,?\s+(\d{4})(?:\s+([+-]\d{4}))?"
)
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+" + _TIME + r"\s*([+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?)?"
)
_COMMENT = re.compile(r"\([^()]*+\)")

#: Longer than any date with its comments.
_DATE_MAX_CHARS: Final = 128
#: A message id carries 43 bits of milliseconds (base.ids); later dates have no id.
_END_MS: Final = 1 << 43


def parse_date_ms(value: str) -> int | None:
    """Return epoch milliseconds of a Date field, None when there is no usable date in it."""
    text = _COMMENT.sub(" ", value[:_DATE_MAX_CHARS]).strip()
    if match := _RFC.match(text):
        day, month, year, hour, minute, second, zone = match.groups()
        number = _MONTHS.get(month.lower())
    elif match := _ISO.match(text):
        year, month, day, hour, minute, second, zone = match.groups()
        number = int(month)
    elif match := _ASCTIME.match(text):
        month, day, hour, minute, second, zone, year, offset = match.groups()
        number = _MONTHS.get(month.lower())
        zone = offset or zone
    else:
        return None
    if number is None:
        return None
    return _to_ms((_full_year(year), number, int(day)), hour, minute, second, _offset_minutes(zone))


def _full_year(text: str) -> int:
    """RFC 5322 §4.3: 00-49 are of this century, 50-99 and three digits count from 1900."""
    year = int(text)
    if len(text) == 2 and year < 50:
        return year + 2000
    return year + 1900 if len(text) < 4 else year


def _offset_minutes(zone: str | None) -> int:
    if not zone:
        return 0
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "").strip()
        minutes = int(digits[:-2]) * 60 + int(digits[-2:])
        return -minutes if zone[0] == "-" else minutes
    name = zone.upper()
    return _ZONES.get(name) or _ZONES_SEEN.get(name, 0)


def _to_ms(
    day: tuple[int, int, int], hour: str | None, minute: str | None, second: str | None, offset: int
) -> int | None:
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60 or abs(offset) >= 24 * 60:
        return None
    try:
        days = date(*day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    result = (days * 86_400 + hours * 3_600 + (minutes - offset) * 60 + seconds) * 1_000
    return result if result < _END_MS else None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NAMES: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def format_date(epoch_ms: int, offset_minutes: int = 0) -> str:
    """Return `Mon, 02 Jan 2006 15:04:05 -0700`; locale plays no part."""
    # What the clocks there show; making it a time of their zone would double the cost.
    moment = _EPOCH + timedelta(minutes=offset_minutes, milliseconds=epoch_ms)
    sign = "-" if offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(offset_minutes), 60)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTH_NAMES[moment.month - 1]} "
        f"{moment.year:04} {moment.hour:02}:{moment.minute:02}:{moment.second:02} "
        f"{sign}{hours:02}{minutes:02}"
    )
