"""When an email is to be sent."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.send_time import parse_send_time, parse_time

NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-28T09:30:00Z", 1_795_858_200_000),
        ("2026-11-28t09:30:00z", 1_795_858_200_000),
        ("2026-11-28 10:30:00+01:00", 1_795_858_200_000),
        ("2026-11-28T09:30:00.5Z", 1_795_858_200_500),
        ("2026-11-28T09:30:00.123456789Z", 1_795_858_200_123),
    ],
)
def test_a_time_of_rfc_3339_is_read(text, ms):
    assert parse_time(text) == ms
    assert parse_send_time(text, now_ms=NOW) == ms


@pytest.mark.parametrize(
    ("text", "s"),
    [("in 1 min", 60), ("in 10 mins", 600), ("In 2 hours", 7200), ("in 3 days", 259_200)],
)
def test_a_few_words_mean_so_much_later(text, s):
    assert parse_send_time(text, now_ms=NOW) == NOW + 1000 * s


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "in a day", "in -1 min", "2026-11-28", "2026-11-28T09:30:00", "2026-02-30T00:00:00Z",
     "2026-11-28T25:00:00Z", "0000-01-01T00:00:00Z", "2026-11-28T09:30:00+25:00", "٢026-11-28T09:30:00Z"],
)  # fmt: skip
def test_anything_else_is_no_time(text):
    with pytest.raises(ParseError):
        parse_send_time(text, now_ms=NOW)


#: Milliseconds of the years 1970 to 9999.
@given(st.integers(0, 253_402_300_799_999))
def test_a_time_that_was_printed_is_read_back(ms):
    moment = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert parse_time(f"{moment}.{ms % 1000:03}Z") == ms


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ParseError):
        assert isinstance(parse_send_time(text, now_ms=NOW), int)
