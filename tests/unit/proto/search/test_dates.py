"""Times a query can name."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.search.dates import (
    find_ago,
    find_date,
    find_epoch,
    find_pacific_day,
    pacific_midnight,
)


def epoch(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def test_midnight_is_that_of_the_zone_data_on_every_day_since_1976():
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no zone data")
    day = date(1976, 1, 1)
    while day < date(2038, 1, 1):
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        assert pacific_midnight(day) == midnight.timestamp(), day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        pytest.param("2014/01/01", epoch(2014, 1, 1, 8), id="year first, winter"),
        pytest.param("2014-7-1", epoch(2014, 7, 1, 7), id="dashes, one digit, summer"),
        pytest.param("7/1/2014", epoch(2014, 7, 1, 7), id="year last"),
        pytest.param("2014/02/30", None, id="no such day"),
        pytest.param("0000/01/01", None, id="no such year"),
        pytest.param("2014", None, id="year alone"),
        pytest.param("٢٠١٤/01/01", None, id="digits of another script"),
        pytest.param("2014/01/01x", None, id="something after"),
    ],
)
def test_plain_date_is_pacific_midnight(text, second):
    assert find_date(text) == second


def test_epoch_seconds_are_numbers_of_bounded_length():
    assert find_epoch("1388563200") == 1_388_563_200
    assert find_epoch("-1") == -1
    assert find_epoch("9" * 16) is None
    assert find_epoch("1.5") is None


@pytest.mark.parametrize(
    ("text", "second"),
    [
        pytest.param("36h", epoch(2024, 3, 30, 0), id="hours"),
        pytest.param("1d", epoch(2024, 3, 30, 12), id="day"),
        pytest.param("1m", epoch(2024, 2, 29, 12), id="month that is shorter"),
        pytest.param("13M", epoch(2023, 2, 28, 12), id="months across a year"),
        pytest.param("1y", epoch(2023, 3, 31, 12), id="year"),
        pytest.param("999999999y", 0, id="before 1970, years"),
        pytest.param("999999999d", 0, id="before 1970, days"),
        pytest.param("d", None, id="no number"),
        pytest.param("2w", None, id="weeks are not known"),
    ],
)
def test_age_counts_back_from_now(text, second):
    now_ms = epoch(2024, 3, 31, 12) * 1_000 + 999
    assert find_ago(text, now_ms=now_ms) == second


@given(st.text("0123456789/-hdmy", max_size=12), st.integers(0, 2**43))
def test_any_text_is_a_time_or_none(text, now_ms):
    for found in (find_date(text), find_epoch(text), find_ago(text, now_ms=now_ms)):
        assert found is None or isinstance(found, int)


@given(st.dates())
def test_day_is_known_by_the_second_it_begins_and_by_no_other(day):
    second = pacific_midnight(day)
    assert find_pacific_day(second) == day
    assert find_pacific_day(second + 1) is None
    assert find_pacific_day(second - 3_600) is None
    assert find_pacific_day(second + 3_600) is None


@pytest.mark.parametrize("second", [-(10**15), 10**15])
def test_no_day_begins_beyond_the_calendar(second):
    assert find_pacific_day(second) is None
