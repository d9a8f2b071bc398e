"""Signing in and looking after an account in a real browser, every page checked by axe-core.

PENFOLD_SHOTS names a folder for a picture of every page, on a telephone and a desk, light and dark.
"""

import os
import re
from base64 import b32decode
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import requests
from tests.system.test_sign_in import READONLY, flow_for, redirect_listener
from tests.unit.domain.sending.shop import KIM, Shop
from tests.unit.front.web.conftest import Site

from penfold.app.command.doors import open_identity
from penfold.domain.access.devices import DEVICE_GRANT
from penfold.ports.identity import ProviderLogin
from penfold.proto.totp import STEP_S, make_code
from penfold.testing.server import configure, serve

pytest.importorskip("playwright")

AXE = Path(__file__).parents[1] / "conformance/node/node_modules/axe-core/axe.min.js"
SHOTS = os.environ.get("PENFOLD_SHOTS")
#: The scheme changes nothing but colours.
RULES = {"light": "", "dark": "{runOnly: ['color-contrast']}"}
CHECKED = set()
ALICE = "alice@penfold.test"
SIZES = {"phone": {"width": 375, "height": 720}, "desk": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own: what is done here to its accounts ends tokens that others hold."""
    folder = tmp_path_factory.mktemp("pages")
    secret = folder / "secret"
    secret.write_text("not needed")
    secret.chmod(0o600)
    data = configure(
        folder / "data",
        sign_in_issuer="https://localhost:1/nobody-listens-here",
        sign_in_client_id="penfold",
        sign_in_client_secret=f"file:{secret}",
        sign_in_name="Somebody Else & Co",
    )
    with serve(data, log=folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def axe():
    if not AXE.exists():
        if os.environ.get("PENFOLD_REQUIRE_ALL"):
            pytest.fail("axe-core is not installed: npm ci in tests/conformance/node")
        pytest.skip("axe-core is not installed")
    return AXE.read_text()


@pytest.fixture(scope="module")
def site(server):
    """The server by a name: passkeys belong to names, not to IP addresses."""
    return server.http.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(browser):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


@pytest.fixture
def security_key(page):
    """A virtual authenticator that verifies its user and keeps discoverable passkeys."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def check(page, axe):
    """Return a function that refuses a page with a violation, in both schemes and sizes."""

    def check(name):
        if name in CHECKED:
            return
        CHECKED.add(name)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for size, viewport in SIZES.items():
                page.set_viewport_size(viewport)
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= viewport["width"], f"{name} is wider than a {size}"
                if SHOTS:
                    path = Path(SHOTS) / f"{name}-{size}-{scheme}.png"
                    page.screenshot(path=str(path), full_page=True)
            if scheme == "light":
                page.evaluate(axe)
            found = page.evaluate(f"axe.run({RULES[scheme]}).then(result => result.violations)")
            told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
            assert told == [], f"{name}, {scheme}"

    return check


def password_of(server, name="alice"):
    return server.load_document("passwords")[f"{name}@penfold.test"]["password"]


def fill_in(page, server, name="alice"):
    page.get_by_label("Email").fill(f"{name}@penfold.test")
    page.get_by_label("Password").fill(password_of(server, name))
    page.keyboard.press("Enter")


def at_account(page, site, server, name="alice"):
    page.goto(f"{site}/account")
    fill_in(page, server, name)
    page.get_by_role("heading", name="Your account").wait_for()


def counted(server):
    """Return what was shown on the pages so far, by door and outcome."""
    page = requests.get(f"{server.http}/metrics", timeout=10).text
    series = r'^penfold_sign_ins_total\{door="(password|code|passkey)",outcome="(\w+)"\} (\S+)$'
    return Counter({(d, o): int(float(n)) for d, o, n in re.findall(series, page, re.MULTILINE)})


def set_up_totp(page):
    """Set an app up; return its secret and the step of the code that was used."""
    page.get_by_role("link", name="Set up an authenticator app").click()
    secret = b32decode(re.match(r"[A-Z2-7]{32}", page.inner_text("pre"))[0])
    step = page.evaluate(f"Math.floor(Date.now() / {1000 * STEP_S})")
    page.get_by_label("Code from").fill(make_code(secret, step))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recovery codes").wait_for()
    return secret, step


def test_password_and_then_a_code_and_then_a_recovery_code(server, site, page, check):
    before = counted(server)
    at_account(page, site, server, "bob")
    check("account-empty")
    page.get_by_role("link", name="Set up an authenticator app").click()
    check("totp")
    page.get_by_label("Code from").fill("12")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    check("totp-wrong")
    page.goto(f"{site}/account")
    secret, step = set_up_totp(page)
    check("recovery")
    codes = page.inner_text("pre").splitlines()
    page.get_by_role("button", name="I have kept them").click()
    page.get_by_text("10 left.").wait_for()
    for code in (make_code(secret, step + 1), codes[0]):
        page.get_by_role("button", name="Sign out", exact=True).click()
        check("sign-in")
        page.get_by_label("Email").fill("bob@penfold.test")
        page.get_by_label("Password").fill("wrong-password")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        check("sign-in-wrong")
        fill_in(page, server, "bob")
        page.get_by_role("heading", name="One more step").wait_for()
        check("second")
        page.get_by_label("Code from").fill("000000")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="not right").wait_for()
        check("second-wrong")
        page.get_by_label("Code from").fill(code)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your account").wait_for()
    page.get_by_role("button", name="Remove Authenticator app").click()
    page.get_by_text("Not set up.").wait_for()
    assert counted(server) - before == {
        ("password", "accepted"): 3, ("password", "refused"): 2,
        ("code", "accepted"): 2, ("code", "refused"): 2,
    }  # fmt: skip


