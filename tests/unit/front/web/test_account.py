"""The pages for signing in and for the account, as a browser without JavaScript meets them."""

import re
from html import unescape
from urllib.parse import quote, urlencode

import pytest
import requests
from tests.unit.front.web.conftest import PASSWORD, Browser, Site

from penfold.base.limits import APP_PASSWORDS_MAX, PROVEN_S
from penfold.front.web.account import FORMS
from penfold.ports.identity import AppPassword, Passkey, RecoveryCode, Session, Totp
from penfold.proto.totp import STEP_S, make_code
from penfold.spec.rates import SIGN_IN_ACCOUNT

ALICE = "alice@penfold.test"


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def inside(site, browser):
    """The browser, signed in as Alice, at her page."""
    browser.open(f"{site.base}/account")
    assert browser.sign_in().status_code == 200
    return browser


def press(browser, name, key=None, **changed):
    """Send the form of a button of the page; key: of which row."""
    forms = re.findall(rf'action="/account/{name}">(.*?)</form>', browser.answer.text, re.DOTALL)
    for form in forms:
        values = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        if key is None or values["id"] == key:
            url = requests.compat.urljoin(browser.answer.url, f"/account/{name}")
            sent = {key: unescape(value) for key, value in values.items()} | changed
            browser.answer = browser.session.post(url, data=sent, allow_redirects=False, timeout=10)
            return browser._follow()
    raise AssertionError(f"no button {name}")


def code_now(site, secret):
    return make_code(secret, site.world.clock.now_ms() // (1000 * STEP_S))


def form_url(site, name, address=ALICE):
    return f"{site.base}/account/{name}?{urlencode({'account': address})}"


def set_up_totp(site, browser):
    """Set the app up by its page; return its secret."""
    from base64 import b32decode

    page = browser.open(form_url(site, "totp"))
    secret = b32decode(re.search(r"<pre>([A-Z2-7]{32})", page.text)[1])
    browser.send(code=code_now(site, secret))
    site.world.clock.advance(s=STEP_S)
    return secret


def test_the_account_page_asks_to_sign_in_first(site, browser):
    page = browser.open(f"{site.base}/account")
    assert "/signin?continue=" in page.url
    assert "<h1>Sign in</h1>" in page.text
    page = browser.sign_in()
    assert "<h1>Your account</h1>" in page.text
    assert ALICE in page.text


@pytest.mark.parametrize(
    "goal",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "/account/../token",
        "javascript:alert(1)", "/o/oauth2/v2/auth.evil", "", "/account\r\nX: y",
    ],
)  # fmt: skip
def test_signing_in_leads_to_a_page_of_ours_only(site, browser, goal):
    browser.open(f"{site.base}/signin?continue={quote(goal)}")
    browser.sign_in()
    assert browser.answer.url.startswith(f"{site.base}/account?")


def test_looking_at_every_page_changes_no_record(site, inside):
    before = dict(site.world.book._tables)
    for name in (*FORMS, "prove"):
        assert inside.open(form_url(site, name)).status_code == 200
    assert inside.open(f"{site.base}/signin").status_code == 200
    assert site.world.book._tables == before


@pytest.mark.parametrize("name", ["app-remove", "sessions-end", "totp", "password", "prove"])
def test_a_form_without_its_token_does_nothing(site, inside, name):
    before = dict(site.world.book._tables)
    answer = inside.session.post(
        f"{site.base}/account/{name}", data={"account": ALICE, "csrf": "x"}, timeout=10
    )
    assert answer.status_code == 403
    assert site.world.book._tables == before


def test_a_form_from_another_site_does_nothing(site, inside):
    inside.open(f"{site.base}/account")
    csrf = re.search(r'name="csrf" value="([^"]+)"', inside.answer.text)[1]
    answer = inside.session.post(
        f"{site.base}/account/sessions-end",
        data={"account": ALICE, "csrf": csrf},
        headers={"Sec-Fetch-Site": "cross-site"},
        timeout=10,
    )
    assert answer.status_code == 403


def test_nobody_acts_for_an_account_that_is_not_signed_in(site, inside):
    token = site.world.book.seed_token(site.world.bob)
    client_id = site.world.book.find_credential(token).client_id
    site.world.book.seed_token(site.world.alice)
    inside.open(f"{site.base}/account")
    page = press(inside, "app-remove", client_id, account="bob@penfold.test")
    assert "<h1>Sign in</h1>" in page.text
    assert site.world.book.find_credential(token)


