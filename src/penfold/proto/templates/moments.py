"""The `date` filter: moments as JSON has them, printed by strftime's letters.

The C library's strftime takes widths such as `%999999999Y` and the process's language; this one
takes single letters, and English names. There is no "now": a mail says the same whenever it
is made.
"""

import re
from datetime import UTC, date, datetime
from typing import Final

_MONTHS: Final = (
    "January February March April May June July August September October November December"
).split()
_DAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DIRECTIVE: Final = re.compile(r"%(-?)(.)", re.DOTALL)
#: Seconds since 1970 until the end of year 9999.
_SECONDS: Final = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,9})?")
_WHOLE: Final = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%y", "X": "%H:%M:%S",
}  # fmt: skip


def format_moment(text: str, form: str) -> str:
    """Return a date, a moment (ISO 8601) or seconds since 1970 in the given form.

    Text that is none is returned as it is, as Liquid does. Time zones are kept, never converted.
    """
    moment = _find_moment(text.strip())
    if moment is None or not form:
        return text
    return str(form[:0]) + _DIRECTIVE.sub(lambda found: _print(moment, found), str(form))


def _find_moment(text: str) -> datetime | None:
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        return datetime.fromisoformat(text) if len(text) <= 40 else None
    except (ValueError, OverflowError, OSError):
        return None


def _print(moment: datetime, found: re.Match[str]) -> str:
    plain, letter = found[1], found[2]
    if letter in _WHOLE:
        return _DIRECTIVE.sub(lambda inner: _print(moment, inner), _WHOLE[letter])
    printed = _name(moment, letter) or _number(moment, letter)
    if plain:
        return printed.lstrip(" 0") or printed[-1:]
    return printed


def _name(moment: datetime, letter: str) -> str:
    match letter:
        case "%":
            return "%"
        case "B":
            return _MONTHS[moment.month - 1]
        case "b" | "h":
            return _MONTHS[moment.month - 1][:3]
        case "A":
            return _DAYS[moment.weekday()]
        case "a":
            return _DAYS[moment.weekday()][:3]
        case "p":
            return "AM" if moment.hour < 12 else "PM"
        case "P":
            return "am" if moment.hour < 12 else "pm"
    return ""


def _number(moment: datetime, letter: str) -> str:
    hour12 = moment.hour % 12 or 12
    start = date(moment.year, 1, 1).toordinal() - 1
    offset = moment.utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset is not None else 0
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}" if offset is not None else ""
    numbers = {
        "Y": f"{moment.year:04}",
        "y": f"{moment.year % 100:02}",
        "m": f"{moment.month:02}",
        "d": f"{moment.day:02}",
        "e": f"{moment.day:2}",
        "j": f"{moment.toordinal() - start:03}",
        "H": f"{moment.hour:02}",
        "k": f"{moment.hour:2}",
        "I": f"{hour12:02}",
        "l": f"{hour12:2}",
        "M": f"{moment.minute:02}",
        "S": f"{moment.second:02}",
        "L": f"{moment.microsecond // 1000:03}",
        "u": str(moment.isoweekday()),
        "w": str(moment.isoweekday() % 7),
        "z": zone,
        "Z": "UTC" if zone == "+0000" else zone,
        "s": str(int(moment.timestamp())) if offset is not None else "",
    }
    # Liquid: what means nothing stays as it is.
    return numbers.get(letter, f"%{letter}")
