"""Two servers in production mode and the DNS between them: mail goes from one to the other."""

import base64
import json
import re
import smtplib
import ssl
import time
import urllib.request
from contextlib import ExitStack, closing

import pytest
from tests.unit.proto.reports.test_complaints import make as make_complaint
from tests.until import until

from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import open_stores
from penfold.base.labels import INBOX, UNREAD
from penfold.proto.dns import Answer, Exchange, Status, run_check
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.reports.bounces import find_bounce
from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

ZONES = {
    "away.example": {"MX": [Exchange(10, "gone.away.example"), Exchange(20, "mail.away.example")]},
    "gone.away.example": {"A": ["127.0.0.2"]},
    "mail.away.example": {"A": ["127.0.0.1"]},
    "silent.example": {"MX": [Exchange(10, "gone.away.example")]},
}
RETURN_PATH = re.compile(r"b\+[0-9a-f]+\.[0-9a-z]+\.[a-z2-7]{16}@home\.example")


def make_config(folder, domain, dns, **more):
    return configure(
        folder,
        domains=[domain],
        hostname=f"mail.{domain}",
        dns_servers=[f"127.0.0.1:{dns.port}"],
        delivery_reach="loopback",
        **more,
    )


class World:
    """home sends, away receives."""

    def __init__(self, stack, folder):
        self.dns = stack.enter_context(DnsServer(ZONES))
        self.away = stack.enter_context(serve(make_config(folder / "a", "away.example", self.dns)))
        self.away.run("user", "add", "kim@away.example")
        port = int(self.away.smtp.rpartition(":")[2])
        reports = "reports@home.example"
        more = {"delivery_port": port, "verp": "on", "reports_address": reports}
        config = make_config(folder / "h", "home.example", self.dns, **more)
        self.home = stack.enter_context(serve(config))
        self.home.run("user", "add", "al@home.example")
        begun = json.loads(self.home.run("domain", "activate", "home.example", "--json"))
        self.keys = {key["record_name"]: key["record"].encode() for key in begun}
        made = self.home.run("app-password", "add", "al@home.example", "--json")
        self.password = json.loads(made)["password"]
        self.stores = open_stores(self.home.data, clock=SystemClock(), fatal=pytest.fail)
        stack.callback(self.stores.close)
        self.queue = self.stores.queue

    def send(self, *recipients, subject, notify="", mail=()):
        context = ssl.create_default_context(cafile=self.home.data / "tls" / "ca.pem")
        host, _, port = self.home.submissions.rpartition(":")
        text = f"From: al@home.example\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\nhi\r\n"
        with smtplib.SMTP_SSL(host, int(port), timeout=10, context=context) as smtp:
            smtp.login("al@home.example", self.password)
            rcpt = [f"NOTIFY={notify}"] if notify else []
            smtp.sendmail("al@home.example", recipients, text.encode(), mail, rcpt)

    def bring(self, raw, recipient, sender=""):
        """Give home a message as another server does."""
        host, _, port = self.home.smtp.rpartition(":")
        with smtplib.SMTP(host, int(port), timeout=10, local_hostname="mail.away.example") as smtp:
            smtp.sendmail(sender, [recipient], raw)

    def find_return_path(self, subject):
        """Return the reverse-path with which a message to kim left."""
        _, (attempt, *_) = self.find_row(subject, "kim@away.example")
        return re.search("MAIL FROM:<(.*?)>", attempt.transcript)[1]

    def load_arrived(self, subject):
        """Return the octets of a message that kim has got."""
        token = self.away.run("token", "kim@away.example").strip()
        messages = f"{self.away.http}/gmail/v1/users/me/messages"
        [found] = get_json(f"{messages}?q=subject:{subject}", token)["messages"]
        raw = get_json(f"{messages}/{found['id']}?format=raw", token)["raw"]
        return base64.urlsafe_b64decode(raw)

    def find_row(self, subject, recipient, *, attempts=1):
        """Return the row and its attempts once it has had so many."""

        def look():
            for row in self.queue.list_rows():
                made = self.queue.list_attempts(row.id)
                if (row.subject, row.recipient) == (subject, recipient) and len(made) >= attempts:
                    return self.queue.get_row(row.id), made  # as it is since they were made
            return None

        return until(look, what=f"an attempt at {recipient}")

    def wait_for_thread(self, subject, count):
        """Return (row, headers) of what the sender has in the thread of a message."""
        account = self.stores.directory.find_account("al@home.example")

        def look():
            with self.stores.mailboxes.open_reader(account.id) as box:
                thread = box.list_thread(box.find_by_subject(subject).thread_id)
                return len(thread) >= count and [
                    (row, dict(box.get_structure(row.id).headers)) for row in thread
                ]

        return until(look, what=f"{count} messages in the thread of {subject}")


