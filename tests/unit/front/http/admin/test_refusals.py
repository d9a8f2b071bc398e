"""Every method of the administration API refuses who must not call it, asked from the registry."""

import re

import msgspec
import pytest
from tests.unit.front.http.admin.world import NARROW, WIDE, AdminWorld

from penfold.ports.identity import AccessToken, Grant
from penfold.proto.oauth import digest
from penfold.spec.admin.registry import REGISTRY

EVERY = pytest.mark.parametrize("method", REGISTRY, ids=lambda method: method.id)
READS = [method for method in REGISTRY if not method.changes]
CHANGES = [method for method in REGISTRY if method.changes]


@pytest.fixture(scope="module")
def world():
    world = AdminWorld()
    world.tokens["gmail"] = world.book.seed_token(world.people["root"])
    world.tokens["narrow"] = world.book.seed_token(world.people["root"], NARROW)
    return world


def ask(world, method, token):
    path = re.sub(r"\{userKey\}", "kim@penfold.test", method.path)
    path = "/" + re.sub(r"\{\w+\}", "x", path)
    before = len(world.book.list_audit(most=999))
    status, answer = world.ask(method.verb, path, {} if method.request else None, token=token)
    new = world.book.list_audit(most=999)[: len(world.book.list_audit(most=999)) - before]
    if status in (401, 403):
        told = {shown.entry.action for shown in new}
        assert told <= ({"deny"} if status == 403 else set()), "refused, and yet it did something"
    return status, answer["error"]["errors"][0]["reason"] if answer and "error" in answer else ""


@EVERY
def test_without_a_credential(world, method):
    assert ask(world, method, "") == (401, "required")


@EVERY
def test_with_a_credential_that_is_none(world, method):
    assert ask(world, method, "ya29.made-up") == (401, "authError")


@EVERY
def test_with_all_of_gmail_and_no_scope_of_ours(world, method):
    assert ask(world, method, world.tokens["gmail"]) == (403, "insufficientPermissions")


@EVERY
def test_a_user_with_the_scope(world, method):
    assert ask(world, method, world.tokens["kim"]) == (403, "forbidden")


@pytest.mark.parametrize("method", CHANGES, ids=lambda method: method.id)
def test_an_auditor_changes_nothing(world, method):
    assert ask(world, method, world.tokens["reader"]) == (403, "forbidden")


@pytest.mark.parametrize("method", CHANGES, ids=lambda method: method.id)
def test_an_admin_with_the_narrow_scope_changes_nothing(world, method):
    assert ask(world, method, world.tokens["narrow"]) == (403, "insufficientPermissions")


@pytest.mark.parametrize("method", READS, ids=lambda method: method.id)
@pytest.mark.parametrize("who", ["reader", "narrow"])
def test_reading_is_for_auditors_and_the_narrow_scope_too(world, method, who):
    assert ask(world, method, world.tokens[who])[0] in (200, 404)


@EVERY
@pytest.mark.parametrize("how", ["suspended", "revoked", "demoted"])
def test_an_admin_who_was_shut_out_since(method, how):
    world = AdminWorld()
    root = world.people["root"]
    if how == "suspended":
        world.identity.accounts.set_suspended(root.address, suspended=True)
    elif how == "demoted":
        world.identity.roles.set(root, "user")
    else:
        [grant] = world.book.list_by(Grant, account_id=root.id)
        world.book.change(lambda writer: writer.delete(Grant, grant.id))
    expected = (403, "forbidden") if how == "demoted" else (401, "authError")
    assert ask(world, method, world.tokens["root"]) == expected


def test_a_suspension_counts_although_the_token_is_still_remembered():
    world = AdminWorld()
    find, root = world.book.find_credential, world.people["root"]
    remembered = find(world.tokens["root"])
    world.api._authenticator = type("Old", (), {"find_credential": lambda _, __: remembered})()
    world.book.change(lambda w: w.replace(msgspec.structs.replace(root, suspended=True)))
    assert world.ask("GET", "/admin/v1/users")[0] == 403


@pytest.mark.parametrize(("scopes", "status"), [(frozenset(), 403), (WIDE, 200)])
def test_a_service_account_administers_only_when_the_scope_was_delegated_by_name(scopes, status):
    world = AdminWorld()
    clients = world.identity.clients
    service = clients.add_service_account("robot", domain="penfold.test", scopes=scopes).account
    token = AccessToken(
        digest("ya29.robot"), "robot", world.people["root"].id, service.client_id, "7", WIDE, 1,
        10**15,
    )  # fmt: skip
    grant = Grant("robot", token.account_id, token.client_id, WIDE, False, 1)
    world.book.change(lambda writer: [writer.add(grant), writer.add(token)])
    assert world.ask("GET", "/admin/v1/users", token="ya29.robot")[0] == status


@pytest.mark.parametrize(
    "path", ["/admin/v1", "/admin/v1/user", "/admin/v2/users", "/admin/v1/users/"]
)
def test_an_address_that_is_none(world, path):
    assert world.ask("GET", path)[0] == 404


@pytest.mark.parametrize("name", ["userId", "user_id", "colour"])
def test_a_parameter_that_is_none(world, name):
    assert world.ask("GET", "/admin/v1/users", query={name: "x"})[0] == 400


@pytest.mark.parametrize(
    ("limit", "token", "statuses"),
    [
        pytest.param("api-network=2/1m", "ya29.guess", [401, 401, 429], id="guesses"),
        pytest.param("api-account=2/1m", None, [200, 200, 429], id="calls"),
    ],
)
def test_who_comes_too_often_is_told_to_wait(limit, token, statuses):
    world = AdminWorld(limits=(limit,))
    asked = [world.ask("GET", "/admin/v1/users", token=token)[0] for _ in statuses]
    assert asked == statuses


def denied(world):
    """Return who was denied what, and what they lacked, the oldest first."""
    entries = [shown.entry for shown in reversed(world.book.list_audit(most=500))]
    return [(e.actor, e.kind, e.after) for e in entries if e.action == "deny"]


def test_a_known_caller_without_role_or_scope_leaves_an_entry_that_says_so():
    world = AdminWorld()
    world.tokens["narrow"] = world.book.seed_token(world.people["root"], NARROW)
    for who in ("kim", "kim", "reader", "narrow"):
        assert world.ask("POST", "/admin/v1/users", {}, token=world.tokens[who])[0] == 403
    kim, reader, root = (world.people[name].id for name in ("kim", "reader", "root"))
    role, scope = '{"lack":"role"}', '{"lack":"scope"}'
    made = "admin.users.insert"
    assert denied(world) == [(kim, made, role), (reader, made, role), (root, made, scope)]
    shown = world.newest()
    assert shown.source == "192.0.2.9"
    assert shown.entry.client.endswith("seed.apps.penfold")
    assert {item["action"] for item in world.get("activities", userKey=kim)["items"]} >= {"deny"}


@pytest.mark.parametrize("token", ["", "ya29.made-up"])
def test_strangers_leave_no_entry(token):
    world = AdminWorld()
    before = world.book.list_audit(most=500)
    for path in ("users", "activities", "nothing"):
        world.ask("GET", f"/admin/v1/{path}", token=token)
    assert world.book.list_audit(most=500) == before
