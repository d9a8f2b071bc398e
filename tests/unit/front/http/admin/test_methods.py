"""What the methods of the administration API do, and what the audit log says of it."""

import json

import pytest
from googleapiclient.discovery import build_from_document
from tests.unit.front.http.admin.world import AdminWorld

from penfold.front.http.admin.app import DISCOVERY, find_handlers
from penfold.ports.identity import AppPassword, Grant, RefreshToken, Session
from penfold.proto.oauth import digest
from penfold.spec.admin.registry import REGISTRY

KIM = "kim@penfold.test"


@pytest.fixture
def world():
    return AdminWorld()


def refused(world, verb, path, body=None, **more):
    status, answer = world.ask(verb, f"/admin/v1/{path}", body, **more)
    return status, answer["error"]["message"]


def test_every_method_has_its_handler_and_no_other():
    assert set(find_handlers()) == {method.id for method in REGISTRY}
    assert len({(method.verb, method.path) for method in REGISTRY}) == len(REGISTRY)


def test_an_account_comes_changes_and_goes(world):
    made = world.fine("POST", "users", {
        "primaryEmail": "Ann@penfold.test", "password": "long enough 1",
        "name": {"fullName": "Ann"}, "role": "auditor",
    })  # fmt: skip
    assert (made["primaryEmail"], made["role"], made["isAdmin"]) == (
        "ann@penfold.test", "auditor", False,
    )  # fmt: skip
    assert "password" not in made
    changed = world.fine("PATCH", f"users/{made['id']}", {"suspended": True, "role": "admin"})
    assert (changed["suspended"], changed["isAdmin"], changed["name"]) == (
        True, True, {"fullName": "Ann"},
    )  # fmt: skip
    assert world.fine("DELETE", "users/ann@penfold.test") is None
    assert refused(world, "GET", "users/ann@penfold.test") == (404, "Resource Not Found: userKey")


def test_the_log_says_which_admin_changed_what_from_where_and_through_which_application(world):
    world.fine("PATCH", f"users/{KIM}", {"suspended": True})
    shown = world.newest()
    assert shown.entry.actor == world.people["root"].id
    assert shown.entry.client.endswith("seed.apps.penfold")
    assert shown.source == "192.0.2.9"
    assert (shown.entry.before, shown.entry.after) == ('{"suspended":false}', '{"suspended":true}')


def test_what_was_read_is_in_the_log_and_whose_it_was(world):
    world.get(f"users/{KIM}/tokens")
    entry = world.newest().entry
    assert (entry.action, entry.kind, entry.account_id) == (
        "read", "admin.tokens.list", world.people["kim"].id,
    )  # fmt: skip


def test_a_new_password_ends_what_the_old_one_let_in(world):
    world.fine("PATCH", f"users/{KIM}", {"password": "another 99 one"})
    assert world.identity.accounts.find_sign_in(KIM, "another 99 one")
    assert not world.book.list_by(Grant, account_id=world.people["kim"].id)


@pytest.mark.parametrize("body", [{"suspended": True}, {"role": "user"}, {"role": "auditor"}])
def test_an_admin_does_not_shut_themselves_out(world, body):
    status, text = refused(world, "PATCH", "users/root@penfold.test", body)
    assert (status, text.split()[0]) == (400, "Administrators")
    assert refused(world, "DELETE", "users/root@penfold.test")[0] == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"primaryEmail": KIM, "password": "long enough 1"}, 409),
        ({"primaryEmail": "x@elsewhere.test", "password": "long enough 1"}, 404),
        ({"primaryEmail": "no address", "password": "long enough 1"}, 400),
        ({"primaryEmail": "x@penfold.test"}, 400),
        ({"primaryEmail": "x@penfold.test", "password": "long enough 1", "role": "king"}, 400),
        ({"primaryEmail": 7}, 400),
        ({"colour": "red"}, 400),
        ([], 400),
    ],
)
def test_an_account_that_cannot_be_made_is_refused(world, body, status):
    assert world.ask("POST", "/admin/v1/users", body)[0] == status


def test_pages_follow_each_other(world):
    first = world.get("users", maxResults=3)
    second = world.get("users", maxResults=3, pageToken=first["nextPageToken"])
    addresses = [user["primaryEmail"] for user in (*first["users"], *second["users"])]
    assert addresses == sorted(one.address for one in world.book.list_accounts())
    assert len(first["users"]) == 3
    assert "nextPageToken" not in second
    assert world.ask("GET", "/admin/v1/users", query={"maxResults": -1})[0] == 400


def test_the_log_is_read_in_pages_too(world):
    page = world.get("activities", maxResults=2)
    older = world.get("activities", maxResults=2, pageToken=page["nextPageToken"])
    numbers = [int(item["id"]) for item in (*page["items"], *older["items"])]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4
    of_kim = world.get("activities", userKey=KIM)["items"]
    assert {item["accountId"] for item in of_kim} == {world.people["kim"].id}
    assert world.ask("GET", "/admin/v1/activities", query={"pageToken": "x"})[0] == 400


def test_an_alias_comes_and_goes(world):
    world.fine("POST", f"users/{KIM}/aliases", {"alias": "sales@penfold.test"})
    assert world.get(f"users/{KIM}/aliases")["aliases"][0]["alias"] == "sales@penfold.test"
    other = "users/reader@penfold.test/aliases/sales@penfold.test"
    assert refused(world, "DELETE", other)[0] == 404
    assert refused(world, "POST", f"users/{KIM}/aliases", {"alias": "sales@penfold.test"})[0] == 409
    world.fine("DELETE", f"users/{KIM}/aliases/sales@penfold.test")
    assert not world.get(f"users/{KIM}/aliases")["aliases"]


