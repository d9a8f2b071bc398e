"""The times a query can name, as epoch seconds.

Gmail (documented): a plain date means midnight Pacific time, whatever zone the user is in.
Whether Gmail follows daylight saving there is not documented; we do (assumed), by the rule of
the United States itself, so that a query means the same on machines without zone data:
    since 2007   second Sunday of March to first Sunday of November (Energy Policy Act of 2005)
    1987 - 2006  first Sunday of April to last Sunday of October
    before       last Sunday of April to last Sunday of October (1974 and 1975 began earlier)
Clocks change at two in the morning, so the first day's midnight is still standard time and the
last day's still daylight time.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_HOUR_S = 3_600
_DAY_S = 86_400

_YEAR_FIRST = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_EPOCH = re.compile(r"-?[0-9]{1,15}")
_AGE = re.compile(r"([0-9]{1,9})([hdmyHDMY])")


def find_date(text: str) -> int | None:
    """Return the epoch second of YYYY/MM/DD, YYYY-MM-DD or MM/DD/YYYY; None for other texts."""
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = found.groups()
    elif found := _YEAR_LAST.fullmatch(text):
        month, day, year = found.groups()
    else:
        return None
    try:
        return pacific_midnight(date(int(year), int(month), int(day)))
    except ValueError:  # no such day
        return None


def find_epoch(text: str) -> int | None:
    """Return a number of seconds written out, or None."""
    return int(text) if _EPOCH.fullmatch(text) else None


def find_ago(text: str, *, now_ms: int) -> int | None:
    """Return the epoch second that lies 12h, 3d, 2m or 1y before now; None for other texts.

    Gmail (assumed): days are 24 hours, months and years are those of the calendar, in UTC.
    """
    found = _AGE.fullmatch(text)
    if not found:
        return None
    count, unit = int(found[1]), found[2].lower()
    now_s = now_ms // 1_000
    if unit in "hd":
        return max(now_s - count * (_HOUR_S if unit == "h" else _DAY_S), 0)
    return _months_before(now_s, count * (12 if unit == "y" else 1))


def pacific_midnight(day: date) -> int:
    """Return the epoch second at which this day began on the American west coast."""
    hours = 7 if _daylight_saving(day) else 8
    return (day.toordinal() - _EPOCH_DAY) * _DAY_S + hours * _HOUR_S


def find_pacific_day(epoch_s: int) -> date | None:
    """Return the day that began on the American west coast at this very second, if one did."""
    ordinal = (epoch_s - 7 * _HOUR_S) // _DAY_S + _EPOCH_DAY
    if not date.min.toordinal() <= ordinal <= date.max.toordinal():
        return None
    day = date.fromordinal(ordinal)
    return day if pacific_midnight(day) == epoch_s else None


def _daylight_saving(day: date) -> bool:
    if day.year >= 2007:
        first, last = _sunday(day.year, 3, 8), _sunday(day.year, 11, 1)
    elif day.year >= 1987:
        first, last = _sunday(day.year, 4, 1), _sunday(day.year, 10, 25)
    else:
        first, last = _sunday(day.year, 4, 24), _sunday(day.year, 10, 25)
    return first < day <= last


def _sunday(year: int, month: int, day: int) -> date:
    """Return the first Sunday on or after this day."""
    start = date(year, month, day)
    return start + timedelta(days=6 - start.weekday())


def _months_before(now_s: int, months: int) -> int:
    now = datetime.fromtimestamp(now_s, UTC)
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    if year < 1970:
        return 0
    day = min(now.day, monthrange(year, month + 1)[1])
    return int(now.replace(year=year, month=month + 1, day=day).timestamp())
