"""RFC 9700 point by point, over HTTP: each test fails when its guard is taken away.

docs/oauth.md has the same points as a table; the last test compares the two.
"""

import base64
import json
import re
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tests.unit.front.web.conftest import PASSWORD, Site
from tests.unit.identity import GMAIL, READONLY, VERIFIER, WEB_REDIRECT

from penfold.base.errors import ParseError
from penfold.base.limits import CHALLENGE_REUSES, CODE_S
from penfold.ports.directory import Account
from penfold.proto.oauth import s256

ALICE = "alice@penfold.test"
ROOT = Path(__file__).parents[4]


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def world(site):
    return site.world


@pytest.fixture
def public(world):
    """A client without a secret, as programs on people's machines are."""
    return world.identity.clients.add("Public", kind="desktop", public=True)


def ask(site, client=None, **changed):
    return requests.get(site.url(client=client, **changed), allow_redirects=False, timeout=10)


def allow(site, browser, client=None, **changed):
    """Sign in and allow; return the parameters the application gets."""
    browser.open(site.url(client=client, **changed))
    browser.sign_in()
    browser.send(account=ALICE, decision="allow")
    return {n: v for n, [v] in parse_qs(urlsplit(browser.left_for).query).items()}


def exchange(site, form):
    return requests.post(f"{site.base}/token", data=form, timeout=10)


