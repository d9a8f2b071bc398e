"""A server in production mode takes the reports of others by SMTP, and shows them."""

import gzip
import json
import smtplib
import urllib.request

import pytest
from tests.unit.proto.reports.statistics import OLD, make_mail
from tests.unit.proto.reports.test_complaints import ABUSE, make

from penfold.testing.server import serve

CONFIG = """
domains = ["example.org"]
hostname = "mail.example.org"
reports_address = "reports@example.org"
dns_servers = ["127.0.0.1:9"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("reports") / "data"
    data.mkdir()
    (data / "penfold.toml").write_text(CONFIG)
    with serve(data, log=data.parent / "log") as server:
        yield server


def send(server, raw, *recipients):
    host, _, port = server.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20, local_hostname="mx.google.com") as smtp:
        return smtp.sendmail("noreply@google.com", recipients, raw.replace(b"\n", b"\r\n"))


def test_reports_are_kept_before_the_answer_and_shown_with_addresses(server):
    assert send(server, make_mail(gzip.compress(OLD)), "reports@example.org") == {}
    send(server, make(ABUSE), "Reports+fbl@example.org")
    rows = json.loads(server.run("reports", "list", "--json"))
    assert [(row["kind"], row["domain"], row["failed"]) for row in rows] == [
        ("complaint", "example.net", 3),
        ("dmarc", "example.org", 2),
    ]
    shown = server.run("reports", "show", str(rows[1]["id"]))
    assert "2001:db8::1\t0\t2" in shown


def test_what_is_no_report_is_accepted_counted_and_logged_and_nobody_is_answered(server):
    assert send(server, b"Subject: hi\n\nhello\n", "reports@example.org") == {}
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    assert 'penfold_reports_total{kind="none",outcome="unreadable"} 1' in metrics
    [line] = [
        line
        for line in (server.data.parent / "log").read_text().splitlines()
        if "unreadable" in line
    ]
    assert "google.com" in line
    assert json.loads(server.run("queue", "list", "--json")) == []


def test_other_addresses_without_an_account_are_still_refused(server):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(server, b"Subject: hi\n\nhello\n", "nobody@example.org")
