"""What the types of spec/ say about themselves: members, wire names, kinds.

One reading of the annotations that everything else derives from: the discovery document, the
checks of parameters and bodies, and the names a `fields` mask may use. Refuses a type it does
not know, at start-up.
"""

import types
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType
from msgspec.structs import fields
from msgspec.structs import replace as replace_members

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value. json_type and format are the words of a discovery document.

    json_type is "object" exactly when schema is set, "map" for an object of strings by any name
    (Pub/Sub has those, Gmail's API has none). values: the words of an enumeration.
    """

    json_type: str
    format: str | None = None
    values: tuple[str, ...] = ()
    repeated: bool = False
    schema: type[Struct] | None = None
    read_only: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a struct; default is NODEFAULT when it must be given."""

    attribute: str
    name: str
    kind: Kind
    default: Any

    @property
    def required(self) -> bool:
        return self.default is NODEFAULT


_PLAIN = {
    str: Kind("string"),
    bool: Kind("boolean"),
    int: Kind("integer"),
    bytes: Kind("string"),
}


@cache
def list_members(struct: type[Struct]) -> tuple[Member, ...]:
    """Return the members in declared order."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(
        Member(field.name, field.encode_name, read_kind(hints[field.name]), field.default)
        for field in fields(struct)
    )


def read_kind(hint: Any) -> Kind:
    """Return what an annotation says."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _read_union(args)
    if origin is Annotated:
        kind = read_kind(args[0])
        for note in args[1:]:
            if isinstance(note, Meta):
                kind = _add_note(kind, note.extra_json_schema or {})
        return kind
    if origin is Literal:
        return Kind("string", values=args)
    if origin is dict:
        return Kind("map")
    if origin in (list, tuple):
        return replace(read_kind(args[0]), repeated=True)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return Kind("object", schema=hint)
    raise TypeError(f"not a type of the API: {hint!r}")


def _read_union(args: tuple[Any, ...]) -> Kind:
    real = [arg for arg in args if arg not in (UnsetType, type(None), bytes)]
    if len(real) != 1:
        raise TypeError(f"a member has one type: {args!r}")
    return read_kind(real[0])


def _add_note(kind: Kind, note: dict[str, Any]) -> Kind:
    return replace(
        kind,
        json_type=note.get("type", kind.json_type),
        format=note.get("format", kind.format),
        read_only=note.get("readOnly", kind.read_only),
        deprecated=note.get("deprecated", kind.deprecated),
    )


def default_text(member: Member) -> str | None:
    """Return a parameter's default as a discovery document prints it; None when it has none."""
    if member.default in (NODEFAULT, UNSET, None, "", ()):
        return None
    if isinstance(member.default, bool):
        return "true" if member.default else "false"
    return str(member.default)


def clear_member(kind: Kind) -> Any:
    """Return the value of a member that was set to nothing: not UNSET, which says "not given".

    The empty value of its proto3 type; for an enumeration "", which is none of its words; for a
    message one whose members are all cleared.
    """
    if kind.repeated:
        return []
    if kind.schema is not None:
        return kind.schema(
            **{member.attribute: clear_member(member.kind) for member in list_members(kind.schema)}
        )
    if kind.json_type == "boolean":
        return False
    if kind.format == "byte":
        return b""
    return 0 if kind.json_type == "integer" else ""


def merge_members(old: S, change: S) -> S:
    """Return `old` with the members that `change` gives, as a PATCH asks.

    Messages are merged member by member, lists are replaced whole.
    """
    given = {}
    for member in list_members(type(change)):
        value = getattr(change, member.attribute)
        if value is UNSET:
            continue
        before = getattr(old, member.attribute)
        nested = isinstance(value, Struct) and isinstance(before, Struct)
        given[member.attribute] = merge_members(before, value) if nested else value
    return replace_members(old, **given)
