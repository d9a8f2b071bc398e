"""Break Retry-After headers: a wait, or nothing.

python tests/fuzz/fuzz_retry_after.py --seconds 10 [--seed N]
"""

from looping import mutate_often, run

from penfold.proto.retry_after import parse_retry_after

NOW_S = 1_800_000_000
SEEDS = ["120", "Fri, 15 Jan 2027 08:01:00 GMT", "Friday, 15-Jan-27 08:01:00 GMT"]
PIECES = ["0", "9" * 9, "-", "+", ":", ",", " ", "(", "é", "\x00", "Feb", "GMT", "+9999", "\ud800"]


def mutate(rng, text):
    at = rng.randrange(len(text) + 1)
    match rng.randrange(3):
        case 0:
            return text[:at] + rng.choice(PIECES) + text[at:]
        case 1:
            return text[:at] + text[at + rng.randrange(1, 5) :]
        case _:
            return text[:at] + chr(rng.randrange(1, 300)) + text[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)


def try_case(text):
    wait = parse_retry_after(text, now_s=NOW_S)
    assert wait is None or wait >= 0


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
