"""Gmail's query language: text in, tree out. (First form: words only.)"""

from penfold.proto.search.tree import Node, Text, all_of


def parse_query(q: str, *, now_ms: int) -> Node:
    """Return the tree of q; every text is a query. `now_ms` is what newer_than: counts from."""
    del now_ms
    return all_of(Text("any", (word.lower(),)) for word in q.split() if word.isalnum())
