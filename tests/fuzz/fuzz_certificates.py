"""Mutate PKCS#12 and PKCS#7: they are read or refused with ParseError, never slowly.

python tests/fuzz/fuzz_certificates.py --seconds 10 [--seed N]
"""

import base64
import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from looping import run
from tests.keys import make_leaf, make_pkcs7, make_pkcs12, make_root

from penfold.base.errors import ParseError
from penfold.proto.certificates import parse_pkcs7, parse_pkcs12

NOW_MS = time.time_ns() // 1_000_000
#: Seconds that opening one file may take.
SLOW_S = 5.0


def mutate(chance, data):
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 9)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
    return bytes(data)


def try_one(key_file, chain):
    for read in (
        lambda: parse_pkcs12(key_file, "", now_ms=NOW_MS),
        lambda: parse_pkcs7(chain, now_ms=NOW_MS, validate=True),
    ):
        began = time.process_time()
        with contextlib.suppress(ParseError):
            read()
        assert time.process_time() - began < SLOW_S, "too slow"


LEAF = make_leaf("alice@penfold.test")
KEY_FILE = make_pkcs12(LEAF, password="")
CHAIN = base64.b64decode("".join(make_pkcs7(LEAF, make_root()).splitlines()[1:-1]))


def make_case(rng):
    body = base64.encodebytes(mutate(rng, CHAIN)).decode()
    return mutate(rng, KEY_FILE), f"-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n"


def try_case(case):
    try_one(*case)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
