"""The terms of a query as SQL conditions on one message, and as FTS5 match expressions.

Everything a user typed is bound, never part of the SQL; words inside a match expression are
tokens of letters and digits, quoted one by one.

A text condition is one match expression for as much of the tree as FTS5 can answer at once.
FTS5 has no lone NOT and a parser of limited depth, so what does not fit is cut into several
expressions joined by SQL.
"""

from collections.abc import Iterable

from penfold.base.ids import MAX_ID, RANDOM_BITS
from penfold.base.labels import ALL_MAIL
from penfold.proto.search.document import COLUMNS, COLUMNS_OF, is_prefix, spell_out
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
    Me,
    MessageId,
    Node,
    Not,
    Or,
    Place,
    Smaller,
    System,
    Text,
    loose_label_key,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.search_order import IN_ORDER

#: Nested groups in one match expression; FTS5's parser has room for 17 that hold AND, OR and NOT.
MATCH_MAX_DEPTH = 8

#: message.flags
HAS_ATTACHMENT = 1

#: tree.loose_label_key of a label row; NULL for system labels, which have no key.
_LOOSE_KEY = "key"
for _character in LOOSE_IN_LABELS:
    _LOOSE_KEY = f"replace({_LOOSE_KEY}, '{_character}', '-')"

#: "labels" lists numbers in ascending order; user labels are those of three digits and more.
_ANY_USER_LABEL = "*[0-9][0-9][0-9]*"


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


class Row:
    """The message a condition is about, as SQL calls it.

    id: an expression for its id. columns: the alias of its message row; `used` tells whether
    some condition looked at it.
    """

    def __init__(self, id: str, columns: str) -> None:  # noqa: A002 - the column's name
        self.id = id
        self._columns = columns
        self.used = False

    def column(self, name: str) -> str:
        self.used = True
        return f"{self._columns}.{name}"


