"""Each refusal of the OAuth endpoints in Google's words, asked over HTTP of a running server.

One row is one sentence; clients and people search for them, so they are compared whole.
"""

import re

import pytest
import requests
from tests.unit.front.web.conftest import Site
from tests.unit.identity import GMAIL, READONLY, WEB_REDIRECT

from penfold.base.limits import CODE_S, DEVICE_CODE_S, DEVICE_POLL_S, REFRESH_IDLE_DAYS
from penfold.domain.access.devices import DEVICE_GRANT
from penfold.domain.access.service_accounts import ASSERTION_GRANT
from penfold.proto.jwt import sign

DEAD = "Token has been expired or revoked."
UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)
TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


class World:
    """What the rows ask for: a site, its people and clients, and forms that are in order."""

    def __init__(self, site):
        self.site, self.inside = site, site.world
        clients = site.identity.clients
        self.robot = clients.add_service_account("robot", domain="penfold.test")
        self.reader = clients.add_service_account(
            "reader", domain="penfold.test", scopes=frozenset({READONLY})
        )
        self.device = clients.add("TV", kind="device")
        self.public = clients.add("Public", kind="desktop", public=True)

    def post(self, path, form):
        return requests.post(self.site.base + path, data=form, timeout=10)

    def code(self, **changed):
        return self.inside.code_form(self.inside.allow()["code"], **changed)

    def late_code(self):
        form = self.code()
        self.inside.clock.advance(s=CODE_S + 1)
        return form

    def spent_code(self):
        form = self.code()
        assert self.post("/token", form).status_code == 200
        return form

    def refresh(self, *, client=None, **changed):
        token = self.inside.tokens()["refresh_token"]
        return self.inside.refresh_form(token, client, **changed)

    def revoked(self):
        form = self.refresh()
        assert self.post("/revoke", {"token": form["refresh_token"]}).json() == {}
        return form

    def idle(self):
        form = self.refresh()
        self.inside.clock.advance(s=REFRESH_IDLE_DAYS * 86_400 + 1)
        return form

    def after_new_password(self):
        form = self.refresh()
        self.inside.identity.accounts.set_password(self.inside.alice.address, "correct-horse-9")
        return form

    def rotated(self):
        token = self.inside.tokens(self.public)["refresh_token"]
        form = self.inside.refresh_form(token, self.public)
        assert self.post("/token", form).status_code == 200
        return form

    def word(self, *, robot=None, key=None, **changed):
        robot, now_s = robot or self.robot, self.inside.clock.now_ms() // 1000
        claims = {
            "iss": robot.account.email,
            "sub": "alice@penfold.test",
            "aud": "https://oauth2.googleapis.com/token",
            "scope": GMAIL,
            "iat": now_s,
            "exp": now_s + 3600,
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        text = sign(claims, private=(key or robot.key).private, kid=robot.key.kid)
        return {"grant_type": ASSERTION_GRANT, "assertion": text}

    def device_form(self, scope="email", **changed):
        return {"client_id": self.device.client.id, "scope": scope, **changed}

    def poll(self, after=lambda inside, asked: None):
        codes = self.post("/device/code", self.device_form()).json()
        devices, alice = self.inside.identity.devices, self.inside.alice
        after(self.inside, devices.find(codes["user_code"], alice, client=""))
        self.inside.clock.advance(s=DEVICE_POLL_S)
        return {
            "grant_type": DEVICE_GRANT,
            "client_id": self.device.client.id,
            "client_secret": self.device.secret,
            "device_code": codes["device_code"],
        }

    def polled(self):
        form = self.poll()
        self.post("/token", form)
        return form

    def deny(self, inside, asked):
        inside.identity.devices.decide(asked, inside.alice, allow=False)

    def wait(self, inside, _asked):
        inside.clock.advance(s=DEVICE_CODE_S)


@pytest.fixture(scope="module")
def world():
    site = Site()
    yield World(site)
    site.close()


#: What is sent to /token, what comes back.
TOKEN = {
    "grant missing": (lambda w: {"x": "y"}, 400, "unsupported_grant_type", "Invalid grant_type: "),
    "grant unknown": (
        lambda w: {"grant_type": "password"},
        400, "unsupported_grant_type", "Invalid grant_type: password",
    ),
    "client unnamed": (
        lambda w: w.code(client_id=None),
        400, "invalid_request", "Could not determine client ID from request.",
    ),
    "client unknown": (
        lambda w: w.code(client_id="x"),
        401, "invalid_client", "The OAuth client was not found.",
    ),
    "secret wrong": (lambda w: w.code(client_secret="x"), 401, "invalid_client", "Unauthorized"),
    "secret missing": (
        lambda w: w.code(client_secret=None), 400, "invalid_request", "client_secret is missing.",
    ),
    "service account as client": (
        lambda w: w.code(client_id=w.robot.client.id, client_secret=None),
        401, "invalid_client", "The OAuth client was not found.",
    ),
    "code missing": (
        lambda w: w.code(code=None), 400, "invalid_request", "Missing required parameter: code",
    ),
    "redirect missing": (
        lambda w: w.code(redirect_uri=None),
        400, "invalid_request", "Missing required parameter: redirect_uri",
    ),
    "code malformed": (lambda w: w.code(code="x"), 400, "invalid_grant", "Malformed auth code."),
    "code unknown": (lambda w: w.code(code="4/0x"), 400, "invalid_grant", "Malformed auth code."),
    "code late": (lambda w: w.late_code(), 400, "invalid_grant", "Bad Request"),
    "code again": (lambda w: w.spent_code(), 400, "invalid_grant", "Bad Request"),
    "code elsewhere": (
        lambda w: w.code(redirect_uri="http://localhost/x"),
        400, "redirect_uri_mismatch", "Bad Request",
    ),
    "verifier missing": (
        lambda w: w.code(code_verifier=None), 400, "invalid_grant", "Missing code verifier.",
    ),
    "verifier wrong": (
        lambda w: w.code(code_verifier="x" * 50), 400, "invalid_grant", "Invalid code verifier.",
    ),
    "refresh token missing": (
        lambda w: w.refresh(refresh_token=None),
        400, "invalid_request", "Missing required parameter: refresh_token",
    ),
    "refresh token unknown": (
        lambda w: w.refresh(refresh_token="1//0x"), 400, "invalid_grant", DEAD,
    ),
    "refresh token revoked": (lambda w: w.revoked(), 400, "invalid_grant", DEAD),
    "refresh token idle": (lambda w: w.idle(), 400, "invalid_grant", DEAD),
    "password changed": (lambda w: w.after_new_password(), 400, "invalid_grant", DEAD),
    "refresh token replaced": (lambda w: w.rotated(), 400, "invalid_grant", DEAD),
    "refresh token of another client": (
        lambda w: w.refresh(client=w.inside.web), 400, "invalid_grant", "Bad Request",
    ),
    "more scope": (
        lambda w: w.refresh(scope=READONLY), 400, "invalid_scope", "Bad Request",
    ),
    "assertion missing": (
        lambda w: {"grant_type": ASSERTION_GRANT},
        400, "invalid_request", "Missing required parameter: assertion",
    ),
    "assertion malformed": (
        lambda w: {"grant_type": ASSERTION_GRANT, "assertion": "x"},
        400, "invalid_grant", "Bad Request",
    ),
    "signature": (
        lambda w: w.word(key=w.reader.key), 400, "invalid_grant", "Invalid JWT Signature.",
    ),
    "too long": (lambda w: w.word(exp=9_999_999_999), 400, "invalid_grant", TIMES),
    "issuer": (
        lambda w: w.word(iss="nobody@x.iam.penfold"),
        400, "invalid_grant", "Invalid grant: account not found",
    ),
    "subject": (
        lambda w: w.word(sub="nobody@penfold.test"),
        400, "invalid_grant", "Invalid email or User ID",
    ),
    "audience": (
        lambda w: w.word(aud="https://evil.example/token"),
        400, "invalid_grant", "Invalid JWT: Failed audience check.",
    ),
    "scope missing": (
        lambda w: w.word(scope=None),
        400, "invalid_scope", "Empty or missing scope not allowed.",
    ),
    "scope unknown": (
        lambda w: w.word(scope="bogus"),
        400, "invalid_scope",
        "Some requested scopes were invalid. {valid=[], invalid=[bogus]}",
    ),
    "scope not delegated": (
        lambda w: w.word(robot=w.reader), 401, "unauthorized_client", UNAUTHORIZED,
    ),
    "device code missing": (
        lambda w: {**w.poll(), "device_code": ""},
        400, "invalid_request", "Missing required parameter: device_code",
    ),
    "device code unknown": (
        lambda w: {**w.poll(), "device_code": "x"}, 400, "invalid_grant", "Bad Request",
    ),
    "device waits": (
        lambda w: w.poll(), 428, "authorization_pending", "Precondition Required",
    ),
    "device hurries": (lambda w: w.polled(), 403, "slow_down", "Forbidden"),
    "device denied": (lambda w: w.poll(w.deny), 403, "access_denied", "Forbidden"),
    "device late": (
        lambda w: w.poll(w.wait), 400, "expired_token", "The device code has expired.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKEN)
def test_the_token_endpoint_refuses_in_googles_words(world, name):
    make, status, error, description = TOKEN[name]
    answer = world.post("/token", make(world))
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.status_code == status
    assert answer.headers["cache-control"].startswith("no-cache, no-store")
    assert ("www-authenticate" in answer.headers) is (error == "invalid_client")


#: What is sent where, what comes back.
OTHERS = {
    "revoke nothing": (
        "/revoke", lambda w: {}, 400, "invalid_request", "Missing required parameter: token",
    ),
    "revoke a dead one": (
        "/revoke", lambda w: {"token": "x"}, 400, "invalid_token", "Token expired or revoked",
    ),
    "access token": (
        "/tokeninfo", lambda w: {"access_token": "x"}, 400, "invalid_token", "Invalid Value",
    ),
    "id token": (
        "/tokeninfo", lambda w: {"id_token": "x.y.z"}, 400, "invalid_token", "Invalid Value",
    ),
    "no token": (
        "/tokeninfo", lambda w: {},
        400, "invalid_token", "either access_token, id_token, or token_handle required",
    ),
    "userinfo": (
        "/v1/userinfo", lambda w: {}, 401, "invalid_request", "Invalid Credentials",
    ),
    "device with Gmail": (
        "/device/code", lambda w: w.device_form(GMAIL),
        400, "invalid_scope", f"Invalid device flow scope: {GMAIL}",
    ),
    "device without scope": (
        "/device/code", lambda w: w.device_form(""),
        400, "invalid_request", "Missing required parameter: scope",
    ),
    "device unknown": (
        "/device/code", lambda w: w.device_form(client_id="x"),
        401, "invalid_client", "The OAuth client was not found.",
    ),
    "device of another type": (
        "/device/code", lambda w: w.device_form(client_id=w.inside.desktop.client.id),
        401, "invalid_client", "Invalid client type.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_endpoints_refuse_in_googles_words(world, name):
    path, make, status, error, description = OTHERS[name]
    answer = world.post(path, make(world))
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.status_code == status


MISMATCH = (
    "The redirect URI in the request, {}, does not match the ones registered for the OAuth client."
)
OUT_OF_BAND = (
    "The out-of-band (OOB) flow has been blocked. Return to http://127.0.0.1 and a port instead."
)
#: What is changed in a request to the authorization endpoint, what the page says.
PAGES = {
    "client missing": (
        {"client_id": None}, "400: invalid_request", "Missing required parameter: client_id",
    ),
    "client unknown": (
        {"client_id": "x"}, "401: invalid_client", "The OAuth client was not found.",
    ),
    "redirect missing": (
        {"redirect_uri": None}, "400: invalid_request", "Missing required parameter: redirect_uri",
    ),
    "redirect of another": (
        {"redirect_uri": WEB_REDIRECT}, "400: redirect_uri_mismatch", MISMATCH.format(WEB_REDIRECT),
    ),
    "out of band": (
        {"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, "400: invalid_request",
        OUT_OF_BAND,
    ),
    "type missing": (
        {"response_type": None}, "400: invalid_request",
        "Missing required parameter: response_type",
    ),
    "implicit": (
        {"response_type": "token"}, "400: unsupported_response_type",
        "Only response_type=code is supported.",
    ),
    "scope missing": (
        {"scope": None}, "400: invalid_request", "Missing required parameter: scope",
    ),
    "scope unknown": (
        {"scope": f"a {GMAIL}"}, "400: invalid_scope",
        f"Some requested scopes were invalid. {{valid=[{GMAIL}], invalid=[a]}}",
    ),
    "prompt": (
        {"prompt": "none consent"}, "400: invalid_request",
        "Invalid parameter value for prompt: none consent",
    ),
    "access type": (
        {"access_type": "x"}, "400: invalid_request",
        "Invalid parameter value for access_type: x",
    ),
    "plain challenge": (
        {"code_challenge_method": "plain"}, "400: invalid_request",
        "code_challenge_method must be S256.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_request_in_error_ends_on_a_page_in_googles_words(world, name):
    changed, error, description = PAGES[name]
    answer = requests.get(world.site.url(**changed), allow_redirects=False, timeout=10)
    assert answer.status_code == 400
    assert f"<code>Error {error}</code>" in answer.text
    [shown] = re.findall(r'<p class="notice">(.*?)</p>', answer.text)
    assert shown == description


def test_who_need_not_be_asked_is_told_in_the_redirect(world):
    uri = world.site.url(prompt="none")
    answer = requests.get(uri, allow_redirects=False, timeout=10)
    assert "error=login_required" in answer.headers["location"]
