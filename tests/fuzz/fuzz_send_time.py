"""Break times at which emails shall be sent: each is read or refused, soon.

python tests/fuzz/fuzz_send_time.py --seconds 10 [--seed N]
"""

import contextlib
import time

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.send_time import parse_send_time

SEEDS = [b"2026-11-28T09:30:00.123Z", b"2026-11-28 10:30:00+01:00", b"in 10 minutes", b"in 2 days"]
PIECES = [
    b"9" * 40,
    b".",
    b":",
    b"-",
    b"+99:99",
    b"Z",
    b" ",
    b"in ",
    b"\xd9\xa2",
    b"0000",
    b"T",
    b"a" * 5_000,
]
SLOWEST_S = 0.1


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(PIECES) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 5) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:10_000]


def try_case(data):
    started = time.process_time()
    with contextlib.suppress(ParseError):
        assert isinstance(parse_send_time(data.decode("utf-8", "replace"), now_ms=0), int)
    assert time.process_time() - started < SLOWEST_S


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
