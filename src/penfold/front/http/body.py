"""JSON bodies by the rules of proto3 JSON, checked against the declared type.

Unknown members are refused, null means absent (in a PATCH: cleared), both spellings of a name are
accepted, octets arrive decoded. All that is wrong is reported at once. Bounded in depth; a body
that is no JSON is shown with the place where reading stopped, as Google's parser does.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from penfold.base.limits import JSON_MAX_DEPTH
from penfold.front.http.values import BadValueError, Reader, make_reader, type_label
from penfold.front.http.violations import (
    Violation,
    invalid_because,
    invalid_value,
    malformed_json,
    refuse,
    unknown_member,
)
from penfold.spec.members import Kind, clear_member, list_members
from penfold.spec.method import snake_case

_decode = msgspec.json.Decoder().decode
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
#: The end of what set out to be true, false or null.
_LITERAL: Final = re.compile(rb"(?<![A-Za-z\"])[tfn][A-Za-z]{0,4}\Z")
#: Octets shown before and after the place where the JSON stopped making sense. Google's parser.
_CONTEXT: Final = 20


class _Slot(NamedTuple):
    """How one member is read; message is its type when it is an object."""

    attribute: str
    path_name: str
    kind: Kind
    read: Reader
    message: type[Struct] | None


@cache
def _slots(struct: type[Struct]) -> Mapping[str, _Slot]:
    """Return how members are read, by both spellings of their names."""
    slots: dict[str, _Slot] = {}
    for member in list_members(struct):
        kind = member.kind
        slot = _Slot(
            member.attribute,
            snake_case(member.name),
            kind,
            make_reader(kind, as_text=True),
            kind.schema,
        )
        slots[member.name] = slots[slot.path_name] = slot
    return slots


def body_path(request: type[Struct]) -> str:
    """Return the field of the request message that the body fills; "" for the message itself.

    Gmail (observed): message.raw for messages.send, add_label_ids for messages.modify.
    """
    name = request.__name__
    return "" if name.endswith("Request") else snake_case(name)


def read_body(data: bytes | bytearray, request: type[Struct], *, patch: bool = False) -> Struct:
    """Return the body as its declared type; no octets at all are an empty object.

    patch: a member that is null has its cleared value (spec.members.clear_member) instead of
    UNSET, so that it differs from one that is not there.
    """
    if not data or data.isspace():
        return request()
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse([malformed_json(_explain(data, str(error)))]) from None
    except RecursionError:
        raise refuse([malformed_json("Message too deep.")]) from None
    found: list[Violation] = []
    if not isinstance(value, dict):
        raise refuse([unknown_member("", "", "Root element must be a message.")])
    reader = _Reader(found, patch=patch)
    result = reader.read_message(value, request, body_path(request), JSON_MAX_DEPTH)
    if found:
        raise refuse(found)
    return result


def _explain(data: bytes | bytearray, reason: str) -> str:
    """Return the sentence and the place, with a caret under it."""
    match = _BYTE.search(reason)
    at = min(int(match[1]), len(data)) if match else len(data)
    literal = _LITERAL.search(data[max(at - 6, 0) : at]) if match else None
    if literal:
        at -= len(literal[0])  # noticed at its end; Google's parser points at its start
    before = data[max(at - _CONTEXT, 0) : at].decode("utf-8", "replace")
    after = data[at : at + _CONTEXT].decode("utf-8", "replace")
    sentence = "Unexpected token." if match else "Unexpected end of string."
    return f"{sentence}\n{before}{after}\n{' ' * len(before)}^"


class _Reader:
    """Reads one body and gathers what is wrong with it."""

    def __init__(self, found: list[Violation], *, patch: bool) -> None:
        self._found = found
        self._patch = patch

    def read_message(
        self, value: dict[str, Any], struct: type[Struct], path: str, depth: int
    ) -> Struct:
        slots = _slots(struct)
        members: dict[str, Any] = {}
        for name, given in value.items():
            slot = slots.get(name)
            if slot is None:
                self._found.append(unknown_member(name, path))
            elif given is not None:
                here = f"{path}.{slot.path_name}" if path else slot.path_name
                members[slot.attribute] = self._read_member(given, slot, here, depth)
            elif self._patch:
                members[slot.attribute] = clear_member(slot.kind)
        return struct(**members)

    def _read_member(self, given: Any, slot: _Slot, path: str, depth: int) -> Any:
        if not slot.kind.repeated:
            if isinstance(given, list):
                where, _, name = path.rpartition(".")
                reason = "Proto field is not repeating, cannot start list."
                self._found.append(unknown_member(name, where, reason))
                return None
            return self._read_one(given, slot, path, depth)
        # Gmail (assumed from Google's parser): one value may stand for a list of one.
        items = given if isinstance(given, list) else [given]
        return [
            self._read_one(item, slot, f"{path}[{index}]", depth)
            for index, item in enumerate(items)
        ]

    def _read_one(self, given: Any, slot: _Slot, path: str, depth: int) -> Any:
        found = self._found
        if slot.message is not None:
            if isinstance(given, dict) and depth > 0:
                return self.read_message(given, slot.message, path, depth - 1)
            if isinstance(given, dict):
                found.append(malformed_json("Message too deep."))
            else:
                found.append(invalid_value(path, type_label(slot.kind, path), given))
            return None
        label = type_label(slot.kind, path)
        if isinstance(given, (dict, list)) and slot.kind.json_type != "map":
            # Gmail (assumed from Google's parser): the sentence.
            found.append(invalid_because(path, label, "Starting an object on a scalar field"))
            return None
        try:
            return slot.read(given)
        except BadValueError as error:
            if error.reason:
                found.append(invalid_because(path, label, error.reason))
            else:
                found.append(invalid_value(path, label, given))
            return None
