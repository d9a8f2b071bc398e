"""The desktop flow through the real pages: Google's library, a real browser."""

import threading
import wsgiref.simple_server
from contextlib import contextmanager

import pytest

pytest.importorskip("playwright")


@pytest.fixture
def page(browser):
    context = browser.new_context(java_script_enabled=False)  # no page of ours needs it
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@contextmanager
def redirect_listener():
    """Listen on a free loopback port as a desktop program does; yield its address and a box."""
    seen = []

    def app(environ, start_response):
        seen.append(
            f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        )
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"You may close this window."]

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet) as listener:
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.server_port}/", seen
        listener.shutdown()
        thread.join()


def sign_in(page, server, url):
    password = server.load_document("passwords")["alice@penfold.test"]["password"]
    page.goto(url)
    page.get_by_label("Email").fill("alice@penfold.test")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def flow_for(server, scopes):
    from google_auth_oauthlib.flow import InstalledAppFlow

    secrets = server.data / "credentials" / "client_secret.json"
    return InstalledAppFlow.from_client_secrets_file(str(secrets), scopes)


READONLY = "https://www.googleapis.com/auth/gmail.readonly"


def credentials_by_browser(server, page, scopes):
    flow = flow_for(server, scopes)
    with redirect_listener() as (address, seen):
        flow.redirect_uri = address
        url, _ = flow.authorization_url(prompt="consent")
        sign_in(page, server, url)
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(f"{address}**")
    flow.fetch_token(authorization_response=next(u for u in seen if "code=" in u))
    return flow.credentials


def client_for(server, credentials):
    from googleapiclient.discovery import build

    return build(
        "gmail",
        "v1",
        credentials=credentials,
        discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )


def test_consent_names_the_scopes_in_words_and_the_token_reads_but_may_not_send(server, page):
    from googleapiclient.errors import HttpError

    credentials = credentials_by_browser(server, page, [READONLY])
    assert credentials.refresh_token
    with client_for(server, credentials) as gmail:
        assert gmail.users().getProfile(userId="me").execute()["emailAddress"]
        with pytest.raises(HttpError) as refused:
            gmail.users().messages().send(userId="me", body={"raw": "eA"}).execute()
    assert refused.value.resp.status == 403
    error = refused.value.error_details[0]
    assert error["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert b"Request had insufficient authentication scopes." in refused.value.content
    assert b'"insufficientPermissions"' in refused.value.content


def test_consent_page_shows_words_client_and_account(server, page):
    flow = flow_for(server, [READONLY])
    flow.redirect_uri = "http://127.0.0.1:9/"
    url, _ = flow.authorization_url()
    sign_in(page, server, url)
    page.get_by_role("button", name="Allow").wait_for()
    text = page.inner_text("body")
    assert "alice@penfold.test" in text
    assert "See your mail and your mail settings" in text
    assert "googleapis.com/auth" not in text


def test_deny_comes_back_as_access_denied(server, page):
    flow = flow_for(server, [READONLY])
    with redirect_listener() as (address, seen):
        flow.redirect_uri = address
        url, state = flow.authorization_url(prompt="consent")
        sign_in(page, server, url)
        page.get_by_role("button", name="Deny").click()
        page.wait_for_url(f"{address}**")
    answer = next(u for u in seen if "error=" in u)
    assert "error=access_denied" in answer
    assert f"state={state}" in answer


def test_refresh_works_and_a_revoked_token_gets_the_401_body(server, page):
    import google.auth.transport.requests
    import requests
    from googleapiclient.errors import HttpError

    credentials = credentials_by_browser(server, page, [READONLY])
    first = credentials.token
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token != first
    answer = requests.post(f"{server.http}/revoke", data={"token": credentials.token}, timeout=10)
    assert answer.status_code == 200
    token = credentials.token
    bare = requests.get(
        f"{server.http}/gmail/v1/users/me/profile",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert bare.status_code == 401
    error = bare.json()["error"]
    assert error["status"] == "UNAUTHENTICATED"
    assert error["errors"][0] == {
        "message": "Invalid Credentials",
        "domain": "global",
        "reason": "authError",
        "location": "Authorization",
        "locationType": "header",
    }
    with client_for(server, credentials) as gmail, pytest.raises(Exception) as refused:
        gmail.users().getProfile(userId="me").execute()
    assert not isinstance(refused.value, HttpError) or refused.value.resp.status == 401
