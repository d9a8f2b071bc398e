"""The terms of a query as SQL conditions on one message, and as FTS5 match expressions.

Everything a user typed is bound, never part of the SQL; words inside a match expression are
tokens of letters and digits, quoted one by one. Trees are spelled out (proto.search.document)
before they come here.

A text condition is one match expression for as much of the tree as FTS5 can answer at once.
FTS5 has no lone NOT and a parser of limited depth, so what does not fit is cut into several
expressions joined by SQL.
"""

from collections.abc import Iterable

from penfold.base.ids import MAX_ID, RANDOM_BITS
from penfold.base.labels import USER_LABELLED
from penfold.proto.search.document import is_prefix
from penfold.proto.search.tree import (
    LOOSE_IN_LABELS,
    After,
    And,
    Anywhere,
    Around,
    Before,
    Has,
    Label,
    Larger,
    MessageId,
    Node,
    Not,
    Or,
    Smaller,
    System,
    Text,
    all_of,
    any_of,
    loose_label_key,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.search_order import IN_ORDER

#: Nested groups in one match expression; FTS5's parser has room for 17 that hold AND, OR and NOT.
MATCH_MAX_DEPTH = 8

#: tree.loose_label_key of a label row; NULL for system labels, which have no key.
_LOOSE_KEY = "key"
for _character in LOOSE_IN_LABELS:
    _LOOSE_KEY = f"replace({_LOOSE_KEY}, '{_character}', '-')"

#: Conditions a message's postings answer.
Labelled = System | Label | Has


class Binder:
    """Collects parameters; the same value is bound once."""

    def __init__(self) -> None:
        self.params: list[int | str] = []
        self._numbers: dict[int | str, int] = {}

    def __call__(self, value: int | str) -> str:
        if value not in self._numbers:
            self.params.append(value)
            self._numbers[value] = len(self.params)
        return f"?{self._numbers[value]}"


class Terms:
    """Compiles nodes for one statement. row_id: SQL for the id of the message at hand."""

    def __init__(self, bind: Binder) -> None:
        self.bind = bind

    def condition(self, node: Node, row_id: str) -> str:
        """Return SQL that is true or false for the message, never NULL."""
        if expression := find_match(node):
            return self.matches(expression, row_id)
        match node:
            case And(children):
                return self._join(" AND ", "1", gather(children, And), row_id)
            case Or(children):
                return self._join(" OR ", "0", gather(children, Or), row_id)
            case Not(child):
                return f"NOT {self.condition(child, row_id)}"
            case System() | Label() | Has():
                return self.labelled(self.label(node), row_id)
            case _:
                return self._fact(node, row_id)

    def _join(self, word: str, empty: str, nodes: Iterable[Node], row_id: str) -> str:
        conditions = [self.condition(node, row_id) for node in nodes]
        return f"({word.join(conditions)})" if conditions else empty

    def _fact(self, node: Node, row_id: str) -> str:
        bind = self.bind
        match node:
            case MessageId(text):
                return _of_row(f"message_id = {bind(hash63(text))}", row_id)
            case Larger(size):
                return _of_row(f"size >= {bind(size)}", row_id)
            case Smaller(size):
                return _of_row(f"size < {bind(size)}", row_id)
            case After(epoch_s):
                return f"{row_id} >= {bind(first_id(epoch_s))}"
            case Before(epoch_s):
                return f"{row_id} < {bind(first_id(epoch_s))}"
            case Around():
                return self._in_order(node, row_id)
            case _:
                return "1" if isinstance(node, Anywhere) else "0"

    def _in_order(self, node: Around, row_id: str) -> str:
        length, distance = self.bind(len(node.left)), self.bind(node.distance)
        return (
            f"EXISTS (SELECT 1 FROM words WHERE words MATCH {self.bind(_near(node))}"
            f" AND rowid = {row_id} AND {IN_ORDER}(words, {length}, {distance}))"
        )

    def label(self, node: Labelled) -> str:
        """Return an expression for a label's number; NULL when there is no such label."""
        match node:
            case Label(key):
                return label_number(self.bind(key), self.bind(loose_label_key(key)))
            case System(number):
                return self.bind(number)
            case _:
                return self.bind(USER_LABELLED)

    def labelled(self, label: str, row_id: str) -> str:
        return f"EXISTS (SELECT 1 FROM posting WHERE label = {label} AND message_id = {row_id})"

    def matches(self, expression: str, row_id: str) -> str:
        match = self.bind(expression)
        return f"EXISTS (SELECT 1 FROM words WHERE words MATCH {match} AND rowid = {row_id})"


def label_number(key: str, loose_key: str) -> str:
    """Return SQL for the number of the label these SQL expressions name; NULL without one.

    Only when no label has the very key all of them are looked through.
    """
    return (
        f"coalesce((SELECT number FROM label WHERE key = {key}),"
        f" (SELECT min(number) FROM label WHERE {_LOOSE_KEY} = {loose_key}))"
    )


def _of_row(condition: str, row_id: str) -> str:
    return f"EXISTS (SELECT 1 FROM message WHERE id = {row_id} AND {condition})"


def gather(children: tuple[Node, ...], kind: type[And | Or]) -> list[Node]:
    """Return the children with the texts among them made one, for FTS5 to answer at once.

    all of a, not b    -> a NOT b          not a, not b, and nothing else -> not (a OR b)
    any of a, b, not c -> a OR b, not c    not a or not b                 -> not (a AND b)
    """
    texts: list[Node] = []
    excluded: list[Node] = []
    others: list[Node] = []
    for child in children:
        if find_match(child, depth=1):
            texts.append(child)
        elif isinstance(child, Not) and find_match(child.child, depth=2):
            excluded.append(child.child)
        else:
            others.append(child)
    if kind is And and texts:
        whole = And((*texts, *map(Not, excluded)))
        return [*others, whole] if len(whole.children) > 1 else [*others, *texts]
    if texts:
        others.append(any_of(texts))
    if excluded:
        others.append(Not(any_of(excluded) if kind is And else all_of(excluded)))
    return others


def find_match(node: Node, *, depth: int = 0) -> str | None:
    """Return the match expression that finds this node, None when FTS5 cannot alone."""
    match node:
        case Text(_, words) if words:
            return f"{_phrase(words)} *" if is_prefix(node) else _phrase(words)
        case Around(ordered=False):
            return _near(node)
        case And(children) if children and depth < MATCH_MAX_DEPTH:
            return _match_all(children, depth + 1)
        case Or(children) if children and depth < MATCH_MAX_DEPTH:
            found = [find_match(child, depth=depth + 1) for child in children]
            return _group(" OR ", found)
        case _:
            return None


def _match_all(children: tuple[Node, ...], depth: int) -> str | None:
    """Return `(a AND b) NOT (c OR d)`: FTS5 can only subtract from something."""
    wanted = [child for child in children if not isinstance(child, Not)]
    unwanted = [child.child for child in children if isinstance(child, Not)]
    found = _group(" AND ", [find_match(child, depth=depth) for child in wanted])
    if not found or not unwanted:
        return found
    minus = _group(" OR ", [find_match(child, depth=depth) for child in unwanted])
    return f"({found} NOT {minus})" if minus else None


def first_id(epoch_s: int) -> int:
    """Return the lowest id of a message indexed in this second or later."""
    return max(0, min(epoch_s * 1_000 << RANDOM_BITS, MAX_ID))


def _group(word: str, expressions: list[str | None]) -> str | None:
    """Return the expressions joined in brackets; None when one is missing or there are none."""
    found = [expression for expression in expressions if expression is not None]
    if not found or len(found) < len(expressions):
        return None
    return f"({word.join(found)})" if len(found) > 1 else found[0]


def _near(node: Around) -> str:
    return f"NEAR({_phrase(node.left)} {_phrase(node.right)}, {node.distance})"


def _phrase(words: tuple[str, ...]) -> str:
    return f'"{" ".join(words)}"'
