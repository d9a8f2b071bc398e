"""Durations of proto3 JSON."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.proto.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0s", 0), ("10s", 10_000), ("3.5s", 3_500), ("1.000340012s", 1_000), ("0.1s", 100)],
)
def test_duration_is_read_in_milliseconds(text, ms):
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text", ["", "s", "1", "-1s", "1.s", ".5s", "1s ", "1m", "1e3s", "\u0661s", "315576000001s"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ParseError):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=315_576_000_000_000))
def test_every_duration_reads_back(ms):
    assert parse_duration(format_duration(ms)) == ms


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ParseError):
        assert parse_duration(text) >= 0
