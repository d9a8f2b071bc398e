"""Partial-response masks: the `fields` parameter.

    fields = item *("," item)        item = path ["(" fields ")"]
    path   = name *("/" name)        name = "*" | letters, digits, "_", "-", "$", "."

A mask is a tree of names; a leaf keeps everything below it. Lists are transparent. Spaces around
names are tolerated. An empty mask keeps everything. Refuses what does not follow the grammar and
masks too deep or too long; never the data it is applied to: a member that is not there is left
out. Gmail: grammar documented, spaces and empty masks reported by clients.
"""

import re
from collections.abc import Mapping
from typing import Final, Optional

from penfold.base.errors import ParseError
from penfold.base.limits import FIELDS_MAX_DEPTH, FIELDS_MAX_NAMES

#: Names to what is kept below them; None keeps all of it. "*" stands for every other name.
Mask = dict[str, Optional["Mask"]]
#: Members an answer may have; None where a value has no members.
Shape = Mapping[str, Optional["Shape"]]

ALL: Final = "*"

_TOKEN = re.compile(r"\s*([A-Za-z0-9_$.\-]+|[*/,()])\s*")


class UnknownFieldError(ParseError):
    """The mask names a member the answer cannot have; `path` says which."""

    def __init__(self, path: str) -> None:
        super().__init__("no such member", path=path)
        self.path = path


def parse_fields(text: str) -> Mask | None:
    """Return the mask a `fields` parameter means; None when it keeps everything."""
    tokens = _tokens(text)
    if not tokens:
        return None
    parser = _Parser(tokens)
    mask = parser.parse_list(depth=0)
    if parser.at < len(tokens):
        raise ParseError("unbalanced fields mask")
    return None if ALL in mask and mask[ALL] is None else mask


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, end = 0, len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            if text[at:].isspace():
                break
            raise ParseError("character not allowed in a fields mask", at=at)
        tokens.append(match[1])
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._names = 0
        self.at = 0

    def parse_list(self, *, depth: int) -> Mask:
        mask: Mask = {}
        while True:
            self._parse_item(mask, depth=depth + 1)
            if self._peek() != ",":
                return mask
            self.at += 1

    def _parse_item(self, mask: Mask, *, depth: int) -> None:
        if depth > FIELDS_MAX_DEPTH:
            raise ParseError("fields mask too deep")
        name = self._parse_name()
        following = self._peek()
        if following == "/":
            self.at += 1
            below: Mask | None = {}
            self._parse_item(below, depth=depth + 1)  # type: ignore[arg-type]  # a dict until it is emptied
        elif following == "(":
            self.at += 1
            below = self.parse_list(depth=depth)
            if self._peek() != ")":
                raise ParseError("unbalanced fields mask")
            self.at += 1
        else:
            below = None
        mask[name] = merge(mask[name], below) if name in mask else below

    def _parse_name(self) -> str:
        name = self._peek()
        if not name or name in "/,()":
            raise ParseError("name expected in fields mask")
        self._names += 1
        if self._names > FIELDS_MAX_NAMES:
            raise ParseError("fields mask too long")
        self.at += 1
        return name

    def _peek(self) -> str:
        return self._tokens[self.at] if self.at < len(self._tokens) else ""


def merge(one: Mask | None, other: Mask | None) -> Mask | None:
    """Return the mask that keeps what either keeps."""
    if one is None or other is None:
        return None
    both = dict(one)
    for name, below in other.items():
        both[name] = merge(both[name], below) if name in both else below
    return both


def resolve_fields(mask: Mask, shape: Shape, path: str = "") -> Mask:
    """Return the mask in the names of the shape, wildcards written out.

    Both spellings of a name are accepted (threadId, thread_id). Raises UnknownFieldError.
    """
    resolved: Mask = {}
    for name, below in mask.items():
        here = f"{path}/{name}" if path else name
        for member, kept in _resolve_name(name, below, shape, here):
            resolved[member] = merge(resolved[member], kept) if member in resolved else kept
    return resolved


def _resolve_name(
    name: str, below: Mask | None, shape: Shape, path: str
) -> list[tuple[str, Mask | None]]:
    """Return the members a name means, each with what is kept of it."""
    if name != ALL:
        member = _spelling(name, shape)
        if member not in shape:
            raise UnknownFieldError(path)
        return [(member, _resolve_below(below, shape[member], path))]
    # A wildcard stands for the members that what follows fits.
    found: list[tuple[str, Mask | None]] = []
    misfit = UnknownFieldError(path)
    for member, inner in shape.items():
        try:
            found.append((member, _resolve_below(below, inner, path)))
        except UnknownFieldError as error:
            misfit = error
    if not found:
        raise misfit
    return found


def _resolve_below(below: Mask | None, shape: Shape | None, path: str) -> Mask | None:
    return None if below is None else resolve_fields(below, shape or {}, path)


def _spelling(name: str, shape: Shape) -> str:
    if name in shape or "_" not in name:
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def apply_fields(value: object, mask: Mask | None) -> object:
    """Return only what the resolved mask keeps of a value made of dicts and lists."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [apply_fields(item, mask) for item in value]
    if isinstance(value, dict):
        # The order of the answer is the data's, not the mask's.
        return {
            name: apply_fields(member, mask[name]) for name, member in value.items() if name in mask
        }
    return value
