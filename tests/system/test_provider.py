"""Two servers: people of one sign in to the other with the account they have there."""

import json
import re
from html import unescape
from urllib.parse import urljoin

import pytest
import requests

from penfold.testing.server import configure, serve

ALICE = "alice@penfold.test"


@pytest.fixture(scope="module")
def provider(server):
    return server


@pytest.fixture(scope="module")
def authority(provider):
    return str(provider.data / "tls" / "ca.pem")


@pytest.fixture(scope="module")
def here(provider, authority, tmp_path_factory):
    """A server where people of the provider may sign in."""
    folder = tmp_path_factory.mktemp("here")
    # A client on this machine: the port of its redirect address is free, and not known yet.
    client = provider.load_document("client_secret")["installed"]
    (folder / "secret").write_text(client["client_secret"])
    (folder / "secret").chmod(0o600)
    data = configure(
        folder / "data",
        sign_in_issuer=issuer_of(provider),
        sign_in_client_id=client["client_id"],
        sign_in_client_secret=f"file:{folder / 'secret'}",
        sign_in_name="The other one",
    )
    with serve(data, log=folder / "log", env={"SSL_CERT_FILE": authority}) as running:
        yield running


def issuer_of(server):
    """The server by HTTPS and a name: cookies of both servers stay apart so."""
    return server.http.replace("http://127.0.0.1", "https://localhost")


@pytest.fixture
def session(authority):
    with requests.Session() as session:
        session.trust_env = False  # a bundle of the environment would go before
        session.verify = authority
        yield session


def send(session, page, **fields):
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    values = {name: unescape(value) for name, value in hidden} | fields
    return session.post(page.url, data=values, timeout=20)


def go(session, here, provider, name, decision):
    """Walk from our sign-in page through the provider's pages and back; return where it ends."""
    page = session.get(f"{here.http}/signin", params={"continue": "/account"}, timeout=20)
    [href] = re.findall(r'href="([^"]+)">Sign in with The other one<', page.text)
    page = session.get(urljoin(page.url, unescape(href)), timeout=20)
    assert page.url.startswith(f"{issuer_of(provider)}/signin?")
    address = f"{name}@penfold.test"
    password = provider.load_document("passwords")[address]["password"]
    page = send(session, page, step="sign-in", address=address, password=password)
    assert "wants to access your account" in page.text
    return send(session, page, decision=decision)


def test_who_has_an_account_there_signs_in_here_without_a_password(here, provider, session):
    page = go(session, here, provider, "alice", "allow")
    assert page.url.startswith(f"{here.http}/account?")
    assert page.status_code == 200
    assert ALICE in page.text
    assert issuer_of(provider) in page.text  # listed, to be removed
    again = session.get(f"{here.http}/account", timeout=20)
    assert "<h1>Your account</h1>" in again.text


def test_who_says_no_there_is_told_so_here_and_the_log_has_a_line(here, provider, session):
    page = go(session, here, provider, "bob", "deny")
    assert page.status_code == 403
    assert "The other one did not let you in" in page.text
    log = (here.data.parent / "log").read_text()
    [line] = [json.loads(x) for x in log.splitlines() if '"provider_refused"' in x]
    assert (line["reason"], line["issuer"]) == ("denied", issuer_of(provider))
    secret = (here.data.parent / "secret").read_text()
    assert secret not in log
