"""A sending domain signs, its mail arrives at another Penfold, and is seen where it landed there."""

import base64
import io
import json
import time
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path

import httpx
import pytest
from tests.sending import Shop

from penfold.app.command.commands import run_command
from penfold.app.command.seeds import open_seeds
from penfold.app.config import load_settings
from penfold.app.exits import StartError
from penfold.app.monitor.logs import SystemClock
from penfold.domain.incoming.findings import list_passed
from penfold.ports.seeds import SeedError
from penfold.proto.dns import Answer, Exchange, Status, run_check
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.dmarc import check_dmarc
from penfold.proto.mailauth.outcome import Outcome
from penfold.spec.seeds import parse_seeds
from penfold.spec.settings import Settings

ADDRESS = "192.0.2.25"


class Away:
    """Another Penfold, in place of a sink: all mail goes to its MX port."""

    def __init__(self, server):
        self.server = server
        self.port = int(server.smtp.rpartition(":")[2])

    @contextmanager
    def serve(self):
        yield self

    def make_seed(self, name, folder):
        """Return a table for an account there, with the file of its refresh token."""
        port = self.server.http.rpartition(":")[2]
        document = self.server.load_document(name)
        file = folder / f"{name}.json"
        file.touch(0o600)
        file.write_text(json.dumps(document | {"token_uri": f"https://localhost:{port}/token"}))
        return {
            "address": f"{name}@penfold.test",
            "oauth_file": str(file),
            "api": f"https://localhost:{port}",
            "authorities": str(self.server.data / "tls" / "ca.pem"),
        }

    def ask(self, user, verb, path, **body):
        token = self.server.load_document(user)["token"]
        answer = httpx.request(
            verb,
            f"{self.server.http}/gmail/v1/users/me/{path}",
            headers={"authorization": f"Bearer {token}"},
            **({"json": body} if body else {}),
        )
        return answer.raise_for_status().json()


@pytest.fixture(scope="module")
def away(server):
    return Away(server)


