"""Mutate PKCS#12 and PKCS#7: they are read or refused with ParseError, never slowly.

python tests/fuzz/fuzz_certificates.py --seconds 10 [--seed N]
"""

import argparse
import base64
import contextlib
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    leaf = make_leaf("alice@penfold.test")
    key_file = make_pkcs12(leaf, password="")
    der = base64.b64decode("".join(make_pkcs7(leaf, make_root()).splitlines()[1:-1]))
    until = time.monotonic() + options.seconds
    count = 0
    while time.monotonic() < until:
        body = base64.encodebytes(mutate(chance, der)).decode()
        chain = f"-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n"
        mutated = mutate(chance, key_file)
        try:
            try_one(mutated, chain)
        except Exception:
            print(f"seed {options.seed} round {count}: {mutated.hex()} {chain}", file=sys.stderr)
            raise
        count += 1
    print(f"certificates: {count} files, seed {options.seed}")


if __name__ == "__main__":
    main()
