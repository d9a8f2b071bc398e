"""Production mode: the domains of penfold.toml are served, and nothing of local mode is made."""

import smtplib

import pytest

from penfold.testing.server import serve

CONFIG = 'domains = ["example.com"]\nhostname = "mail.example.com"\n'


@pytest.fixture
def server(tmp_path):
    data = tmp_path / "data"
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