# --- apps and sessions


def test_an_app_is_listed_in_words_and_its_token_is_refused_once_it_is_removed(site, inside):
    tokens = site.world.tokens(scope="https://www.googleapis.com/auth/gmail.readonly")
    token = tokens["access_token"]
    page = inside.open(f"{site.base}/account")
    assert "<strong>Desk</strong>" in page.text
    assert "See your mail and your mail settings" in page.text
    assert "googleapis.com" not in page.text
    page = press(inside, "app-remove")
    assert page.status_code == 200
    assert "No application has access" in page.text
    assert site.world.book.find_credential(token) is None
    with pytest.raises(Exception, match="expired or revoked"):
        site.world.exchange(site.world.refresh_form(tokens["refresh_token"]))


def test_other_browsers_are_signed_out_one_by_one_or_all(site, inside):
    others = [Browser() for _ in range(3)]
    for other in others:
        other.open(f"{site.base}/account")
        other.sign_in()
    inside.open(f"{site.base}/account")
    assert inside.answer.text.count("/account/session-end") == 3
    press(inside, "session-end")
    assert inside.answer.text.count("/account/session-end") == 2
    press(inside, "sessions-end")
    assert "/account/session-end" not in inside.answer.text
    assert len(site.world.book.list_by(Session)) == 1
    for other in others:
        assert "<h1>Sign in</h1>" in other.open(f"{site.base}/account").text
        other.close()
    press(inside, "sign-out")
    assert "<h1>Sign in</h1>" in inside.answer.text


# --- second factors


def test_an_app_is_set_up_recovery_codes_follow_and_signing_in_asks_for_both(site, inside):
    secret = set_up_totp(site, inside)
    assert "<h1>Recovery codes</h1>" in inside.answer.text
    assert site.world.book.list_by(RecoveryCode) == []
    codes = re.search(r"<pre>(.*?)</pre>", inside.answer.text, re.DOTALL)[1].splitlines()
    inside.send()
    assert "10 left." in inside.answer.text
    other = Browser()
    other.open(site.url())
    assert "One more step" in other.sign_in().text
    assert other.answer.text.count('name="password"') == 0
    page = other.send(code="000000")
    assert page.status_code == 403
    assert 'aria-describedby="notice"' in page.text
    assert "Desk wants to access your account" in other.send(code=code_now(site, secret)).text
    other.close()
    third = Browser()
    third.open(f"{site.base}/account")
    third.sign_in()
    assert "9 left." in third.send(code=codes[3]).text
    third.close()


def test_without_the_second_factor_no_page_opens(site, inside):
    set_up_totp(site, inside)
    other = Browser()
    other.open(f"{site.base}/account")
    other.sign_in()
    for url in (f"{site.base}/account", form_url(site, "password"), site.url()):
        assert "<h1>Sign in</h1>" in other.open(url).text
    other.close()


def test_the_page_for_the_second_factor_leads_back_without_a_first(site, browser):
    assert "<h1>Sign in</h1>" in browser.open(f"{site.base}/signin/second").text


def test_a_wrong_first_code_shows_the_same_secret_again(site, inside):
    page = inside.open(form_url(site, "totp"))
    secret = re.search(r"<pre>([A-Z2-7]{32})", page.text)[1]
    page = inside.send(code="123")
    assert page.status_code == 400
    assert secret in page.text
    assert site.world.book.list_by(Totp) == []


def test_a_secret_is_good_for_its_browser_and_for_its_time(site, inside):
    page = inside.open(form_url(site, "recovery"))
    offer = re.search(r'name="offer" value="([^"]+)"', page.text)[1]
    other = Browser()
    other.open(f"{site.base}/account")
    other.sign_in()
    other.open(form_url(site, "recovery"))
    assert other.send(offer=offer).status_code == 403
    other.close()
    other_page = inside.open(form_url(site, "app-password"))
    assert other_page.status_code == 200
    assert inside.send(offer=offer).status_code == 403  # made for another form
    assert site.world.book.list_by(RecoveryCode) == []
    assert site.world.book.list_by(AppPassword) == []


