"""Every method of the registry, asked by everybody who must not: the right refusal, no effect.

Nothing here is written by hand for a method, so one that is added later is asked too.
"""

import asyncio
import random

import msgspec
import pytest
from tests.generated.serving import serve_api
from tests.unit.front.http.conftest import ask_app

from penfold.domain.access.identity import build_identity
from penfold.ports.identity import SERVICE, Client
from penfold.spec.registry import REGISTRY
from penfold.spec.scopes import EMAIL, GMAIL_SCOPES

ALL = frozenset(scope.url for scope in GMAIL_SCOPES if "metadata" not in scope.url)


class Door:
    """A running API, its people's tokens, and a way to ask."""

    def __init__(self, served, loop):
        self.served = served
        self.loop = loop
        self.book = served.stores.directory
        self.identity = build_identity(
            self.book,
            served.stores.mailboxes,
            clock=served.clock,
            chance=random.Random(5),
            sealer=served.stores.sealer,
        )
        self.alice, self.bob = served.accounts
        self.client = self.identity.clients.add("App", kind="desktop").client
        # The API asks some methods of service accounts only; with their kind of client all go.
        self.service = Client("1", "s@iam.penfold", SERVICE, b"", "1", (), True, 0)
        self.book.change(lambda writer: writer.add(self.service))

    def make_token(self, account, scopes=ALL, client=None):
        issued = self.identity.grants.issue_token(account, client or self.service, scopes)
        return issued.access_token

    def ask(self, method, token, *, user="me", path=None):
        path = (path or method.path).replace("{userId}", user)
        for name in method.path_names:
            path = path.replace(f"{{{name}}}", "1")
        body = b"" if method.request is None else b"{}"
        headers = {"content-type": "application/json"} if body else {}
        call = ask_app(
            self.served.api, method.verb, f"/{path}", token=token, body=body, headers=headers
        )
        return self.loop.run(call)

    def read_histories(self):
        histories = []
        for account in self.served.accounts:
            with self.served.stores.mailboxes.open_reader(account.id) as reader:
                histories.append(reader.get_version())
        return histories


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    with serve_api(tmp_path_factory.mktemp("door")) as served, asyncio.Runner() as loop:
        yield Door(served, loop)


@pytest.fixture(params=REGISTRY, ids=lambda method: method.id)
def method(request):
    return request.param


@pytest.fixture
def barred(door, method):
    """A method for those who are refused: whatever they ask changes neither mailbox."""
    before = door.read_histories()
    yield method
    assert door.read_histories() == before


def list_paths(method):
    return [path for path in (method.path, method.upload_path, method.resumable_path) if path]


def check(reply, status, reason, challenge=""):
    assert (reply.status, reply.error["errors"][0]["reason"]) == (status, reason), reply.body
    assert challenge in reply.headers.get("www-authenticate", "")


def test_without_a_credential_nothing_is_done(door, barred):
    for path in list_paths(barred):
        check(door.ask(barred, None, path=path), 401, "required", "Bearer realm=")


def test_an_unknown_token_does_nothing(door, barred):
    for path in list_paths(barred):
        reply = door.ask(barred, "ya29.nobody", path=path)
        check(reply, 401, "authError", 'error="invalid_token"')


def test_a_token_without_a_scope_of_the_method_does_nothing(door, barred):
    others = ALL - {scope.url for scope in barred.scopes} | {EMAIL.url}
    token = door.make_token(door.alice, others)
    for path in list_paths(barred):
        reply = door.ask(barred, token, path=path)
        check(reply, 403, "insufficientPermissions", 'error="insufficient_scope"')


def test_another_s_mailbox_is_out_of_reach(door, barred):
    token = door.make_token(door.alice)
    for user in (door.bob.address, door.bob.address.upper(), door.bob.id, "nobody@penfold.test"):
        for path in list_paths(barred):
            reply = door.ask(barred, token, user=user, path=path)
            check(reply, 403, "forbidden")
            assert door.alice.address in reply.error["message"]


def test_a_suspended_account_s_token_does_nothing(door, barred):
    token = door.make_token(door.bob)
    change_account(door, msgspec.structs.replace(door.bob, suspended=True))
    try:
        check(door.ask(barred, token), 401, "authError", 'error="invalid_token"')
    finally:
        change_account(door, door.bob)


def test_a_revoked_grant_s_token_does_nothing(door, barred):
    token = door.make_token(door.alice)
    door.identity.grants.revoke(token)
    check(door.ask(barred, token), 401, "authError", 'error="invalid_token"')


def test_an_expired_token_does_nothing(door, barred):
    token = door.make_token(door.alice)
    door.served.clock.advance(ms=3_600_000)
    check(door.ask(barred, token), 401, "authError", 'error="invalid_token"')


def test_the_same_request_with_a_good_token_is_let_in(door, method):
    """Else the others would show nothing: here the answer is the method's own."""
    reply = door.ask(method, door.make_token(door.alice))
    assert reply.status not in (401, 403), reply.body


def change_account(door, account):
    door.book.change(lambda writer: writer.replace(account))
