"""Queries and bodies into the declared types; what does not fit is named by its field."""

import re
from functools import cache
from typing import Any, Final

import msgspec

from penfold.domain.sending.findings import INVALID, REQUIRED
from penfold.front.http.system import Pairs
from penfold.spec.sending.method import Query
from penfold.spec.sending.problems import (
    MALFORMED,
    MISSING_FIELD,
    VALIDATION,
    FieldError,
    SendingError,
)

#: How msgspec ends what it says of a value inside another.
_PLACE: Final = re.compile(r" - at `\$(.*)`$")
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")
#: Characters of a message: it repeats names that the caller chose.
_SHOWN: Final = 300


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def read_json(octets: bytes | bytearray, kind: Any) -> Any:
    """Return the body; an empty one is `{}`."""
    try:
        return _decoder(kind).decode(octets or b"{}")
    except msgspec.ValidationError as error:
        raise _refuse(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SendingError(MALFORMED, "The body is not JSON.") from None


def read_query(pairs: Pairs, kind: type[Query]) -> Query:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise SendingError(VALIDATION, "A parameter is there twice.")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refuse(str(error)) from None


def _refuse(text: str) -> SendingError:
    place = _PLACE.search(text)
    where = place[1].removeprefix(".") if place else ""
    what = _PLACE.sub("", text)[:_SHOWN]
    missing, unknown = _MISSING.fullmatch(what), _UNKNOWN.fullmatch(what)
    named = missing or unknown
    field = ".".join(part for part in (where, named[1] if named else "") if part)[:_SHOWN]
    if missing:
        errors = [FieldError(field, REQUIRED, f"`{field}` is missing")]
        return SendingError(MISSING_FIELD, f"Missing `{field}` field.", errors=errors)
    name = f"`{field}`" if field else "the body"
    said = f"{name} is not known" if unknown else f"{name}: {what[0].lower()}{what[1:]}"
    return SendingError(VALIDATION, f"{said}.", errors=[FieldError(field, INVALID, said)])
