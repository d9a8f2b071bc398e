"""The table of limits: what may be written, what is in force, what the page says."""

from pathlib import Path

import pytest

from penfold.base.errors import ParseError
from penfold.spec.rates import LIMITS, find_rates, parse_rates

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"


def test_local_mode_has_no_limit_that_was_not_asked_for():
    assert find_rates((), production=False) == {}
    assert find_rates(("api-account=5/1m",), production=False) == {"api-account": (5, 60)}


def test_production_mode_has_the_table_with_the_choices_in_their_place():
    rates = find_rates(("api-account=5/2h", "token-client=off"), production=True)
    assert rates["api-account"] == (5, 7_200)
    assert "token-client" not in rates
    assert len(rates) == len(LIMITS) - 1
    assert find_rates(("off",), production=True) == {}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("sign-in=1/1m", "none of the limits"),
        ("api-account=1", "is not NAME=COUNT/PERIOD"),
        ("api-account=0/1m", "must be from 1"),
        ("api-account=1/8d", "must be from 1"),
        ("api-account=1/1m,api-account=2/1m", "each limit once"),
        ("off,api-account=1/1m", "is not NAME=COUNT/PERIOD"),
        (["api-account=1/1m", 7], "must be a list"),
        (7, "must be a list"),
    ],
)
def test_what_makes_no_sense_is_told(value, complaint):
    with pytest.raises(ParseError, match=complaint):
        parse_rates(value)


def test_the_page_has_every_limit_with_its_figures():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{each.name}` | {each.counts} | {each.per.value} | {each.count:,} in "
        f"{_duration(each.period_s)} | {each.answer} |"
        for each in LIMITS
    ]


def _duration(seconds):
    minutes = seconds // 60
    return "a minute" if minutes == 1 else "an hour" if minutes == 60 else f"{minutes} minutes"
