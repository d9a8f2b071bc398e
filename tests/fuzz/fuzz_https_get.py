"""Break the reader of HTTP answers: what web servers of strangers send for a policy.

python tests/fuzz/fuzz_https_get.py --seconds 10 [--seed N]
"""

import contextlib
import time

import httptools
from looping import make_mutation, mutate_often, run

from penfold.net.https_get import ReplyReader

BODY = b"version: STSv1\r\nmode: none\r\nmax_age: 1\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ANSWERS = [
    HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"\r\n" + BODY,
]
PIECES = [b"\r\n", b"\r\n\r\n", b"Content-Length: 9\r\n", b"HTTP/1.1 101 X\r\n", b"\0", b"ffffffff\r\n", b"Transfer-Encoding: chunked\r\n"]  # fmt: skip
BODY_MAX = 1_000
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 1.0


mutate = make_mutation(PIECES)


def make_case(rng):
    data = mutate_often(rng, ANSWERS, mutate)
    size = rng.choice((1, 7, 100, 20_000))
    return [data[at : at + size] for at in range(0, len(data), size)]


def try_case(pieces):
    started = time.process_time()
    reader = ReplyReader(BODY_MAX)
    with contextlib.suppress(httptools.HttpParserError):
        for piece in pieces:
            reader.feed(piece)
    reader.end()
    assert len(reader.body) <= BODY_MAX + max(map(len, pieces), default=0)
    assert not reader.done or reader.status >= 200
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
