"""Units per minute and calls in flight: what is granted, what is refused, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.clock import FixedClock
from penfold.domain.quota import MINUTE_MS, Quota, QuotaLimits, user_of
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.spec.problems import CONCURRENT_REQUESTS_EXCEEDED, QUOTA_EXCEEDED, ProblemError
from penfold.spec.quotas import GOOGLE_2023, GOOGLE_2026, TABLES
from penfold.spec.registry import BY_ID, REGISTRY
from penfold.testing.usage import MemoryUsage

GET = BY_ID["gmail.users.messages.get"]


def person(number, project="42"):
    account = Account(f"m{number}", f"p{number}@penfold.test", "", 0)
    return Credential(account, frozenset(), "app", project)


class Desk:
    def __init__(self, table=GOOGLE_2026, *, user=100, project=1_000, in_flight=2):
        self.clock, self.book = FixedClock(), MemoryUsage()
        self.spent, self.refused = [], []
        limits = QuotaLimits(table, user, project, in_flight)
        self.quota = Quota(
            limits, self.book, self.clock, spent=self.spent.append, refused=self.refused.append
        )

    def charge(self, who, **kwargs):
        self.quota.charge(GET, who, **kwargs)

    def refusal(self, who):
        with pytest.raises(ProblemError) as caught:
            self.charge(who)
        assert caught.value.problem is QUOTA_EXCEEDED
        return caught.value.text


def test_a_user_gets_so_much_a_minute_and_the_next_minute_again():
    desk = Desk(user=45)
    for _ in range(2):
        desk.charge(person(1))
        desk.charge(person(1))
        assert desk.refusal(person(1)) == (
            "Quota exceeded for quota metric 'Total Query Cost' and limit "
            "'Units per minute per user' of service 'gmail.googleapis.com' for consumer "
            "'project_number:42'."
        )
        desk.clock.advance(ms=MINUTE_MS)
    assert (desk.spent, desk.refused) == ([20] * 4, ["user"] * 2)


def test_the_older_table_has_other_prices_and_words():
    desk = Desk(GOOGLE_2023, user=9)
    desk.charge(person(1))
    assert "'Queries' and limit 'Queries per minute per user'" in desk.refusal(person(1))
    assert desk.spent == [5]


def test_users_share_what_their_project_has():
    desk = Desk(project=45)
    desk.charge(person(1))
    desk.charge(person(2))
    assert "limit 'Units per minute' of" in desk.refusal(person(3))
    desk.charge(person(3, project="43"))
    assert desk.refused == ["project"]


def test_a_call_that_is_refused_costs_nothing():
    desk = Desk(user=30)
    desk.charge(person(1))
    for _ in range(5):
        desk.refusal(person(1))
    desk.quota.charge(BY_ID["gmail.users.labels.list"], person(1))
    assert desk.spent == [20, 1]


def test_a_named_quota_user_is_charged_in_place_of_the_account():
    desk = Desk(user=20)
    desk.charge(person(1), quota_user="somebody")
    desk.charge(person(1))
    desk.refusal(person(1))


def test_so_many_calls_of_one_user_run_at_a_time():
    desk = Desk(in_flight=2)
    hold = desk.quota.hold
    with hold("m1"), hold("m1"), hold("m2"), pytest.raises(ProblemError) as caught, hold("m1"):
        pass
    assert caught.value.problem is CONCURRENT_REQUESTS_EXCEEDED
    with desk.quota.hold("m1"), desk.quota.hold("m1"):
        pass
    assert desk.refused == ["in_flight"]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_call_has_its_price(table):
    assert all(table.cost(method) > 0 for method in REGISTRY)


calls = st.tuples(st.integers(0, 2), st.sampled_from(REGISTRY), st.integers(0, 20_000))


@given(st.lists(calls, max_size=60))
def test_no_minute_ever_grants_more_than_its_limit(calls):
    desk = Desk(user=120, project=200)
    granted = {}
    for number, method, ms in calls:
        desk.clock.advance(ms=ms)
        minute = desk.clock.now_ms() // MINUTE_MS
        try:
            desk.quota.charge(method, person(number))
        except ProblemError:
            continue
        granted.setdefault(minute, []).append((number, GOOGLE_2026.cost(method)))
    for minute in granted.values():
        assert sum(units for _, units in minute) <= 200
        for who in range(3):
            assert sum(units for number, units in minute if number == who) <= 120


def test_a_key_is_the_same_in_every_process_and_another_for_another_user():
    assert user_of(person(1), "") == 3697743911687481463
    keys = {user_of(person(1), ""), user_of(person(1), "x"), user_of(person(2), "")}
    assert len(keys) == 3
