"""The conditions of a query as streams of ids, and what they cost.

A stream is one thing every match must be in (or must not be in), in the two ways SQL can ask:
walked along its index, newest first, or looked up for one message. `rows` says about how many
messages are in it; `Sizes` finds out, by the counters of labels and by following the full-text
index for a little while.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from msgspec import Struct, structs

from penfold.base.ids import MAX_ID
from penfold.base.labels import ALL_MAIL
from penfold.proto.search.tree import (
    And,
    Has,
    Label,
    MessageId,
    Node,
    Not,
    Or,
    System,
    all_of,
    loose_label_key,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.search_terms import (
    Labelled,
    Terms,
    find_match,
    gather,
    label_number,
)

#: What one step takes, in microseconds, measured on mailboxes of 0.3 and 1 million messages:
#: going one further in an index, looking a label or a row up, looking words up.
STEP_US: Final = 0.12
LOOKUP_US: Final = 0.9
MATCH_US: Final = 40.0

#: Matches followed to see whether an expression is rare; messages counted to see how dense.
_PROBED: Final = 200
_COUNTED: Final = 2_000

#: Alternatives merged at most; SQLite allows 500, and each row passes through all of them.
_ALTERNATIVES_MAX: Final = 50

#: Ids from the first to below the second.
Range = tuple[int | None, int | None]


class Walk(Struct, frozen=True, gc=False):
    """An ordered range of one index. operator: how it joins the walks before it in a stream."""

    table: str
    id: str
    where: str
    operator: str = "UNION"

    def select(self) -> str:
        where = f" WHERE {self.where}" if self.where else ""
        return f"SELECT {self.id} AS id FROM {self.table}{where}"


class Stream(Struct, frozen=True, gc=False, eq=False):
    """One condition. walks: the indexes that yield it together, none when no index does.

    test: SQL on an id, and test_us what asking that costs. wanted: False when no match may be
    in it; the test already says so.
    """

    node: Node
    rows: int
    test: Callable[[str], str]
    test_us: float
    walks: tuple[Walk, ...] = ()
    wanted: bool = True


class Sizes:
    """How many messages a label or an expression has, about, in one mailbox."""

    def __init__(self, execute: Callable[..., Any]) -> None:
        self._execute = execute
        self._all: int | None = None

    def count_all(self) -> int:
        if self._all is None:
            self._all = int(self._execute("SELECT messages FROM mailbox").get)
        return self._all

    def count_labelled(self, node: Labelled) -> int:
        match node:
            case Label(key):
                found = self._execute(_COUNT_NAMED, (key, loose_label_key(key)))
            case System(number) if number != ALL_MAIL:
                found = self._execute(_COUNT_NUMBERED, (number,))
            case _:
                return self.count_all()
        count: int | None = found.get
        return count or 0

    def count_matches(self, expression: str, within: Range) -> int:
        """Return the matches in this range of ids, exactly when few.

        Otherwise by how dense the newest ones stand; where counting ends, mail is taken to go on
        arriving as fast as it did (ids are times).
        """
        low, high = within[0] or 0, MAX_ID if within[1] is None else within[1]
        found, oldest = self._execute(_PROBE, (expression, low, high, _PROBED)).fetchone()
        if found < _PROBED:
            return int(found)
        passed: int
        passed, first, last = self._execute(_PASSED, (ALL_MAIL, oldest, high, _COUNTED)).fetchone()
        if passed == _COUNTED:
            passed = passed * (last - oldest) // max(last - first, 1)
        return self.count_all() * _PROBED // max(passed, _PROBED)


_COUNT_NUMBERED: Final = "SELECT messages_total FROM label WHERE number = ?"
_COUNT_NAMED: Final = f"SELECT messages_total FROM label WHERE number = {label_number('?1', '?2')}"
_PROBE: Final = (
    "SELECT count(*), min(id) FROM (SELECT rowid AS id FROM words WHERE words MATCH ?"
    " AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)"
)
_PASSED: Final = (
    "SELECT count(*), min(message_id), max(message_id) FROM (SELECT message_id FROM posting"
    " WHERE label = ? AND message_id >= ? AND message_id < ? ORDER BY message_id DESC LIMIT ?)"
)


class Streams:
    """Makes the streams of one statement."""

    def __init__(self, terms: Terms, sizes: Sizes | None, within: Range) -> None:
        self._terms = terms
        self._sizes = sizes
        self._within = within
        self._total = sizes.count_all() if sizes else 0

    def everything(self, *, hidden: bool) -> Stream:
        """Return all mail, with or without spam and trash."""
        if not hidden:
            return structs.replace(self._labelled(System(ALL_MAIL)), node=And(()))
        walk = Walk("message m", "m.id", self.range("m.id"))
        return Stream(And(()), self._total, lambda _: "1", 0.0, (walk,))

    def make(self, node: Node) -> Stream:
        if isinstance(node, Not):
            inside = self.make(node.child)
            return Stream(
                node=node,
                rows=inside.rows,
                test=lambda row_id: f"NOT {inside.test(row_id)}",
                test_us=inside.test_us,
                walks=inside.walks,
                wanted=not inside.wanted,
            )
        if expression := find_match(node):
            return self._matching(expression, node)
        match node:
            case System() | Label() | Has():
                return self._labelled(node)
            case MessageId(text):
                return self._known(text, node)
            case Or():
                return self._any_of(node)
            case _:
                return self._only_test(node)

    def range(self, row_id: str) -> str:
        low, high = self._within
        start = "" if low is None else f"{row_id} >= {self._terms.bind(low)}"
        end = "" if high is None else f"{row_id} < {self._terms.bind(high)}"
        return _all(start, end)

    def _matching(self, expression: str, node: Node) -> Stream:
        where = f"w.words MATCH {self._terms.bind(expression)}"
        return Stream(
            node=node,
            rows=self._sizes.count_matches(expression, self._within) if self._sizes else 0,
            test=lambda row_id: self._terms.matches(expression, row_id),
            test_us=MATCH_US,
            walks=(self._walk("words w", "w.rowid", where),),
        )

    def _labelled(self, node: Labelled) -> Stream:
        label = self._terms.label(node)
        return Stream(
            node=node,
            rows=self._sizes.count_labelled(node) if self._sizes else 0,
            test=lambda row_id: self._terms.labelled(label, row_id),
            test_us=LOOKUP_US,
            walks=(self._walk("posting p", "p.message_id", f"p.label = {label}"),),
        )

    def _known(self, text: str, node: Node) -> Stream:
        where = f"m.message_id = {self._terms.bind(hash63(text))} AND m.message_id <> 0"
        return Stream(
            node=node,
            rows=1,
            test=lambda row_id: self._terms.condition(node, row_id),
            test_us=LOOKUP_US,
            walks=(self._walk("message m", "m.id", where),),
        )

    def _any_of(self, node: Or) -> Stream:
        """Return alternatives; the first one that excludes is what the others are joined to."""
        split = (each for child in gather(node.children, Or) for each in _split(child))
        alternatives = tuple(islice(split, _ALTERNATIVES_MAX + 1))
        if len(alternatives) > _ALTERNATIVES_MAX:
            return self._only_test(node)
        arms = [self._arm(each) for each in gather(alternatives, Or)]
        arms.sort(key=lambda arm: len(arm.walks), reverse=True)
        walks = [walk for arm in arms for walk in arm.walks]
        whole = all(len(arm.walks) == 1 for arm in arms[1:])
        return Stream(
            node=node,
            rows=min(self._total, sum(arm.rows for arm in arms)),
            test=lambda row_id: self._terms.condition(node, row_id),
            test_us=sum(arm.test_us for arm in arms),
            walks=tuple(walks) if whole else (),
        )

    def _arm(self, node: Node) -> Stream:
        """Return an alternative as one walk, along which everything else is looked up.

        An exclusion is a walk along everything, and one that excludes.
        """
        parts = [self.make(part) for part in list_parts(node)]
        leads = [part for part in parts if part.wanted and len(part.walks) == 1]
        lead = min(leads, key=lambda part: part.rows) if leads else self.everything(hidden=True)
        [walk] = lead.walks
        tests = [part.test(walk.id) for part in parts if part is not lead]
        excluded: tuple[Walk, ...] = ()
        if not leads and len(parts) == 1 and len(parts[0].walks) == 1 and not parts[0].wanted:
            excluded = (structs.replace(parts[0].walks[0], operator="EXCEPT"),)
            tests = []
        where = _all(walk.where, *tests)
        return Stream(
            node=node,
            rows=lead.rows,
            test=lambda row_id: self._terms.condition(node, row_id),
            test_us=sum(part.test_us for part in parts),
            walks=(structs.replace(walk, where=where), *excluded),
        )

    def _only_test(self, node: Node) -> Stream:
        return Stream(
            node=node,
            rows=self._total,
            test=lambda row_id: self._terms.condition(node, row_id),
            test_us=LOOKUP_US,
        )

    def _walk(self, table: str, row_id: str, where: str) -> Walk:
        return Walk(table, row_id, _all(where, self.range(row_id)))


def _all(*conditions: str) -> str:
    return " AND ".join(filter(None, conditions))


def is_one_walk(node: Node) -> bool:
    """Say whether one index yields what matches this node, and nothing else."""
    return isinstance(node, System | Label | Has | MessageId) or find_match(node) is not None


def _split(node: Node) -> Iterator[Node]:
    """Yield alternatives that say the same, each with an index to walk if that can be.

    (a OR b) -c is a -c, b -c: neither would be walked otherwise.
    """
    parts = list_parts(node)
    inner = next((part for part in parts if isinstance(part, Or) and not is_one_walk(part)), None)
    if inner is None or any(map(is_one_walk, parts)):
        yield node
        return
    rest = [part for part in parts if part is not inner]
    for child in inner.children:
        yield from _split(all_of([child, *rest]))


def list_parts(tree: Node) -> list[Node]:
    """Return what every match must fulfil, the texts among it as one."""
    return gather(tree.children, And) if isinstance(tree, And) else [tree]
