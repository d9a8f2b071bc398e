"""Throw broken answers of browsers at the passkey checks: `fuzz_passkeys.py --seconds 60`.

A case is the JSON of a passkey with octets cut, doubled and changed, or nonsense in its fields.
Nothing but a ParseError may come of it, and never a passkey. Prints the number that repeats it.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

from looping import run

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.unit.authenticator import SecurityKey

from penfold.base.errors import ParseError
from penfold.proto.oauth import base64url
from penfold.proto.totp import find_step, make_code
from penfold.proto.webauthn import (
    Place,
    check_answer,
    make_creation,
    make_request,
    parse_creation,
    parse_id,
)

PLACE = Place("mail.example", "https://mail.example")
CHALLENGE, OTHER = b"c" * 32, b"o" * 32
KEY = SecurityKey()
MADE = KEY.create(make_creation(PLACE, CHALLENGE, user=(b"m1", "a@b", "A"), known=[]), PLACE.origin)
NEW = parse_creation(MADE, place=PLACE, challenge=CHALLENGE)
SHOWN = KEY.get(make_request(PLACE, CHALLENGE), PLACE.origin)
NOISE = ["", "A", "AAAA", "=", "é", None, 0, [], {}, "\0", "gICAgA", "v" * 900, "_" * 4000]
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 1.0


def make_case(rng):
    answer = json.loads(rng.choice((MADE, SHOWN)))
    for _ in range(rng.randrange(1, 4)):
        part = rng.choice((answer, answer["response"]))
        name = rng.choice(sorted(part))
        if name == "response":
            continue
        text = part[name]
        if isinstance(text, str) and text and rng.random() < 0.7:
            at, by = rng.randrange(len(text)), rng.randrange(9)
            octets = base64url(rng.randbytes(rng.randrange(9)))
            part[name] = text[:at] + octets + text[at + by :]
        else:
            part[name] = rng.choice(NOISE)
    text = json.dumps(answer)
    return text if rng.random() < 0.9 else text[: rng.randrange(len(text))]


def try_case(text):
    started = time.perf_counter()
    with contextlib.suppress(ParseError):
        parse_id(text)
    with contextlib.suppress(ParseError):
        parse_creation(text, place=PLACE, challenge=CHALLENGE)
    for parse in (
        lambda: parse_creation(text, place=PLACE, challenge=OTHER),
        lambda: check_answer(text, place=PLACE, challenge=OTHER, key=NEW.key, counter=0),
    ):
        try:
            parse()
        except ParseError:
            continue
        raise AssertionError("a passkey out of a broken answer")
    step = find_step(b"s" * 20, text[:8], now_ms=0)
    assert step is None or make_code(b"s" * 20, step) == "".join(text[:8].split())
    assert time.perf_counter() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
