"""Tables of a configuration: which entries they may have, and what is said about others.

As in spec/setting_values.py, half a sentence is raised as ParseError; which table it is about is
put in front of it by who asked.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from penfold.base.errors import ParseError
from penfold.spec.setting_values import parse_amount

Parse = Callable[[object], Any]


def parse_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ParseError(f"must be true or false, not {value!r}")
    return value


def amount_between(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number = parse_amount(value)
        if not least <= number <= most:
            raise ParseError(f"must be from {least} to {most}, not {number}")
        return number

    return parse


def parse_table(
    value: object, parsers: Mapping[str, Parse], *, hints: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the parsed entries of a table; none but those of `parsers` may be in it.

    hints: what is said about a name that is none.
    """
    if not isinstance(value, dict):
        raise ParseError(f"must be a table, not {value!r}")
    return {name: _parse_entry(name, each, parsers, hints or {}) for name, each in value.items()}


def _parse_entry(
    name: str, value: object, parsers: Mapping[str, Parse], hints: Mapping[str, str]
) -> Any:
    if name not in parsers:
        raise ParseError(f"{name}: no such entry{hints.get(name) or suggest(name, [*parsers])}")
    try:
        return parsers[name](value)
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from None


def suggest(name: str, known: Sequence[str]) -> str:
    """Return what to say about a name that is none of those that are known."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
