"""Whole flows with Node's libraries, unmodified: google-auth-library and openid-client."""

import json
import subprocess
import time

import pytest
from tests.conformance.clients import NODE
from tests.unit.front.web.conftest import Site
from tests.unit.front.web.test_client_libraries import allow
from tests.unit.identity import LOOPBACK, READONLY, WEB_REDIRECT

from penfold.spec.scopes import EMAIL, OPENID

ALICE = "alice@penfold.test"


@pytest.fixture
def site():
    """A site at the real time: the libraries compare what tokens say with their own clock."""
    site = Site()
    site.world.clock.advance(ms=int(time.time() * 1000) - site.world.clock.now_ms())
    yield site
    site.close()


class Flow:
    """A run of sign_in.js."""

    def __init__(self, node, name, given):
        command = [node, str(NODE / "sign_in.js"), name, json.dumps(given)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self):
        line = self._process.stdout.readline()
        assert line, "the library gave up"
        return json.loads(line)

    def answer(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(15)


@pytest.fixture
def begin(site, program):
    node = program("node")
    program("npm")  # what `make test` installs the libraries with
    assert (NODE / "node_modules/openid-client").exists(), "run `make test` once: it installs it"
    flows = []

    def begin(name, client=None, **given):
        if client:
            given |= {"clientId": client.client.id, "clientSecret": client.secret}
        flows.append(Flow(node, name, {"base": site.base, **given}))
        return flows[-1]

    yield begin
    for flow in flows:
        flow.close()


@pytest.mark.parametrize("kind", ["desktop", "web"])
def test_google_auth_library_signs_in_verifies_refreshes_and_revokes(site, browser, begin, kind):
    client = getattr(site.world, kind)
    redirect = WEB_REDIRECT if kind == "web" else LOOPBACK
    flow = begin("google", client, redirectUri=redirect, scope=["email", READONLY])
    flow.answer(allow(browser, flow.read()["url"]))
    done = flow.read()["done"]
    assert done.pop("email") == ALICE
    assert set(done.pop("scopes")) == {OPENID.url, EMAIL.url, READONLY}
    assert done == {"renewed": True, "refused": "invalid_grant"}


def test_google_auth_library_acts_for_a_person_as_a_service_account(site, begin):
    new = site.identity.clients.add_service_account("robot", domain="penfold.test")
    flow = begin(
        "service",
        email=new.account.email,
        key=new.key.private,
        keyId=new.key.kid,
        scope=[READONLY],
        subject="bob@penfold.test",
    )
    token = flow.read()["done"]["token"]
    credential = site.world.book.find_credential(token)
    assert (credential.account, credential.scopes) == (site.world.bob, {READONLY})


def test_openid_client_discovers_signs_in_refreshes_and_revokes(site, browser, begin):
    flow = begin("openid", site.world.web, redirectUri=WEB_REDIRECT)
    flow.answer(allow(browser, flow.read()["url"]))
    assert flow.read()["done"] == {
        "email": ALICE,
        "renewed": True,
        "refused": "invalid_grant: Token has been expired or revoked.",
    }


def test_openid_client_lets_a_device_in(site, browser, begin):
    flow = begin("device", site.identity.clients.add("TV", kind="device"))
    asked = flow.read()
    browser.open(asked["url"])
    browser.sign_in()
    browser.send(user_code=asked["code"])
    browser.send(decision="allow")
    flow.answer("")
    assert flow.read()["done"] == {"email": ALICE}