def test_a_passkey_alone_and_as_second_factor(server, site, page, security_key, check):
    before = counted(server)
    at_account(page, site, server)
    page.get_by_role("link", name="Add a passkey").click()
    check("passkey")
    page.get_by_label("What to call it").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("My laptop").wait_for()
    check("account-passkey")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Your account").wait_for()
    assert ALICE in page.inner_text("main")
    page.get_by_role("button", name="Sign out", exact=True).click()
    fill_in(page, server)
    page.get_by_role("heading", name="One more step").wait_for()
    check("second-passkey")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Your account").wait_for()
    page.get_by_role("button", name="Remove My laptop").click()
    page.get_by_text("There are none.").first.wait_for()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("alert").filter(has_text="not accepted").wait_for()
    assert counted(server) - before == {
        ("password", "accepted"): 2, ("passkey", "accepted"): 2, ("passkey", "refused"): 1,
    }  # fmt: skip


def test_without_a_passkey_the_browser_says_so_and_the_password_works(
    server, site, page, security_key
):
    page.goto(f"{site}/signin")  # the key holds no passkey yet
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("alert").filter(has_text="did not give").wait_for()
    fill_in(page, server)
    page.get_by_role("heading", name="Your account").wait_for()


def test_an_app_is_allowed_shown_and_removed_and_its_token_refused(
    server, site, page, check, monkeypatch
):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    flow = flow_for(server, [READONLY])
    with redirect_listener() as (address, seen):
        flow.redirect_uri = address
        url, _ = flow.authorization_url(prompt="consent")
        page.goto(url)
        check("sign-in-app")
        fill_in(page, server)
        page.get_by_role("button", name="Allow").wait_for()
        check("consent")
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(f"{address}**")
    flow.fetch_token(authorization_response=next(u for u in seen if "code=" in u))
    token = {"Authorization": f"Bearer {flow.credentials.token}"}
    profile = f"{server.http}/gmail/v1/users/me/profile"
    assert requests.get(profile, headers=token, timeout=10).status_code == 200
    page.goto(f"{server.http}/account")
    check("account-app")
    for button in page.get_by_role("button", name=re.compile("^Remove ")).all():
        assert button.is_visible()
    client = server.load_document("client_secret")["installed"]["client_id"]
    app = page.get_by_role("listitem").filter(has=page.locator(f"input[value='{client}']"))
    app.get_by_role("button").click()
    app.wait_for(state="detached")

    assert requests.get(profile, headers=token, timeout=10).status_code == 401
    page.goto(url)
    check("choose")
    page.get_by_role("link", name=ALICE).click()
    page.get_by_role("button", name="Deny").wait_for()  # asked anew


