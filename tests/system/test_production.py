"""Production mode: the domains of penfold.toml are served, and nothing of local mode is made."""

import json
import smtplib
import urllib.error
import urllib.request

import httpx
import pytest

from penfold.proto.mta_sts import Mode, Policy, parse_policy
from penfold.testing.server import serve

CONFIG = 'domains = ["example.com"]\nhostname = "mail.example.com"\nmta_sts_mode = "testing"\n'
CONFIG += 'hosts = ["api.example.com"]\ntrusted_proxies = ["127.0.0.1"]\n'
CONFIG += 'rate_limits = ["token-network=3/1h"]\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("production") / "data"
    data.mkdir()
    (data / "penfold.toml").write_text(CONFIG)
    with serve(data, log=data.with_name("log")) as server:
        yield server


def test_production_mode_serves_its_domains_and_makes_nobody(server):
    assert [path.name for path in (server.data / "credentials").iterdir()] == ["client_secret.json"]
    assert "@penfold.test" not in server.run("user", "list")
    server.run("user", "add", "kim@example.com")
    assert len(server.run("token", "kim@example.com")) > 40
    host, _, port = server.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        _, greeting = client.ehlo("probe.example")
        assert greeting.startswith(b"mail.example.com")
        client.mail("probe@example.net")
        assert client.rcpt("kim@example.com")[0] == 250
        assert client.rcpt("lee@example.com")[0] == 550
        assert client.rcpt("alice@penfold.test")[0] == 550


def fetch_policy(server, host):
    request = urllib.request.Request(
        f"{server.http}/.well-known/mta-sts.txt", headers={"Host": host}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return parse_policy(answer.read())


def test_each_domain_has_an_mta_sts_policy_that_names_the_host(server):
    policy = Policy(Mode.TESTING, 604_800, ("mail.example.com",))
    assert fetch_policy(server, "mta-sts.example.com") == policy
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch_policy(server, "mta-sts.example.net")
    server.run("domain", "add", "example.net")
    assert fetch_policy(server, "mta-sts.example.net") == policy


def test_domains_of_the_settings_have_keys_that_wait_for_their_records(server):
    keys = json.loads(server.run("domain", "keys", "example.com", "--json"))
    assert [key["state"] for key in keys] == ["waiting", "waiting"]
    assert {key["algorithm"] for key in keys} == {"rsa-sha256", "ed25519-sha256"}


def test_an_alias_made_beside_the_running_server_counts_from_the_next_recipient_on(server):
    server.run("user", "add", "lou@example.com")
    host, _, port = server.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.ehlo("probe.example")
        client.mail("probe@example.net")
        assert client.rcpt("sales@example.com")[0] == 550
        server.run("alias", "add", "sales@example.com", "lou@example.com")
        assert client.rcpt("sales@example.com")[0] == 250


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mail.example.com", 200),
        ("api.example.com", 200),
        ("127.0.0.1", 200),
        ("evil.example", 421),
    ],
)
def test_it_answers_to_its_names_and_to_no_other(server, host, status):
    for fields in ({"Host": host}, {"X-Forwarded-Host": host}):
        url = f"{server.http}/.well-known/openid-configuration"
        answer = httpx.get(url, headers=fields)
        assert answer.status_code == status
        assert "evil" not in answer.text


def ask_token(server, visitor):
    form = {"grant_type": "refresh_token", "refresh_token": "guess", "client_id": "nobody"}
    visitor = {"X-Forwarded-For": f"198.51.100.1, {visitor}", "X-Forwarded-Proto": "https"}
    return httpx.post(f"{server.http}/token", data=form, headers=visitor)


def test_refused_requests_for_tokens_are_counted_for_the_visitor_behind_the_proxy(server):
    statuses = [ask_token(server, "203.0.113.7").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert int(ask_token(server, "203.0.113.7").headers["retry-after"]) > 60
    other = ask_token(server, "203.0.113.8")
    assert other.status_code == 401
    assert other.headers["strict-transport-security"] == "max-age=15552000"
    lines = server.data.with_name("log").read_text().splitlines()
    log = json.loads(next(line for line in lines if '"rate_limited"' in line))
    assert (log["limit"], log["client"]) == ("token-network", "203.0.113.7")
