"""Statistics over HTTP: counts, rates with their denominators, times; nobody else's, no test mail."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from tests.unit.front.http.sending.desk import Desk, fields

from penfold.base.limits import STATS_GROUPS_MAX
from penfold.domain.sending.findings import Findings
from penfold.domain.sending.stats import Question, find_percentile, make_stats
from penfold.ports.sending.counts import Count, find_time, name_bucket
from penfold.ports.sending.events import NewEvent
from penfold.spec.sending.stats import COUNTS, METRICS, RATES

TODAY = "2026-09-21"


@pytest.fixture
def desk():
    return Desk()


def happen(desk, number, *kinds, after_ms=0):
    for kind in kinds:
        name = f"{number} {kind} {after_ms}"
        account = desk.book.read(lambda b: b.get_email(number)).account_id
        at_ms = desk.clock.now_ms() + after_ms
        one = NewEvent(name, account, number, 0, kind, at_ms, name)
        desk.book.change(lambda w, one=one: w.add_event(one))


def ask(desk, query="", **more):
    reply = desk.ask("GET", f"/stats?{query}", **more)
    assert reply.status == 200, reply.body
    return reply.json


def test_an_answer_has_counts_and_rates_with_what_they_are_divided_by(desk):
    desk.book.change(lambda w: [w.note_provider("elsewhere.example", "google")])
    for number in (1, 2, 3, 4):
        desk.sent(tags=[{"name": "kind", "value": "welcome"}])
        happen(desk, number, "sent")
    happen(desk, 1, "delivered", after_ms=2_000)
    happen(desk, 2, "delivered", "opened", after_ms=60_000)
    happen(desk, 3, "bounced")
    happen(desk, 4, "suppressed")
    answer = ask(desk, "group_by=day,stream,domain,provider")
    assert answer["period"] == {"start": "2026-09-01", "end": TODAY}
    assert answer["denominators"]["delivery_rate"] == "accepted - suppressed"
    [one] = answer["data"]
    assert one["group"] == {
        "day": TODAY, "stream": "transactional", "domain": "penfold.test", "provider": "google",
    }  # fmt: skip
    counts = {name: count for name, count in one["counts"].items() if count}
    assert counts == {
        "accepted": 4, "sent": 4, "delivered": 2, "bounced": 1, "suppressed": 1, "opened": 1,
    }  # fmt: skip
    assert one["rates"]["delivery_rate"] == {"rate": 0.666667, "numerator": 2, "denominator": 3}
    assert one["rates"]["open_rate"] == {"rate": 0.5, "numerator": 1, "denominator": 2}
    assert one["time_to_deliver"]["p50"] == pytest.approx(2, rel=0.1)
    assert one["time_to_deliver"]["p99"] == pytest.approx(60, rel=0.1)
    [tagged] = ask(desk, "group_by=tag&metrics=delivered,click_rate")["data"]
    assert tagged["group"] == {"tag": "kind=welcome"}
    assert tagged["counts"] == {"delivered": 2}
    assert [*tagged["rates"], tagged["time_to_deliver"]] == ["click_rate", None]


def test_nobody_else_and_no_test_mail_is_in_it(desk):
    desk.sent(key=desk.make_key(owner=desk.bob))
    desk.sent(key=desk.make_key(test=True))
    assert ask(desk)["data"] == []
    [one] = ask(desk, "test=true")["data"]
    assert one["counts"]["accepted"] == 1
    assert one["rates"]["complaint_rate"] == {"rate": None, "numerator": 0, "denominator": 0}
    assert one["time_to_deliver"] == {"p50": None, "p95": None, "p99": None}


def test_mail_of_days_outside_is_not_in_it(desk):
    desk.sent()
    assert ask(desk, f"from={TODAY}&to={TODAY}")["data"] != []
    assert ask(desk, "from=2026-09-01&to=2026-09-20")["data"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("to=today", [("to", "invalid")]),
        ("from=today", [("from", "invalid")]),
        ("from=2026-09-22&to=2026-09-21", [("to", "too_long")]),
        ("group_by=day,hour", [("group_by", "invalid")]),
        ("group_by=tag,provider", [("group_by", "not_allowed")]),
        ("group_by=tag&from=2026-08-21&to=2026-09-21", [("to", "too_long")]),
        ("metrics=inbox_rate", [("metrics", "invalid")]),
        ("since=2026-09-01", [("since", "invalid")]),
    ],
)
def test_what_is_no_question_is_refused_by_the_name_of_the_parameter(desk, query, found):
    reply = desk.ask("GET", f"/stats?{query}")
    assert (reply.status, fields(reply)) == (422, found)


def test_a_month_is_told_by_tag_and_a_year_by_stream(desk):
    desk.sent(tags=[{"name": "kind", "value": "welcome"}])
    assert ask(desk, "group_by=tag&from=2026-08-22&to=2026-09-21")["data"] != []
    assert ask(desk, "group_by=stream&from=2025-09-22&to=2026-09-21")["data"] != []


def test_a_key_without_the_scope_is_refused(desk):
    assert desk.ask("GET", "/stats", key=desk.make_key(scopes=("usage:read",))).status == 401


class Counts:
    """A book with so many groups."""

    def __init__(self, groups):
        self.groups = groups

    def list_counts(self, *_, **__):
        return [Count((f"kind={n}",), "accepted", 1) for n in range(self.groups)]


def test_more_groups_than_an_answer_holds_are_refused():
    asked = Question("2026-09-01", "2026-09-02", ("tag",), METRICS)
    findings = Findings()
    made = make_stats(Counts(STATS_GROUPS_MAX), "a", asked, findings)
    assert (len(made.data), findings.errors) == (STATS_GROUPS_MAX, [])
    make_stats(Counts(STATS_GROUPS_MAX + 1), "a", asked, findings)
    assert [(one.field, one.code) for one in findings.errors] == [("group_by", "too_many")]


def test_every_rate_is_of_counts_that_are_told():
    told = {each for ratio in RATES.values() for each in (ratio.of, ratio.among, ratio.without)}
    assert told <= {*COUNTS, ""}
    assert len(set(METRICS)) == len(METRICS)


@given(st.lists(st.integers(10, 10**9), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1]))
def test_a_percentile_is_within_a_tenth_of_the_true_one(times, part):
    counts = {}
    for ms in times:
        counts[name_bucket(ms)] = counts.get(name_bucket(ms), 0) + 1
    found = find_percentile(sorted((find_time(k), n) for k, n in counts.items()), part)
    true = sorted(times)[ceil(part * len(times)) - 1] / 1000
    assert found == pytest.approx(true, rel=0.1)


def test_the_description_names_the_parameters(desk):
    paths = json.decode(desk.ask("GET", "/openapi.json").body)["paths"]
    named = [one["name"] for one in paths["/stats"]["get"]["parameters"]]
    assert named == ["from", "to", "group_by", "metrics", "test"]
