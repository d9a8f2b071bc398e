"""Throw broken mail at the scanner, the texts and the writers: `fuzz_mime.py --seconds 60`.

First every hostile case of tests/unit/proto/mime/test_hostile.py, large, against the clock: no
octet may cost more than SLOWEST_S_PER_MB allows. Then mutated mail: seeds are the messages of the
interpreter's own mail tests (where it has them) and pieces of the format; a case is a seed that was
cut, doubled, spliced and sprinkled with noise. Stops at the first failure and prints the number that
repeats it (`--seed N --seconds 1`).
"""

import importlib.util
import runpy
import sys
import time
from pathlib import Path

from looping import run

from penfold.base.limits import MIME_MAX_DEPTH, MIME_MAX_HEADERS, MIME_MAX_PARTS
from penfold.proto.mime.body import decode_body, part_ids
from penfold.proto.mime.compose import (
    header_values,
    normalize_crlf,
    prepend_headers,
    remove_headers,
    replace_header,
)
from penfold.proto.mime.scan import scan

HOSTILE = runpy.run_path(str(Path(__file__).parents[1] / "unit/proto/mime/test_hostile.py"))
#: Seconds one million octets may take; generous for a busy machine. The slowest case needs 1.
SLOWEST_S_PER_MB = 6.0
HOSTILE_SIZES = (250_000, 1_000_000)

PIECES = [
    b"\r\n", b"\n", b"\r", b"--b", b"--b--", b"--", b"Content-Type: ", b"multipart/mixed", b"; ",
    b"boundary=b", b'boundary="c"', b"message/rfc822", b"text/html", b"\r\n\r\n", b"=?utf-8?q?=E9?=",
    b"Content-Transfer-Encoding: base64\r\n", b"QUJD", b"=", b"Subject: ", b"From: a@b\r\n", b"\xff",
    b"\0", b"<p>", b"; name*0=", b"; charset=utf-16", b"Date: ", b":", b'"', b"\\", b"(", b"<", b">",
    b" ", b"\t", b",", b"@", b"Message-ID: <", b"&#", b"<!--", b"<style>", b"'", b"%E9", b"*",
]  # fmt: skip


def load_seeds():
    first = (
        b'From: "a" <a@b>\r\nSubject: =?utf-8?q?=C3=A9?=\r\nContent-Type: multipart/mixed; '
        b"boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nthree\r\n--b--\r\n"
    )
    seeds = [first]
    if spec := importlib.util.find_spec("test.test_email"):
        folder = Path(spec.origin).parent / "data"
        seeds += [path.read_bytes() for path in sorted(folder.glob("msg_*.txt"))]
    return seeds


SEEDS = load_seeds()


def make_case(rng):
    raw = rng.choice(SEEDS) if rng.random() < 0.7 else b"".join(rng.choices(PIECES, k=40))
    for _ in range(rng.randrange(8)):
        at = rng.randrange(len(raw) + 1)
        match rng.randrange(6):
            case 0:
                raw = raw[:at] + rng.randbytes(rng.randrange(4)) + raw[at:]
            case 1:
                raw = raw[:at] + raw[at + rng.randrange(40) :]
            case 2:
                other = rng.choice(SEEDS)
                raw = raw[:at] + other[rng.randrange(len(other)) :][: rng.randrange(400)] + raw[at:]
            case 3:
                raw = raw[:at] + raw[at : at + rng.randrange(12)] * rng.randrange(60) + raw[at:]
            case 4:
                raw = raw[:at]
            case _:
                raw = raw[:at] + b"".join(rng.choices(PIECES, k=rng.randrange(6))) + raw[at:]
    return raw[:60_000]


def check_tree(raw, part, depth=0):
    assert 0 <= part.start <= part.end <= len(raw)
    assert depth <= MIME_MAX_DEPTH
    assert len(part.headers) <= MIME_MAX_HEADERS
    for name, value in part.headers:
        assert name.isascii(), "name beyond ASCII"
        assert not set(value) & set("\r\n\0\u202e"), "control in a value"
    if not part.parts:
        assert part.size == len(decode_body(raw, part)), "size"
    for child in part.parts:
        assert part.start <= child.start <= child.end <= part.end, "span outside"
        check_tree(raw, child, depth + 1)


def try_case(raw):
    root, summary = HOSTILE["read_everything"](raw)
    check_tree(raw, root)
    assert len(list(part_ids(root))) <= MIME_MAX_PARTS
    for text in (summary.snippet, summary.body, summary.subject, summary.message_id):
        text.encode()
    before = scan(raw).headers
    written = scan(prepend_headers(raw, [("X-Trace", "é" * 40)])).headers
    assert written[0] == ("X-Trace", "é" * 40), "prepended field"
    assert written[1:] == before or len(before) == MIME_MAX_HEADERS, "prepending changed a field"
    assert not header_values(remove_headers(raw, ["subject"]), "Subject"), "field not removed"
    assert header_values(replace_header(raw, "Subject", "new"), "Subject") == ["new"], "replaced"
    normal = normalize_crlf(raw)
    assert normal.count(b"\r\n") == normal.count(b"\r") == normal.count(b"\n"), "line ends"
    assert [name for name, _ in scan(normal).headers] == [name for name, _ in before], "new field"


def try_hostile():
    slowest = (0.0, "")
    for name in HOSTILE["CASES"]:
        for size in HOSTILE_SIZES:
            raw = HOSTILE["make"](name, size)
            started = time.perf_counter()
            HOSTILE["read_everything"](raw)
            per_mb = (time.perf_counter() - started) / (size / 1e6)
            assert per_mb < SLOWEST_S_PER_MB, f"{name}: {per_mb:.1f} s per MB at {size} octets"
            slowest = max(slowest, (per_mb, name))
    print(f"hostile cases: slowest {slowest[0]:.2f} s per MB ({slowest[1]})")


if __name__ == "__main__":
    if "--seed" not in sys.argv:
        try_hostile()
    run(make_case, try_case, about=__doc__)
