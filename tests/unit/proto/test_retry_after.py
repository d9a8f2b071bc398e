"""Retry-After: seconds or a date, and nothing a peer writes raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.retry_after import parse_retry_after

NOW_S = 1_800_000_000  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
        ("Friday, 15-Jan-27 08:01:00 GMT", 60),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("9999999999", None),
        ("١٢", None),
        ("Fri, 99 Jan 2027 08:01:00 GMT", None),
        ("Fri, 15 Jan 0000 08:01:00 GMT", 0),
        ("1 " * 5_000, None),
    ],
)
def test_wait_is_read(text, wait):
    assert parse_retry_after(text, now_s=NOW_S) == wait


@given(st.text(max_size=80) | st.text("0123456789 :,-+GMTJanFri", max_size=50))
def test_anything_is_a_wait_or_nothing(text):
    wait = parse_retry_after(text, now_s=NOW_S)
    assert wait is None or wait >= 0
