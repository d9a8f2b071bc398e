"""Dates of mail, right and wrong."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.mime.dates import format_date, parse_date_ms


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05"),
        ("2 Jan 2006 15:04 +0000", "2006-01-02T15:04:00"),
        ("Mon,2 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05"),
        ("Mon, 2 Jan 06 15:04:05 EST", "2006-01-02T20:04:05"),
        ("Mon, 2 Jan 99 15:04:05 Z", "1999-01-02T15:04:05"),
        ("Mon, 2 Jan 106 15:04:05 UT", "2006-01-02T15:04:05"),
        ("Mon, 02 Jan 2006 15:04:05 +0200 (CEST)", "2006-01-02T13:04:05"),
        ("Mon, 02 Jan 2006 (a comment) 15:04:05 +02:00", "2006-01-02T13:04:05"),
        ("Mon, 02 January 2006 15:04:05 +0000", "2006-01-02T15:04:05"),
        ("Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05"),
        ("Mon Jan  2 15:04:05 PST 2006", "2006-01-02T23:04:05"),
        ("Mon, Jan 2 15:04:05 2006 +0100", "2006-01-02T14:04:05"),
        ("2006-01-02T15:04:05Z", "2006-01-02T15:04:05"),
        ("2006-01-02 15:04:05.123 +0100", "2006-01-02T14:04:05"),
        ("2006-01-02", "2006-01-02T00:00:00"),
        ("02-Jan-2006 15:04:05", "2006-01-02T15:04:05"),
        ("Mon, 02 Jan 2006 15.04.05 +0000", "2006-01-02T15:04:05"),
        ("Fri, 31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00"),
        ("Mon, 02 Jan 2006 15:04:05", "2006-01-02T15:04:05"),
        ("Mon, 02 Jan 2006 15:04:05 -0000", "2006-01-02T15:04:05"),
        ("Thu, 01 Jan 1959 00:00:00 +0000", "1959-01-01T00:00:00"),
    ],
)
def test_date_is_read(value, iso):
    expected = datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000
    assert parse_date_ms(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "31 Feb 2006 00:00:00", "2 Foo 2006 15:04:05", "2 Jan 2006",
        "2 Jan 2006 25:00:00 +0000", "2 Jan 2006 10:60:00 +0000", "2 Jan 9999 00:00:00",
        "2 Jan 2006 10:00:00 +9900", "99999999999", "0 Jan 2006 00:00:00", "2006-13-01",
        "x" * 200 + " 2 Jan 2006 15:04:05",
    ],
)  # fmt: skip
def test_what_is_no_time_is_none(value):
    assert parse_date_ms(value) is None


def test_date_beyond_the_reach_of_ids_is_none():
    assert parse_date_ms("Sat, 26 Sep 2248 00:00:00 +0000") is not None
    assert parse_date_ms("Mon, 28 Sep 2248 00:00:00 +0000") is None


@given(st.integers(0, 2**43 - 1001), st.integers(-14 * 60, 14 * 60))
def test_date_comes_back(epoch_ms, offset):
    assert parse_date_ms(format_date(epoch_ms, offset)) == epoch_ms - epoch_ms % 1000


@given(st.text("0123456789:.-+, JanFebMon()TZ\t", max_size=60))
def test_anything_is_a_date_or_none(text):
    assert parse_date_ms(text) is None or isinstance(parse_date_ms(text), int)
