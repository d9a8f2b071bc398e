"""Break addresses of webhooks and push endpoints: read or refused, with nothing hidden in them.

python tests/fuzz/fuzz_endpoint.py --seconds 10 [--seed N]
"""

from contextlib import suppress

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.endpoint import parse_endpoint

SEEDS = ["https://shop.example:8443/hook?x=1", "http://[2001:db8::1]/", "http://127.0.0.1:9000"]
PIECES = [
    "@", "#", ":", "[", "]", "//", "\\", "%00", "\r\n", " ", "é", "\ud800", "127.0.0.1", "?", ".", "a" * 64,
]  # fmt: skip


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
    with suppress(ParseError):
        parts = parse_endpoint(text)
        assert parts.hostname.encode("idna")  # as a resolver is asked
        assert "@" not in parts.netloc
        assert not set("\r\n \t") & set(text)
        assert parts.port is None or 0 < parts.port < 65_536


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