def userinfo(site, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{site.base}/v1/userinfo", headers=headers, timeout=10).status_code


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


@pytest.mark.parametrize(
    "uri",
    [
        f"{WEB_REDIRECT}/", f"{WEB_REDIRECT}?x=1", f"{WEB_REDIRECT}#f", WEB_REDIRECT.upper(),
        "https://app.example:443/callback", "https://app.example/callback%2f..",
        "//app.example/callback", "http://app.example/callback", "https://app.example@evil/callback",
        "https://app.example.evil/callback", "https://app.example/callback\\", "https://evil.example/",
    ],
)  # fmt: skip
def test_2_1_and_4_1_a_redirect_address_is_a_registered_one_octet_for_octet(site, world, uri):
    assert ask(site, world.web).status_code == 303
    answer = ask(site, world.web, redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_2_1_plain_http_leads_to_the_own_machine_only(world):
    add = world.identity.clients.add
    with pytest.raises(ParseError):
        add("Plain", kind="web", redirect_uris=("http://app.example/callback",))
    assert add("Mine", kind="web", redirect_uris=("http://127.0.0.1:9/callback",))


def test_2_1_1_a_public_client_cannot_go_without_a_challenge(site, public):
    answer = ask(site, public, code_challenge=None, code_challenge_method=None)
    assert answer.status_code == 400
    assert "Code challenge required" in answer.text


def test_2_1_1_a_challenge_that_shows_its_verifier_is_refused(site, public):
    for method in ("plain", None):
        answer = ask(site, public, code_challenge=VERIFIER, code_challenge_method=method)
        assert "code_challenge_method must be S256" in answer.text


def test_2_1_1_a_challenge_that_is_always_the_same_is_told_of_once(world):
    def told():
        return [e.entry for e in world.book.list_audit(most=500) if e.entry.kind == "challenge"]

    for number in range(3 * CHALLENGE_REUSES):
        world.allow(world.web)  # without a challenge
        world.allow(code_challenge=s256(f"{number}-{VERIFIER}"))
    for _ in range(CHALLENGE_REUSES - 1):
        world.allow()
    assert told() == []
    for _ in range(2):
        world.allow()
    [entry] = told()
    assert (entry.action, entry.key) == ("reuse", world.desktop.client.id)
    assert entry.account_id == world.alice.id


def test_2_1_2_no_token_travels_in_the_front_channel(site):
    for kind in ("token", "id_token", "code token", "code id_token"):
        answer = ask(site, response_type=kind)
        assert answer.status_code == 400
        assert "unsupported_response_type" in answer.text


def test_2_2_2_refresh_tokens_of_public_clients_are_replaced_at_each_use(world, site, public):
    first = world.tokens(public)["refresh_token"]
    second = exchange(site, world.refresh_form(first, public)).json()["refresh_token"]
    assert second != first


def test_2_3_a_token_holds_what_was_allowed_and_no_more(site, world):
    tokens = world.tokens(scope=READONLY)
    assert tokens["scope"] == READONLY
    assert world.book.find_credential(tokens["access_token"]).scopes == {READONLY}
    assert userinfo(site, tokens["access_token"]) == 403


def test_2_4_passwords_are_not_taken_for_tokens(site, world):
    form = {
        "grant_type": "password",
        "username": ALICE,
        "password": PASSWORD,
        "client_id": world.desktop.client.id,
        "client_secret": world.desktop.secret,
    }
    assert exchange(site, form).json()["error"] == "unsupported_grant_type"


def test_2_5_a_client_with_a_secret_shows_it(site, world):
    form = world.refresh_form(world.tokens()["refresh_token"])
    assert exchange(site, {**form, "client_secret": "x"}).status_code == 401
    assert exchange(site, {**form, "client_secret": ""}).status_code == 400
    assert exchange(site, form).status_code == 200
    assert world.desktop.secret not in repr(world.desktop.client)


def test_2_6_metadata_say_what_is_offered_and_that_is_true(site):
    path = "/.well-known/openid-configuration"
    found = requests.get(site.base + path, timeout=10).json()
    assert found["issuer"] == site.base
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "password" not in found["grant_types_supported"]
    for kind in found["grant_types_supported"]:
        error = exchange(site, {"grant_type": kind}).json()["error"]
        assert error != "unsupported_grant_type", kind


def test_4_1_3_of_a_loopback_address_only_the_port_is_free(site, world):
    assert ask(site, redirect_uri="http://localhost:1/").status_code == 303
    assert ask(site, redirect_uri="http://127.0.0.1:65535/").status_code == 303
    for uri in ("http://localhost.evil.example:1/", "http://localhost:1@evil.example/"):
        assert ask(site, redirect_uri=uri).status_code == 400


def test_4_2_pages_leak_no_code_through_referrers_or_caches(site, browser):
    browser.open(site.url())
    pages = [browser.answer, browser.sign_in()]
    browser.send(account=ALICE, decision="allow")
    for page in [*pages, browser.answer]:
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []


def test_4_3_a_code_left_in_a_history_is_soon_worth_nothing(site, world):
    late, again = (world.code_form(world.allow()["code"]) for _ in range(2))
    assert exchange(site, again).status_code == 200
    assert exchange(site, again).json()["error"] == "invalid_grant"
    world.clock.advance(s=CODE_S + 1)
    assert exchange(site, late).json()["error"] == "invalid_grant"


def test_4_4_answers_say_whose_they_are(site, browser):
    answer = allow(site, browser)
    assert answer["iss"] == site.base
    denied = ask(site, prompt="none").headers["location"]
    assert parse_qs(urlsplit(denied).query)["iss"] == [site.base]


def test_4_5_a_stolen_code_is_of_no_use_to_another_client(site, world, public):
    code = world.allow(public)["code"]
    form = world.code_form(code, public)
    other = {**form, "client_id": world.desktop.client.id, "client_secret": world.desktop.secret}
    assert exchange(site, other).json()["error"] == "invalid_grant"
    assert exchange(site, form).json()["error"] == "invalid_grant"  # burnt by the first try


def test_4_5_a_stolen_code_does_not_fit_another_flow(site, world):
    code = world.allow()["code"]
    form = world.code_form(code, code_verifier="another-" + VERIFIER)
    assert exchange(site, form).json()["error_description"] == "Invalid code verifier."
    assert exchange(site, world.code_form(code)).json()["error"] == "invalid_grant"


def test_4_5_a_nonce_comes_back_in_the_id_token(site, browser, world):
    answer = allow(site, browser, scope="openid", nonce="n-0S6")
    tokens = exchange(site, world.code_form(answer["code"])).json()
    assert claims_of(tokens["id_token"])["nonce"] == "n-0S6"


def test_4_5_a_code_shown_by_many_at_once_gives_tokens_to_one_at_most(site, world):
    form, answers = world.code_form(world.allow()["code"]), []
    threads = [
        threading.Thread(target=lambda: answers.append(exchange(site, form))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
    assert len(good) == 1
    assert world.book.find_credential(good[0]) is None  # shown twice: taken back


def test_4_6_an_id_token_opens_nothing(site, world):
    tokens = world.tokens(scope="openid email")
    assert userinfo(site, tokens["access_token"]) == 200
    assert userinfo(site, tokens["id_token"]) == 401
    assert claims_of(tokens["id_token"])["aud"] == world.desktop.client.id


@pytest.mark.parametrize("state", ["x", "a b&c=d#e%20", "é✓", "s" * 2_048], ids=len)
def test_4_7_the_state_comes_back_as_it_was(site, browser, state):
    assert allow(site, browser, state=state)["state"] == state


def test_4_7_nobody_is_made_to_allow_by_another_site(site, browser):
    browser.open(site.url())
    browser.sign_in()
    address = browser.answer.url
    for changed in ({"csrf": "x"}, {"csrf": ""}):
        browser.open(address)
        assert browser.send(account=ALICE, decision="allow", **changed).status_code == 403
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        browser.open(address)
        page = browser.send(account=ALICE, decision="allow", headers=foreign)
        assert page.status_code == 403
    assert browser.session.get(f"{address}&decision=allow", timeout=10).history == []


def test_4_8_a_challenge_cannot_be_taken_out_of_the_request(site, world):
    """The attacker strips the challenge; the client, which sent one, shows its verifier."""
    stripped = {"code_challenge": None, "code_challenge_method": None}
    code = world.allow(**stripped)["code"]
    assert exchange(site, world.code_form(code)).json()["error"] == "invalid_grant"
    code = world.allow()["code"]
    form = world.code_form(code, code_verifier=None)
    assert exchange(site, form).json()["error_description"] == "Missing code verifier."


def test_4_9_and_4_10_what_is_stored_of_a_token_opens_nothing_and_a_token_dies_soon(site, world):
    tokens = world.tokens(scope="openid")
    kept = repr(world.book._tables)
    for secret in (tokens["access_token"], tokens["refresh_token"], world.desktop.secret):
        assert secret not in kept
    assert userinfo(site, tokens["access_token"]) == 200
    world.clock.advance(s=3_600)
    assert userinfo(site, tokens["access_token"]) == 401


def test_4_11_a_request_in_error_is_never_a_redirect(site, world):
    for changed in ({"scope": "bogus"}, {"client_id": "x"}, {"prompt": "x"}, {"access_type": "x"}):
        answer = ask(site, **changed)
        assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_4_11_signing_in_leads_to_pages_of_ours_only(site, browser):
    for goal in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/signin"):
        browser.session.cookies.clear()
        browser.open(f"{site.base}/signin?continue={goal}")
        assert browser.sign_in().url.startswith(f"{site.base}/account")


def test_4_12_no_redirect_takes_a_password_along(site, browser):
    browser.open(site.url())
    form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', browser.answer.text))
    form |= {"address": ALICE, "password": PASSWORD}
    address = browser.answer.url
    answer = browser.session.post(address, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303


def test_4_13_forwarded_headers_of_strangers_name_nobody(site):
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil",
    }
    path = "/.well-known/openid-configuration"
    found = requests.get(site.base + path, headers=forged, timeout=10).text
    assert "evil" not in found
    assert json.loads(found)["issuer"] == site.base


def test_4_14_a_replaced_refresh_token_ends_what_came_after_it(site, world, public):
    first = world.tokens(public)["refresh_token"]
    second = exchange(site, world.refresh_form(first, public)).json()
    thief = exchange(site, world.refresh_form(first, public)).json()
    assert thief["error"] == "invalid_grant"
    assert world.book.find_credential(second["access_token"]) is None
    form = world.refresh_form(second["refresh_token"], public)
    assert exchange(site, form).json()["error"] == "invalid_grant"


def test_4_14_a_refresh_token_is_bound_to_its_client_and_its_scopes(site, world):
    token = world.tokens(scope=READONLY)["refresh_token"]
    assert exchange(site, world.refresh_form(token, world.web)).json()["error"] == "invalid_grant"
    wider = world.refresh_form(token, scope=GMAIL)
    assert exchange(site, wider).json()["error"] == "invalid_scope"
    assert exchange(site, world.refresh_form(token)).status_code == 200


def test_4_14_signing_out_an_application_ends_all_its_tokens(site, world):
    tokens = world.tokens(scope="openid")
    form = {"token": tokens["access_token"]}
    assert requests.post(f"{site.base}/revoke", data=form, timeout=10).status_code == 200
    assert userinfo(site, tokens["access_token"]) == 401
    form = world.refresh_form(tokens["refresh_token"])
    assert exchange(site, form).json()["error"] == "invalid_grant"


def test_4_15_no_client_is_taken_for_a_person(site, world):
    form = {
        "grant_type": "client_credentials",
        "client_id": world.desktop.client.id,
        "client_secret": world.desktop.secret,
    }
    assert exchange(site, form).json()["error"] == "unsupported_grant_type"
    robot = world.identity.clients.add_service_account("robot").client
    people = {account.id for account in world.book.list_by(Account)}
    assert robot.id.isdecimal()
    assert robot.id not in people


def test_4_16_no_page_can_be_framed_and_no_first_click_allows(site, browser):
    browser.open(site.url())
    for page in (browser.answer, browser.sign_in()):
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
    assert 'class="arm"' in browser.answer.text
    style = requests.get(f"{site.base}/assets/penfold.css", timeout=10).text
    assert ".arm button { animation: arm .5s step-end both; }" in style


def test_4_17_no_answer_goes_to_a_window_or_into_a_fragment(site):
    for mode in ("web_message", "fragment", "form_post"):
        answer = ask(site, response_mode=mode)
        assert answer.status_code == 400
        assert "Only response_mode=query" in answer.text
    policy = requests.get(site.url(), timeout=10).headers["content-security-policy"]
    assert "default-src 'none'" in policy


def test_the_table_in_the_documentation_lists_these_tests():
    listed = re.findall(r"`(test_[0-9][a-z0-9_]*)`", (ROOT / "docs/oauth.md").read_text())
    here = [name for name in globals() if re.match(r"test_[0-9]", name)]
    assert listed == here
