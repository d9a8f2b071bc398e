"""Throw broken queries at the parser, the printer and the compiler: `fuzz_query.py --seconds 60`.

Seeds are the queries of the table and random pieces of the language; a case is a seed that was
cut, doubled, spliced and sprinkled with noise. Stops at the first failure and prints the number
that repeats it (`--seed N --seconds 1`). A case that takes longer than SLOWEST_S is a failure.
"""

import argparse
import sys
import time
import tomllib
from pathlib import Path
from random import Random

import apsw

from penfold.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH
from penfold.ports.mailbox import Query
from penfold.proto.search.parse import parse_query
from penfold.proto.search.print import print_query
from penfold.store.sqlite import search, search_order
from penfold.store.sqlite.migrate import migrate
from penfold.testing.queries import ME, make_query_text

TABLE = Path(__file__).parents[1] / "corpus/search.toml"
#: Seconds one query of four times the longest length may take to parse; generous for a busy machine.
SLOWEST_S = 0.25


def load_seeds():
    return [row["q"] for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["query"]]


def make_case(rng, seeds):
    text = rng.choice(seeds) if rng.random() < 0.5 else make_query_text(rng, 30)
    for _ in range(rng.randrange(6)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(5):
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
            case _:
                text = text[:at] + make_query_text(rng, 3) + text[at:]
    return text[: 4 * QUERY_MAX_CHARS]


def try_case(connection, text):
    started = time.perf_counter()
    tree = parse_query(text, now_ms=1_720_000_000_000)
    assert time.perf_counter() - started < SLOWEST_S, "too slow"
    printed = print_query(tree)
    nested = printed.count("(") + printed.count("{")
    if len(printed) < QUERY_MAX_CHARS and len(printed.split()) < 150 and nested < QUERY_MAX_DEPTH:
        assert parse_query(printed, now_ms=0) == tree, "prints as another query"
    query = Query(limit=10, tree=tree, me=ME)
    connection.execute(*search.compile_messages(query)).fetchall()
    connection.execute(*search.compile_threads(query)).fetchall()


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
    while time.monotonic() < end:
        text = make_case(Random(seed), seeds)
        try:
            try_case(connection, text)
        except Exception:
            print(f"seed {seed}: {text!r}", file=sys.stderr)
            raise
        seed += 1
    print(f"{seed - given.seed} cases, no failure")


if __name__ == "__main__":
    main()