def test_changing_what_is_about_signing_in_asks_for_the_password_again(site, inside):
    set_up_totp(site, inside)
    site.world.clock.advance(s=PROVEN_S)
    inside.open(f"{site.base}/account")
    page = press(inside, "totp-remove")
    assert "<h1>Is it you?</h1>" in page.text
    assert site.world.book.list_by(Totp)
    for name in FORMS:
        assert "<h1>Is it you?</h1>" in inside.open(form_url(site, name)).text
    assert inside.send(password="wrong-password").status_code == 403
    assert "Change the password</h1>" in inside.send(password=PASSWORD).text
    inside.open(f"{site.base}/account")
    press(inside, "totp-remove")
    assert site.world.book.list_by(Totp) == []


def test_too_many_wrong_passwords_close_the_question_too(site, inside):
    for _ in range(SIGN_IN_ACCOUNT.count):
        site.identity.throttle.take(SIGN_IN_ACCOUNT, ALICE)
    inside.open(form_url(site, "prove"))
    page = inside.send(password=PASSWORD)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0


def test_passkeys_are_not_offered_where_browsers_have_none(site, inside):
    page = inside.open(f"{site.base}/account")  # an IP address
    assert "Passkeys need HTTPS and a name" in page.text
    assert "script-src" not in page.headers["content-security-policy"]


def test_only_pages_for_passkeys_may_load_the_script(site, browser):
    local = site.base.replace("127.0.0.1", "localhost")
    page = browser.open(f"{local}/signin")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert '<script src="/assets/passkey.js" defer></script>' in page.text
    script = requests.get(f"{local}/assets/passkey.js", timeout=10)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    browser.sign_in()
    assert "script-src" not in browser.answer.headers["content-security-policy"]


def test_noise_for_a_passkey_signs_nobody_in(site, browser):
    local = site.base.replace("127.0.0.1", "localhost")
    browser.open(f"{local}/signin")
    assert browser.send(step="passkey", credential="{}").status_code == 403
    browser.open(f"{local}/signin")
    browser.sign_in()
    browser.open(form_url(site, "passkey").replace("127.0.0.1", "localhost"))
    assert browser.send(credential="{}").status_code == 400
    assert site.world.book.list_by(Passkey) == []


# --- passwords


def test_an_app_password_is_shown_once_and_works_after_it_was_saved(site, inside):
    page = inside.open(form_url(site, "app-password"))
    password = re.search(r"<pre>(.*?)</pre>", page.text)[1]
    assert site.world.book.find_app_login(ALICE, password) is None
    page = inside.send(label="Printer")
    assert "<strong>Printer</strong>" in page.text
    assert password not in page.text
    assert site.world.book.find_app_login(ALICE, password)
    press(inside, "app-password-remove")
    assert site.world.book.find_app_login(ALICE, password) is None


def test_an_account_has_a_bounded_number_of_app_passwords(site, inside):
    for _ in range(APP_PASSWORDS_MAX):
        site.identity.accounts.add_app_password(ALICE)
    inside.open(form_url(site, "app-password"))
    page = inside.send(label="")
    assert page.status_code == 400
    assert "too many already" in page.text


def test_nobody_removes_an_app_password_of_somebody_else(site, inside):
    site.identity.accounts.add_app_password(ALICE)
    password = site.identity.accounts.add_app_password("bob@penfold.test")
    [record] = site.world.book.list_by(AppPassword, account_id=site.world.bob.id)
    inside.open(f"{site.base}/account")
    press(inside, "app-password-remove", id=record.digest.hex())
    press(inside, "app-password-remove", id="no hex")
    assert site.world.book.find_app_login("bob@penfold.test", password)


def test_a_changed_password_signs_out_everywhere_but_here(site, inside):
    other = Browser()
    other.open(f"{site.base}/account")
    other.sign_in()
    inside.open(form_url(site, "password"))
    assert "not the same" in inside.send(new="a-new-password", again="other").text
    assert "8 to 256" in inside.send(new="short", again="short").text
    page = inside.send(new="a-new-password", again="a-new-password")
    assert "<h1>Your account</h1>" in page.text
    assert "<h1>Sign in</h1>" in other.open(f"{site.base}/account").text
    assert other.sign_in().status_code == 403
    assert other.sign_in(password="a-new-password").status_code == 200
    other.close()
