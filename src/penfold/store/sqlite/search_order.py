"""Texts that must stand in order: FTS5's NEAR finds two of them near each other in either order.

`find_near` adds to each ordered Around its unordered twin, which the full-text index finds;
`register` gives a connection the function that then looks at the order, message by message.
"""

from bisect import bisect_left
from typing import Any, Final

import apsw
from msgspec import structs

from penfold.proto.search.tree import And, Around, Node, Or, all_of, any_of

#: in_order(words, words of the left text, distance), beside a MATCH of NEAR(left right).
IN_ORDER: Final = "in_order"


def find_near(tree: Node) -> Node:
    """Return the tree with what the index can find of each ordered Around put beside it.

    One that is excluded is left alone: the index finds too much of it.
    """
    match tree:
        case And(children):
            return all_of(map(find_near, children))
        case Or(children):
            return any_of(map(find_near, children))
        case Around(ordered=True):
            return And((structs.replace(tree, ordered=False), tree))
        case _:
            return tree


def register(connection: apsw.Connection) -> None:
    """Make in_order known to a connection that searches."""
    connection.register_fts5_function(IN_ORDER, _is_in_order)


def _is_in_order(api: apsw.FTS5ExtensionApi, /, *numbers: Any) -> bool:
    """Say whether in some column the second phrase begins behind the first, near enough."""
    length, distance = numbers
    columns = zip(api.phrase_locations(0), api.phrase_locations(1), strict=True)
    return any(
        nearest < len(rights) and rights[nearest] <= left + length + distance
        for lefts, rights in columns
        for left in lefts
        for nearest in (bisect_left(rights, left + length),)
    )
