"""Throw broken queries at the parser, the printer and the compiler: `fuzz_query.py --seconds 60`.

Seeds are the queries of the table and random pieces of the language; a case is a seed that was
cut, doubled, spliced and sprinkled with noise, up to more than the longest that is read. Stops at
the first failure and prints the number that repeats it (`--seed N --seconds 1`). A query that takes
longer than SLOWEST_S to parse is a failure; the slowest is told at the end.
"""

import argparse
import sys
import time
import tomllib
from pathlib import Path
from random import Random

import apsw

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


def make_case(rng, seeds):
    text = rng.choice(seeds) if rng.random() < 0.5 else make_query_text(rng, 30)
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
                text = text[:at] + rng.choice(seeds) + text[at:]
            case 3:
                text = text[:at] + text[at : at + 5] * rng.randrange(100) + text[at:]
            case 4:
                start = rng.randrange(len(text) + 1)
                piece = text[start : start + rng.choice((3, 30))]
                text = text[:at] + piece * (2_000 // (len(piece) + 1)) + text[at:]
            case _:
                text = text[:at] + make_query_text(rng, 3) + text[at:]
    return text[: QUERY_MAX_CHARS + 1_000]


def try_case(connection, text):
    """Return how many seconds of processor time parsing took."""
    started = time.thread_time()
    tree = parse_query(text, now_ms=1_720_000_000_000)
    took = time.thread_time() - started
    assert took < SLOWEST_S, f"{took:.3f} s are too slow"
    printed = print_query(tree)
    nested = printed.count("(") + printed.count("{")
    short = len(printed) < QUERY_MAX_CHARS and len(printed.split()) < QUERY_MAX_TERMS - 50
    if short and nested < QUERY_MAX_DEPTH:
        assert parse_query(printed, now_ms=0) == tree, "prints as another query"
    query = Query(limit=10, tree=tree, me=ME)
    sizes = Sizes(connection.execute)
    connection.execute(*search.compile_messages(query, sizes)).fetchall()
    connection.execute(*search.compile_threads(query, sizes)).fetchall()
    return took


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--seed", type=int, default=int(time.time() * 1_000))
    given = arguments.parse_args()
    connection = apsw.Connection(":memory:")
    migrate(connection, "mailbox")
    search_order.register(connection)
    seeds = load_seeds()
    end = time.monotonic() + given.seconds
    seed = given.seed
    slowest, where = 0.0, seed
    while time.monotonic() < end:
        text = make_case(Random(seed), seeds)
        try:
            took = try_case(connection, text)
        except Exception:
            print(f"seed {seed}: {text!r}", file=sys.stderr)
            raise
        slowest, where = max((slowest, where), (took, seed))
        seed += 1
    print(f"{seed - given.seed} cases, no failure; slowest {slowest * 1e3:.1f} ms, seed {where}")


if __name__ == "__main__":
    main()
