"""The filters of templates: Liquid's own by name and meaning, written so that each has a bound.

The library's would let `replace: '', x` or `times` grow beyond memory, read the clock, and take any
text for a date. Each one here gets text, a number or a list and returns one; how large they may be
is asked before anything is made (budget.py). In HTML, what an author wrote is Markup and what came
from variables is not; Markup's methods escape what is put into it, so a filter keeps that apart.

Left out: `safe` and `raw` output (no variable is ever HTML), base64, `strip_html`, and what only a
shop needs. A list of them all is in docs/templates.md.
"""

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from liquid.filter import with_context
from markupsafe import Markup, escape

from penfold.base.limits import RENDER_VALUE_MAX_CHARS
from penfold.proto.templates.budget import SpentError, check_items, check_length, check_number
from penfold.proto.templates.moments import format_moment

Number = int | float
_BLANKS: Final = re.compile(r"\s+")
_LINE_ENDS: Final = re.compile(r"\r?\n")
#: Digits behind the point that are worth asking for.
_DIGITS_MAX: Final = 15


class FilterError(Exception):
    """A filter was given what it cannot use; the message says what it wants."""


def to_text(value: Any) -> str:
    """Return a value as it is printed: text as it is, numbers as in JSON, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "".join(to_text(each) for each in value if not isinstance(each, list | tuple | dict))
    # Undefined of the library, and blank: nothing. Objects are no text.
    if not value:
        return ""
    raise FilterError("is an object; name one of its members, such as order.total")


def to_number(value: Any) -> Number:
    if isinstance(value, bool):
        raise FilterError("wants a number")
    if isinstance(value, int | float):
        return value
    text = to_text(value).strip()
    if not text:
        return 0
    try:
        return int(text[:30]) if text.lstrip("+-").isdecimal() else float(text[:30])
    except ValueError:
        raise FilterError("wants a number") from None


def to_whole(value: Any) -> int:
    number = check_number(to_number(value))
    return int(number)


def to_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, range):
        check_items(len(value))
        return list(value)
    if value is None or value == "":
        return []
    if isinstance(value, dict | str | int | float):
        return [value]
    return list(value) if isinstance(value, tuple) else []


def _size(value: Any) -> int:
    if isinstance(value, str | list | tuple | dict | range):
        return len(value)
    return 0


# --- text -----------------------------------------------------------------------------


def _append(value: Any, more: Any) -> str:
    return to_text(value) + to_text(more)


def _replace(value: Any, old: Any, new: Any = "", most: int = -1) -> str:
    text, old, new = to_text(value), to_text(old), to_text(new)
    count = text.count(old) if most < 0 else most
    # Escaped text is up to five times as long, and escaping is what Markup does to `new`.
    check_length(len(text) + count * 5 * len(new))
    return text.replace(old, new, most)


def _split(value: Any, by: Any) -> list[str]:
    text, mark = to_text(value), to_text(by)
    if not text:
        return []
    if not mark:
        check_items(len(text))
        return list(text)
    check_items(text.count(mark))
    return [each for each in text.split(mark)] if mark != " " else text.split()  # noqa: C416 - Markup


def _slice(value: Any, start: Any, length: Any = 1) -> Any:
    whole = value if isinstance(value, list) else to_text(value)
    first, count = to_whole(start), to_whole(length)
    if first < 0:
        first = max(first + len(whole), 0) if first + len(whole) >= 0 else len(whole)
    return whole[first : first + max(count, 0)]


def _truncate(value: Any, length: Any = 50, end: Any = "...") -> str:
    text, most, tail = to_text(value), max(to_whole(length), 0), to_text(end)
    return text if len(text) <= most else text[: max(most - len(tail), 0)] + tail


def _truncatewords(value: Any, count: Any = 15, end: Any = "...") -> str:
    text, most = to_text(value), max(to_whole(count), 1)
    words = text.split()
    return text if len(words) <= most else text[:0] + " ".join(words[:most]) + to_text(end)


def _newline_to_br(value: Any) -> str:
    text = to_text(value)
    check_length(len(text) + 6 * text.count("\n"))
    return Markup(_LINE_ENDS.sub("<br />\n", escape(text)))  # noqa: S704 - escaped just now


def _url_encode(value: Any) -> str:
    return quote_plus(to_text(value))


# --- numbers --------------------------------------------------------------------------


def _calculate(do: Callable[[Number, Number], Number]) -> Callable[[Any, Any], Number]:
    def calculate(value: Any, other: Any) -> Number:
        one, two = check_number(to_number(value)), check_number(to_number(other))
        if two == 0 and do in {_divide, operator.mod}:
            raise FilterError("cannot divide by zero")
        return check_number(do(one, two))

    return calculate


def _divide(one: Number, two: Number) -> Number:
    """Liquid: whole numbers give a whole number."""
    return one // two if isinstance(one, int) and isinstance(two, int) else one / two


def _round(value: Any, digits: Any = 0) -> Number:
    number = check_number(to_number(value))
    places = to_whole(digits)
    if places > 0:
        return round(number, min(places, _DIGITS_MAX))
    return round(number)


def _fixed(value: Any, digits: Any = 2) -> str:
    """Ours: 19.9 as 19.90, because prices are what most mails are about."""
    return f"{check_number(to_number(value)):.{min(max(to_whole(digits), 0), _DIGITS_MAX)}f}"


def _whole(do: Callable[[Number], Number]) -> Callable[[Any], Number]:
    return lambda value: do(check_number(to_number(value)))


# --- lists ----------------------------------------------------------------------------


def _join(value: Any, by: Any = " ") -> str:
    pieces, mark = [to_text(each) for each in to_list(value)], to_text(by)
    check_length(sum(5 * len(each) + len(mark) for each in pieces))
    return mark.join(pieces)


def _concat(value: Any, more: Any) -> list[Any]:
    if not isinstance(more, list):
        raise FilterError("wants a list")
    return to_list(value) + more


def _member(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def _map(value: Any, name: Any) -> list[Any]:
    return [_member(each, to_text(name)) for each in to_list(value)]


def _where(value: Any, name: Any, wanted: Any = None) -> list[Any]:
    key, found = to_text(name), to_list(value)
    if wanted is None:
        return [each for each in found if not _is_nothing(_member(each, key))]
    return [each for each in found if _member(each, key) == wanted]


def _is_nothing(value: Any) -> bool:
    """Return whether Liquid takes it for false; 0 and "" are something."""
    return value is None or value is False


def _sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before texts before all others, so that any list has an order."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, 0)


def _sort(value: Any, name: Any = None) -> list[Any]:
    if name is None:
        return sorted(to_list(value), key=_sort_key)
    return sorted(to_list(value), key=lambda each: _sort_key(_member(each, to_text(name))))


def _uniq(value: Any) -> list[Any]:
    seen: dict[Any, Any] = {}
    for each in to_list(value):
        seen.setdefault(each if isinstance(each, str | int | float) else repr(each), each)
    return list(seen.values())


def _sum(value: Any, name: Any = None) -> Number:
    total: Number = 0
    for each in to_list(value):
        total = check_number(total + to_number(each if name is None else _member(each, name)))
    return total


def _end(at: int) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        found = to_text(value) if isinstance(value, str) else to_list(value)
        return found[at] if found else None

    return take


def _default(value: Any, other: Any = "") -> Any:
    """Liquid: in place of nothing, false and what is empty; 0 is something."""
    if value is None or value is False or (not isinstance(value, int | float) and not value):
        return other
    return value


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "append": _append,
    "prepend": lambda value, more: _append(more, value),
    "capitalize": lambda value: to_text(value)[:1].upper() + to_text(value)[1:].lower(),
    "downcase": lambda value: to_text(value).lower(),
    "upcase": lambda value: to_text(value).upper(),
    "escape": lambda value: escape(to_text(value)),
    "strip": lambda value: to_text(value).strip(),
    "lstrip": lambda value: to_text(value).lstrip(),
    "rstrip": lambda value: to_text(value).rstrip(),
    "squish": lambda value: to_text(value)[:0] + " ".join(to_text(value).split()),
    "strip_newlines": lambda value: _replace(_replace(value, "\r"), "\n"),
    "newline_to_br": _newline_to_br,
    "remove": lambda value, old: _replace(value, old),
    "remove_first": lambda value, old: _replace(value, old, "", 1),
    "replace": lambda value, old, new="": _replace(value, old, new),
    "replace_first": lambda value, old, new="": _replace(value, old, new, 1),
    "slice": _slice,
    "split": _split,
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "url_encode": _url_encode,
    "url_decode": lambda value: unquote_plus(str(to_text(value))),
    "date": lambda value, form: format_moment(to_text(value), to_text(form)),
    "default": _default,
    "size": _size,
    "abs": _whole(abs),
    "ceil": _whole(lambda number: -int(-number // 1)),
    "floor": _whole(lambda number: int(number // 1)),
    "round": _round,
    "fixed": _fixed,
    "plus": _calculate(operator.add),
    "minus": _calculate(operator.sub),
    "times": _calculate(operator.mul),
    "divided_by": _calculate(_divide),
    "modulo": _calculate(operator.mod),
    "at_least": _calculate(max),
    "at_most": _calculate(min),
    "join": _join,
    "concat": _concat,
    "compact": lambda value: [each for each in to_list(value) if each is not None],
    "first": _end(0),
    "last": _end(-1),
    "map": _map,
    "where": _where,
    "reverse": lambda value: to_list(value)[::-1],
    "sort": _sort,
    "uniq": _uniq,
    "sum": _sum,
}
FILTER_NAMES: Final = tuple(sorted(_FILTERS))


def iter_filters() -> Iterable[tuple[str, Callable[..., Any]]]:
    """Yield each filter by name, with its price and its bounds around it."""
    for name, do in _FILTERS.items():
        yield name, _bounded(do)


def _bounded(do: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(value: Any, *arguments: Any, context: Any) -> Any:
        context.budget.charge(_size(value))
        made = do(value, *arguments)
        if isinstance(made, str):
            # Upper case can be three times as long, escaped text six times.
            check_length(len(made))
        elif isinstance(made, list):
            check_items(len(made))
        context.budget.charge(_size(made))
        return made

    return with_context(bounded)


def check_value(value: str) -> str:
    """Return text that shall be printed or kept, if it is not too long."""
    if len(value) > RENDER_VALUE_MAX_CHARS:
        raise SpentError(f"a value has more than {RENDER_VALUE_MAX_CHARS} characters")
    return value
