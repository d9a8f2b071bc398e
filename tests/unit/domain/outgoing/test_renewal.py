"""When a certificate is asked for."""

import random

import pytest

from penfold.base.limits import ACME_RESTART_WAIT_S
from penfold.domain.outgoing.renewal import (
    Demand,
    Plan,
    find_plan,
    list_names,
    plan_renewal,
    plan_retry,
    shorten_wait,
)

DEMAND = Demand("https://acme.example/dir", ("mail.example.com",), "http-01")
OTHER = Demand("https://acme.example/dir", ("mail.example.com", "mta-sts.example.com"), "http-01")
DAY_MS = 86_400_000
NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("known", "certified", "asks_at"),
    [
        pytest.param(None, False, 0, id="never-asked"),
        pytest.param(Plan(DEMAND, 5), True, 5, id="renewal"),
        pytest.param(Plan(OTHER, 5), True, 0, id="another-demand"),
        pytest.param(Plan(DEMAND, 5), False, 0, id="certificate-lost"),
        pytest.param(Plan(DEMAND, 5, failures=1), False, 5, id="failed"),
        pytest.param(Plan(OTHER, 5, failures=1), False, 0, id="mended-settings"),
    ],
)
def test_it_is_asked_at_once_unless_the_plan_is_for_the_same(known, certified, asks_at):
    found = find_plan(known, DEMAND, certified=certified)
    assert (found.demand, found.next_ms) == (DEMAND, asks_at)


@pytest.mark.parametrize("days", [6, 90, 397])
def test_a_certificate_is_renewed_after_two_thirds_of_its_life_not_all_at_once(days):
    dates = {
        plan_renewal(
            Plan(DEMAND, failures=3, problem="x"),
            begins_ms=NOW,
            expires_ms=NOW + days * DAY_MS,
            chance=random.Random(seed),
        )
        for seed in range(50)
    }
    shares = [(plan.next_ms - NOW) / (days * DAY_MS) for plan in dates]
    assert 0.666 < min(shares) < 0.675
    assert 0.68 < max(shares) < 0.70
    assert {(plan.failures, plan.problem) for plan in dates} == {(0, "")}


def test_failures_are_waited_for_longer_and_longer_up_to_a_day():
    plan, waits = Plan(DEMAND), []
    for _ in range(12):
        plan = plan_retry(plan, "refused", wait_s=0.0, now_ms=NOW)
        waits.append((plan.next_ms - NOW) // 1000)
    assert waits[:5] == [300, 600, 1_200, 2_400, 4_800]
    assert waits[-1] == 86_400
    # Let's Encrypt counts failed validations: five an hour.
    assert sum(sum(waits[:n]) < 3_600 for n in range(12)) <= 5
    assert (plan.failures, plan.problem) == (12, "refused")


def test_a_server_that_asks_for_more_time_gets_it():
    plan = plan_retry(Plan(DEMAND), "rateLimited", wait_s=7_200.0, now_ms=NOW)
    assert plan.next_ms == NOW + 7_200_000
    assert shorten_wait(plan, now_ms=NOW) == plan


def test_a_start_shortens_the_wait_after_failures_but_not_to_nothing():
    plan = Plan(DEMAND, NOW + DAY_MS, failures=9)
    soon = NOW + round(1000 * ACME_RESTART_WAIT_S)
    assert shorten_wait(plan, now_ms=NOW).next_ms == soon
    assert shorten_wait(Plan(DEMAND, NOW + 1, failures=1), now_ms=NOW).next_ms == NOW + 1
    assert shorten_wait(Plan(DEMAND, NOW + DAY_MS), now_ms=NOW).next_ms == NOW + DAY_MS


def test_the_names_are_the_hosts_own_and_those_of_policies_if_asked_for():
    domains = ["example.com", "example.org", "example.com"]
    assert list_names("mail.example.com", domains, mta_sts=False) == ("mail.example.com",)
    assert list_names("mail.example.com", domains, mta_sts=True) == (
        "mail.example.com",
        "mta-sts.example.com",
        "mta-sts.example.org",
    )