def wait_for_row(queue, recipient):
    """Return the row of a queue for a recipient once there is one."""

    def look():
        return next((row for row in queue.list_rows() if row.recipient == recipient), None)

    return until(look, what=f"mail for {recipient}")


def get_json(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("two"))


def test_mail_goes_to_the_other_server_past_one_that_is_dead_over_tls(world):
    world.send("kim@away.example", subject="first")
    row, [attempt] = world.find_row("first", "kim@away.example")
    assert row.state == "sent"
    dead, alive = attempt.facts.tried
    assert (dead.host, dead.fate) == ("gone.away.example", "failed")
    assert (alive.host, alive.fate, alive.code) == ("mail.away.example", "accepted", 250)
    assert alive.tls.startswith("TLSv1.3")
    assert attempt.facts.dns[0] == "MX: 10 gone.away.example at 127.0.0.2"
    assert "C: RCPT TO:<kim@away.example>" in attempt.transcript
    assert "first" in world.away.run("search", "kim@away.example", "subject:first")


def test_each_recipient_fares_by_itself_and_the_row_says_how(world):
    world.send(
        "kim@away.example", "nobody@away.example", "x@none.example", "y@silent.example",
        subject="second",
    )  # fmt: skip
    states = {
        recipient: (row.state, attempt.kind)
        for recipient in (
            "kim@away.example", "nobody@away.example", "x@none.example", "y@silent.example",
        )
        for row, [attempt] in [world.find_row("second", recipient)]
    }  # fmt: skip
    assert states == {
        "kim@away.example": ("sent", "accepted"),
        "nobody@away.example": ("failed", "invalid_recipient"),
        "x@none.example": ("failed", "bad_domain"),
        "y@silent.example": ("queued", "network"),
    }


def test_a_person_reads_what_was_asked_and_said(world):
    world.send("nobody@away.example", subject="third")
    row, _ = world.find_row("third", "nobody@away.example")
    shown = world.home.run("queue", "show", str(row.id))
    assert "invalid_recipient: 550 5.1.1" in shown
    assert "DNS  MX: 20 mail.away.example at 127.0.0.1" in shown
    assert "up to: address" in shown


def test_retry_makes_a_failed_row_due_at_once(world):
    world.send("later@away.example", subject="fourth")
    row, _ = world.find_row("fourth", "later@away.example")
    assert row.state == "failed"
    world.away.run("user", "add", "later@away.example")
    world.home.run("queue", "retry", str(row.id))
    row, _ = world.find_row("fourth", "later@away.example", attempts=2)
    assert row.state == "sent"


def test_mail_that_left_bears_signatures_that_hold_where_it_arrives(world):
    world.send("kim@away.example", subject="signed")
    world.find_row("signed", "kim@away.example")

    def look_up(question):
        return Answer(Status.FOUND, (world.keys[question.name],))

    arrived = world.load_arrived("signed")
    results = run_check(verify_dkim(arrived, now_s=int(time.time())), look_up)
    assert [(each.result, each.domain, each.algorithm) for each in results] == [
        (Outcome.PASS, "home.example", "rsa-sha256"),
        (Outcome.PASS, "home.example", "ed25519-sha256"),
    ]


def test_the_sender_finds_a_failure_in_the_thread_of_what_it_sent(world):
    world.send("nobody@away.example", subject="fifth")
    _, (notice, headers) = world.wait_for_thread("fifth", 2)
    assert headers["From"] == "Mail Delivery Subsystem <mailer-daemon@home.example>"
    assert notice.snippet.startswith("** Address not found **")
    assert notice.labels == {INBOX, UNREAD}


def test_who_said_never_is_not_told(world):
    world.send("nobody@away.example", subject="sixth", notify="NEVER")
    world.send("nobody@away.example", subject="seventh")
    world.wait_for_thread("seventh", 2)
    row, _ = world.find_row("sixth", "nobody@away.example")
    assert row.state == "failed"
    assert len(world.wait_for_thread("sixth", 1)) == 1


