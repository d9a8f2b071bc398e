"""When mail is tried again."""

from random import Random

import pytest

from penfold.domain.outgoing.retrying import find_next_attempt

NOW = 1_790_000_000_000
HOUR_MS = 3_600_000
LIFE_MS = 120 * HOUR_MS


def next_try(tries=1, *, age_ms=0, soon=False, named_s=None, chance=None):
    at_ms = find_next_attempt(
        NOW,
        created_ms=NOW - age_ms,
        tries=tries,
        soon=soon,
        chance=chance or Random(1),
        named_s=named_s,
    )
    return None if at_ms is None else (at_ms - NOW) / 1_000


@pytest.mark.parametrize(
    ("tries", "soon", "seconds"),
    [
        (0, False, 300),
        (1, False, 300),
        (2, False, 600),
        (8, False, 21_600),
        (9, False, 21_600),
        (500, False, 21_600),
        (1, True, 60),
        (2, True, 300),
        (9, True, 21_600),
    ],
)
def test_delays_grow_and_chance_moves_each_by_a_fifth_at_most(tries, soon, seconds):
    waits = [next_try(tries, soon=soon, chance=Random(seed)) for seed in range(200)]
    assert 0.8 * seconds <= min(waits) < 0.85 * seconds
    assert 1.15 * seconds < max(waits) <= 1.2 * seconds


@pytest.mark.parametrize(("named_s", "seconds"), [(0, 10), (300, 310), (21_600, 21_610)])
def test_a_server_that_names_a_time_gets_it(named_s, seconds):
    assert next_try(5, named_s=named_s) == seconds


def test_the_last_try_is_when_the_time_ends_and_there_is_none_after_it():
    assert next_try(40, age_ms=LIFE_MS - HOUR_MS) == 3_600
    assert next_try(40, age_ms=LIFE_MS - 1) == 0.001
    assert next_try(40, age_ms=LIFE_MS) is None
