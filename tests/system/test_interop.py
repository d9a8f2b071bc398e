"""Two Penfolds and a Postfix on hosts of their own, each with its port 25, and the DNS between them.

Every host is a network namespace; programs run there as they would on three machines.
"""

import json
import re
import smtplib
import ssl
import subprocess
import time
from contextlib import ExitStack

import httpx
import pytest
from benchmarks import lab, postfix
from tests.until import until

from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import open_stores
from penfold.base.labels import INBOX
from penfold.proto.dns import Answer, Exchange, Status, run_check
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.outcome import Outcome
from penfold.testing.server import configure, serve

PATIENCE_S = 60


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


class Site:
    """A Penfold on a host of its own, with one account."""

    def __init__(self, stack, network, folder, domain, user):
        self.host = network.add_host()
        self.domain, self.address = domain, f"{user}@{domain}"
        data = configure(
            folder / domain,
            domains=[domain],
            hostname=f"mail.{domain}",
            dns_servers=[network.dns.host],
            delivery_reach="private",
        )
        listen = [
            word
            for listener in ("--http", "--submission", "--submissions")
            for word in (listener, f"{self.host.address}:0")
        ]
        args = ["--smtp", f"{self.host.address}:25", *listen]
        self.server = stack.enter_context(
            serve(data, args=args, via=self.host.via, log=folder / f"{domain}.log")
        )
        self.server.run("user", "add", self.address)
        made = self.server.run("app-password", "add", self.address, "--json")
        self.password = json.loads(made)["password"]
        self.keys = json.loads(self.server.run("domain", "activate", domain, "--json"))
        self.stores = open_stores(data, clock=SystemClock(), fatal=pytest.fail)
        stack.callback(self.stores.close)

    def describe(self, network):
        """Put the domain into the DNS as its operator would."""
        mx = f"mail.{self.domain}"
        zones = network.dns.answers.zones
        zones[self.domain] = {"MX": [Exchange(10, mx)], "TXT": [b"v=spf1 mx -all"]}
        zones[mx] = {"A": [self.host.address], "TXT": [b"v=spf1 a -all"]}
        zones[reverse(self.host.address)] = {"PTR": [mx]}
        zones[f"_dmarc.{self.domain}"] = {"TXT": [b"v=DMARC1; p=reject"]}
        for key in self.keys:
            zones[key["record_name"]] = {"TXT": [key["record"].encode()]}

    def send(self, *recipients, subject):
        """Send through submission, as the account's own program does."""
        context = ssl.create_default_context(cafile=self.server.data / "tls" / "ca.pem")
        context.check_hostname = False
        host, _, port = self.server.submissions.rpartition(":")
        head = f"From: {self.address}\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n"
        with smtplib.SMTP_SSL(host, int(port), timeout=30, context=context) as smtp:
            smtp.login(self.address, self.password)
            smtp.sendmail(self.address, recipients, f"{head}\r\nhello\r\n")

    def wait_for_attempt(self, subject, recipient, *, state):
        """Return the last attempt of a queue row once the row is in a state."""
        queue = self.stores.queue

        def look():
            for row in queue.list_rows():
                if (row.subject, row.recipient, row.state) == (subject, recipient, state):
                    return row, queue.list_attempts(row.id)[-1]
            return None

        return until(look, within_s=PATIENCE_S, what=f"{subject} to {recipient}, {state},")

    def wait_for_mail(self, subject, *, count=1):
        """Return labels and octets of what is in the thread of a subject, oldest first."""
        account = self.stores.directory.find_account(self.address)

        def look():
            with self.stores.mailboxes.open_reader(account.id) as box:
                found = box.find_by_subject(subject)
                rows = box.list_thread(found.thread_id) if found else []
                return len(rows) >= count and [(row.labels, box.get_raw(row.id)) for row in rows]

        return until(look, within_s=PATIENCE_S, what=f"{count} messages about {subject}")


class World:
    """home and away are Penfolds, post is a Postfix that knows alice."""

    def __init__(self, stack, folder):
        self.network = stack.enter_context(lab.Network({}))
        self.home = Site(stack, self.network, folder, "home.example", "al")
        self.away = Site(stack, self.network, folder, "away.example", "kim")
        for site in (self.home, self.away):
            site.describe(self.network)
        self.post = self.network.add_host()
        zones = self.network.dns.answers.zones
        zones["post.example"] = {
            "MX": [Exchange(10, "mail.post.example")], "TXT": [b"v=spf1 mx -all"],
        }  # fmt: skip
        zones["mail.post.example"] = {"A": [self.post.address]}
        zones[reverse(self.post.address)] = {"PTR": ["mail.post.example"]}
        key = folder / "post.key"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-keyout", key, "-out", folder / "post.pem", "-subj", "/CN=mail.post.example",
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        settings = {
            "myhostname": "mail.post.example",
            "inet_interfaces": self.post.address,
            "mynetworks": f"{self.network.dns.host}/32",
            "virtual_mailbox_domains": "post.example",
            "virtual_mailbox_maps": "inline:{alice@post.example=alice/}",
            "virtual_alias_maps": "inline:{gone@post.example=x@lost.example}",
            "smtpd_tls_cert_file": str(folder / "post.pem"),
            "smtpd_tls_key_file": str(key),
            "smtpd_tls_security_level": "may",
            "smtpd_tls_received_header": "yes",
            "smtp_tls_security_level": "may",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        }
        listen = f"{self.post.address}:25"
        _, self.maildir = stack.enter_context(
            postfix.run(folder / "postfix", settings=settings, listen=listen, via=self.post.via)
        )

    def send_from_post(self, recipient, *, subject):
        """Have Postfix send a message to somebody elsewhere."""
        head = f"From: alice@post.example\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
        with smtplib.SMTP(self.post.address, 25, timeout=30) as smtp:
            smtp.sendmail("alice@post.example", [recipient], f"{head}\r\nhello\r\n")

    def wait_at_post(self, subject):
        """Return the octets of a message in Postfix's Maildir."""

        def look():
            texts = (path.read_bytes() for path in (self.maildir / "new").glob("*"))
            return next((text for text in texts if f"Subject: {subject}\n".encode() in text), None)

        return until(look, within_s=PATIENCE_S, what=f"{subject} at Postfix")


