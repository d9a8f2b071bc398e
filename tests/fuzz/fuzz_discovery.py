"""Mutate discovery documents: they compare, or are refused with ParseError.

python tests/fuzz/fuzz_discovery.py --seconds 10 [--seed N]
"""

import copy
import json

from looping import run

from penfold.base.errors import ParseError
from penfold.spec.comparison import compare_documents, parse_document
from penfold.spec.discovery import make_document

OURS = make_document("http://x/")
VALUES = [None, True, -1, 1e300, "", "x" * 500, [], ["a", {}], {}, {"a": {"b": [[]]}}, "\ud800\x00"]


def mutate(chance):
    """Return a document with some nodes replaced, or its text with some octets changed."""
    document = copy.deepcopy(OURS)
    for _ in range(chance.randint(1, 6)):
        node = document
        while True:
            name = chance.choice(sorted(node))
            below = node[name]
            if isinstance(below, dict) and below and chance.random() < 0.8:
                node = below
                continue
            if chance.random() < 0.2:
                del node[name]
            else:
                node[chance.choice([name, "new", "\x1b[31m"])] = copy.deepcopy(
                    chance.choice(VALUES)
                )
            break
        if not document:
            break
    text = bytearray(json.dumps(document).encode())
    if chance.random() < 0.3:
        for _ in range(chance.randint(1, 5)):
            text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


def try_one(text):
    try:
        document = parse_document(text)
    except ParseError:
        return
    for gap in compare_documents(OURS, document):
        str(gap)


if __name__ == "__main__":
    run(mutate, try_one, about=__doc__)
