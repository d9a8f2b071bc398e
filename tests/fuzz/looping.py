"""The loop of every fuzzer: a case is made of a number and tried, again and again.

A failure says the number, which alone makes the case anew: `--seed N` tries that one.
"""

import argparse
import random
import sys
import time


def run(make_case, try_case, *, about):
    """Try cases for --seconds; about: what --help says, the fuzzer's own words."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seconds", type=float, default=10, help="how long to try cases")
    parser.add_argument("--seed", type=int, help="try this case and no other")
    given = parser.parse_args()
    first = random.SystemRandom().getrandbits(48) if given.seed is None else given.seed
    end = time.monotonic() + (0 if given.seed is not None else given.seconds)
    seed, slowest, where = first, 0.0, first
    while seed == first or time.monotonic() < end:
        case = make_case(random.Random(seed))
        began = time.process_time()
        try:
            try_case(case)
        except Exception:
            print(f"--seed {seed}: {repr(case)[:2_000]}", file=sys.stderr)
            raise
        slowest, where = max((slowest, where), (time.process_time() - began, seed))
        seed += 1
    print(f"{seed - first} cases, no failure; slowest {slowest * 1e3:.1f} ms, --seed {where}")


def mutate_often(rng, seeds, mutate):
    """Return one of the seeds, mutated once or several times over."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 8))):
        data = mutate(rng, data)
    return data


def make_mutation(pieces, *, most=99):
    """Return how to break some octets: a piece put in many times, some taken out, the beginning
    repeated, or an octet replaced. most: of the beginning, and how often at a fifth of that.
    """

    def mutate(rng, data):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                return data[:at] + rng.choice(pieces) * rng.randint(1, 60) + data[at:]
            case 1:
                return data[:at] + data[at + rng.randint(1, 9) :]
            case 2:
                again = data[: rng.randint(0, most)] * rng.randint(1, most // 5)
                return data[:at] + again + data[at:]
            case _:
                return data[:at] + rng.randbytes(rng.randint(1, 3)) + data[at + 1 :]

    return mutate


def make_text_mutation(pieces):
    """Return how to break a text: a piece put in, some taken out, or a letter replaced."""

    def mutate(rng, text):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(3):
            case 0:
                return text[:at] + rng.choice(pieces) + text[at:]
            case 1:
                return text[:at] + text[at + rng.randrange(1, 5) :]
            case _:
                return text[:at] + chr(rng.randrange(32, 300)) + text[at + 1 :]

    return mutate
