"""Which method an address means. Derived from the registry; nothing can be added by hand.

A path is matched segment by segment, each percent-decoded by itself, so an encoded slash, `@` or
`+` inside an address is data. A literal segment goes before a parameter. `{x}:verb` is a
parameter whose last colon separates a custom verb. Uploads have the same shape below /upload and
/resumable/upload.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

from penfold.spec.registry import Method

#: No path of the API has more segments than settings.sendAs.smimeInfo.setDefault below
#: /resumable/upload could have.
_SEGMENTS_MAX: Final = 16


class Leaf(NamedTuple):
    """What a path means for one verb. upload: the address is the one for media."""

    method: Method
    upload: bool


class Match(NamedTuple):
    leaf: Leaf
    values: list[str]


class _Node:
    __slots__ = ("literals", "parameter", "suffixes", "verbs")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.suffixes: dict[str, _Node] = {}
        self.verbs: dict[str, Leaf] = {}


class Routes:
    """All addresses of the registry."""

    def __init__(self, methods: Iterable[Method]) -> None:
        self._root = _Node()
        for method in methods:
            self._insert(method.path, method, upload=False)
            if method.upload_path and method.resumable_path:
                self._insert(method.upload_path, method, upload=True)
                self._insert(method.resumable_path, method, upload=True)

    def _insert(self, path: str, method: Method, *, upload: bool) -> None:
        node = self._root
        for segment in path.split("/"):
            node = _step(node, segment)
        if method.verb in node.verbs:
            raise ValueError(f"{method.id} and {node.verbs[method.verb].method.id} share {path}")
        node.verbs[method.verb] = Leaf(method, upload)

    def find(self, verb: str, path: str) -> Match | None:
        """Return the method and the path's values; path as sent, still percent-encoded."""
        segments = path.split("/")
        if len(segments) > _SEGMENTS_MAX or segments[0]:
            return None
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        return _walk(self._root, segments, verb) or _search(self._root, segments, verb)

    def knows(self, path: str) -> bool:
        """Return whether any verb is served at the path."""
        return any(self.find(verb, path) for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"))


def _step(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literals.setdefault(segment, _Node())
    _, _, suffix = segment.partition("}:")
    if suffix:
        return node.suffixes.setdefault(suffix, _Node())
    node.parameter = node.parameter or _Node()
    return node.parameter


def _walk(node: _Node, segments: list[str], verb: str) -> Match | None:
    """Return the match straight ahead, literals first; it is the first that _search would find."""
    values: list[str] = []
    for segment in segments[1:]:
        following = node.literals.get(segment)
        if following is None:
            following = node.parameter
            if following is None or node.suffixes or not segment:
                return None
            values.append(segment)
        node = following
    leaf = node.verbs.get(verb)
    return Match(leaf, values) if leaf else None


def _search(root: _Node, segments: list[str], verb: str) -> Match | None:
    """Return the first match in any direction: a literal, a custom verb, a parameter."""
    values: list[str] = []
    leaf = _find(root, segments, 1, verb, values)
    return Match(leaf, values) if leaf else None


def _find(node: _Node, segments: list[str], at: int, verb: str, values: list[str]) -> Leaf | None:
    if at == len(segments):
        return node.verbs.get(verb)
    for following, value in _directions(node, segments[at]):
        kept = len(values)
        values += value
        leaf = _find(following, segments, at + 1, verb, values)
        if leaf is not None:
            return leaf
        del values[kept:]
    return None


def _directions(node: _Node, segment: str) -> Iterator[tuple[_Node, list[str]]]:
    """Yield where a segment may lead, with the value it gives there."""
    if segment in node.literals:
        yield node.literals[segment], []
    value, _, suffix = segment.rpartition(":")
    if value and suffix in node.suffixes:
        yield node.suffixes[suffix], [value]
    if node.parameter is not None and segment:
        yield node.parameter, [segment]