def test_a_device_is_let_in_by_its_code(server, site, page, check):
    with open_identity(server.data) as identity:
        device = identity.clients.add("Television", kind="device")
    who = {"client_id": device.client.id, "client_secret": device.secret}
    form = {**who, "scope": "openid email profile"}
    codes = requests.post(f"{site}/device/code", data=form, timeout=10).json()
    page.goto(codes["verification_url"])
    fill_in(page, server)
    page.get_by_role("heading", name="Let a device in").wait_for()
    check("device")
    page.keyboard.type("BCDF-GHJK")  # the field has the focus
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    check("device-wrong")
    page.get_by_label("Code").fill(codes["user_code"])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow").wait_for()
    check("device-consent")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="The device is let in").wait_for()
    check("device-done")
    form = {**who, "grant_type": DEVICE_GRANT, "device_code": codes["device_code"]}
    tokens = requests.post(f"{site}/token", data=form, timeout=10).json()
    whose = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(f"{site}/v1/userinfo", headers=whose, timeout=10).json()["email"] == ALICE


def test_sessions_are_listed_and_another_browser_is_signed_out(server, site, page, browser, check):
    at_account(page, site, server)
    with browser.new_context() as other:
        second = other.new_page()
        at_account(second, site, server)
        page.reload()
        check("account-sessions")
        page.get_by_role("button", name="Sign out everywhere else").click()
        page.get_by_text("This browser").wait_for()
        second.reload()
        second.get_by_role("heading", name="Sign in").wait_for()


def test_the_other_pages_have_no_violation_either(server, site, page, check):
    at_account(page, site, server)
    query = "account=alice%40penfold.test"
    for name in ("app-password", "password", "prove"):
        page.goto(f"{site}/account/{name}?{query}")
        check(name)
    for name, path in {"welcome": "/", "error": "/nowhere", "confirm": "/confirm"}.items():
        page.goto(f"{site}{path}")
        check(name)


def test_a_provider_that_does_not_answer_has_a_page_and_one_that_did_is_removed(
    server, site, page, check
):
    page.goto(f"{site}/signin")
    page.get_by_role("link", name="Sign in with Somebody Else & Co").click()
    page.get_by_role("alert").filter(has_text="does not answer").wait_for()
    check("provider-failed")
    page.get_by_role("link", name="Back to the sign-in page").click()
    with open_identity(server.data) as identity:
        bob = identity.accounts.get("bob@penfold.test")
        login = ProviderLogin(b"p" * 32, bob.id, "https://login.example", 1, 1)
        identity.book.change(lambda writer: writer.add(login))
    fill_in(page, server, "bob")
    check("account-provider")
    page.get_by_role("button", name="Remove https://login.example").click()
    page.get_by_text("https://login.example").wait_for(state="detached")


def test_the_keyboard_alone_signs_in(server, site, page):
    page.goto(f"{site}/account")
    page.keyboard.type(ALICE)  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(password_of(server))
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your account").wait_for()


def test_who_wants_no_more_mail_needs_one_button(page, check):
    shop = Shop()
    with closing(Site(reactions=shop.reactions)) as site:
        token = shop.make_token(shop.accept(KIM, stream="broadcast"))
        page.goto(f"{site.base}/mail/unsubscribe/{token}")
        check("unsubscribe")
        page.get_by_role("button", name="Unsubscribe").click()
        page.get_by_role("heading", name="Unsubscribed").wait_for()
        check("unsubscribed")
    assert shop.suppressed() == [(KIM, "stream", "broadcast", "unsubscribe")]
