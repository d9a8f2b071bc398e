"""Whether the variables of one mail are what its template declares. Linear; never raises.

Loads no library but msgspec: this is what is asked before a mail is accepted.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import TEMPLATE_FINDINGS_MAX, VARIABLES_MAX_BYTES
from penfold.proto.address import parse_mailbox
from penfold.proto.templates.schema import Schema

_TYPE_OF: Final = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
#: Characters of a name or value in a message.
_SHOWN_CHARS: Final = 40
#: Names among which one that was meant is looked for.
_GUESSED_AMONG: Final = 100


class Mismatch(Struct, frozen=True, gc=False):
    """One thing that is wrong with variables.

    pointer: RFC 6901, `/order/items/2/price`. name: as people write it, `order.items[2].price`.
    code: missing, unknown, type, value or size.
    """

    code: str
    pointer: str
    name: str
    message: str


Path = tuple[str | int, ...]


def check_variables(
    schema: Schema, variables: Mapping[str, Any], *, missing_is_blank: bool = False
) -> list[Mismatch]:
    """Return what is wrong with variables, the first TEMPLATE_FINDINGS_MAX of it.

    missing_is_blank: required ones may be missing (TemplateSource.on_missing).
    """
    try:
        size = len(msgspec.json.encode(variables))
        msgspec.msgpack.encode(variables)
    except OverflowError:
        # Kept, and sent to processes, as MessagePack.
        return [Mismatch("value", "", "", "variables have an integer of more than 64 bits")]
    except (TypeError, ValueError, RecursionError):
        # Lone surrogates are a ValueError: text that cannot be sent.
        return [Mismatch("type", "", "", "variables must be a JSON object of Unicode text")]
    if size > VARIABLES_MAX_BYTES:
        return [Mismatch("size", "", "", f"variables take more than {VARIABLES_MAX_BYTES} octets")]
    found = _check(schema, variables, ())
    if missing_is_blank:
        found = (each for each in found if each.code != "missing")
    return list(islice(found, TEMPLATE_FINDINGS_MAX))


def _check(schema: Schema, value: Any, path: Path) -> Iterator[Mismatch]:
    kind = _TYPE_OF.get(type(value), "")
    if schema.types and not _is_of(kind, value, schema.types):
        wanted = " or ".join(schema.types)
        yield _mismatch("type", path, f"must be of type {wanted} and is of type {kind}")
        return
    if schema.choices is not None and not any(_is_same(value, each) for each in schema.choices):
        allowed = ", ".join(msgspec.json.encode(each).decode() for each in schema.choices[:10])
        yield _mismatch("value", path, f"must be one of {allowed[:200]}")
    if kind == "object":
        yield from _check_object(schema, value, path)
    elif kind == "array":
        yield from _check_bounds(schema, len(value), path, ("minItems", "maxItems"), "items")
        if schema.items:
            for at, each in enumerate(value):
                yield from _check(schema.items, each, (*path, at))
    elif kind == "string":
        yield from _check_bounds(schema, len(value), path, ("minLength", "maxLength"), "characters")
        if schema.format and not _FORMATS[schema.format](value):
            yield _mismatch("value", path, f"must be {_FORMAT_LOOKS[schema.format]}")
    elif kind in {"integer", "number"}:
        yield from _check_number(schema, value, path)


def _is_of(kind: str, value: Any, types: tuple[str, ...]) -> bool:
    if kind in types:
        return True
    if kind == "integer":
        return "number" in types
    # JSON Schema validation §6.1.1: 1.0 is an integer.
    return kind == "number" and "integer" in types and value.is_integer()


def _is_same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _check_object(schema: Schema, value: dict[str, Any], path: Path) -> Iterator[Mismatch]:
    for name in schema.required:
        if name not in value:
            yield _mismatch("missing", (*path, name), "is missing")
    for name, each in value.items():
        inner = schema.properties.get(name, schema.extra)
        if inner is not None:
            yield from _check(inner, each, (*path, name))
        elif schema.closed:
            why = f"is not declared{_guess(name, schema.properties)}"
            yield _mismatch("unknown", (*path, name), why)


def _guess(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name[:_SHOWN_CHARS], list(known)[:_GUESSED_AMONG], 1, 0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _check_bounds(
    schema: Schema, size: int, path: Path, names: tuple[str, str], what: str
) -> Iterator[Mismatch]:
    if not schema.bounds:
        return
    least, most = (schema.bounds.get(name) for name in names)
    if least is not None and size < least:
        yield _mismatch("value", path, f"must have at least {least:g} {what}")
    if most is not None and size > most:
        yield _mismatch("value", path, f"must have at most {most:g} {what}")


def _check_number(schema: Schema, value: float, path: Path) -> Iterator[Mismatch]:
    for name, bound in schema.bounds.items():
        wrong, said = {
            "minimum": (value < bound, "at least"),
            "maximum": (value > bound, "at most"),
            "exclusiveMinimum": (value <= bound, "more than"),
            "exclusiveMaximum": (value >= bound, "less than"),
        }.get(name, (False, ""))
        if wrong:
            yield _mismatch("value", path, f"must be {said} {bound:g}")


def _is_uri(text: str) -> bool:
    """Say whether a mail may link there: no scheme that runs something or shows a file."""
    scheme, colon, rest = text.partition(":")
    return (
        bool(colon and rest)
        and scheme.lower() in {"http", "https", "mailto", "tel"}
        and text.isprintable()
        and " " not in text
    )


def _is_address(text: str) -> bool:
    with suppress(ParseError):
        return bool(parse_mailbox(text))
    return False


def _is_date(text: str) -> bool:
    with suppress(ValueError):
        return len(text) == 10 and bool(date.fromisoformat(text))
    return False


def _is_moment(text: str) -> bool:
    """RFC 3339 §5.6: with a time and an offset."""
    with suppress(ValueError):
        return len(text) > 10 and datetime.fromisoformat(text).tzinfo is not None
    return False


_FORMATS: Final = {
    "email": _is_address,
    "uri": _is_uri,
    "date": _is_date,
    "date-time": _is_moment,
}
_FORMAT_LOOKS: Final = {
    "email": "an address such as kim@example.org",
    "uri": "a link that begins with https:, http:, mailto: or tel:",
    "date": "a date such as 2026-11-28",
    "date-time": "a moment such as 2026-11-28T10:00:00Z",
}


def _mismatch(code: str, path: Path, message: str) -> Mismatch:
    steps = [each[:_SHOWN_CHARS] if isinstance(each, str) else each for each in path]
    # RFC 6901 §3: ~ and / in a name.
    pointer = "".join(f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in steps)
    name = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in steps)[1:]
    return Mismatch(code, pointer, name, f"{name or 'variables'} {message}")
