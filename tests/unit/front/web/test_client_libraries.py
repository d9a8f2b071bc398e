"""Whole flows with the libraries people use, unmodified, over real HTTP."""

import time

import pytest
from tests.unit.identity import GMAIL, LOOPBACK, READONLY, WEB_REDIRECT

from penfold.domain.access.local_mode import ServiceSecret, client_document, service_document

SCOPES = [GMAIL, READONLY]


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def web(site):
    """A web client nobody has been asked about yet."""
    return site.identity.clients.add("Fresh", kind="web", redirect_uris=(WEB_REDIRECT,))


def allow(browser, url, address="alice@penfold.test"):
    """Do what a person does; return where the browser was sent."""
    browser.open(url)
    browser.sign_in(address)
    browser.send(account=address, decision="allow")
    assert browser.left_for, browser.answer.text
    return browser.left_for


def config(site, client):
    return client_document(
        client.client.id, client.secret, kind=client.client.kind, base=site.base,
        redirect_uris=client.client.redirect_uris,
    )  # fmt: skip


def key_file(site, new):
    """Return the key file of a new service account."""
    secret = ServiceSecret(new.account.email, new.client.id, new.key.kid, new.key.private)
    return service_document(secret, base=site.base)


def test_google_auth_oauthlib_of_a_desktop_application(site, browser):
    flows = pytest.importorskip("google_auth_oauthlib.flow")
    import google.auth.transport.requests

    flow = flows.InstalledAppFlow.from_client_config(config(site, site.world.desktop), SCOPES)
    flow.redirect_uri = LOOPBACK
    url, state = flow.authorization_url()
    target = allow(browser, url)
    assert f"state={state}" in target
    flow.fetch_token(authorization_response=target)
    credentials = flow.credentials
    assert site.world.book.find_credential(credentials.token).account == site.world.alice
    assert set(credentials.scopes) == set(SCOPES)
    first = credentials.token
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token != first
    assert site.world.book.find_credential(credentials.token)
    flow.oauth2session.close()


def test_google_auth_oauthlib_of_a_web_application(site, browser, web):
    flows = pytest.importorskip("google_auth_oauthlib.flow")
    flow = flows.Flow.from_client_config(config(site, web), SCOPES, redirect_uri=WEB_REDIRECT)
    url, _ = flow.authorization_url(access_type="offline", include_granted_scopes="true")
    flow.fetch_token(authorization_response=allow(browser, url))
    assert flow.credentials.refresh_token
    flow.oauth2session.close()


def test_run_local_server_as_programs_call_it(site, browser):
    """The whole of InstalledAppFlow.run_local_server, with our few lines as the browser."""
    flows = pytest.importorskip("google_auth_oauthlib.flow")
    import threading
    import webbrowser

    import requests

    visits = []

    class Scripted(webbrowser.BaseBrowser):
        def open(self, url, new=0, autoraise=True):
            def visit():
                target = allow(browser, url)
                visits.append(requests.get(target, timeout=10).status_code)

            thread = threading.Thread(target=visit)
            thread.start()
            visits.append(thread)
            return True

    webbrowser.register("scripted", None, Scripted())
    flow = flows.InstalledAppFlow.from_client_config(config(site, site.world.desktop), SCOPES)
    credentials = flow.run_local_server(
        port=0, browser="scripted", authorization_prompt_message=None, timeout_seconds=20
    )
    visits[0].join()
    assert visits[1:] == [200]
    assert credentials.refresh_token
    assert site.world.book.find_credential(credentials.token)
    flow.oauth2session.close()


def test_a_service_account_of_google_auth(site):
    service = pytest.importorskip("google.oauth2.service_account")
    import google.auth.transport.requests

    new = site.identity.clients.add_service_account("robot-two", domain="penfold.test")
    credentials = service.Credentials.from_service_account_info(
        key_file(site, new), scopes=SCOPES, subject="bob@penfold.test"
    )
    # It writes the real time into its word; our clock stands still and is moved there.
    site.world.clock.advance(ms=int(time.time() * 1000) - site.world.clock.now_ms())
    credentials.refresh(google.auth.transport.requests.Request())
    assert site.world.book.find_credential(credentials.token).account == site.world.bob


def test_google_auth_is_told_what_was_not_delegated(site):
    service = pytest.importorskip("google.oauth2.service_account")
    import google.auth.exceptions
    import google.auth.transport.requests

    add = site.identity.clients.add_service_account
    new = add("robot-three", domain="penfold.test", scopes=frozenset({READONLY}))
    credentials = service.Credentials.from_service_account_info(
        key_file(site, new), scopes=[GMAIL], subject="bob@penfold.test"
    )
    site.world.clock.advance(ms=int(time.time() * 1000) - site.world.clock.now_ms())
    with pytest.raises(google.auth.exceptions.RefreshError, match="unauthorized_client"):
        credentials.refresh(google.auth.transport.requests.Request())
    allowed = credentials.with_scopes([READONLY])
    allowed.refresh(google.auth.transport.requests.Request())
    assert site.world.book.find_credential(allowed.token).scopes == {READONLY}


def test_google_auth_fetches_and_verifies_an_id_token_of_a_service_account(site):
    service = pytest.importorskip("google.oauth2.service_account")
    import google.auth.transport.requests
    from google.oauth2 import id_token

    new = site.identity.clients.add_service_account("robot-four")
    audience = "https://app.example"
    credentials = service.IDTokenCredentials.from_service_account_info(
        key_file(site, new), target_audience=audience
    )
    site.world.clock.advance(ms=int(time.time() * 1000) - site.world.clock.now_ms())
    request = google.auth.transport.requests.Request()
    credentials.refresh(request)
    claims = id_token.verify_token(
        credentials.token, request, audience, certs_url=f"{site.base}/oauth2/v1/certs"
    )
    assert (claims["email"], claims["iss"]) == (new.account.email, site.base)


def test_requests_oauthlib(site, browser, web):
    oauth = pytest.importorskip("requests_oauthlib")
    client = web
    with oauth.OAuth2Session(
        client.client.id, redirect_uri=WEB_REDIRECT, scope=SCOPES, pkce="S256"
    ) as session:
        url, _ = session.authorization_url(
            site.base + "/o/oauth2/auth", access_type="offline", prompt="consent"
        )
        token = session.fetch_token(
            site.base + "/oauth2/v4/token",
            authorization_response=allow(browser, url),
            client_secret=client.secret,
        )
        assert token["refresh_token"]
        renewed = session.refresh_token(
            site.base + "/token", client_id=client.client.id, client_secret=client.secret
        )
    assert renewed["access_token"] != token["access_token"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_with_openid_connect(site, browser, web, method):
    requests_client = pytest.importorskip("authlib.integrations.requests_client")
    client = web
    with requests_client.OAuth2Session(
        client.client.id,
        client.secret,
        scope="openid https://www.googleapis.com/auth/userinfo.email",
        redirect_uri=WEB_REDIRECT,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    ) as session:
        verifier = "v" * 64
        url, state = session.create_authorization_url(
            site.base + "/o/oauth2/v2/auth", code_verifier=verifier, nonce="n", prompt="consent"
        )
        token = session.fetch_token(
            site.base + "/token",
            authorization_response=allow(browser, url),
            code_verifier=verifier,
            state=state,
        )
        assert token["id_token"]
        who = session.get(site.base + "/v1/userinfo", timeout=10).json()
        assert who["email"] == "alice@penfold.test"
        revoked = session.revoke_token(site.base + "/revoke", token["access_token"])
        assert revoked.status_code == 200
        assert session.get(site.base + "/v1/userinfo", timeout=10).status_code == 401
