"""Answers of a spam scanner that is out of its mind: `fuzz_opinions.py --seconds 60`.

Each is an opinion of four kinds, in printable words, or refused.
"""

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.base.limits import RSPAMD_SYMBOLS_MAX
from penfold.net.rspamd import parse_opinion

SEEDS = [
    b'{"is_skipped":true,"score":15.0,"required_score":15.0,"action":"reject","symbols":{"GTUBE":{"name":"GTUBE","score":0.0,"description":"x"}}}',
    b'{"action":"no action","score":-1e308,"messages":{"smtp_message":"x"},"urls":["a"]}',
    b'{"action":"soft reject","score":null}',
]
PIECES = [
    b'"',
    b"{",
    b"[" * 500,
    b"}",
    b'"action":',
    b"1e999",
    b"\\u0000",
    b"\xff",
    b"null",
    b",",
    b"\r\n",
]


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(PIECES) + data[at + rng.randrange(4) :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)


def try_case(case):
    try:
        opinion = parse_opinion(case)
    except ParseError:
        return
    assert opinion.action in {"accept", "spam", "defer", "reject"}
    assert "\r" not in opinion.said
    assert "\n" not in opinion.said
    assert len(opinion.said) <= 80
    assert len(opinion.symbols) <= RSPAMD_SYMBOLS_MAX
    assert all(f"{one.name}{one.description}".isprintable() for one in opinion.symbols)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
