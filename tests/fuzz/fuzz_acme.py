"""Break what comes from the net for a certificate: ClientHellos, an ACME server's words, PEM files.

python tests/fuzz/fuzz_acme.py --seconds 10 [--seed N]
"""

import json
import random
import sys
import time
from contextlib import suppress
from pathlib import Path

from looping import make_mutation, mutate_often, run

from penfold.base.errors import ParseError
from penfold.base.limits import ACME_TEXT_MAX
from penfold.proto.acme.documents import AcmeError, Problem, explain, parse_document
from penfold.proto.acme.issuing import Ask, Reply
from penfold.proto.acme.requests import parse_chain
from penfold.proto.client_hello import parse_client_hello
from penfold.proto.served_certificate import parse_served

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.authority import Authority
from tests.unit.proto.acme.test_issuing import REQUEST, steps
from tests.unit.proto.test_client_hello import HELLO, split
from tests.unit.proto.test_served_certificate import NOW_MS, chain, secret

HELLOS = [HELLO, split(HELLO, 7), split(HELLO, 90)]
FILES = [chain(), secret(), secret() + chain()]
PIECES = [
    b'"',
    b"[",
    b"{}",
    b",",
    b"https://",
    b"\x16\x03\x01\x00\x01",
    b"\xff",
    b"pending",
    b"-----",
]
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 1.0


mutate = make_mutation(PIECES)


def make_case(rng):
    hello, pem = mutate_often(rng, HELLOS, mutate), mutate_often(rng, FILES, mutate)
    return hello, pem, rng.randrange(24), rng.getrandbits(48)


def try_case(case):
    hello, pem, honest, seed = case
    started = time.process_time()
    for octets in (hello, hello[: len(hello) // 2]):
        found = parse_client_hello(octets)
        assert found is None or found.name == found.name.lower()
    with suppress(ParseError):
        parse_served(pem, pem, names=["mail.example.com"], now_ms=NOW_MS)
    with suppress(ParseError):
        parse_chain(pem, REQUEST.key)
    talk(random.Random(seed), honest)
    assert time.process_time() - started < SLOWEST_S, "too slow"


def talk(rng, honest):
    """Let an honest server's words be broken from some request on."""
    authority, running, reply = Authority(), steps(), None
    with suppress(AcmeError, StopIteration):
        for number in range(1_000):
            step = running.send(reply)
            broken = isinstance(step, Ask) and number >= honest
            reply = spoil(rng, step, authority) if broken else authority.do(step)
        raise RuntimeError("it does not end")


def spoil(rng, step, authority):
    try:
        honest = authority.do(step)
    except (AssertionError, AttributeError, KeyError, ValueError, IndexError):
        honest = Reply(200, {}, json.dumps({"status": "pending", "detail": "x" * 900}).encode())
    body = mutate(rng, honest.body)
    with suppress(ParseError):
        assert len(explain(parse_document(body, Problem))) <= ACME_TEXT_MAX
    return Reply(rng.choice((honest.status, 200, 400)), honest.headers, body)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
