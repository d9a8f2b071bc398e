"""The pages, as a browser meets them."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tests.unit.identity import GMAIL, LOOPBACK, READONLY, WEB_REDIRECT

from penfold.base.limits import OAUTH_BODY_MAX_BYTES
from penfold.spec.rates import SIGN_IN_ACCOUNT

PAGE_HEADERS = {
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_signing_in_and_allowing_leads_back_with_a_code(site, browser):
    browser.open(site.url())
    assert "to continue to Desk" in browser.answer.text
    page = browser.sign_in()
    assert page.status_code == 200
    assert "Desk wants to access your account" in page.text
    assert "alice@penfold.test" in page.text
    assert "Read, write, send and permanently delete all your mail" in page.text
    assert "googleapis" not in page.text.split("</head>")[1].split("<form")[0].split("href")[0]
    answer = browser.send(account="alice@penfold.test", decision="allow")
    assert answer.status_code == 303
    assert browser.left_for.startswith(LOOPBACK + "?")
    found = query_of(browser.left_for)
    assert found["state"] == "xyz"
    assert found["iss"] == site.base
    assert site.world.exchange(site.world.code_form(found["code"]))["access_token"]


def test_denying_leads_back_with_a_refusal(site, browser):
    browser.open(site.url())
    browser.sign_in()
    browser.send(account="alice@penfold.test", decision="deny")
    assert query_of(browser.left_for) == {
        "state": "xyz", "iss": site.base, "error": "access_denied",
    }  # fmt: skip


def test_a_second_account_and_the_choice_between_them(site, browser):
    browser.open(site.url())
    browser.sign_in()
    browser.open(site.url())
    assert "Choose an account" in browser.answer.text
    browser.click("Use another account")
    assert "Sign in" in browser.answer.text
    browser.sign_in("Bob@penfold.test")
    assert "bob@penfold.test" in browser.answer.text
    browser.open(site.url(login_hint="alice@penfold.test"))
    assert "alice@penfold.test" in browser.answer.text
    browser.click("Not you?")
    assert "Sign in" in browser.answer.text
    browser.open(site.url())
    browser.click("bob@penfold.test")
    browser.send(account="bob@penfold.test", decision="allow")
    code = query_of(browser.left_for)["code"]
    token = site.world.exchange(site.world.code_form(code))["access_token"]
    assert site.world.book.find_credential(token).account == site.world.bob


def test_signing_out_ends_every_session(site, browser):
    browser.open(site.url())
    browser.sign_in()
    browser.open(site.url())
    browser.send()
    assert "Sign in" in browser.answer.text
    browser.open(site.url())
    assert "Sign in" in browser.answer.text


def test_a_web_client_that_was_allowed_passes_through(site, browser):
    browser.open(site.url(client=site.world.web))
    browser.sign_in()
    assert "You will be sent to <strong>app.example</strong>" in browser.answer.text
    browser.send(account="alice@penfold.test", decision="allow")
    code = query_of(browser.left_for)["code"]
    site.world.exchange(site.world.code_form(code, site.world.web))
    browser.open(site.url(client=site.world.web, login_hint="alice@penfold.test"))
    assert browser.left_for.startswith(WEB_REDIRECT + "?")


def test_a_wrong_password_is_said_and_the_address_kept(site, browser):
    browser.open(site.url(login_hint="bob@penfold.test"))
    assert 'value="bob@penfold.test"' in browser.answer.text
    page = browser.sign_in("bob@penfold.test", "wrong-password")
    assert page.status_code == 403
    assert "not right" in page.text
    assert 'value="bob@penfold.test"' in page.text
    assert "wrong-password" not in page.text
    assert page.text.count('role="alert"') == 1


def test_too_many_failures_are_told_when_to_come_back(local_site, browser):
    site = local_site
    for _ in range(SIGN_IN_ACCOUNT.count):
        site.identity.throttle.take(SIGN_IN_ACCOUNT, "bob@penfold.test")
    browser.open(site.url())
    page = browser.sign_in("bob@penfold.test")
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "Too many attempts. Try again in" in page.text


# --- requests in error


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "nobody"}, "Error 401: invalid_client"),
        ({"client_id": None}, "Error 400: invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "Error 400: redirect_uri_mismatch"),
        ({"redirect_uri": None}, "Error 400: invalid_request"),
        ({"response_type": "token"}, "Error 400: unsupported_response_type"),
        ({"scope": "bogus"}, "Error 400: invalid_scope"),
        ({"code_challenge": None}, "Error 400: invalid_request"),
        ({"code_challenge_method": "plain"}, "Error 400: invalid_request"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/o/oauth2/v2/auth", "/o/oauth2/auth"])
def test_a_request_in_error_ends_on_a_page_that_names_it(site, browser, path, changed, error):
    page = browser.open(site.url(path, **changed))
    assert page.status_code == 400
    assert error in page.text
    assert "location" not in page.headers


def test_what_a_request_says_is_shown_as_text(site, browser):
    page = browser.open(site.url(redirect_uri='https://x/<script>alert(1)</script>"'))
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text
    page = browser.open(site.url(login_hint='"><script>alert(1)</script>'))
    assert "<script" not in page.text


def test_names_are_shown_as_text(site, browser):
    new = site.identity.clients.add("<b>Bold</b>", kind="desktop")
    page = browser.open(site.url(client=new))
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page.text
    assert "<b>" not in page.text


def test_a_busy_directory_is_a_page_that_says_try_again(site, browser, busy):
    browser.open(site.url())
    browser.sign_in()
    busy()
    page = browser.send(account="alice@penfold.test", decision="allow")
    assert page.status_code == 503
    assert page.headers["retry-after"] == "1"
    assert "Please try again" in page.text


# --- forms that are not ours


@pytest.fixture
def asked(site, browser):
    """A browser on the consent page."""
    browser.open(site.url())
    browser.sign_in()
    return browser


ALLOW = {"account": "alice@penfold.test", "decision": "allow"}


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_form_without_its_token_is_refused(asked, token):
    assert asked.send(csrf=token, **ALLOW).status_code == 403
    assert asked.left_for is None


def test_a_form_of_another_browser_is_refused(site, asked, browser):
    stranger = requests.get(site.url(), timeout=10)
    token = re.search(r'name="csrf" value="([^"]+)"', stranger.text)[1]
    assert asked.send(csrf=token, **ALLOW).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},
    ],
    ids=str,
)
def test_a_form_from_another_site_is_refused(asked, headers):
    assert asked.send(headers=headers, **ALLOW).status_code == 403


def test_a_form_of_our_own_is_taken(asked, site):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": site.base}
    assert asked.send(headers=headers, **ALLOW).status_code == 303
    assert asked.left_for


def test_nobody_allows_in_the_name_of_an_account_that_is_not_signed_in(asked):
    asked.send(account="bob@penfold.test", decision="allow")
    assert asked.left_for is None
    assert "Choose an account" in asked.answer.text


@pytest.mark.parametrize("decision", ["", "maybe"])
def test_an_unclear_answer_is_asked_again(asked, decision):
    asked.send(account="alice@penfold.test", decision=decision)
    assert asked.left_for is None
    assert asked.answer.status_code == 200


def test_a_form_checks_its_request_anew(site, asked):
    site_url = asked.answer.url
    asked.answer.url = site_url.replace("localhost", "evil.example")
    page = asked.send(**ALLOW)
    assert page.status_code == 400
    assert "redirect_uri_mismatch" in page.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * (OAUTH_BODY_MAX_BYTES + 1), 413), (b"a=%ff", 400), (b"&".join([b"a=b"] * 200), 400)],
    ids=["long", "not UTF-8", "many fields"],
)
def test_a_form_that_no_browser_sends_is_refused(site, body, status):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(site.url(), data=body, headers=headers, timeout=10)
    assert answer.status_code == status


def test_only_forms_are_taken(site):
    assert requests.post(site.url(), json={"step": "sign-in"}, timeout=10).status_code == 400


# --- headers and cookies


def test_every_page_is_private_and_cannot_be_framed(site, browser):
    for page in (
        browser.open(site.url()),
        browser.open(site.base + "/"),
        browser.open(site.url(scope="x")),
        browser.open(site.base + "/nowhere"),
    ):
        for name, value in PAGE_HEADERS.items():
            assert page.headers[name] == value, page.url
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "access-control-allow-origin" not in page.headers
        assert "<script" not in page.text


@pytest.mark.parametrize(
    ("redirect", "source"),
    [
        ("http://localhost:4711/", "http://localhost:4711"),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:1"),
        ("http://[::1]:9/", "http:"),
    ],
)
def test_the_form_may_lead_to_the_redirect_alone(site, browser, redirect, source):
    policy = browser.open(site.url(redirect_uri=redirect)).headers["content-security-policy"]
    assert f"form-action 'self' {source};" in policy


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site, browser):
    cookie = browser.open(site.url()).headers["set-cookie"]
    assert cookie.startswith("penfold_browser=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    before = browser.session.cookies["penfold_browser"]
    browser.sign_in()
    assert browser.session.cookies["penfold_browser"] != before


def test_no_redirect_passes_a_form_on(site, browser):
    """303 and nothing else: 307 would send the password along (RFC 9700 §4.12)."""
    browser.open(site.url())
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"',
                           browser.answer.text))  # fmt: skip
    form |= {"address": "alice@penfold.test", "password": "open-sesame"}
    answer = browser.session.post(browser.answer.url, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303


def test_preflight_of_the_authorization_endpoint_is_not_answered(site):
    answer = requests.options(site.url(), headers={"Origin": "https://a.example"}, timeout=10)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["", "a b", "evil.example/x", "a@b", "[::1"])
def test_a_host_that_is_none_is_refused(site, host):
    answer = requests.get(
        site.base + "/.well-known/openid-configuration", headers={"Host": host}, timeout=10
    )
    assert answer.status_code == 400


# --- the other pages


def test_the_first_page_of_local_mode_says_what_to_do(local_site):
    text = requests.get(local_site.base + "/", timeout=10).text
    for words in (
        local_site.base, "127.0.0.1:2525", "127.0.0.1:2587", "127.0.0.1:2465",
        "alice@penfold.test", "penfold-data/credentials", "from_authorized_user_file",
    ):  # fmt: skip
        assert words in text
    sign_in = requests.get(local_site.url(), timeout=10).text
    assert "penfold-data/credentials/passwords.json" in sign_in


def test_without_local_mode_the_first_page_tells_nothing(site):
    text = requests.get(site.base + "/", timeout=10).text
    assert "penfold.test" not in text
    assert "Penfold is running" in text


@pytest.mark.parametrize(
    ("name", "kind"), [("penfold.css", "text/css; charset=utf-8"), ("penfold.svg", "image/svg+xml")]
)
def test_what_pages_refer_to_is_there(site, name, kind):
    answer = requests.get(f"{site.base}/assets/{name}", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "path", ["/assets/pages.py", "/assets/../app.py", "/assets/..%2fapp.py", "/nowhere", "/assets/"]
)
def test_nothing_else_is_there(site, path):
    session = requests.Session()
    request = session.prepare_request(requests.Request("GET", site.base))
    request.url = site.base + path
    with session:
        assert session.send(request, timeout=10).status_code == 404


def test_consent_lists_scopes_in_words_once_each(site, browser):
    browser.open(site.url(scope=f"email {READONLY} {GMAIL} {READONLY}"))
    browser.sign_in()
    sentences = re.findall(r'<li class="plain">(.*?)</li>', browser.answer.text)
    assert len(sentences) == len(set(sentences)) == 4


SEVERAL = (
    "openid https://www.googleapis.com/auth/gmail.readonly "
    "https://www.googleapis.com/auth/gmail.send"
)


def test_a_person_may_allow_a_part_of_what_is_asked(site, browser):
    browser.open(site.url(scope=SEVERAL))
    page = browser.sign_in()
    assert page.text.count('type="checkbox"') == 2
    browser.send(decision="allow", scope="https://www.googleapis.com/auth/gmail.send")
    answer = query_of(browser.left_for)
    assert answer["scope"] == "https://www.googleapis.com/auth/gmail.send openid"


def test_who_is_asked_for_an_account_of_a_domain_reads_which(site, browser):
    page = browser.open(site.url(hd="other.test"))
    assert "with an account of other.test" in page.text
