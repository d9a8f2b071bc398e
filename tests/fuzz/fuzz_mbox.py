"""Throw broken mailbox files at the splitter: `fuzz_mbox.py --seconds 60`.

How the octets come must make no difference, no octet may be lost between two entries, and what is
written must be read back. Stops at the first failure and prints the number that repeats it
(`--seed N --seconds 1`). A case that takes longer than SLOWEST_S is a failure.
"""

import time

from looping import run

from penfold.proto.mailfolders import folder_name, label_of, read_letters, read_status
from penfold.proto.mbox import Entry, Oversize, Splitter, format_entry, parse_postmark_ms, unquote
from penfold.proto.takeout import format_marks, parse_labels, take_marks

MARK = b"From 12@xxx Thu Mar 21 12:44:28 +0000 2019"
PIECES = [
    MARK, b"From ", b">From x", b">>", b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\0", b"\xff", b",", b'"', b'""',
    b"X-GM-THRID: 1234", b"X-Gmail-Labels: ", b"Inbox", b"=?UTF-8?Q?Caf=C3=A9,?=", b"=?", b"?=",
    b"X-Penfold-Message: date=5; octets=7", b"Content-Length: 5", b"Content-Length: ", b"Status: RO",
    b"X-Mozilla-Status: 0009", b"Subject: x", b"text", b"&APw-", b"&",
]  # fmt: skip
#: Seconds one case of MAX_BYTES may take; generous for a busy machine.
SLOWEST_S = 1.0
MAX_BYTES = 50_000


def make_case(rng):
    data = b"".join(rng.choices(PIECES, k=rng.randrange(1, 60)))
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + data[at : at + rng.randrange(40)] * rng.randrange(100) + data[at:]
    return (MARK + b"\n" if rng.random() < 0.8 else b"") + data[:MAX_BYTES], rng


def split(data, step, limit):
    splitter = Splitter(limit=limit)
    found = []
    for at in range(0, len(data), step):
        found.extend(splitter.feed(data[at : at + step]))
    return [*found, *splitter.finish()]


def try_case(case):
    data, rng = case
    started = time.perf_counter()
    limit = rng.choice((20, 500, 1_000_000))
    whole = split(data, len(data) or 1, limit)
    assert whole == split(data, rng.randrange(len(data) // 50 + 1, len(data) + 2), limit)
    assert [each.end for each in whole[:-1]] == [each.offset for each in whole[1:]]
    for each in whole:
        if isinstance(each, Oversize):
            continue
        parse_postmark_ms(each.postmark)
        _, rest = take_marks(unquote(each.raw, rng.choice(("mboxrd", "mboxo", "mboxcl2"))))
        assert len(rest) <= len(each.raw)
        read_status(rest)
        parse_labels(rest)
        text = rest[:200].decode("latin_1")
        label_of(folder_name(text))
        read_letters(text)
    assert time.perf_counter() - started < SLOWEST_S, "too slow"
    raws = [data[at : at + 99] for at in range(0, min(len(data), 2_000), 99)]
    assert read_back(write(raws)) == raws, "does not come back"


def write(raws):
    file = b""
    for raw in raws:
        fields = format_marks(frozenset({3}), [], thread_id=1, internal_ms=2, octets=len(raw))
        file += format_entry(fields + raw, sender="1@xxx", date_ms=1_553_172_268_000)
    return file


def read_back(data):
    entries = split(data, len(data), 1_000_000)
    assert all(isinstance(each, Entry) for each in entries)
    return [take_marks(unquote(each.raw) if each.quoted else each.raw)[1] for each in entries]


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
