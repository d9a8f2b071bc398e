"""A listing as one SQL statement, whose rows come newest first straight from indexes.

compile_messages   (message id, thread id), newest first
compile_threads    (matching message id, thread id), newest first; take_threads keeps the first
                   row of each thread and stops at the page's end
compile_drafts     (draft id, message id, thread id), newest message first

A page costs what it shows plus what is passed over to find it (search_plan says how little that
is). Nothing is sorted or gathered first, but for drafts, which are few.

Invariants: what users typed is only ever bound; a compiled statement never fails for what the
tree says.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import structs

from penfold.base.labels import ALL_MAIL
from penfold.ports.mailbox import Explanation, Query, Step
from penfold.proto.search.document import show_marks, spell_tree
from penfold.proto.search.print import print_query
from penfold.proto.search.tree import After, And, Before, Label, Node, System, Text, all_of
from penfold.store.sqlite.search_order import find_near
from penfold.store.sqlite.search_plan import choose
from penfold.store.sqlite.search_streams import (
    Range,
    Sizes,
    Stream,
    Streams,
    is_one_walk,
    list_parts,
)
from penfold.store.sqlite.search_terms import Binder, Terms, first_id

#: SQL and its parameters.
Statement = tuple[str, tuple[int | str, ...]]

#: Statements kept compiled: programs poll with the same few queries, and compiling one costs as
#: much as running it.
_STATEMENTS_KEPT: Final = 512
#: Stand for the page's start and length in a statement that is kept; no id or label is negative.
_BEFORE: Final = -1
_LIMIT: Final = -2


def compile_messages(query: Query, sizes: Sizes) -> Statement:
    if not _is_simple(query):
        return _page(_Listing(query, sizes))
    # Only two numbers differ from page to page; the rest is compiled once.
    before = None if query.before is None else _BEFORE
    sql, params = _compile_simple(structs.replace(query, before=before, limit=_LIMIT))
    numbers: dict[int | str, int] = {_BEFORE: query.before or 0, _LIMIT: query.limit}
    return sql, tuple([numbers.get(param, param) for param in params])


@lru_cache(_STATEMENTS_KEPT)
def _compile_simple(query: Query) -> Statement:
    return _page(_Listing(query, None))


def _page(listing: "_Listing") -> Statement:
    return f"{listing.sql} LIMIT {listing.bind(listing.query.limit)}", tuple(listing.bind.params)


def _is_simple(query: Query) -> bool:
    """Say whether one index answers, so that sizes do not matter."""
    if query.tree is None:
        return len(query.labels) <= 1
    return not query.labels and isinstance(query.tree, System | Label | Text)


def compile_threads(query: Query, sizes: Sizes) -> Statement:
    """Return a statement without an end, for `take_threads`.

    Whether some newer message of the thread matches costs a look into the full-text index, so
    it is asked only of messages on earlier pages; within a page, take_threads sees it.
    """
    listing = _Listing(query, None if _is_simple(query) else sizes)
    if query.before is not None:
        listing.exclude_threads_from(query.before, query.newest)
    return listing.sql, tuple(listing.bind.params)


def take_threads(rows: Iterable[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Return the first row of each thread until there are `limit`, and read no further."""
    newest: dict[int, int] = {}
    for message_id, thread_id in rows:
        newest.setdefault(thread_id, message_id)
        if len(newest) >= limit:
            break
    return [(message_id, thread_id) for thread_id, message_id in newest.items()]


def compile_drafts(query: Query) -> Statement:
    terms = Terms(Binder())
    bind = terms.bind
    where = [terms.condition(all_of(_list_parts(query)), "m.id")]
    if not query.hidden:
        where.append(terms.condition(System(ALL_MAIL), "m.id"))
    if query.before is not None:
        where.append(f"m.id < {bind(query.before)}")
    return (
        "SELECT d.id, m.id, m.thread_id FROM draft d CROSS JOIN message m ON m.id = d.message_id"
        f" WHERE {' AND '.join(where)} ORDER BY m.id DESC LIMIT {bind(query.limit)}"
    ), tuple(bind.params)


def explain(query: Query, sizes: Sizes) -> Explanation:
    """Return how compile_messages finds what it finds."""
    plan = _Listing(query, sizes, weigh=True).plan
    walked = [_make_step(stream, walked=True) for stream in plan.walked]
    tested = [_make_step(stream, walked=False) for stream in plan.tested]
    return Explanation((*walked, *tested), plan.cost_us / 1_000)


def _make_step(stream: Stream, *, walked: bool) -> Step:
    return Step(show_marks(print_query(stream.node)), stream.rows, walked)


def _list_parts(query: Query) -> list[Node]:
    """Return what every match must fulfil, spelled out."""
    tree = find_near(spell_tree(query.tree or And(()), query.me))
    return list_parts(all_of([tree, *map(System, sorted(query.labels))]))


class _Listing:
    """One statement in the making.

    sizes: None when there is nothing to choose. weigh: take the sizes even so.
    """

    def __init__(self, query: Query, sizes: Sizes | None, *, weigh: bool = False) -> None:
        self.query = query
        self.bind = Binder()
        self._terms = Terms(self.bind)
        self._parts = _list_parts(query)
        rest = [part for part in self._parts if not isinstance(part, After | Before)]
        if len(rest) == 1 and is_one_walk(rest[0]) and not weigh:
            sizes = None
        streams = Streams(self._terms, sizes, _find_range(self._parts, query.before))
        everything = streams.everything(hidden=query.hidden)
        self.plan = choose(everything, [streams.make(part) for part in rest], want=query.limit)
        if self.plan.walked == (everything,):
            self._id, self._tables, self._where = "v.id", self._shown, [streams.range("v.id")]
        else:
            self._id, self._tables = "s.id", f"{self.plan.source} s CROSS JOIN {self._shown}"
            self._where = ["v.id = s.id"]
        self._where += [stream.test(self._id) for stream in self.plan.tested]

    @property
    def _shown(self) -> str:
        """SQL of the table v (id, thread_id): all mail, with or without spam and trash."""
        if self.query.hidden:
            return "message v"
        label = self.bind(ALL_MAIL)
        return f"(SELECT message_id AS id, thread_id FROM posting WHERE label = {label}) v"

    @property
    def sql(self) -> str:
        where = " AND ".join(filter(None, self._where)) or "1"
        return (
            f"SELECT {self._id}, v.thread_id FROM {self._tables}"
            f" WHERE {where} ORDER BY {self._id} DESC"
        )

    def exclude_threads_from(self, start: int, newest: int | None) -> None:
        """Leave out threads that have a match from this id on, which an earlier page showed."""
        conditions = [self._terms.condition(part, "n.id") for part in self._parts]
        if not self.query.hidden:
            conditions.append(self._terms.condition(System(ALL_MAIL), "n.id"))
        if newest is not None:
            conditions.append(f"n.id <= {self.bind(newest)}")
        self._where.append(
            "NOT EXISTS (SELECT 1 FROM message n WHERE n.thread_id = v.thread_id"
            f" AND {' AND '.join([f'n.id >= {self.bind(start)}', *conditions])})"
        )


def _find_range(parts: list[Node], before: int | None) -> Range:
    """Return one range of ids for all dates and the page's start."""
    low = [first_id(part.epoch_s) for part in parts if isinstance(part, After)]
    high = [first_id(part.epoch_s) for part in parts if isinstance(part, Before)]
    high += [] if before is None else [before]
    return max(low, default=None), min(high, default=None)
