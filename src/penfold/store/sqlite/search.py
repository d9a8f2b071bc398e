"""A listing as one SQL statement, whose rows come newest first straight from an index.

compile_messages         (message id, thread id), newest first
compile_threads          (newest matching message id, thread id), newest first, a thread once
compile_drafts           (draft id, message id, thread id), newest message first
compile_estimate         one row, one number: matching messages, at most `at_most`
compile_thread_estimate  one row, one number: threads with a matching message, at most `at_most`

One index drives a statement: the full-text index when the query has a text every match must
hold, else a label's postings, else the messages themselves. All three are in order of ids, so
a page costs what it shows plus what the driver passes over; the other conditions are looked
up for each message the driver names. Nothing is sorted or gathered.

Invariants: what users typed is only ever bound; a compiled statement never fails for what the
tree says.
"""

from penfold.base.labels import ALL_MAIL, FIRST_USER_LABEL, INBOX, UNREAD
from penfold.ports.mailbox import Query
from penfold.proto.search.tree import (
    After,
    And,
    Before,
    Label,
    MessageId,
    Node,
    Not,
    System,
)
from penfold.store.sqlite.keys import hash63
from penfold.store.sqlite.search_terms import Binder, Row, Terms, first_id

Statement = tuple[str, list[int | str]]

#: Labels in the order in which they are worth driving a listing: small ones first.
_LARGE_LABELS = (UNREAD, INBOX, ALL_MAIL)


def compile_messages(query: Query) -> Statement:
    source = _Source(query, before=query.before)
    return source.statement(f"{source.row.id}, {source.thread}"), source.bind.params


def compile_threads(query: Query) -> Statement:
    source = _Source(query, before=query.before)
    newer = [f"n.thread_id = {source.thread}", f"n.id > {source.row.id}"]
    newer += source.everything(Row("n.id", "n"))
    source.where.append(f"NOT EXISTS (SELECT 1 FROM message n WHERE {' AND '.join(newer)})")
    return source.statement(f"{source.row.id}, {source.thread}"), source.bind.params


def compile_drafts(query: Query) -> Statement:
    source = _Source(query, before=query.before, drafts=True)
    return source.statement(f"d.id, {source.row.id}, {source.thread}"), source.bind.params


def compile_estimate(query: Query, at_most: int) -> Statement:
    source = _Source(query, before=None)
    return (
        f"SELECT count(*) FROM ({source.select('1')} LIMIT {source.bind(at_most)})",
        source.bind.params,
    )


def compile_thread_estimate(query: Query, at_most: int) -> Statement:
    source = _Source(query, before=None)
    threads = f"{source.select(f'DISTINCT {source.thread}')} LIMIT {source.bind(at_most)}"
    return f"SELECT count(*) FROM ({threads})", source.bind.params


