"""Break traceparent headers: what is read prints to what was read.

python tests/fuzz/fuzz_trace_context.py --seconds 10 [--seed N]
"""

from looping import mutate_often, run

from penfold.proto.trace_context import parse_traceparent

SEEDS = [
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more",
]
PIECES = ["-", "0", "f", "ff", "00", " ", "\t", "\n", "\x00", "é", "A", "0" * 16, "-01"]


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
    found = parse_traceparent(text)
    if found is not None:
        assert found.trace_id in text
        assert found.span_id in text


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
