"""The variables of a template: a part of JSON Schema (draft 2020-12), read once and checked often.

Keywords with a meaning: type, properties, required, additionalProperties, items, enum, const,
minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minItems, maxItems,
format (email, uri, date, date-time), default. `writeOnly` marks what shall not be kept; title,
description, examples, $schema, $id, $comment, deprecated and readOnly say something to people.

Any other keyword is refused, because one that is passed over would promise a check nobody makes:
`$ref` would have something fetched, `pattern` can take exponential time, and what `anyOf` and its
kin allow cannot be compared with the variables a template uses.

Deviates: JSON Schema lets an object have properties that are not listed. Here it may not, unless
`additionalProperties` says so: a misspelt variable shall not pass.

Work is linear in schema and value. Never raises but for TemplateError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from penfold.base.limits import SCHEMA_DEPTH_MAX, SCHEMA_MAX_BYTES, SCHEMA_NODES_MAX
from penfold.proto.templates.model import Finding, TemplateError

TYPES: Final = ("string", "number", "integer", "boolean", "object", "array", "null")
FORMATS: Final = ("email", "uri", "date", "date-time")
_NOTES: Final = frozenset(
    "title description examples $schema $id $comment deprecated readOnly".split()
)
#: Keywords that are a number, by what they bound.
_LENGTHS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_WHY_NOT: Final = {
    "$ref": "is not followed; write the schema out where it is used",
    "pattern": "is not supported, as it can take exponential time; use format, enum or maxLength",
}
_NAME_MAX_CHARS: Final = 100

Bounds = dict[str, float]


class Schema(Struct, frozen=True):
    """One schema. types: none for any. closed: whether no other properties are allowed; if they
    are, extra is what they must be. bounds: minLength and its kin by name. default: UNSET for none.
    """

    types: tuple[str, ...] = ()
    properties: dict[str, Schema] = {}
    required: tuple[str, ...] = ()
    closed: bool = False
    extra: Schema | None = None
    items: Schema | None = None
    choices: tuple[Any, ...] | None = None
    bounds: Bounds = {}
    format: str = ""
    default: Any = msgspec.UNSET
    secret: bool = False


ANY: Final = Schema()


def parse_schema(document: Any) -> Schema:
    """Return the schema of an object of variables; TemplateError says all that is wrong."""
    reader = _Reader()
    try:
        if len(msgspec.json.encode(document)) > SCHEMA_MAX_BYTES:
            raise TemplateError((_wrong("", f"is larger than {SCHEMA_MAX_BYTES} octets"),))
    except (TypeError, ValueError, RecursionError) as error:
        raise TemplateError((_wrong("", "is not JSON"),)) from error
    schema = reader.read(document, "", 0)
    if not reader.wrong and schema.types != ("object",):
        reader.wrong.append(_wrong("", 'describes all variables: it needs "type": "object"'))
    if reader.wrong:
        raise TemplateError(tuple(reader.wrong))
    return schema


def _wrong(place: str, message: str) -> Finding:
    return Finding("schema", f"{place or 'the schema'} {message}", "schema")


class _Reader:
    def __init__(self) -> None:
        self.wrong: list[Finding] = []
        self._nodes = 0

    def read(self, document: Any, place: str, depth: int) -> Schema:
        self._nodes += 1
        if depth > SCHEMA_DEPTH_MAX or self._nodes > SCHEMA_NODES_MAX:
            return self._refuse(place, f"is too deep or too large ({SCHEMA_NODES_MAX} schemas)")
        if document is True:
            return ANY
        if not isinstance(document, dict):
            return self._refuse(place, "must be an object with keywords such as type")
        for keyword in document:
            if keyword not in _KEYWORDS and keyword not in _NOTES:
                why = _WHY_NOT.get(keyword, "is not supported here; leave it out")
                self._refuse(f"{place}/{keyword}", why)
        return Schema(
            types=self._types(document.get("type", []), f"{place}/type"),
            properties=self._properties(document.get("properties", {}), place, depth),
            required=self._names(document.get("required", []), f"{place}/required"),
            closed=document.get("additionalProperties", "properties" not in document) is False,
            extra=self._extra(document, place, depth),
            items=self._inner(document, "items", place, depth),
            choices=self._choices(document, place),
            bounds=self._bounds(document, place),
            format=self._one_of(document.get("format", ""), ("", *FORMATS), f"{place}/format"),
            default=document.get("default", msgspec.UNSET),
            secret=document.get("writeOnly") is True,
        )

    def _refuse(self, place: str, message: str) -> Schema:
        self.wrong.append(_wrong(place, message))
        return ANY

    def _types(self, given: Any, place: str) -> tuple[str, ...]:
        names = given if isinstance(given, list) else [given]
        return tuple(self._one_of(each, TYPES, place) for each in names)

    def _one_of(self, given: Any, known: tuple[str, ...], place: str) -> str:
        if isinstance(given, str) and given in known:
            return given
        self._refuse(place, f"must be one of {', '.join(each for each in known if each)}")
        return ""

    def _names(self, given: Any, place: str) -> tuple[str, ...]:
        if isinstance(given, list) and all(isinstance(each, str) for each in given):
            return tuple(given)
        self._refuse(place, "must be a list of names")
        return ()

    def _properties(self, given: Any, place: str, depth: int) -> dict[str, Schema]:
        if not isinstance(given, dict):
            self._refuse(f"{place}/properties", "must be an object of schemas by name")
            return {}
        if any(not name or len(name) > _NAME_MAX_CHARS for name in given):
            self._refuse(f"{place}/properties", f"needs names of 1 to {_NAME_MAX_CHARS} characters")
        return {
            name: self.read(inner, f"{place}/properties/{name[:_NAME_MAX_CHARS]}", depth + 1)
            for name, inner in given.items()
        }

    def _inner(self, document: Mapping[str, Any], name: str, place: str, depth: int) -> Any:
        if name not in document:
            return None
        return self.read(document[name], f"{place}/{name}", depth + 1)

    def _extra(self, document: Mapping[str, Any], place: str, depth: int) -> Schema | None:
        given = document.get("additionalProperties")
        if given is None or isinstance(given, bool):
            return None
        return self.read(given, f"{place}/additionalProperties", depth + 1)

    def _choices(self, document: Mapping[str, Any], place: str) -> tuple[Any, ...] | None:
        if "const" in document:
            return (document["const"],)
        given = document.get("enum")
        if given is None or (isinstance(given, list) and given):
            return tuple(given) if given else None
        self._refuse(f"{place}/enum", "must be a list of the values that are allowed")
        return None

    def _bounds(self, document: Mapping[str, Any], place: str) -> Bounds:
        bounds = {name: document[name] for name in (*_LENGTHS, *_NUMBERS) if name in document}
        for name, value in bounds.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                self._refuse(f"{place}/{name}", "must be a number")
        return {name: each for name, each in bounds.items() if isinstance(each, int | float)}


_KEYWORDS: Final = frozenset(
    "type properties required additionalProperties items enum const format default "
    "writeOnly".split()
) | {*_LENGTHS, *_NUMBERS}


def find_secrets(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each property that is not to be kept (`writeOnly`); `*` is any item."""
    if schema.secret:
        yield path
        return
    for name, inner in schema.properties.items():
        yield from find_secrets(inner, (*path, name))
    if schema.items:
        yield from find_secrets(schema.items, (*path, "*"))


def fill_defaults(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the defaults of what it lacks, at every level of objects."""
    filled = dict(values)
    for name, inner in schema.properties.items():
        if name not in filled:
            if inner.default is not msgspec.UNSET:
                filled[name] = inner.default
        elif inner.properties and isinstance(filled[name], dict):
            filled[name] = fill_defaults(inner, filled[name])
    return filled
