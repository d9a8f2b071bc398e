"""Mutate batch bodies: they are read or refused with ParseError, in time.

python tests/fuzz/fuzz_batch.py --seconds 10 [--seed N]
"""

from looping import mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.batch import parse_batch, print_answer

SEEDS = [
    b"--B\nContent-ID: <a + 1>\n\nGET /a?b HTTP/1.1\nh: 1\n\n\n--B\n\nPOST https://x/c HTTP/1.1\n\n{}\n--B--\n",
    b"pre\r\n--B\r\nContent-ID: 1\r\n\r\nDELETE /d HTTP/1.1\r\n\r\n\r\n--B--\r\nepilogue",
]
PIECES = [b"--B", b"--", b"\n", b"\r\n", b"\r", b" ", b"\t", b":", b"Content-ID:", b"GET / HTTP/1.1",
          b"http://", b"<", b" + ", b"\0", b"\xff", b"boundary="]  # fmt: skip
KINDS = [
    "multipart/mixed; boundary=B",
    'multipart/mixed; boundary="B"',
    'multipart/mixed; charset=x; boundary = "B "; a=b',
]


def mutate(chance, data):
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(PIECES) * chance.randint(1, 3) + data[at:]
            case 1:
                data = data[:at] + data[at + chance.randint(1, 9) :]
            case 2:
                data = data[:at] + data[: chance.randint(0, 90)] * chance.randint(1, 5) + data[at:]
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data[:20_000]


def try_one(kind, data):
    try:
        parts = parse_batch(kind, data, parts_max=100)
    except ParseError:
        return
    for part in parts:
        assert part.target.startswith(b"/")
        printed = print_answer(b"x", part.content_id, 200, [], b"")
        assert printed.count(b"\n") == (7 if part.content_id else 6), printed


def make_case(rng):
    return rng.choice(KINDS), mutate_often(rng, SEEDS, mutate)


def try_case(case):
    try_one(*case)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
