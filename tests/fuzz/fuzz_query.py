"""Throw broken queries at the parser, the printer and the compiler: `fuzz_query.py --seconds 60`.

Seeds are the queries of the table and random pieces of the language; a case is a seed that was
cut, doubled, spliced and sprinkled with noise, up to more than the longest that is read. Stops at
the first failure and prints the number that repeats it (`--seed N --seconds 1`). A query that takes
longer than SLOWEST_S to parse is a failure; the slowest is told at the end.
"""

import time
import tomllib
from pathlib import Path

import apsw
from looping import run

from penfold.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from penfold.ports.mailbox import Query
from penfold.proto.search.parse import parse_query
from penfold.proto.search.print import print_query
from penfold.store.sqlite import search, search_order
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.search_streams import Sizes
from penfold.testing.queries import ME, make_query_text

TABLE = Path(__file__).parents[1] / "corpus/search.toml"
#: Seconds of processor time in which any query is parsed.
SLOWEST_S = 0.05


def load_seeds():
    return [row["q"] for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["query"]]


SEEDS = load_seeds()


def make_case(rng):
    text = rng.choice(SEEDS) if rng.random() < 0.5 else make_query_text(rng, 30)
    for _ in range(rng.choice((0, 1, 2, 3, 4, 5, 20))):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(6):
            case 0:
                text = (
                    text[:at]
                    + chr(rng.choice((rng.randrange(128), rng.randrange(0x110000))))
                    + text[at:]
                )
            case 1:
                text = text[:at] + text[at + rng.randrange(8) :]
            case 2:
                text = text[:at] + rng.choice(SEEDS) + text[at:]
            case 3:
                text = text[:at] + text[at : at + 5] * rng.randrange(100) + text[at:]
            case 4:
                start = rng.randrange(len(text) + 1)
                piece = text[start : start + rng.choice((3, 30))]
                text = text[:at] + piece * (2_000 // (len(piece) + 1)) + text[at:]
            case _:
                text = text[:at] + make_query_text(rng, 3) + text[at:]
    return text[: QUERY_MAX_CHARS + 1_000]


CONNECTION = apsw.Connection(":memory:")
migrate(CONNECTION, "mailbox")
search_order.register(CONNECTION)


def time_parsing(text):
    """Return seconds of processor time, and the tree."""
    started = time.thread_time()
    tree = parse_query(text, now_ms=1_720_000_000_000)
    return time.thread_time() - started, tree


def try_case(text):
    took, tree = time_parsing(text)
    if took >= SLOWEST_S:  # a slow query is slow every time, a busy machine is not
        took = min(took, *(time_parsing(text)[0] for _ in range(2)))
    assert took < SLOWEST_S, f"{took:.3f} s are too slow"
    printed = print_query(tree)
    nested = printed.count("(") + printed.count("{")
    short = len(printed) < QUERY_MAX_CHARS and len(printed.split()) < QUERY_MAX_TERMS - 50
    if short and nested < QUERY_MAX_DEPTH:
        assert parse_query(printed, now_ms=0) == tree, "prints as another query"
    query = Query(limit=10, tree=tree, me=ME)
    sizes = Sizes(CONNECTION.execute)
    CONNECTION.execute(*search.compile_messages(query, sizes)).fetchall()
    CONNECTION.execute(*search.compile_threads(query, sizes)).fetchall()


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