class _Source:
    """The tables a statement reads and its conditions; `row` is the message at hand."""

    def __init__(self, query: Query, *, before: int | None, drafts: bool = False) -> None:
        self.bind = Binder()
        self.where: list[str] = []
        self._query = query
        self._terms = Terms(self.bind, query.me)
        tree = query.tree or And(())
        self._parts = list(tree.children) if isinstance(tree, And) else [tree]
        self._labels = self._take_labels()
        self._choose(drafts=drafts)
        self._bound(before)
        self.where += [self._terms.labelled(label, self.row) for label in self._labels]
        self.where += [self._terms.condition(part, self.row) for part in self._parts]

    def statement(self, columns: str) -> str:
        limit = self.bind(self._query.limit)
        return f"{self.select(columns)} ORDER BY {self.row.id} DESC LIMIT {limit}"

    def select(self, columns: str) -> str:
        tables = self._tables
        if self.row.used and "message m" not in tables:
            tables = f"{tables} CROSS JOIN message m ON m.id = {self.row.id}"
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {columns} FROM {tables}{where}"

    def everything(self, row: Row) -> list[str]:
        """Return every condition of the query, about another row."""
        query = self._query
        labels = [*query.labels] if query.hidden else [ALL_MAIL, *query.labels]
        conditions = [self._terms.labelled(self.bind(label), row) for label in labels]
        return [*conditions, self._terms.condition(query.tree or And(()), row)]

    def _choose(self, *, drafts: bool) -> None:
        """Set the tables to read, the first of which drives the statement."""
        if drafts:
            self._tables = "draft d CROSS JOIN message m ON m.id = d.message_id"
            self.row, self.thread = Row("d.message_id", "m"), "m.thread_id"
        elif match := self._take_texts():
            self._tables = "words w"
            self.row, self.thread = Row("w.rowid", "m"), "p.thread_id"
            self.where.append(f"w.words MATCH {self.bind(match)}")
            self._join_posting()
        elif hashed := self._take_message_id():
            self._tables = "message m"
            self.row, self.thread = Row("m.id", "m"), "m.thread_id"
            self.where.append(f"m.message_id = {self.bind(hashed)} AND m.message_id <> 0")
        elif self._labels:
            self._tables = "posting p"
            self.row, self.thread = Row("p.message_id", "m"), "p.thread_id"
            self.where.append(f"p.label = {self._labels.pop(0)}")
        else:
            self._tables = "message m"
            self.row, self.thread = Row("m.id", "m"), "m.thread_id"

    def _join_posting(self) -> None:
        """Take the thread from a posting that is looked at anyway, else from the message."""
        if self._labels:
            label = self._labels.pop()
            self._tables += f" CROSS JOIN posting p ON p.label = {label}"
            self._tables += f" AND p.message_id = {self.row.id}"
        else:
            self.thread = self.row.column("thread_id")

    def _bound(self, before: int | None) -> None:
        """Turn dates and the page's start into one range of ids."""
        high = [] if before is None else [before]
        low = []
        for part in self._parts:
            if isinstance(part, Before):
                high.append(first_id(part.epoch_s))
            elif isinstance(part, After):
                low.append(first_id(part.epoch_s))
        self._parts = [part for part in self._parts if not isinstance(part, After | Before)]
        if high:
            self.where.append(f"{self.row.id} < {self.bind(min(high))}")
        if low:
            self.where.append(f"{self.row.id} >= {self.bind(max(low))}")

    def _take_labels(self) -> list[str]:
        """Return the labels every match carries, as SQL, the most selective (by kind) first."""
        numbers = set(self._query.labels) | (set() if self._query.hidden else {ALL_MAIL})
        numbers |= {part.number for part in self._parts if isinstance(part, System)}
        named = [part for part in self._parts if isinstance(part, Label)]
        self._parts = [part for part in self._parts if not isinstance(part, System | Label)]
        ordered: list[Label | int] = [*named, *sorted(numbers, key=_selectivity)]
        return [self._terms.label(label) for label in ordered]

    def _take_texts(self) -> str | None:
        """Return one match expression for the texts that every match holds or must not hold."""
        wanted = [part for part in self._parts if self._is_text(part)]
        if not wanted:
            return None
        unwanted = [p for p in self._parts if isinstance(p, Not) and self._is_text(p.child)]
        taken = [*wanted, *unwanted]
        self._parts = [part for part in self._parts if part not in taken]
        return self._terms.find_match(And(tuple(taken)))

    def _is_text(self, part: Node) -> bool:
        return self._terms.find_match(part, depth=1) is not None

    def _take_message_id(self) -> int | None:
        for part in self._parts:
            if isinstance(part, MessageId):
                self._parts.remove(part)
                return hash63(part.text)
        return None


def _selectivity(label: int) -> tuple[bool, int]:
    """Order user labels before system labels, and those before the largest ones."""
    return label < FIRST_USER_LABEL, _LARGE_LABELS.index(label) if label in _LARGE_LABELS else -1
