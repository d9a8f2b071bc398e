"""Calls that come too often, in Google's words."""

import pytest
from tests.unit.identity import make_throttle

from penfold.base.clock import FixedClock
from penfold.spec.schemas import Profile

PROFILE = "/gmail/v1/users/me/profile"


def make(make_world, *choices):
    throttle = make_throttle(FixedClock(), choices)
    handlers = {"gmail.users.getProfile": lambda _call, _box: Profile(history_id=7)}
    return make_world(handlers, throttle=throttle)


def test_a_user_above_the_limit_gets_gmails_429_and_when_to_come_back(make_world):
    world = make(make_world, "api-account=2/1m")
    assert [world.get(PROFILE).status for _ in range(2)] == [200, 200]
    reply = world.get(PROFILE)
    assert reply.status == 429
    assert reply.headers["retry-after"] == "30"
    assert reply.error["errors"][0]["reason"] == "rateLimitExceeded"
    assert reply.error["status"] == "RESOURCE_EXHAUSTED"
    until = world.facts and reply.error["message"].removeprefix(
        "User-rate limit exceeded.  Retry after "
    )
    assert until.endswith("Z")
    assert len(until) == len("2026-09-01T00:00:00.000Z")
    assert world.facts[-1].reason == "rateLimitExceeded"


def test_an_application_above_the_limit_gets_429(make_world):
    world = make(make_world, "api-client=1/1m")
    assert world.get(PROFILE).status == 200
    reply = world.get(PROFILE)
    assert (reply.status, reply.error["message"]) == (429, "Rate Limit Exceeded")
    assert reply.error["errors"][0]["domain"] == "usageLimits"


@pytest.mark.parametrize("token", [None, "nobodys"])
def test_refused_tokens_are_counted_by_network_and_a_good_one_is_served_anyway(make_world, token):
    world = make(make_world, "api-network=2/1m")
    assert [world.get(PROFILE, token=token).status for _ in range(3)] == [401, 401, 429]
    assert world.get(PROFILE).status == 200
