"""Mutate JSON bodies: every request type either reads them or refuses them in Google's words.

python tests/fuzz/fuzz_json.py --seconds 10 [--seed N]
"""

import json

from looping import mutate_often, run

from penfold.front.http.body import read_body
from penfold.front.http.errors import RefusedError, envelope
from penfold.spec.registry import REGISTRY

TYPES = sorted({m.request for m in REGISTRY if m.request}, key=lambda r: r.__name__)
SEEDS = [
    b'{"raw":"RnJvbTogYQ0KDQpi","labelIds":["INBOX","UNREAD"],"threadId":"1a0dcf54fb6a65f9"}',
    b'{"message":{"raw":"_-8=","payload":{"parts":[{"body":{"size":"7"}}]}},"id":"r-1"}',
    b'{"name":"A","color":{"textColor":"#000000"},"labelListVisibility":"labelShow"}',
    b'{"ids":["1","2"],"addLabelIds":"A","removeLabelIds":null}',
    b'{"startTime":"12","endTime":13,"enableAutoReply":true}',
    b'{"criteria":{"from":"a","size":1e3},"action":{"forward":""}}',
]
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"1e9", b"\\ud800", b"\xff", b"-0"]


def mutate(chance, data):
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data = data[:at] + chance.choice(PIECES) + data[at:]
            case 1:
                data = data[:at] + data[at + chance.randint(1, 6) :]
            case 2:
                data = data[:at] + chance.choice(SEEDS) + data[at:]
            case 3:
                data = data[:at] + chance.choice(PIECES) * chance.choice([2, 70, 3000]) + data[at:]
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data[:100_000]


def try_one(data, request):
    try:
        read_body(data, request)
    except RefusedError as error:
        answer = json.loads(envelope(error))["error"]
        assert answer["code"] == 400
        assert answer["message"]
        assert len(answer["message"]) < 60_000


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate), rng.choice(TYPES)


def try_case(case):
    try_one(*case)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
