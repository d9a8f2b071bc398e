"""MTA-STS policies are fetched when they are new and hold for their time."""

import asyncio

import pytest

from penfold.base.clock import FixedClock
from penfold.base.limits import STS_KEPT_MAX, STS_RETRY_S
from penfold.front.worker.policies import KeptPolicies
from penfold.ports.mta_sts import PolicyError, StsFailure
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mta_sts import Mode, Policy

AGE_S = 86_400
FIRST = Policy(Mode.ENFORCE, AGE_S, ("mx1.box.example",))
SECOND = Policy(Mode.TESTING, AGE_S, ("mx2.box.example",))


class World:
    """The record's id, "" when there is none, and the policy that is fetched, None when it fails."""

    def __init__(self, policy_id="1", policy=FIRST):
        self.policy_id, self.policy = policy_id, policy
        self.fetched, self.failed = [], []
        self.clock = FixedClock()
        self.policies = KeptPolicies(
            self, self, self.clock, failed=lambda domain, error: self.failed.append(domain)
        )

    async def run(self, check, *, within_s=None):
        assert within_s
        return run_check(check, self._answer)

    def _answer(self, question):
        if not self.policy_id:
            return Answer(Status.NOTHING)
        return Answer(Status.FOUND, (f"v=STSv1; id={self.policy_id}".encode(),))

    async def fetch_policy(self, domain):
        self.fetched.append(domain)
        await asyncio.sleep(0)
        if self.policy is None:
            raise PolicyError("no", StsFailure.FETCH)
        return self.policy

    def find(self, *domains):
        async def run():
            found = (self.policies.find(domain) for domain in domains or ("box.example",))
            return await asyncio.gather(*found)

        return asyncio.run(run())


def test_a_policy_is_fetched_once_while_its_id_stays():
    world = World()
    assert [world.find(), world.find()] == [[FIRST], [FIRST]]
    assert world.fetched == ["box.example"]


def test_who_comes_while_it_is_fetched_waits_for_it():
    world = World()
    assert world.find("box.example", "box.example", "other.example") == [FIRST] * 3
    assert sorted(world.fetched) == ["box.example", "other.example"]


def test_a_new_id_has_it_fetched_anew():
    world = World()
    world.find()
    world.policy_id, world.policy = "2", SECOND
    assert world.find() == [SECOND]


@pytest.mark.parametrize("policy_id", ["", "2"], ids=["record gone", "not to be fetched"])
def test_a_policy_holds_for_its_time_whatever_happens_to_record_and_file(policy_id):
    world = World()
    world.find()
    world.policy_id, world.policy = policy_id, None
    world.clock.advance(s=AGE_S - 1)
    assert world.find() == [FIRST]
    world.clock.advance(s=1)
    assert world.find() == [None]


def test_one_that_cannot_be_fetched_is_not_asked_for_again_at_once():
    world = World(policy=None)
    assert [world.find(), world.find()] == [[None], [None]]
    assert (world.fetched, world.failed) == (["box.example"], ["box.example"])
    world.clock.advance(s=STS_RETRY_S)
    world.policy = FIRST
    assert world.find() == [FIRST]


def test_a_domain_without_record_or_name_has_no_policy():
    world = World(policy_id="")
    assert world.find("box.example", "[192.0.2.1]") == [None, None]
    assert world.fetched == []


def test_what_is_kept_is_bounded():
    world = World()
    world.find(*(f"d{n}.example" for n in range(STS_KEPT_MAX + 2)))
    assert len(world.policies._kept) == STS_KEPT_MAX
