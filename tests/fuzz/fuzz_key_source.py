"""Break settings of the master key, and keys: each is read as it says or refused.

python tests/fuzz/fuzz_key_source.py --seconds 10 [--seed N]
"""

import contextlib

from looping import make_text_mutation, mutate_often, run

from penfold.base.errors import ParseError
from penfold.spec.key_source import parse_key, parse_key_source

SEEDS = ["file:master.key", "env:PENFOLD_KEY", "command:/bin/cat '/a b' \"c\\\"d\"", "0f" * 32,
         "A" * 43 + "="]  # fmt: skip
PIECES = ["'", '"', "\\", ":", "=", " ", "\n", "#", "-", "_", "/", "env:", "command:/", "é", "\0"]


def make_case(rng):
    return mutate_often(rng, SEEDS, make_text_mutation(PIECES))


def try_case(text):
    with contextlib.suppress(ParseError):
        assert len(parse_key(text.encode())) == 32
    try:
        source = parse_key_source(text)
    except ParseError:
        return
    assert parse_key_source(str(source)) == source
    assert source.kind != "command" or source.words[0].startswith("/")


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
