"""/device, as a browser without JavaScript meets it."""

import pytest
import requests
from tests.unit.front.web.conftest import Site

from penfold.base.limits import DEVICE_CODE_S, DEVICE_POLL_S
from penfold.domain.access.devices import DEVICE_GRANT
from penfold.spec.rates import DEVICE_CODE_ACCOUNT

ALICE = "alice@penfold.test"
BOB = "bob@penfold.test"


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


class Television:
    """A device that asks over HTTP."""

    def __init__(self, site):
        self._site = site
        self._new = site.identity.clients.add("<i>TV</i>", kind="device")
        form = {"client_id": self._new.client.id, "scope": "email"}
        answer = requests.post(f"{site.base}/device/code", data=form, timeout=10).json()
        self.code = answer["user_code"]
        self.page = answer["verification_uri"]
        self._secret = answer["device_code"]

    def poll(self):
        self._site.world.clock.advance(s=DEVICE_POLL_S)
        form = {
            "grant_type": DEVICE_GRANT,
            "client_id": self._new.client.id,
            "client_secret": self._new.secret,
            "device_code": self._secret,
        }
        answer = requests.post(f"{self._site.base}/token", data=form, timeout=10)
        return answer.status_code, answer.json()


@pytest.fixture
def television(site):
    return Television(site)


@pytest.fixture
def inside(television, browser):
    """The browser, signed in as Alice, where a code is typed."""
    browser.open(television.page)
    browser.sign_in()
    return browser


def test_who_types_the_code_lets_the_device_in(site, television, browser):
    page = browser.open(television.page)
    assert "<h1>Sign in</h1>" in page.text
    page = browser.sign_in()
    assert "<h1>Let a device in</h1>" in page.text
    assert television.poll()[1]["error"] == "authorization_pending"
    page = browser.send(user_code=television.code.lower())
    assert "&lt;i&gt;TV&lt;/i&gt; wants to know who you are" in page.text
    assert "from 127.0.0.1" in page.text
    assert f"Allow it only if {television.code.lower()}" in page.text
    assert "Email address" not in page.text
    assert "See your" in page.text
    page = browser.send(decision="allow")
    assert "<h1>The device is let in</h1>" in page.text
    status, tokens = television.poll()
    assert status == 200
    assert site.world.book.find_credential(tokens["access_token"]).account == site.world.alice


def test_who_denies_lets_nobody_in(television, inside):
    inside.send(user_code=television.code)
    page = inside.send(decision="deny")
    assert "<h1>The device is not let in</h1>" in page.text
    assert television.poll() == (
        403,
        {"error": "access_denied", "error_description": "Forbidden"},
    )


def test_a_wrong_code_is_said_and_guessing_stops(television, inside):
    for _ in range(DEVICE_CODE_ACCOUNT.count):
        page = inside.send(user_code="BCDF-GHJK")
        assert page.status_code == 403
        assert "This code is not right" in page.text
    page = inside.send(user_code=television.code)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0


def test_a_code_that_grew_old_while_the_question_stood_is_refused(site, television, inside):
    inside.send(user_code=television.code)
    site.world.clock.advance(s=DEVICE_CODE_S)
    assert inside.send(decision="allow").status_code == 403


def test_a_link_with_a_code_fills_nothing_in(television, inside):
    page = inside.open(f"{television.page}?user_code={television.code}")
    assert "<h1>Let a device in</h1>" in page.text
    assert television.code not in page.text


def test_a_form_from_elsewhere_lets_nobody_in(television, inside):
    inside.send(user_code=television.code)
    assert inside.send(decision="allow", csrf="x").status_code == 403
    other = {"Sec-Fetch-Site": "cross-site"}
    assert inside.session.post(television.page, headers=other, timeout=10).status_code >= 400
    assert television.poll()[1]["error"] == "authorization_pending"


def test_nobody_answers_in_the_name_of_an_account_that_is_not_signed_in(television, inside):
    inside.send(user_code=television.code)
    page = inside.send(decision="allow", account=BOB)
    assert "<h1>Sign in</h1>" in page.text
    assert television.poll()[1]["error"] == "authorization_pending"


def test_another_account_may_answer(site, television, inside):
    inside.click("Use another account")
    inside.sign_in(BOB)
    inside.send(user_code=television.code)
    inside.send(decision="allow")
    _, tokens = television.poll()
    assert site.world.book.find_credential(tokens["access_token"]).account == site.world.bob


def test_the_page_is_private_and_cannot_be_framed(inside):
    headers = inside.answer.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
