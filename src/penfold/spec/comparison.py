"""Where two discovery documents of the Gmail API differ, in words for people.

Compares ours with one of Google's, member by member; what spec.differences lists is left out. A
foreign document may hold anything: only what stands where ours has an object is looked into.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import DISCOVERY_MAX_BYTES
from penfold.spec.differences import DIFFERENCES

Path = tuple[str, ...]

_LISTED: Final = tuple(
    re.compile(re.escape(difference.path).replace(r"\*\*", ".*")) for difference in DIFFERENCES
)
#: Members of a document that say when it was made, not what the API is.
_DATES: Final = frozenset({"revision"})


class Gap(Struct, frozen=True, gc=False):
    """One difference. missing: theirs alone has it; extra: ours alone; changed: both, unlike.

    what: the kind of thing; name: which one; aspect: what of it, "" for all of it.
    """

    side: Literal["missing", "extra", "changed"]
    what: str
    name: str
    aspect: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        place = f"{self.what} {self.name}" + (f": {self.aspect}" if self.aspect else "")
        if self.side != "changed":
            return place
        added, gone = _list_changes(self.ours, self.theirs)
        if added or gone:
            words = [*(f"adds {value}" for value in added), *(f"lacks {value}" for value in gone)]
            return f"{place} {', '.join(words)}"
        return f"{place} is {_show(self.theirs)} there, {_show(self.ours)} here"


def parse_document(text: bytes) -> dict[str, Any]:
    """Return a discovery document of the Gmail API; ParseError when it is none."""
    if len(text) > DISCOVERY_MAX_BYTES:
        raise ParseError("too large for a discovery document")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("not a JSON document") from error
    if not isinstance(document, dict) or document.get("kind") != "discovery#restDescription":
        raise ParseError("JSON, but not a discovery document")
    if document.get("name") != "gmail":
        raise ParseError("a discovery document, but not of the Gmail API")
    return document


def compare_documents(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Gap]:
    """Return every difference that spec.differences does not list, in the order of the paths."""
    return [
        _name(side, path, mine, other)
        for side, path, mine, other in iter_differences(ours, theirs)
        if path[0] not in _DATES and not is_listed(path)
    ]


def is_listed(path: Path) -> bool:
    text = "/" + "/".join(path)
    return any(pattern.fullmatch(text) for pattern in _LISTED)


def iter_differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], path: Path = ()
) -> Iterator[tuple[Literal["missing", "extra", "changed"], Path, Any, Any]]:
    """Yield (side, path, ours, theirs) of everything that differs."""
    for name in sorted(ours.keys() | theirs.keys()):
        here = (*path, name)
        if name not in ours:
            yield "missing", here, None, theirs[name]
        elif name not in theirs:
            yield "extra", here, ours[name], None
        elif isinstance(ours[name], dict) and isinstance(theirs[name], dict):
            yield from iter_differences(ours[name], theirs[name], here)
        elif ours[name] != theirs[name]:
            yield "changed", here, ours[name], theirs[name]


def _name(side: Literal["missing", "extra", "changed"], path: Path, mine: Any, other: Any) -> Gap:
    what, name, aspect = _locate(path)
    return Gap(side, what, name, aspect, mine, other)


def _locate(path: Path) -> tuple[str, str, str]:
    """Return what a path points at: kind of thing, its name, and what of it."""
    match path:
        case ("resources", *_):
            return _locate_resource(path)
        case ("schemas", schema):
            return "schema", schema, ""
        case ("schemas", schema, "properties", member, *rest):
            return "member", f"{schema}.{member}", " ".join(rest)
        case ("schemas", schema, *rest):
            return "schema", schema, " ".join(rest)
        case ("auth", "oauth2", "scopes", scope, *rest):
            return "scope", scope, " ".join(rest)
        case ("parameters", name, *rest):
            return "system parameter", name, " ".join(rest)
    return "document", "/".join(path), ""


def _locate_resource(path: Path) -> tuple[str, str, str]:
    names = ["gmail"]
    rest = list(path)
    while len(rest) > 1 and rest[0] == "resources":
        names.append(rest[1])
        del rest[:2]
    if len(rest) < 2 or rest[0] != "methods":
        return "resource", ".".join(names), " ".join(rest)
    method = ".".join([*names, rest[1]])
    if len(rest) > 3 and rest[2] == "parameters":
        return "parameter", f"{method} {rest[3]}", " ".join(rest[4:])
    return "method", method, " ".join(rest[2:])


def _list_changes(ours: Any, theirs: Any) -> tuple[list[Any], list[Any]]:
    """Return what a list has more and less, when both are lists."""
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return [], []
    return [v for v in theirs if v not in ours], [v for v in ours if v not in theirs]


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"