@pytest.fixture(scope="module")
def world(tmp_path_factory, program):
    if not lab.is_possible():
        pytest.skip("network namespaces cannot be made here")
    program("postfix")
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("lab"))


def results_of(octets):
    """Return the first Authentication-Results field, unfolded."""
    field = re.search(
        rb"^Authentication-Results: (.*?)\r\n(?![ \t])", octets, re.MULTILINE | re.DOTALL
    )
    return " ".join(field[1].decode().split())


def test_penfold_to_penfold_by_tls_with_signatures_that_hold_there(world):
    world.home.send("kim@away.example", subject="one")
    _, attempt = world.home.wait_for_attempt("one", "kim@away.example", state="sent")
    assert attempt.facts.tried[-1].tls.startswith("TLSv1.3")
    [(labels, octets)] = world.away.wait_for_mail("one")
    assert INBOX in labels
    found = results_of(octets)
    assert found.startswith("mail.away.example;")
    assert found.count("dkim=pass header.i=@home.example") == 2  # RSA and Ed25519
    assert "spf=pass" in found
    assert "dmarc=pass (p=REJECT" in found


def test_penfold_to_postfix_by_tls(world):
    world.home.send("alice@post.example", subject="two")
    assert b"using TLSv1.3" in world.wait_at_post("two")


def test_mail_of_an_application_is_at_postfix_with_signatures_that_hold(world):
    secret, *_ = world.home.server.run(
        *("sending", "key", "add", world.home.address, "shop", "--scope", "emails:send"),
    ).splitlines()
    body = {
        "from": f"Shop <{world.home.address}>",
        "to": ["alice@post.example", "kim@away.example"],
        "subject": "bill",
        "html": "<p>7 €</p>",
        "text": "7 €",
    }
    url = f"{world.home.server.http}/v1/emails"
    sent = httpx.post(url, json=body, headers={"Authorization": f"Bearer {secret}"})
    assert sent.status_code == 200, sent.text
    raw = re.sub(rb"\r?\n", b"\r\n", world.wait_at_post("bill"))
    keys = {key["record_name"]: key["record"].encode() for key in world.home.keys}
    checked = run_check(
        verify_dkim(raw, now_s=int(time.time())),
        lambda asked: Answer(Status.FOUND, (keys[asked.name],)),
    )
    assert [one.result for one in checked] == [Outcome.PASS, Outcome.PASS]
    [(labels, octets)] = world.away.wait_for_mail("bill")
    assert INBOX in labels
    assert results_of(octets).count("dkim=pass header.i=@home.example") == 2


def test_postfix_to_penfold_by_tls_and_its_sender_is_vouched_for(world):
    world.send_from_post("al@home.example", subject="three")
    [(labels, octets)] = world.home.wait_for_mail("three")
    assert INBOX in labels
    assert "spf=pass" in results_of(octets)
    assert re.search(rb"with\s+\S*SMTPS", octets)


def test_a_forged_sender_is_refused_as_its_domain_asks(world):
    with (
        smtplib.SMTP(world.home.host.address, 25, timeout=30) as smtp,
        pytest.raises(smtplib.SMTPDataError) as caught,
    ):
        smtp.sendmail(
                "kim@away.example", ["al@home.example"],
                "From: kim@away.example\r\nSubject: forged\r\n\r\nhello\r\n",
            )  # fmt: skip
    assert caught.value.smtp_code == 550
    assert b"5.7.26" in caught.value.smtp_error


def test_a_server_that_is_dead_is_passed_over(world):
    zones = world.network.dns.answers.zones
    zones["dead.away.example"] = {"A": [f"{world.network.dns.host.rpartition('.')[0]}.250"]}
    zones["two.example"] = {
        "MX": [Exchange(5, "dead.away.example"), Exchange(10, "mail.post.example")]
    }
    world.home.send("alice@two.example", subject="four")
    _, attempt = world.home.wait_for_attempt("four", "alice@two.example", state="failed")
    dead, alive = attempt.facts.tried
    assert (dead.host, dead.stage) == ("dead.away.example", "connect")
    assert (alive.host, alive.code) == ("mail.post.example", 554)  # Postfix relays for nobody


@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        pytest.param("nobody@away.example", b"550 5.1.1", id="refused-by-penfold"),
        pytest.param("nobody@post.example", b"550 5.1.1", id="refused-by-postfix"),
        pytest.param("gone@post.example", b"lost.example", id="bounced-by-postfix-later"),
    ],
)
def test_a_failure_comes_back_into_the_thread_of_what_was_sent(world, recipient, words):
    subject = f"to {recipient}"
    world.home.send(recipient, subject=subject)
    _sent, (labels, report) = world.home.wait_for_mail(subject, count=2)
    assert INBOX in labels
    assert b"multipart/report" in report
    assert words in report
