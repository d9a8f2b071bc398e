"""How a listing's ids are found: which indexes are walked, and what is looked up on the way.

Streams that are walked go in step, newest first, and SQLite merges them (UNION, INTERSECT,
EXCEPT); the others are looked up for each id the walk comes to. Walking is right for long streams,
as a step costs a seventh of a lookup and a three-hundredth of looking words up; a lookup is right
beside a short one. Nothing is sorted or gathered, and all ends with the page. Which way costs
least follows from the streams' sizes, taken as independent of each other, and a part of what it
would cost if they never met.

SQLite merges compound selects whose arms are in order; LIMIT -1 keeps it from dropping that order
inside a subquery.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from msgspec import Struct

from penfold.store.sqlite.search_streams import STEP_US, Stream, Walk

#: Streams that are walked at most, of the wanted and of the excluded ones; the others are looked
#: up. SQLite merges 500, but weighing every number of 500 against each other takes a second.
_WALKED_MAX: Final = 20
#: How much the cost of finding nothing counts beside the expected one.
_DOUBT: Final = 1 / 16


class Plan(Struct, frozen=True, gc=False):
    """walked: streams merged in step, the first of them wanted. tested: looked up for each id."""

    walked: tuple[Stream, ...]
    tested: tuple[Stream, ...]
    cost_us: float

    @property
    def source(self) -> str:
        """SQL of a table with the ids, in order."""
        walks = list(_join(self.walked))
        if len(walks) == 1:
            return f"({walks[0][1].select()})"
        merged = " ".join(f"{operator} {walk.select()}" for operator, walk in walks)
        return f"({merged} ORDER BY id DESC LIMIT -1)"


def choose(everything: Stream, streams: list[Stream], *, want: int) -> Plan:
    """Return the cheapest way to the first `want` ids in everything that pass all streams."""
    total = max(everything.rows, 1)
    plans = [_plan(way, streams, total, want) for way in _list_ways(everything, streams)]
    return min(plans, key=lambda plan: plan.cost_us)


def _list_ways(everything: Stream, streams: list[Stream]) -> Iterator[tuple[Stream, ...]]:
    """Yield what could be walked: one stream, or the shortest together, with and without excluding.

    Only the first may consist of several walks, as SQL's compounds have no brackets.
    """
    wanted = sorted((s for s in streams if s.wanted and s.walks), key=lambda s: s.rows)
    wanted = wanted[:_WALKED_MAX]
    unwanted = [s for s in streams if not s.wanted and len(s.walks) == 1][:_WALKED_MAX]
    leads = [(each,) for each in wanted] or [(everything,)]
    simple = [each for each in wanted if len(each.walks) == 1]
    several = [each for each in wanted if len(each.walks) > 1]
    groups = [tuple(simple[:count]) for count in range(1, len(simple) + 1)]
    together = [(first, *group) for first, group in product(several, groups)]
    for way in [*leads, *(group for group in groups if len(group) > 1), *together]:
        yield way
        if unwanted:
            yield (*way, *unwanted)


def _plan(way: tuple[Stream, ...], streams: list[Stream], total: int, want: int) -> Plan:
    tested = [stream for stream in streams if stream not in way]
    tested.sort(key=lambda stream: stream.test_us)
    walk_us = STEP_US * sum([stream.rows for stream in way])
    test_us = sum([stream.test_us for stream in tested])
    shortest = min([stream.rows for stream in way if stream.wanted])
    reached = total * _share(way, total)  # ids the whole walk yields
    found = reached * _share(tested, total)
    part = min(want / found, 1.0) if found else 1.0
    expected = part * (walk_us + reached * test_us)
    return Plan(way, tuple(tested), expected + _DOUBT * (walk_us + shortest * test_us))


def _share(streams: Iterable[Stream], total: int) -> float:
    """Return which part of all mail is in all of these, if they are independent."""
    product = 1.0
    for stream in streams:
        share = stream.rows / total if stream.rows < total else 1.0
        product *= share if stream.wanted else 1.0 - share
    return product


def _join(streams: Iterable[Stream]) -> Iterator[tuple[str, Walk]]:
    first = ""
    for stream in streams:
        for number, walk in enumerate(stream.walks):
            if not stream.wanted:
                yield "EXCEPT", walk
            elif number:
                yield walk.operator, walk
            else:
                yield first, walk
        first = "INTERSECT"
