"""Two looks at counters become rates, quantiles and levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.domain.vitals import Process, Sample, Slow, compare, find_quantile
from penfold.spec import metrics as m
from penfold.spec.metrics import METRICS

API = "gmail.users"
LEVELS = {
    m.QUEUE.name: dict.fromkeys(m.QUEUE.series(), 0.0),
    m.QUEUE_OLDEST.name: {(): 7_200.0},
    m.DISK_FREE.name: {(): 5e9},
    m.DISK_SIZE.name: {(): 1e10},
    m.STARTED.name: {(): 1_000.0},
    m.BUILD.name: {("9.9", "3.11"): 1.0},
}


def sample(at_ms, changes=(), **more):
    """Return a look in which all is 0 but what is named: (metric, labels, numbers)."""
    series = {x.name: {labels: [0.0] * x.width for labels in x.series()} for x in METRICS}
    for metric, labels, numbers in changes:
        series[metric.name][labels] = numbers
    return Sample(at_ms, series, LEVELS, **more)


def histogram(metric, *values):
    numbers = [0.0] * metric.width
    for value in values:
        place = next((n for n, b in enumerate(metric.buckets) if value <= b), len(metric.buckets))
        numbers[place] += 1
        numbers[-1] += value
    return numbers


def test_rates_are_what_was_added_per_second():
    get = f"{API}.messages.get"
    times = histogram(m.REQUEST_SECONDS, *[0.002] * 19, 0.3)
    after = sample(
        1_010_000,
        [
            (m.REQUESTS, (get, "200"), [18.0]),
            (m.REQUESTS, (get, "503"), [2.0]),
            (m.REQUESTS, ("oauth", "401"), [10.0]),
            (m.REQUEST_SECONDS, (get,), times),
            (m.SMTP_MESSAGES, ("smtp", "accepted"), [5.0]),
            (m.DELIVERY_TRIES, ("accepted",), [1.0]),
            (m.DELIVERY_TRIES, ("greylisted",), [2.0]),
            (m.DELIVERY_TRIES, ("invalid_recipient",), [3.0]),
            (m.TROUBLE, ("fatal",), [1.0]),
        ],
    )
    seen = compare(sample(1_000_000), after)
    assert (seen.over_s, seen.up_s, seen.version) == (10, 10, "9.9")
    assert seen.api.per_s == 2
    assert seen.api.p50_ms == pytest.approx(1.789, abs=0.001)
    assert seen.errors_per_s == 0.2
    assert seen.refusals_per_s == 1
    assert list(seen.methods) == [get, "oauth"]
    assert seen.smtp_outcomes == {"accepted": 0.5}
    tried = (seen.delivered_per_s, seen.put_off_per_s, seen.failed_per_s)
    assert tried == pytest.approx((0.1, 0.2, 0.3))
    assert seen.troubles == {"fatal": 1}


def test_nothing_happened_has_rates_of_zero_and_no_quantiles():
    seen = compare(sample(0), sample(2_000))
    assert (seen.api.per_s, seen.api.p50_ms, seen.api.p95_ms) == (0, None, None)
    assert seen.methods == {}


def test_a_server_that_was_started_anew_counts_from_zero():
    before = sample(0, [(m.SMTP_BYTES, ("smtp",), [500.0])])
    after = sample(1_000, [(m.SMTP_BYTES, ("smtp",), [20.0])])
    assert compare(before, after).smtp_bytes_per_s == 20


def test_two_looks_at_the_same_moment_divide_by_nothing():
    assert compare(sample(5), sample(5)).over_s > 0


def test_a_process_has_the_share_of_the_processor_it_used_meanwhile():
    before = sample(0, processes=(Process("http-0", 1.0, 10.0, 5.0),))
    after = sample(
        2_000,
        processes=(Process("http-0", 2.0, 11.0, 6.0), Process("http-1", 2.0, 1.0, 6.0)),
        slow=(Slow(1, "batch", 200, 700.0),),
    )
    seen = compare(before, after)
    assert [(each.name, each.cpu) for each in seen.processes] == [("http-0", 0.5), ("http-1", 0.5)]
    assert seen.slow == after.slow


@given(st.lists(st.floats(0, 20), min_size=1), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_value_of_its_rank(values, share):
    *counts, _ = histogram(m.REQUEST_SECONDS, *values)
    found = find_quantile(share, m.LATENCY_BUCKETS, counts)
    ranked = sorted(values)
    exact = ranked[max(0, -int(-share * len(values) // 1) - 1)]
    above = next((b for b in m.LATENCY_BUCKETS if exact <= b), m.LATENCY_BUCKETS[-1])
    below = max((b for b in m.LATENCY_BUCKETS if b < min(exact, 10.0)), default=0.0)
    assert below <= found * (1 + 1e-9)
    assert found <= above * (1 + 1e-9)


def test_a_quantile_of_nothing_is_none():
    assert find_quantile(0.5, (1.0, 2.0), [0, 0, 0]) is None
