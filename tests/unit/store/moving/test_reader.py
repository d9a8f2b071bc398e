"""What a reading process makes of one message."""

import pytest

from penfold.ports.moving import Place, Skipped
from penfold.store.moving.found import Found
from penfold.store.moving.reader import read_one
from penfold.testing.mailbox import MemoryPacker

DATE_MS = 1_577_966_645_000
DATE = b"Date: Thu, 2 Jan 2020 12:04:05 +0000\r\n"
POSTMARK = b"From kim@x.example Fri Jan  3 12:04:05 2020"
POSTMARK_MS = DATE_MS + 86_400_000


def read(raw, *, postmark=b"", fallback_ms=5_000, marked=True):
    found = Found(Place(), "here", raw, fallback_ms, postmark, marked=marked)
    return read_one(found, MemoryPacker())


@pytest.mark.parametrize(
    ("own", "date", "postmark", "fallback", "expected"),
    [
        (b"", DATE, POSTMARK, 5_000, DATE_MS),
        (b"7000", DATE, POSTMARK, 5_000, 7_000),
        (b"9999999999999", DATE, POSTMARK, 5_000, DATE_MS),
        (b"", b"Date: never\r\n", POSTMARK, 5_000, POSTMARK_MS),
        (b"", b"Date: Mon, 1 Jan 1900 00:00:00 +0000\r\n", b"", 5_000, 5_000),
        (b"", b"", POSTMARK, -1, POSTMARK_MS),
        (b"", b"", b"From kim@x.example", 5_000, 5_000),
        (b"", b"", b"", -1, None),
        (b"", b"", b"", 1 << 60, None),
    ],
)
def test_the_date_is_the_first_usable_one(own, date, postmark, fallback, expected):
    raw = date + b"Subject: hello\r\n\r\ntext\r\n"
    marks = b"X-Gmail-Labels: Inbox\n"
    if own:
        marks += b"X-Penfold-Message: date=%s; octets=%d\n" % (own, len(raw))
    outcome = read(marks + raw, postmark=postmark, fallback_ms=fallback)
    assert outcome.internal_ms == expected


def test_an_empty_message_is_passed_over_and_not_lost():
    outcome = read(b"\r\n")
    assert isinstance(outcome, Skipped)
    assert not outcome.lost
