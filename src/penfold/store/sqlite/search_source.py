"""Where a listing's rows come from: the one index that drives it, and what is checked per row.

A driver yields ids newest first without sorting, and is the first of these that applies:
    drafts     for a listing of drafts, which are few
    texts      the full-text index, when every match holds some text
    message id its own index, for rfc822msgid:
    streams    several of the others merged in step, when texts stand in alternatives (UNION) or
               are only excluded (EXCEPT): looking up one message in the full-text index costs
               20 to 200 us, walking along it 0.1 us
    label      the postings of one label
    messages   the table itself
Other conditions are looked up for each id. SQLite merges compound selects whose arms are in
order; LIMIT -1 keeps it from dropping that order inside a subquery.
"""

from typing import Literal

from penfold.base.labels import ALL_MAIL, FIRST_USER_LABEL, INBOX, UNREAD
from penfold.proto.search.tree import (
    After,
    And,
    Before,
    Label,
    MessageId,
    Node,
    Not,
    Or,
    System,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.search_terms import Row, Terms, first_id

#: Labels in the order in which they are worth driving a listing: small ones first.
_LARGE_LABELS = (UNREAD, INBOX, ALL_MAIL)

_SYSTEM = (1, -1)

#: Streams merged at most; SQLite allows 500 arms, and each row passes through all of them.
_STREAMS_MAX = 50

Carried = Label | int
#: From the first id to below the second.
Range = tuple[int | None, int | None]


class Source:
    """FROM and WHERE of a statement. row: the message at hand; thread: SQL for its thread.

    parts: what every match fulfils. labels: what every match carries, besides those in parts.
    within: the ids to look at. kind: "arm" is one of several streams, and not split further.
    """

    def __init__(
        self,
        terms: Terms,
        parts: list[Node],
        labels: list[Carried],
        *,
        within: Range = (None, None),
        kind: Literal["messages", "drafts", "arm"] = "messages",
    ) -> None:
        self.row = Row("m.id", "m")
        self.thread = "m.thread_id"
        self.where: list[str] = []
        self._tables = "message m"
        self._driver = "m"
        self._terms = terms
        self._bind = terms.bind
        self._parts = parts
        self._carried = self._take_labels(labels)
        self._labels = [terms.label(label) for label in self._carried]
        self._low, self._high = self._take_times(*within)
        self._choose(kind)
        self.where += self._range(self.row.id)
        self.where += [terms.labelled(label, self.row) for label in self._labels]
        self.where += [terms.condition(part, self.row) for part in self._parts]

    def select(self, columns: str) -> str:
        tables = self._tables
        if self.row.used and self._driver in ("w", "s", "p"):
            tables = f"{tables} CROSS JOIN message m ON m.id = {self.row.id}"
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {columns} FROM {tables}{where}"

    # drivers

    def _choose(self, kind: str) -> None:
        if kind == "drafts":
            self._driver = "d"
            self._tables = "draft d CROSS JOIN message m ON m.id = d.message_id"
            self.row = Row("d.message_id", "m")
        elif match := self._take_texts():
            self._driver = "w"
            self._tables = "words w"
            self.row = Row("w.rowid", "m")
            self.where.append(f"w.words MATCH {self._bind(match)}")
            self._join_thread(kind)
        elif hashed := self._take_message_id():
            self.where.append(f"m.message_id = {self._bind(hashed)} AND m.message_id <> 0")
        elif kind != "arm" and (streams := self._take_streams()):
            self._driver = "s"
            self._tables = f"({streams} ORDER BY id DESC LIMIT -1) s"
            self.row = Row("s.id", "m")
            self._join_thread(kind)
        elif self._labels:
            self._driver = "p"
            self._tables = "posting p"
            self.row, self.thread = Row("p.message_id", "m"), "p.thread_id"
            self.where.append(f"p.label = {self._labels.pop(0)}")

    def _join_thread(self, kind: str) -> None:
        """Take the thread from a posting that is looked at anyway, else from the message."""
        if kind == "arm":
            return
        if self._labels:
            label = self._labels.pop()
            self._tables += f" CROSS JOIN posting p ON p.label = {label}"
            self._tables += f" AND p.message_id = {self.row.id}"
            self.thread = "p.thread_id"
        else:
            self.thread = self.row.column("thread_id")

    def _range(self, id: str) -> list[str]:  # noqa: A002 - the column's name
        low = [] if self._low is None else [f"{id} >= {self._bind(self._low)}"]
        return low if self._high is None else [*low, f"{id} < {self._bind(self._high)}"]

    # what the drivers take over

    def _take_labels(self, labels: list[Carried]) -> list[Carried]:
        """Return the labels every match carries, the most selective (by kind) first."""
        own = [part.number for part in self._parts if isinstance(part, System)]
        named = [part for part in self._parts if isinstance(part, Label)]
        self._parts = [part for part in self._parts if not isinstance(part, System | Label)]
        numbers = {label for label in labels if isinstance(label, int)} | set(own)
        named += [label for label in labels if isinstance(label, Label)]
        return [*named, *sorted(numbers, key=_selectivity)]

    def _take_times(self, start: int | None, end: int | None) -> Range:
        """Return one range of ids for all dates and the page's start."""
        low = [first_id(part.epoch_s) for part in self._parts if isinstance(part, After)]
        high = [first_id(part.epoch_s) for part in self._parts if isinstance(part, Before)]
        low += [] if start is None else [start]
        high += [] if end is None else [end]
        self._parts = [part for part in self._parts if not isinstance(part, After | Before)]
        return max(low, default=None), min(high, default=None)

    def _take_texts(self) -> str | None:
        """Return one match expression for the texts that every match holds or must not hold."""
        wanted = [part for part in self._parts if self._is_text(part)]
        if not wanted:
            return None
        unwanted = [Not(part) for part in self._take_unwanted()]
        self._parts = [part for part in self._parts if not self._is_text(part)]
        return self._terms.find_match(And((*wanted, *unwanted)))

    def _take_unwanted(self) -> list[Node]:
        """Return the texts no match may hold."""
        taken = [p for p in self._parts if isinstance(p, Not) and self._is_text(p.child)]
        self._parts = [part for part in self._parts if part not in taken]
        return [part.child for part in taken]

    def _is_text(self, part: Node) -> bool:
        return self._terms.find_match(part, depth=1) is not None

    def _take_message_id(self) -> int | None:
        for part in self._parts:
            if isinstance(part, MessageId):
                self._parts.remove(part)
                return hash63(part.text)
        return None

    def _take_streams(self) -> str | None:
        """Return a compound select of ids, or None when one index alone does as well."""
        unwanted = self._take_unwanted()
        arms = self._take_alternatives()
        if not arms and not unwanted:
            return None
        if not arms:
            arms = [self._arm(self._parts, self._carried)]
            self._parts = []
            self._labels = self._labels[:1]  # the arm has looked at the others
        streams = " UNION ".join(arms)
        if unwanted:
            match = self._terms.find_match(Or(tuple(unwanted)))
            assert match is not None, "each was a text"
            excluded = [f"words MATCH {self._bind(match)}", *self._range("rowid")]
            streams += f" EXCEPT SELECT rowid FROM words WHERE {' AND '.join(excluded)}"
        return streams

    def _take_alternatives(self) -> list[str]:
        """Return a stream for each alternative of the first part that is worth it."""
        for part in self._parts:
            if isinstance(part, Or) and self._is_worth_streams(part):
                self._parts.remove(part)
                children = self._terms.gather(part.children, Or)
                return [self._alternative(child) for child in children]
        return []

    def _is_worth_streams(self, part: Or) -> bool:
        """Say whether walking several indexes beats looking at each message of one.

        It does when texts are among the alternatives, or when each has an index of its own and
        there is no label of the user's to go by.
        """
        if len(part.children) > _STREAMS_MAX:
            return False
        if self._terms.holds_text(part):
            return True
        selective = self._carried and _selectivity(self._carried[0]) < _SYSTEM
        return not selective and all(map(self._has_index, part.children))

    def _has_index(self, node: Node) -> bool:
        parts = node.children if isinstance(node, And) else (node,)
        return any(isinstance(p, System | Label | MessageId) or self._is_text(p) for p in parts)

    def _alternative(self, node: Node) -> str:
        parts = list(node.children) if isinstance(node, And) else [node]
        return self._arm(parts, [] if self._has_index(node) else self._carried[:1])

    def _arm(self, parts: list[Node], labels: list[Carried]) -> str:
        within = (self._low, self._high)
        arm = Source(self._terms, parts, labels, within=within, kind="arm")
        return arm.select(f"{arm.row.id} AS id")


def _selectivity(label: Carried) -> tuple[int, int]:
    """Order user labels before system labels, and those before the largest ones."""
    if isinstance(label, Label) or label >= FIRST_USER_LABEL:
        return 0, 0
    return 1, _LARGE_LABELS.index(label) if label in _LARGE_LABELS else -1
