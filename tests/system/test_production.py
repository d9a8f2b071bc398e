"""Production mode: the domains of penfold.toml are served, and nothing of local mode is made."""

import json
import smtplib
import urllib.error
import urllib.request

import pytest

from penfold.proto.mta_sts import Mode, Policy, parse_policy
from penfold.testing.server import serve

CONFIG = 'domains = ["example.com"]\nhostname = "mail.example.com"\nmta_sts_mode = "testing"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("production") / "data"
    data.mkdir()
    (data / "penfold.toml").write_text(CONFIG)
    with serve(data) as server:
        yield server


def test_production_mode_serves_its_domains_and_makes_nobody(server):
    assert [path.name for path in (server.data / "credentials").iterdir()] == ["client_secret.json"]
    assert server.run("user", "list") == ""
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