def run(shop, *words):
    """Return what a command prints in JSON; beside the server, but in this process."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert run_command([*words, "--json", "--data", str(shop.server.data)]) == 0
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def shop(away, tmp_path_factory):
    """home.example, which sends as shop.example as well, whose records are published."""
    folder = tmp_path_factory.mktemp("shop")
    seeds = [away.make_seed(name, folder) for name in ("alice", "bob")]
    with ExitStack() as stack:
        shop = Shop(stack, folder, away, public_addresses=[ADDRESS], seed=seeds)
        zones = shop.dns.answers.zones
        zones["penfold.test"] = {"MX": [Exchange(10, "mx.sink.example")]}
        zones["shop.example"] = {"TXT": [f"v=spf1 ip4:{ADDRESS} -all".encode()]}
        zones["25.2.0.192.in-addr.arpa"] = {"PTR": ["mail.home.example"]}
        zones["mail.home.example"] = {"A": [ADDRESS]}
        owner = ("--account", "al@home.example")
        rows = run(shop, "sending", "domain", "add", "shop.example", *owner)
        for row in rows:
            if row["type"] == "TXT":
                zones[row["name"]] = {"TXT": [row["value"].encode()]}
        run(shop, "sending", "domain", "check", "shop.example", *owner)
        yield shop


@pytest.fixture
def command(shop, monkeypatch, tmp_path):
    """Run a command on an email of shop.example and return its answer in JSON."""
    monkeypatch.setenv("PENFOLD_API_KEY", shop.key["authorization"].removeprefix("Bearer "))
    file = tmp_path / "email.json"
    email = {"from": "orders@shop.example", "to": "kim@penfold.test", "subject": "Order 7"}
    file.write_text(json.dumps(email | {"text": "On its way."}))
    return lambda word, *options: run(shop, word, str(file), *options)


def test_mail_of_a_sending_domain_arrives_signed_by_it_and_aligned(shop, away):
    sent = shop.send("bob@penfold.test", **{"from": "orders@shop.example", "subject": "signed"})
    shop.wait_for(sent, "delivered")
    [found] = away.ask("bob", "GET", "messages?q=subject:signed")["messages"]
    raw = away.ask("bob", "GET", f"messages/{found['id']}?format=raw")["raw"]
    raw = base64.urlsafe_b64decode(raw + "==")

    def look_up(question):
        rows = shop.dns.answers.zones.get(question.name, {}).get(question.kind, ())
        return Answer(Status.FOUND if rows else Status.ABSENT, tuple(rows))

    results = run_check(verify_dkim(raw, now_s=int(time.time())), look_up)
    assert [(one.result, one.domain) for one in results] == [(Outcome.PASS, "shop.example")] * 2
    assert {one.algorithm for one in results} == {"rsa-sha256", "ed25519-sha256"}
    dmarc = run_check(
        check_dmarc(author_domain="shop.example", spf=("", False), dkim=list_passed(results)),
        look_up,
    )
    assert (dmarc.result, dmarc.dkim_aligned) == ("pass", ("shop.example",))


def test_a_look_before_sending_finds_the_same(command):
    answer = command("check")
    assert answer["authentication"] == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    assert (answer["ok"], answer["findings"]) == (True, [])


def test_where_mail_lands_is_seen_by_the_gmail_api(shop, command):
    answer = command("placement", "--url", shop.server.http, "--within", "60")
    assert {one["seed"]: (one["place"], one["last_event"]) for one in answer["seeds"]} == {
        "alice@penfold.test": ("inbox", "delivered"),
        "bob@penfold.test": ("inbox", "delivered"),
    }
    assert answer["reached"] == 2
    assert answer["shares"] == [{"place": "inbox", "seeds": 2, "of": 2, "share": 1.0}]


def test_every_place_gmail_knows_is_told_by_its_labels(shop, away):
    label = away.ask("alice", "POST", "labels", name="Placement shops")["id"]
    seed = open_seeds(load_settings({"data": str(shop.server.data)}, {}).settings, SystemClock())
    places = {
        "inbox": ["INBOX", "CATEGORY_PERSONAL"],
        "category promotions": ["INBOX", "CATEGORY_PROMOTIONS"],
        "spam": ["SPAM", "CATEGORY_UPDATES"],
        "trash": ["TRASH", label],
        "folder Placement shops": [label],
        "archive": ["UNREAD"],
    }
    for number, labels in enumerate(places.values()):
        raw = f"Message-ID: <place+{number}@seed.example>\r\nSubject: placement\r\n\r\nx\r\n"
        raw = base64.urlsafe_b64encode(raw.encode()).decode()
        away.ask("alice", "POST", "messages", raw=raw, labelIds=labels)
    alice = seed["alice@penfold.test"]
    found = [str(alice.find(f"place+{number}@seed.example")) for number in range(len(places))]
    assert found == list(places)
    assert alice.find("nowhere@seed.example") is None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda seed: Path(seed["oauth_file"]).chmod(0o644), "chmod 600", id="exposed"),
        pytest.param(lambda seed: Path(seed["oauth_file"]).unlink(), "No such file", id="gone"),
        pytest.param(lambda seed: seed.update(authorities="/dev/null"), "PEM", id="no-authority"),
    ],
)
def test_a_file_that_is_no_good_is_told_before_anything_is_sent(away, tmp_path, spoil, said):
    seed = away.make_seed("bob", tmp_path)
    spoil(seed)
    with pytest.raises(StartError, match=said):
        open_seeds(Settings(seed=parse_seeds([seed])), SystemClock())


def test_a_token_that_is_refused_is_told_without_it(away, tmp_path):
    seed = away.make_seed("bob", tmp_path)
    file = Path(seed["oauth_file"])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"refresh_token": "worthless-one"}))
    [bob] = open_seeds(Settings(seed=parse_seeds([seed])), SystemClock()).values()
    with pytest.raises(SeedError, match="invalid_grant") as caught:
        bob.find("x@y.example")
    assert "worthless-one" not in str(caught.value)
