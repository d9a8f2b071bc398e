"""Mutate multipart uploads: they come apart, or are refused with ParseError, however they are cut.

python tests/fuzz/fuzz_related.py --seconds 10 [--seed N]
"""

from looping import run

from penfold.base.errors import ParseError
from penfold.proto.related import RelatedParser

PLAIN = (
    b'--b\r\nContent-Type: application/json\r\n\r\n{"a": 1}\r\n--b\r\n'
    b"Content-Type: message/rfc822\r\n\r\nTo: a@x\r\n\r\nHi\r\n--b--\r\n"
)
PACKED = (
    b"--b\nContent-Type: application/json\n\n{}\n--b\nContent-Type: message/rfc822\n"
    b"Content-Transfer-Encoding: base64\n\nQUJD\nREVG\n--b--"
)
PIECES = [b"--b", b"--b--", b"\r\n", b"\n", b"\r", b"\n\n", b"=", b"QUJD", b" ", b"--", b":", b"\0"]


def mutate(chance, body):
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(3):
            case 0:
                body = body[:at] + chance.choice(PIECES) + body[at:]
            case 1:
                body = body[:at] + body[at + chance.randint(1, 9) :]
            case _:
                body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
    return body[:4_000]


def read(body, sizes):
    """Return what a reading gives, or None when it is refused."""
    parser = RelatedParser("multipart/related; boundary=b")
    media, at = b"", 0
    try:
        for size in [*sizes, len(body)]:
            media += parser.feed(body[at : at + size])
            at += size
        media += parser.close()
    except ParseError:
        return None
    return parser.metadata, parser.media_type, media


def make_case(rng):
    body = mutate(rng, rng.choice([PLAIN, PACKED]))
    return body, [rng.randint(1, 30) for _ in range(rng.randint(0, 60))]


def try_case(case):
    body, sizes = case
    assert read(body, []) == read(body, sizes), "it matters how the body is cut"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
