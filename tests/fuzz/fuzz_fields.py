"""Mutate `fields` masks: parsing, resolving and applying either work or raise ParseError.

python tests/fuzz/fuzz_fields.py --seconds 10 [--seed N]
"""

from looping import mutate_often, run

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


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)


if __name__ == "__main__":
    run(make_case, try_one, about=__doc__)