def test_wishes_travel_and_the_other_server_reports(world):
    world.send(
        "kim@away.example", subject="eighth", notify="SUCCESS,FAILURE",
        mail=["RET=HDRS", "ENVID=QQ+20314"],
    )  # fmt: skip
    _, [attempt] = world.find_row("eighth", "kim@away.example")
    assert "RET=HDRS ENVID=QQ+20314" in attempt.transcript
    assert "C: RCPT TO:<kim@away.example> NOTIFY=SUCCESS,FAILURE" in attempt.transcript
    assert attempt.facts.tried[-1].dsn
    with closing(SqliteQueue(world.away.data / "queue.db", create=False)) as queue:
        row = wait_for_row(queue, world.find_return_path("eighth"))
        assert row.sender == ""
        report = find_bounce(queue.get_raw(row.id))
    assert report.envelope_id == "QQ 314"
    assert [told.action for told in report.recipients] == ["delivered"]
    assert len(world.wait_for_thread("eighth", 1)) == 1


def test_the_report_of_the_other_server_comes_back_to_the_row_it_is_about(world):
    world.send("kim@away.example", subject="eleventh", notify="SUCCESS")
    path = world.find_return_path("eleventh")
    with closing(SqliteQueue(world.away.data / "queue.db", create=False)) as queue:
        report = queue.get_raw(wait_for_row(queue, path).id)
    world.bring(report, path)
    row, (_, note) = world.find_row("eleventh", "kim@away.example", attempts=2)
    assert (row.state, note.outcome) == ("sent", "reported as delivered: 2.0.0")
    _, (notice, _) = world.wait_for_thread("eleventh", 2)
    assert INBOX in notice.labels


def test_a_bounce_of_no_known_form_joins_what_it_is_about_and_is_shown_with_its_row(world):
    world.send("kim@away.example", subject="twelfth")
    path = world.find_return_path("twelfth")
    assert RETURN_PATH.fullmatch(path)
    raw = b"From: <>\r\nSubject: Bad news\r\n\r\nno such person\r\n"
    world.bring(raw, path.upper())
    row, _ = world.find_row("twelfth", "kim@away.example", attempts=2)
    assert "answered: Bad news" in world.home.run("queue", "show", str(row.id))
    assert len(world.wait_for_thread("twelfth", 2)) == 2


def test_a_complaint_among_the_reports_is_noted_with_the_row_whose_return_path_it_names(world):
    world.send("kim@away.example", subject="fourteenth")
    path = world.find_return_path("fourteenth")
    raw = make_complaint(
        "Feedback-Type: abuse\nVersion: 1\nUser-Agent: Yard\n",
        returned=f"Return-Path: <{path}>\nSubject: x\n",
    )
    world.bring(raw.replace(b"\n", b"\r\n"), "reports@home.example", sender="fbl@away.example")
    _, (_, note) = world.find_row("fourteenth", "kim@away.example", attempts=2)
    assert (note.outcome, note.transcript) == ("complained of: abuse", "reported by Yard")


def test_a_forged_return_address_and_mail_that_answers_nothing_are_refused(world):
    world.send("kim@away.example", subject="thirteenth")
    path = world.find_return_path("thirteenth")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        world.bring(b"Subject: x\r\n\r\nx\r\n", path.replace("@", "a@"))
    [(code, said)] = refused.value.recipients.values()
    assert (code, said[:5]) == (550, b"5.1.1")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        world.bring(b"Subject: x\r\n\r\nx\r\n", path, sender="seller@away.example")
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (550, b"5.1.1")


def test_a_mail_is_traced_on_both_sides_by_its_message_id(world):
    world.send("kim@away.example", "nobody@away.example", subject="traced")
    row, _ = world.find_row("traced", "kim@away.example")
    world.find_row("traced", "nobody@away.example")
    home = json.loads(world.home.run("trace", f"<{row.message_id}>", "--json"))
    assert [copy["mailbox"] for copy in home["copies"]] == ["al@home.example"]
    states = {each["recipient"]: each["state"] for each in home["queue"]}
    assert states == {"kim@away.example": "sent", "nobody@away.example": "failed"}
    assert any(
        "nobody@away.example did not get it (up to: address)" in line for line in home["next"]
    )
    away = json.loads(world.away.run("trace", row.message_id, "--json"))
    [copy] = away["copies"]
    assert copy["mailbox"] == "kim@away.example"
    assert [each["name"] for each in copy["fields"]].count("Received") == 2


def test_a_hold_is_seen_and_taken_back_beside_the_running_server(world):
    world.queue.hold("held.example", until_ms=4_000_000_000_000, why="no answer")
    [held] = json.loads(world.home.run("queue", "destinations", "--held", "--json"))
    assert (held["domain"], held["held_until"], held["why"]) == (
        "held.example",
        "2096-10-02T07:06:40Z",
        "no answer",
    )
    assert "held no longer" in world.home.run("queue", "release", "held.example")
    assert world.queue.find_destination("held.example") is None
