"""A listing as one SQL statement, whose rows come newest first straight from an index.

compile_messages         (message id, thread id), newest first
compile_threads          (matching message id, thread id), newest first; take_threads keeps the
                         first row of each thread and stops at the page's end
compile_drafts           (draft id, message id, thread id), newest message first
compile_estimate         one row, one number: matching messages, at most `at_most`
compile_thread_estimate  one row, one number: threads with a matching message, at most `at_most`

A page costs what it shows plus what its driver (search_source) passes over to find it. Nothing
is sorted or gathered first.

Invariants: what users typed is only ever bound; a compiled statement never fails for what the
tree says.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from msgspec import structs

from penfold.base.labels import ALL_MAIL
from penfold.ports.mailbox import Query
from penfold.proto.search.tree import And, Node
from penfold.store.sqlite.search_order import find_near
from penfold.store.sqlite.search_source import Source
from penfold.store.sqlite.search_terms import Binder, Row, Terms

#: SQL and its parameters.
Statement = tuple[str, tuple[int | str, ...]]

#: Statements kept compiled: programs poll with the same few queries, and compiling one costs as
#: much as running it.
_STATEMENTS_KEPT: Final = 512
#: Stand for the page's start and length in a statement that is kept; no id or label is negative.
_BEFORE: Final = -1
_LIMIT: Final = -2


def compile_messages(query: Query) -> Statement:
    if query.tree is not None:
        return _compile_messages(query)
    # Without a tree only two numbers differ from page to page; the rest is compiled once.
    before = None if query.before is None else _BEFORE
    sql, params = _compile_messages(structs.replace(query, before=before, limit=_LIMIT))
    numbers: dict[int | str, int] = {_BEFORE: query.before or 0, _LIMIT: query.limit}
    return sql, tuple([numbers.get(param, param) for param in params])


@lru_cache(_STATEMENTS_KEPT)
def _compile_messages(query: Query) -> Statement:
    listing = _Listing(query, before=query.before)
    return listing.page(f"{listing.id}, {listing.thread}")


@lru_cache(_STATEMENTS_KEPT)
def compile_threads(query: Query) -> Statement:
    """Return a statement without an end, for `take_threads`.

    Whether some newer message of the thread matches costs a look into the full-text index, so
    it is asked only of messages on earlier pages; within a page, take_threads sees it.
    """
    listing = _Listing(query, before=query.before)
    if query.before is not None:
        listing.exclude_threads_from(query.before, query.newest)
    return listing.stream(f"{listing.id}, {listing.thread}")


def take_threads(rows: Iterable[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Return the first row of each thread until there are `limit`, and read no further."""
    newest: dict[int, int] = {}
    for message_id, thread_id in rows:
        newest.setdefault(thread_id, message_id)
        if len(newest) >= limit:
            break
    return [(message_id, thread_id) for thread_id, message_id in newest.items()]


@lru_cache(_STATEMENTS_KEPT)
def compile_drafts(query: Query) -> Statement:
    listing = _Listing(query, before=query.before, kind="drafts")
    return listing.page(f"d.id, {listing.id}, {listing.thread}")


@lru_cache(_STATEMENTS_KEPT)
def compile_estimate(query: Query, at_most: int) -> Statement:
    listing = _Listing(query)
    return listing.count("1", at_most)


@lru_cache(_STATEMENTS_KEPT)
def compile_thread_estimate(query: Query, at_most: int) -> Statement:
    listing = _Listing(query)
    return listing.count(f"DISTINCT {listing.thread}", at_most)


class _Listing:
    """One statement in the making."""

    def __init__(
        self,
        query: Query,
        *,
        before: int | None = None,
        kind: Literal["messages", "drafts"] = "messages",
    ) -> None:
        self._bind = Binder()
        self._terms = Terms(self._bind, query.me)
        self._query = query
        self._tree = tree = find_near(query.tree or And(()))
        self._labels = [*query.labels] if query.hidden else [*query.labels, ALL_MAIL]
        parts: list[Node] = list(tree.children) if isinstance(tree, And) else [tree]
        self._source = Source(self._terms, parts, [*self._labels], within=(None, before), kind=kind)
        self.id, self.thread = self._source.row.id, self._source.thread

    def page(self, columns: str) -> Statement:
        sql, _ = self.stream(columns)
        return f"{sql} LIMIT {self._bind(self._query.limit)}", tuple(self._bind.params)

    def stream(self, columns: str) -> Statement:
        sql = f"{self._source.select(columns)} ORDER BY {self.id} DESC"
        return sql, tuple(self._bind.params)

    def count(self, columns: str, at_most: int) -> Statement:
        found = f"{self._source.select(columns)} LIMIT {self._bind(at_most)}"
        return f"SELECT count(*) FROM ({found})", tuple(self._bind.params)

    def exclude_threads_from(self, start: int, newest: int | None) -> None:
        """Leave out threads that have a match from this id on, which an earlier page showed."""
        row = Row("n.id", "n")
        conditions = [self._terms.labelled(self._bind(label), row) for label in self._labels]
        conditions.append(self._terms.condition(self._tree, row))
        if newest is not None:
            conditions.append(f"n.id <= {self._bind(newest)}")
        self._source.where.append(
            f"NOT EXISTS (SELECT 1 FROM message n WHERE n.thread_id = {self.thread}"
            f" AND n.id >= {self._bind(start)} AND {' AND '.join(conditions)})"
        )