def test_what_an_application_was_allowed_is_taken_back_with_its_tokens(world):
    kim = world.people["kim"]
    [grant] = world.book.list_by(Grant, account_id=kim.id)
    fresh = RefreshToken(digest("r"), grant.id, 1, 1)
    world.book.change(lambda writer: writer.add(fresh))
    [item] = world.get(f"users/{KIM}/tokens")["items"]
    assert item["displayText"] == "Seed"
    path = f"users/{KIM}/tokens/{item['clientId']}"
    world.fine("DELETE", path)
    assert world.book.find_credential(world.tokens["kim"]) is None
    assert world.book.find(RefreshToken, fresh.digest) is None
    assert world.book.find_credential(world.tokens["reader"]), "another's grant of the same app"
    assert refused(world, "DELETE", path) == (404, "Resource Not Found: clientId")


def test_an_app_password_works_until_it_is_removed_by_its_owners_address_only(world):
    made = world.fine("POST", f"users/{KIM}/asps", {"name": "printer"})
    assert world.book.find_app_login(KIM, made["password"])
    [shown] = world.get(f"users/{KIM}/asps")["items"]
    assert shown["name"] == "printer"
    assert "password" not in shown
    assert refused(world, "DELETE", f"users/reader@penfold.test/asps/{shown['codeId']}")[0] == 404
    world.fine("DELETE", f"users/{KIM}/asps/{shown['codeId']}")
    assert not world.book.list_by(AppPassword, account_id=world.people["kim"].id)


def test_sessions_end(world):
    world.book.change(
        lambda writer: writer.add(Session("s", b"b", world.people["kim"].id, 1, 10**15))
    )
    world.fine("POST", f"users/{KIM}/signOut")
    assert not world.book.list_by(Session, account_id=world.people["kim"].id)


def test_a_domain_and_its_keys(world):
    world.fine("POST", "domains", {"domainName": "New.Example"})
    assert "new.example" in [one["domainName"] for one in world.get("domains")["domains"]]
    keys = world.get("domains/new.example/dkimKeys")["keys"]
    assert {key["state"] for key in keys} == {"waiting"}
    world.fine("POST", "domains/new.example/dkimKeys/activate")
    rotated = world.fine("POST", "domains/new.example/dkimKeys/rotate")["keys"]
    assert "sealed" not in json.dumps(rotated)
    assert refused(world, "POST", "domains", {"domainName": "new.example"})[0] == 409
    assert refused(world, "DELETE", "domains/penfold.test") == (400, "the domain has accounts")
    world.fine("DELETE", "domains/new.example")


def test_an_application_comes_shows_its_secret_once_and_goes(world):
    redirect = "https://app.example/callback"
    body = {"displayText": "Site", "kind": "web", "redirectUris": [redirect]}
    made = world.fine("POST", "apps", body)
    assert made["clientSecret"]
    listed = {one["clientId"]: one for one in world.get("apps")["apps"]}
    assert "clientSecret" not in listed[made["clientId"]]
    assert refused(world, "POST", "apps", {"displayText": "Site", "kind": "toaster"})[0] == 400
    world.fine("DELETE", f"apps/{made['clientId']}")
    assert refused(world, "DELETE", f"apps/{made['clientId']}")[0] == 404


def test_a_delegation_is_narrowed_and_the_tokens_of_the_wide_one_end(world):
    service = world.identity.clients.add_service_account("robot", domain="penfold.test").account
    grant = Grant("old", world.people["kim"].id, service.client_id, frozenset({"openid"}), False, 1)
    world.book.change(lambda writer: writer.add(grant))
    path = f"serviceAccounts/{service.email}"
    scope = "https://www.googleapis.com/auth/gmail.readonly"
    assert world.fine("PATCH", path, {"scopes": [scope]})["scopes"] == [scope]
    assert world.book.find(Grant, "old") is None
    assert refused(world, "PATCH", path, {"scopes": ["made up"]})[0] == 400
    assert refused(world, "PATCH", path, {"domain": "elsewhere.test"})[0] == 404
    assert refused(world, "DELETE", f"apps/{service.client_id}")[0] == 404
    [listed] = world.get("serviceAccounts")["serviceAccounts"]
    world.fine("DELETE", f"{path}/keys/{listed['keyIds'][0]}")
    assert refused(world, "DELETE", f"{path}/keys/{listed['keyIds'][0]}")[0] == 404
    world.fine("DELETE", path)
    assert world.get("serviceAccounts")["serviceAccounts"] == []


def test_googles_library_reads_the_document(world):
    status, document = world.ask("GET", DISCOVERY, token="")
    assert (status, document["rootUrl"]) == (200, "https://mail.penfold.test/")
    service = build_from_document(document, http=object())
    request = service.users().update(userKey=KIM, body={"suspended": True})
    assert (request.method, request.uri.split("?")[0]) == (
        "PATCH", "https://mail.penfold.test/admin/v1/users/kim%40penfold.test",
    )  # fmt: skip


def test_the_chain_still_fits_after_all_of_it(world):
    world.fine("POST", f"users/{KIM}/asps", {"name": "printer"})
    assert world.book.check_audit()[0] == ""
