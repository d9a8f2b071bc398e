"""Mutate `fields` masks: parsing, resolving and applying either work or raise ParseError.

python tests/fuzz/fuzz_fields.py --seconds 10 [--seed N]
"""

import argparse
import random
import sys
import time

from penfold.base.errors import ParseError
from penfold.front.http.plan import shape_of
from penfold.proto.fields import apply_fields, parse_fields, resolve_fields
from penfold.spec.schemas import ListMessagesResponse

SEEDS = [
    "messages(id,threadId),nextPageToken",
    "messages/payload/parts/body",
    "messages(payload(headers/name,parts(parts/*)))",
    "*/*/*,messages/*",
    "label_ids, id",
]
PIECES = ["(", ")", "/", ",", "*", " ", "messages", "payload", "parts", "id", "\t", "ä", "_", "x"]
ANSWER = {"messages": [{"id": "1", "payload": {"parts": [{"body": {"size": 1}}, {}]}}, {}]}


def mutate(chance, text):
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.randint(1, 5) :]
            case 2:
                text = text[:at] + text[: chance.randint(0, 20)] * chance.randint(1, 5) + text[at:]
            case _:
                text = text[:at] + chr(chance.randrange(0x300)) + text[at + 1 :]
    return text[:20_000]


def try_one(text):
    try:
        mask = parse_fields(text)
        if mask is not None:
            mask = resolve_fields(mask, shape_of(ListMessagesResponse))
    except ParseError:
        return
    apply_fields(ANSWER, mask)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    until = time.monotonic() + options.seconds
    pool, count = list(SEEDS), 0
    while time.monotonic() < until:
        text = mutate(chance, chance.choice(pool))
        try:
            try_one(text)
        except Exception:
            print(f"seed {options.seed} round {count}: {text!r}", file=sys.stderr)
            raise
        if chance.random() < 0.01:
            pool = [*pool[-200:], text]
        count += 1
    print(f"fields: {count} masks, seed {options.seed}")


if __name__ == "__main__":
    main()
