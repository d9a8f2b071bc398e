"""Ordered faults over the pipeline: Gmail's rare errors, whole."""

import json
import re
from pathlib import Path

import pytest
from tests.unit.front.http.test_batch import part, read, send

from penfold.front.http.rehearsal import REHEARSABLE
from penfold.ports.faults import Order
from penfold.spec.schemas import Profile
from penfold.testing.faults import MemoryFaults

PAGE = Path(__file__).parents[4] / "docs" / "rehearsal.md"
USER = "/gmail/v1/users/me"
PROFILE = f"{USER}/profile"
CONSOLE = "https://console.developers.google.com"


@pytest.fixture
def faults():
    return MemoryFaults()


@pytest.fixture
def world(make_world, faults):
    return make_world({"gmail.users.getProfile": lambda call, box: Profile()}, faults=faults)


def order(faults, problem, **kwargs):
    faults.add(Order(0, problem, **{"times": 1, **kwargs}))


def error(code, status, reason, message, domain="global", **more):
    """Return the body; more: members of errors[0], and details."""
    details = more.pop("details", None)
    entry = {"message": message, "domain": domain, "reason": reason, **more}
    inner = {"code": code, "message": message, "errors": [entry], "status": status}
    return {"error": inner | ({"details": details} if details else {})}


OVERVIEW = f"{CONSOLE}/apis/api/gmail.googleapis.com/overview?project=1"
CATALOGUE = {
    "access-not-configured": error(
        403, "PERMISSION_DENIED", "accessNotConfigured",
        "Gmail API has not been used in project 1 before or it is disabled. Enable it by visiting "
        f"{OVERVIEW} then retry. If you enabled this API recently, wait a few minutes for the "
        "action to propagate to our systems and retry.",
        "usageLimits", extendedHelp=CONSOLE,
        details=[
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [
                {"description": "Google developers console API activation", "url": OVERVIEW}]},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED",
             "domain": "googleapis.com",
             "metadata": {"service": "gmail.googleapis.com", "consumer": "projects/1"}},
        ],
    ),
    "domain-policy": error(
        403, "PERMISSION_DENIED", "domainPolicy",
        "The domain administrators have disabled Gmail apps."),
    "daily-limit-exceeded": error(
        403, "PERMISSION_DENIED", "dailyLimitExceeded", "Daily Limit Exceeded", "usageLimits"),
    "user-rate-limit-exceeded": error(
        403, "PERMISSION_DENIED", "userRateLimitExceeded", "User Rate Limit Exceeded",
        "usageLimits"),
    "rate-limit-exceeded": error(
        429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits"),
    "resource-exhausted": error(
        429, "RESOURCE_EXHAUSTED", "rateLimitExceeded",
        "Resource has been exhausted (e.g. check quota)."),
    "concurrent-requests-exceeded": error(
        429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Too many concurrent requests for user"),
    "user-rate-limit-retry-after": error(
        429, "RESOURCE_EXHAUSTED", "rateLimitExceeded",
        "User-rate limit exceeded.  Retry after UNTIL"),
    "sending-limit-retry-after": error(
        429, "RESOURCE_EXHAUSTED", "rateLimitExceeded",
        "User-rate limit exceeded.  Retry after UNTIL (Mail sending)"),
    "condition-not-met": error(
        412, "FAILED_PRECONDITION", "conditionNotMet", "Precondition Failed"),
    "backend-error": error(500, "INTERNAL", "backendError", "Backend Error"),
    "internal": error(500, "INTERNAL", "backendError", "Internal error encountered."),
    "unavailable": error(
        503, "UNAVAILABLE", "backendError", "The service is currently unavailable."),
    "deadline-exceeded": error(
        504, "DEADLINE_EXCEEDED", "backendError",
        "Deadline expired before operation could complete."),
}  # fmt: skip


@pytest.mark.parametrize("problem", CATALOGUE)
def test_an_ordered_error_is_gmails_in_every_member(world, faults, problem):
    order(faults, problem)
    reply = world.get(PROFILE)
    expected = json.dumps(CATALOGUE[problem], indent=2) + "\n"
    # Fifteen minutes from the time that stands still in these tests.
    assert reply.body.decode() == expected.replace("UNTIL", "2026-09-21T14:28:20.000Z")
    assert reply.status == CATALOGUE[problem]["error"]["code"]
    assert world.facts[-1].reason == CATALOGUE[problem]["error"]["errors"][0]["reason"]
    assert world.get(PROFILE).status == 200


def test_a_bad_gateway_is_a_page(world, faults):
    order(faults, "bad-gateway")
    reply = world.get(PROFILE)
    assert (reply.status, reply.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert b"Error 502 (Server Error)!!1" in reply.body


def test_an_ordered_401_challenges_as_a_real_one(world, faults):
    order(faults, "invalid-credentials")
    rehearsed, real = world.get(PROFILE), world.get(PROFILE, token="revoked")
    assert rehearsed.body == real.body
    assert rehearsed.headers["www-authenticate"] == real.headers["www-authenticate"]


@pytest.mark.parametrize("problem", REHEARSABLE)
def test_everything_that_can_be_ordered_can_be_answered(world, faults, problem):
    order(faults, problem)
    reply = world.get(PROFILE)
    assert reply.status == REHEARSABLE[problem].code
    assert b"{" not in reply.body or "{" not in reply.error["message"]


def test_checks_of_the_caller_come_first_and_nothing_is_done(world, faults):
    order(faults, "backend-error", times=0)
    assert world.get(PROFILE, token=None).status == 401
    assert world.get(f"{PROFILE}?x=1").status == 400
    assert world.get(PROFILE, token="send").status == 403
    assert world.get("/gmail/v1/users/bob%40penfold.test/profile").status == 403
    assert world.get(PROFILE).status == 500


def test_only_the_named_method_and_account_are_hit(world, faults):
    order(faults, "backend-error", method="gmail.users.messages.list", times=0)
    order(faults, "unavailable", account="bob@penfold.test", times=0)
    assert world.get(PROFILE).status == 200
    assert world.get(f"{USER}/messages").status == 500


def test_oddity_23_parts_of_a_batch_fail_alone_with_429(world, faults):
    order(faults, "concurrent-requests-exceeded", times=2, after=1)
    found = read(send(world, *[part(f"GET {PROFILE}")] * 4))
    assert [status for _, status, _, _ in found] == [200, 429, 429, 200]
    told = json.loads(found[1][3])["error"]
    assert told["message"] == "Too many concurrent requests for user"


def test_the_page_about_it_names_errors_that_can_be_ordered():
    text = PAGE.read_text()
    table = text[text.index("| problem | answer |") :]
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    assert named >= {"bad-gateway", "invalid-credentials"}
    assert named <= REHEARSABLE.keys()
