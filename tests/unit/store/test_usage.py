"""Usage tables: one writer each, every process sees the sum."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penfold.ports.usage import usage_key
from penfold.store.usage import SharedUsage, load_usage

NAMES = ["http-0", "http-1"]
KEY = usage_key("user", "1")


@pytest.fixture
def pair(tmp_path):
    tables = [SharedUsage(tmp_path, name, NAMES) for name in NAMES]
    yield tables
    for table in tables:
        table.close()


def test_processes_see_what_the_others_counted(pair, tmp_path):
    pair[0].add(KEY, 7, 5)
    pair[1].add(KEY, 7, 6)
    pair[1].add(KEY, 7, 1)
    assert [table.total(KEY, 7) for table in pair] == [12, 12]
    assert load_usage(tmp_path, KEY, 7) == 12


def test_one_process_alone_does_not_wait_for_the_others(tmp_path):
    table = SharedUsage(tmp_path, "http-0", NAMES)
    table.add(KEY, 7, 5)
    assert table.total(KEY, 7) == 5
    table.close()


def test_a_new_window_begins_with_nothing(pair):
    pair[0].add(KEY, 7, 5)
    assert pair[1].total(KEY, 8) == 0
    pair[0].add(KEY, 8, 2)
    assert pair[1].total(KEY, 8) == 2


def test_a_process_that_is_replaced_goes_on_where_it_was(pair, tmp_path):
    pair[0].add(KEY, 7, 5)
    again = SharedUsage(tmp_path, "http-0", NAMES)
    again.add(KEY, 7, 1)
    assert pair[1].total(KEY, 7) == 6
    again.close()


def test_more_keys_than_places_are_let_through_and_the_next_window_counts_them(pair):
    crowd = [KEY + n * (16_384 - 8) for n in range(10)]
    for key in crowd:
        pair[0].add(key, 7, 1)
    assert sum(pair[0].total(key, 7) for key in crowd) == 8
    for key in reversed(crowd):
        pair[0].add(key, 8, 1)
    assert pair[0].total(crowd[-1], 8) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 40), st.integers(0, 2), st.integers(1, 100)),
        max_size=50,
    )
)
def test_tables_agree_with_a_dict(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("usage")
    tables = [SharedUsage(folder, name, NAMES) for name in NAMES]
    expected, window = {}, 1
    for process, key, step, units in counts:
        window += step
        tables[process].add(key * 1000, window, units)
        expected[key, window] = expected.get((key, window), 0) + units
        assert tables[1 - process].total(key * 1000, window) == expected[key, window]
    for table in tables:
        table.close()