class Terms:
    """Compiles nodes for one statement. me: the account's own addresses."""

    def __init__(self, bind: Binder, me: tuple[str, ...]) -> None:
        self.bind = bind
        self._me = me

    # conditions

    def condition(self, node: Node, row: Row) -> str:
        """Return SQL that is true or false for the row, never NULL."""
        node = self.simplify(node)
        if expression := self.find_match(node):
            return self.matches(expression, row)
        match node:
            case And(children):
                return self._join(" AND ", "1", self.gather(children, And), row)
            case Or(children):
                return self._join(" OR ", "0", self.gather(children, Or), row)
            case Not(child):
                return f"NOT {self.condition(child, row)}"
            case _:
                return self._fact(node, row)

    def _join(self, word: str, empty: str, nodes: Iterable[Node], row: Row) -> str:
        conditions = [self.condition(node, row) for node in nodes]
        return f"({word.join(conditions)})" if conditions else empty

    def gather(self, children: tuple[Node, ...], kind: type[And | Or]) -> list[Node]:
        """Return the children with those FTS5 can answer made one."""
        texts: list[Node] = []
        others: list[Node] = []
        for child in children:
            (texts if self.find_match(child, depth=1) else others).append(child)
        return [*others, kind(tuple(texts))] if texts else others

    def _fact(self, node: Node, row: Row) -> str:
        bind = self.bind
        match node:
            case System() | Label():
                return self.labelled(self.label(node), row)
            case MessageId(text):
                return f"{row.column('message_id')} = {bind(hash63(text))}"
            case Has("attachment"):
                return f"({row.column('flags')} & {HAS_ATTACHMENT}) <> 0"
            case Has("userlabels"):
                return f"{row.column('labels')} GLOB {bind(_ANY_USER_LABEL)}"
            case After(epoch_s):
                return f"{row.id} >= {bind(first_id(epoch_s))}"
            case Before(epoch_s):
                return f"{row.id} < {bind(first_id(epoch_s))}"
            case Larger(size):
                return f"{row.column('size')} >= {bind(size)}"
            case Smaller(size):
                return f"{row.column('size')} < {bind(size)}"
            case Around():
                return self._in_order(node, row)
            case _:
                return "1" if isinstance(node, Anywhere) else "0"

    def _in_order(self, node: Around, row: Row) -> str:
        length, distance = self.bind(len(node.left)), self.bind(node.distance)
        return (
            f"EXISTS (SELECT 1 FROM words WHERE words MATCH {self.bind(_near(node))}"
            f" AND rowid = {row.id} AND {IN_ORDER}(words, {length}, {distance}))"
        )

    def holds_text(self, node: Node) -> bool:
        """Say whether the full-text index must be asked about this node."""
        match node:
            case And(children) | Or(children):
                return any(map(self.holds_text, children))
            case Not(child):
                return self.holds_text(child)
            case _:
                return self.find_match(node) is not None

    def label(self, node: System | Label | int) -> str:
        """Return an expression for a label's number; NULL when there is no such label."""
        match node:
            case Label(key):
                exact, loose = self.bind(key), self.bind(loose_label_key(key))
                return (
                    f"coalesce((SELECT number FROM label WHERE key = {exact}),"
                    f" (SELECT min(number) FROM label WHERE {_LOOSE_KEY} = {loose}))"
                )
            case System(number):
                return self.bind(number)
            case number:
                return self.bind(number)

    def labelled(self, label: str, row: Row) -> str:
        return f"EXISTS (SELECT 1 FROM posting WHERE label = {label} AND message_id = {row.id})"

    def visible(self, row: Row) -> str:
        return self.labelled(self.label(ALL_MAIL), row)

    def matches(self, expression: str, row: Row) -> str:
        match = self.bind(expression)
        return f"EXISTS (SELECT 1 FROM words WHERE words MATCH {match} AND rowid = {row.id})"

    # match expressions

    def simplify(self, node: Node) -> Node:
        """Return the texts that from:me and kin stand for; other nodes as they are."""
        match node:
            case Me():
                return spell_out(node, self._me)
            case Has(word) if word not in ("attachment", "userlabels"):
                return spell_out(node, self._me)
            case _:
                return node

    def find_match(self, node: Node, *, depth: int = 0) -> str | None:
        """Return the match expression that finds this node, None when FTS5 cannot alone."""
        node = self.simplify(node)
        match node:
            case Text(place, words) if words:
                return f"{_columns(place)}{_phrase(words)}{' *' if is_prefix(node) else ''}"
            case Around(ordered=False):
                return _near(node)
            case And(children) if children and depth < MATCH_MAX_DEPTH:
                return self._match_all(children, depth + 1)
            case Or(children) if children and depth < MATCH_MAX_DEPTH:
                found = [self.find_match(child, depth=depth + 1) for child in children]
                return _group(" OR ", found)
            case _:
                return None

    def _match_all(self, children: tuple[Node, ...], depth: int) -> str | None:
        """Return `(a AND b) NOT (c OR d)`: FTS5 can only subtract from something."""
        wanted = [child for child in children if not isinstance(child, Not)]
        unwanted = [child.child for child in children if isinstance(child, Not)]
        found = _group(" AND ", [self.find_match(child, depth=depth) for child in wanted])
        if not found or not unwanted:
            return found
        minus = _group(" OR ", [self.find_match(child, depth=depth) for child in unwanted])
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


def _columns(place: Place) -> str:
    """Return an FTS5 column filter, the shorter of naming columns and excluding the others."""
    wanted = COLUMNS_OF[place]
    others = [column for column in COLUMNS if column not in wanted]
    if len(others) < len(wanted):
        return f"- {{{' '.join(others)}}} : "
    return f"{{{' '.join(wanted)}}} : "


def _near(node: Around) -> str:
    near = f"NEAR({_phrase(node.left)} {_phrase(node.right)}, {node.distance})"
    return _columns(node.place) + near


def _phrase(words: tuple[str, ...]) -> str:
    return f'"{" ".join(words)}"'
