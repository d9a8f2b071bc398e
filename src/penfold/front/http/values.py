"""Single values of a request: from query text or proto3 JSON to what handlers get.

Each reader takes the value as it came and returns the checked one, or raises BadValueError. Both
JSON and text are taken wherever proto3 JSON takes both: numbers may be quoted, booleans may be
words, octets may be base64 or base64url, padded or not.
"""

import binascii
import re
from collections.abc import Callable
from typing import Any, Final

from penfold.base.errors import ParseError
from penfold.front.http.violations import PROTO_PACKAGE, echo
from penfold.spec.members import Kind

Reader = Callable[[Any], Any]

_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_RANGES: Final = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_BLANKS: Final = " \t\r\n"
_PADDING: Final = "=" + _BLANKS
#: Characters decoded at a time; a multiple of four.
_SLICE: Final = 1 << 20


class BadValueError(ParseError):
    """A value that is not of its type; `reason` is what follows the type in Google's text."""

    def __init__(self, reason: str = "") -> None:
        super().__init__("value is not of its type")
        self.reason = reason


def make_reader(kind: Kind, *, as_text: bool) -> Reader:
    """Return the reader for one value; as_text: 64-bit integers stay decimal strings."""
    if kind.values:
        return _enum_reader(kind.values)
    if kind.format == "byte":
        return read_octets
    if kind.format in _RANGES:
        return _integer_reader(kind.format, as_text=as_text and kind.json_type == "string")
    if kind.json_type == "map":
        return read_map
    return read_bool if kind.json_type == "boolean" else read_str


def type_label(kind: Kind, path: str) -> str:
    """Return the name of a type as Google's errors print it."""
    if kind.values or kind.schema:
        # Gmail (assumed): the name of the enumeration or message type behind the member.
        name = kind.schema.__name__ if kind.schema else _camel(path.rpartition(".")[2])
        return f"type.googleapis.com/{PROTO_PACKAGE}.{name}"
    if kind.format == "byte":
        return "TYPE_BYTES"
    if kind.format in _RANGES:
        return f"TYPE_{kind.format.upper()}"
    return "TYPE_BOOL" if kind.json_type == "boolean" else "TYPE_STRING"


def _camel(path: str) -> str:
    return "".join(word.capitalize() for word in re.sub(r"\[\d+\]", "", path).split("_"))


def read_str(value: Any) -> str:
    if type(value) is not str:
        raise BadValueError
    return value


def read_map(value: Any) -> dict[str, str]:
    if type(value) is not dict or any(type(item) is not str for item in value.values()):
        raise BadValueError
    return value


def read_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is str and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise BadValueError


def _integer_reader(name: str, *, as_text: bool) -> Reader:
    low, high = _RANGES[name]

    def read(value: Any) -> int | str:
        if not _is_integer(value):
            raise BadValueError
        number = int(value)
        if not low <= number <= high:
            raise BadValueError
        return str(number) if as_text else number

    return read


def _is_integer(value: Any) -> bool:
    if type(value) is str:
        return bool(_INTEGER.fullmatch(value))
    return type(value) is int or (type(value) is float and value.is_integer())


def _enum_reader(values: tuple[str, ...]) -> Reader:
    # Gmail (reported by clients): the old upper-case names are accepted too, FULL for full and
    # RECEIVED_TIME for receivedTime.
    known = {value: value for value in values}
    loose = {value.lower(): value for value in values}

    def read(value: Any) -> str:
        if type(value) is not str:
            raise BadValueError
        found = known.get(value) or loose.get(value.replace("_", "").lower())
        if found is None:
            raise BadValueError
        return found

    return read


def read_octets(value: Any) -> bytes:
    """Return the octets of base64 or base64url text, padded or not; blanks are passed over."""
    if type(value) is not str:
        raise BadValueError
    text = value.rstrip(_PADDING)
    try:
        if text.isascii() and not any(blank in text for blank in _BLANKS):
            # In slices, so that a message of 150 MiB is not copied whole three times over.
            return b"".join(_decode(text[at : at + _SLICE]) for at in range(0, len(text), _SLICE))
        for blank in _BLANKS:
            text = text.replace(blank, "")
        return _decode(text)
    except ValueError:
        raise BadValueError(f"Base64 decoding failed for {echo(value)}") from None


def _decode(text: str) -> bytes:
    """Return the octets of text without padding and blanks."""
    data = text.encode("ascii").translate(_URL_SAFE)
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
