"""Counters in shared files, and the page made of them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penfold.app.monitor.metrics import Counters, load_totals, render
from penfold.spec.metrics import (
    ALL,
    COMMITS,
    CONNECTIONS,
    GROUP_SIZE,
    QUEUE,
    SMTP_MESSAGES,
    Metric,
)


@pytest.fixture
def counters(tmp_path):
    made = []

    def make(name):
        made.append(Counters(tmp_path / f"{name}.metrics"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def page_of(tmp_path, extra=None):
    """Return the samples of the page as Prometheus' own parser reads them."""
    text = render(load_totals(tmp_path), extra or {}).decode()
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_request_is_counted_by_method_and_status_and_timed(tmp_path, counters):
    one = counters("http-0")
    one.count_request("gmail.users.messages.get", 200, 0.002)
    one.count_request("gmail.users.messages.get", 404, 0.2)
    page = page_of(tmp_path)
    label = ("method", "gmail.users.messages.get")
    assert page["penfold_http_requests_total", (label, ("status", "200"))] == 1
    assert page["penfold_http_requests_total", (label, ("status", "404"))] == 1
    assert page["penfold_http_request_seconds_count", (label,)] == 2
    assert page["penfold_http_request_seconds_sum", (label,)] == pytest.approx(0.202)
    assert page["penfold_http_request_seconds_bucket", (("le", "0.0025"), label)] == 1
    assert page["penfold_http_request_seconds_bucket", (("le", "+Inf"), label)] == 2


def test_what_is_not_known_counts_as_other(tmp_path, counters):
    counters("http-0").count_request("gmail.users.nonsense", 299, 0.001)
    page = page_of(tmp_path)
    assert page["penfold_http_requests_total", (("method", "other"), ("status", "other"))] == 1


def test_processes_add_up(tmp_path, counters):
    for name in ("http-0", "http-1", "mail-0"):
        one = counters(name)
        one.add(COMMITS, 2)
        one.put(CONNECTIONS, 3)
        one.observe(GROUP_SIZE, 5)
    page = page_of(tmp_path)
    assert page["penfold_store_commits_total", ()] == 6
    assert page["penfold_http_connections", ()] == 9
    assert page["penfold_store_changes_per_commit_sum", ()] == 15


def test_a_replaced_process_goes_on_counting_and_starts_its_gauges_anew(tmp_path, counters):
    first = counters("http-0")
    first.add(COMMITS, 5)
    first.put(CONNECTIONS, 7)
    counters("http-0").add(COMMITS, 1)
    page = page_of(tmp_path)
    assert page["penfold_store_commits_total", ()] == 6
    assert page["penfold_http_connections", ()] == 0


def test_a_file_of_another_layout_is_started_anew_and_not_added(tmp_path, counters):
    (tmp_path / "http-7.metrics").write_bytes(b"x" * 80)
    assert page_of(tmp_path)["penfold_store_commits_total", ()] == 0
    counters("http-7").add(COMMITS, 1)
    assert page_of(tmp_path)["penfold_store_commits_total", ()] == 1


def test_the_queue_is_shown_beside(tmp_path):
    page = page_of(tmp_path, {QUEUE: {("captured",): 4.0}})
    assert page["penfold_queue_messages", (("state", "captured"),)] == 4


def test_of_requests_only_series_that_were_counted_are_shown(tmp_path, counters):
    counters("http-0").count_request("batch", 200, 0.001)
    names = [key for key in page_of(tmp_path) if key[0] == "penfold_http_requests_total"]
    assert names == [("penfold_http_requests_total", (("method", "batch"), ("status", "200")))]


def test_a_series_of_a_small_family_is_there_before_it_is_counted(tmp_path, counters):
    counters("mail-0").add(SMTP_MESSAGES, 1, "smtp", "accepted")
    values = [v for key, v in page_of(tmp_path).items() if key[0] == "penfold_smtp_messages_total"]
    assert sorted(values) == [0] * (len(SMTP_MESSAGES.series()) - 1) + [1]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_names_follow_prometheus_conventions(metric: Metric):
    assert metric.name.startswith("penfold_")
    assert metric.name.endswith("_total") == (metric.kind.value == "counter")
    assert metric.sentence.endswith(".")
    assert metric.advice == "" or metric.advice.endswith(".")
    assert list(metric.buckets) == sorted(metric.buckets)
