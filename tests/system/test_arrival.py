"""A server in production mode, reached from another address of this machine than the loopback."""

import ipaddress
import json
import smtplib
import socket
import time
import urllib.request

import pytest
from tests.signatures import record_of, sign

from penfold.domain.incoming.greylisting import domain_key
from penfold.ports.greylist import Sighting
from penfold.store.sqlite.greylist import SqliteGreylist
from penfold.testing.dns import DnsServer
from penfold.testing.server import serve

CONFIG = """
domains = ["example.com"]
hostname = "mail.example.com"
dns_servers = ["{dns}"]
blocklists = ["bl.example"]
greylisting = "on"
arrival_policy = ["dmarc_quarantine=reject", "no_ptr=accept"]
"""
LETTER = b"From: ann@sender.example\r\nTo: kim@example.com\r\nSubject: %b\r\n\r\nHello.\r\n"


@pytest.fixture
def outside():
    """An address of this machine that is not the loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if ipaddress.ip_address(address).is_loopback:
        pytest.skip("this machine has no address but the loopback")
    return address


@pytest.fixture
def dns(outside):
    spf = f"v=spf1 ip4:{outside} -all".encode()
    reverse = ipaddress.ip_address(outside).reverse_pointer
    zones = {
        reverse: {"PTR": ["mx.sender.example"]},
        "mx.sender.example": {"A": [outside]},
        "sender.example": {"TXT": [spf]},
        "_dmarc.sender.example": {"TXT": [b"v=DMARC1; p=quarantine"]},
        "rsa._domainkey.sender.example": {"TXT": [record_of("rsa")]},
        "stranger.example": {"TXT": [spf]},
        "mixed.example": {"TXT": [b"v=spf1 -all"]},
    }
    with DnsServer(zones) as server:
        yield server


@pytest.fixture
def server(tmp_path, dns):
    data = tmp_path / "data"
    data.mkdir()
    (data / "penfold.toml").write_text(CONFIG.format(dns=f"{dns.host}:{dns.port}"))
    with serve(data, args=["--smtp", "0.0.0.0:0"], log=tmp_path / "log") as server:
        server.run("user", "add", "kim@example.com")
        remember(data, "sender.example")
        yield server


def remember(data, domain):
    """Have the greylist know a domain, as after its first mail came again."""
    book = SqliteGreylist(data / "greylist.db")
    now_ms = time.time_ns() // 1_000_000
    book.save(domain_key(domain), Sighting(now_ms, now_ms, True))
    book.close()


def test_mail_is_greylisted_judged_and_labelled(server, outside, tmp_path):
    port = int(server.smtp.rpartition(":")[2])
    with smtplib.SMTP(outside, port, local_hostname="mx.sender.example") as client:
        client.ehlo()
        client.mail("x@stranger.example")
        code, text = client.rcpt("kim@example.com")
        assert (code, text[:41]) == (451, b"4.7.1 Greylisted, try again in 300 second")
        client.rset()
        now_s = time.time_ns() // 1_000_000_000
        client.sendmail(
            "ann@sender.example", ["kim@example.com"], sign(LETTER % b"Real", now_s=now_s)
        )
        client.mail("ann@sender.example")
        client.rcpt("kim@example.com")
        forged = (LETTER % b"Forged").replace(b"ann@sender", b"ann@mixed")
        assert client.data(forged)[0] == 250  # no policy: it is taken
    token = server.run("token", "kim@example.com").strip()
    subjects = [one["payload"]["headers"] for one in read_mail(server, token)]
    found = {
        name: {each["name"]: each["value"] for each in headers}
        for headers in subjects
        for name in [next(e["value"] for e in headers if e["name"] == "Subject")]
    }
    assert "dkim=pass" in found["Real"]["Authentication-Results"]
    assert "dmarc=pass" in found["Real"]["Authentication-Results"]
    assert found["Real"]["Received-SPF"].startswith("pass (mail.example.com: domain of ann@sender")
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {e["outcome"] for e in events if e.get("event") == "arrival"} == {"accepted"}
    with urllib.request.urlopen(f"{server.http}/metrics") as page:
        text = page.read().decode()
    assert 'penfold_greylist_total{outcome="vouched"} 2' in text
    assert 'penfold_arrivals_total{outcome="accepted"} 2' in text


def read_mail(server, token):
    def get(path):
        request = urllib.request.Request(
            f"{server.http}/gmail/v1/users/me/messages{path}",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    return [get(f"/{each['id']}") for each in get("")["messages"]]
