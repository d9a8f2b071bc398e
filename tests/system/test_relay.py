"""Mail that goes out by a relay: a second Penfold, which takes a password or a token of its own."""

import json
import smtplib
import ssl
import time
from contextlib import ExitStack

import pytest
from tests.until import until

from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

ZONES = {"mail.away.example": {"A": ["127.0.0.1"]}}
USER = "al@home.example"


def make_config(folder, domains, dns, *relays):
    more = {"relay": list(relays)} if relays else {}
    return configure(
        folder,
        domains=domains,
        hostname=f"mail.{domains[0]}",
        dns_servers=[f"127.0.0.1:{dns.port}"],
        **more,
    )


def port_of(endpoint):
    return int(endpoint.rpartition(":")[2])


class World:
    """away is the relay, and knows the user too; home sends by it, which reaches no other server."""

    def __init__(self, stack, folder):
        dns = stack.enter_context(DnsServer(ZONES))
        config = make_config(folder / "a", ["away.example", "home.example"], dns)
        self.away = stack.enter_context(serve(config))
        self.away.run("user", "add", USER)
        self.right = self.make_password(self.away)
        self.files = {name: folder / name for name in ("password", "wrong", "oauth")}
        self.write("password", self.right)
        self.write("wrong", "not this one")
        document = json.loads(self.away.run("token", USER, "--json"))
        document["token_uri"] = f"https://mail.away.example:{port_of(self.away.http)}/token"
        self.write("oauth", json.dumps(document))
        self.log = folder / "log"
        home = make_config(folder / "h", ["home.example"], dns, *self.make_tables())
        self.home = stack.enter_context(serve(home, log=self.log))
        self.home.run("user", "add", USER)
        self.password = self.make_password(self.home)
        self.queue, self.relayed = (
            SqliteQueue(each.data / "queue.db", create=False) for each in (self.home, self.away)
        )
        stack.callback(self.queue.close)
        stack.callback(self.relayed.close)

    def make_password(self, server):
        return json.loads(server.run("app-password", "add", USER, "--json"))["password"]

    def write(self, name, content):
        self.files[name].write_text(content)
        self.files[name].chmod(0o600)

    def make_tables(self):
        authorities = str(self.away.data / "tls" / "ca.pem")
        common = {"authorities": authorities, "user": USER}
        return (
            common
            | {
                "domains": ["*"],
                "host": "mail.away.example",
                "port": port_of(self.away.submission),
                "password_file": str(self.files["password"]),
            },
            common
            | {
                "domains": ["oauth.example"],
                "host": "mail.away.example",
                "port": port_of(self.away.submissions),
                "tls": "implicit",
                "oauth_file": str(self.files["oauth"]),
            },
            common
            | {
                "domains": ["*.locked.example"],
                "host": "localhost",
                "port": port_of(self.away.submission),
                "password_file": str(self.files["wrong"]),
            },
        )

    def send(self, recipient, subject):
        context = ssl.create_default_context(cafile=self.home.data / "tls" / "ca.pem")
        host, _, port = self.home.submissions.rpartition(":")
        text = f"From: {USER}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nhi\r\n"
        with smtplib.SMTP_SSL(host, int(port), timeout=10, context=context) as smtp:
            smtp.login(USER, self.password)
            smtp.sendmail(USER, [recipient], text.encode())

    def wait_for_relayed(self, subject, recipient):
        """Return the relay's row for what it has to send on."""

        def look():
            rows = self.relayed.list_rows()
            return [row for row in rows if (row.subject, row.recipient) == (subject, recipient)]

        return until(look, what=f"{subject} at the relay")

    def wait_for_line(self, event):
        """Return the first line of the log about an event."""

        def look():
            return [line for line in self.log.read_text().splitlines() if event in line]

        return until(look, what=event)[0]

    def find_row(self, subject, *, attempts=1):
        """Return the row and its attempts once it has had so many."""

        def look():
            for row in self.queue.list_rows():
                made = self.queue.list_attempts(row.id)
                if row.subject == subject and len(made) >= attempts:
                    return self.queue.get_row(row.id), made  # as it is since they were made
            return None

        return until(look, what=f"an attempt at {subject}")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("relay"))


def test_mail_goes_by_the_relay_with_a_password_over_verified_tls(world):
    world.send("kim@box.example", "by password")
    row, [attempt] = world.find_row("by password")
    assert row.state == "sent", attempt.outcome
    [tried] = attempt.facts.tried
    assert (tried.host, tried.policy, tried.demand) == ("mail.away.example", "settings", "verified")
    assert tried.tls.startswith("TLSv1.3")
    assert world.right not in attempt.transcript
    assert attempt.facts.dns[0].startswith("relay of the settings")
    assert world.wait_for_relayed("by password", "kim@box.example")


def test_a_refresh_token_is_good_for_an_access_token_and_that_for_xoauth2(world):
    world.send("lee@oauth.example", "by token")
    row, [attempt] = world.find_row("by token")
    assert row.state == "sent", attempt.outcome
    assert "C: AUTH XOAUTH2" in attempt.transcript
    assert world.wait_for_relayed("by token", "lee@oauth.example")


def test_a_refused_login_bounces_nothing_is_told_loudly_and_mended_by_writing_the_file(world):
    world.send("kim@x.locked.example", "locked")
    row, [attempt] = world.find_row("locked")
    assert (row.state, attempt.kind) == ("queued", "policy")
    assert "535" in attempt.outcome
    assert attempt.facts.blame == "operator"
    assert str(world.files["wrong"]) in world.wait_for_line("relay_refused")
    world.write("wrong", world.right)
    world.queue.retry(row.id, now_ms=time.time_ns() // 1_000_000)
    row, made = world.find_row("locked", attempts=2)
    assert row.state == "sent", made[-1].outcome
