"""What became of a message is told to who sent it, seen with Google's client over real SMTP."""

import base64
import random
import smtplib
import ssl
import time
import uuid
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from tests.until import until

from penfold.app.command.doors import open_queue
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import find_bounce
from penfold.proto.reports.dsn import Subject, Told, compose_dsn

ALICE, BOB = "alice@penfold.test", "bob@penfold.test"


@pytest.fixture
def message():
    """A message of Alice's with a Message-ID of its own."""
    made = EmailMessage()
    made["From"], made["Subject"] = ALICE, "Lunch"
    made["Message-ID"] = f"<{uuid.uuid4().hex}@penfold.test>"
    made.set_content("At one?\n")
    return made


def submit(server, message, recipients, *, rcpt=(), mail=()):
    """Send as Alice with parameters of RFC 3461."""
    password = server.load_document("passwords")[ALICE]["app_password"]
    host, port = server.submissions.rsplit(":", 1)
    context = ssl.create_default_context(cafile=str(server.data / "tls" / "ca.pem"))
    with smtplib.SMTP_SSL(host, int(port), context=context) as client:
        client.login(ALICE, password)
        assert client.has_extn("dsn")
        return client.sendmail(
            ALICE, recipients, message.as_bytes(), mail_options=mail, rcpt_options=rcpt
        )


def receive(server, raw, *, sender, to=ALICE, rcpt=()):
    host, port = server.smtp.rsplit(":", 1)
    with smtplib.SMTP(host, int(port)) as client:
        assert client.sendmail(sender, [to], raw, rcpt_options=rcpt) == {}


def find_sent(users, message):
    [found] = list_found(users, f"rfc822msgid:{message['Message-ID'].strip('<>')} in:sent")
    return found


def list_found(users, q):
    return users.messages().list(userId="me", q=q).execute().get("messages", [])


def read_thread(users, thread_id, count):
    """Return the octets of a thread's messages once there are so many."""
    deadline = time.monotonic() + 20
    while True:
        thread = users.threads().get(userId="me", id=thread_id).execute()
        if len(thread["messages"]) >= count or time.monotonic() > deadline:
            break
    get = users.messages().get
    raws = [get(userId="me", id=m["id"], format="raw").execute() for m in thread["messages"]]
    assert len(raws) == count
    return [base64.urlsafe_b64decode(each["raw"]) for each in raws], thread["messages"]


def test_a_wrong_address_here_is_told_in_the_thread_as_gmail_does(alice, message):
    message["To"] = "nobody@penfold.test"
    raw = base64.urlsafe_b64encode(message.as_bytes()).decode()
    sent = alice.messages().send(userId="me", body={"raw": raw}).execute()
    octets, messages = read_thread(alice, sent["threadId"], 2)
    headers = {each["name"]: each["value"] for each in messages[1]["payload"]["headers"]}
    assert headers["From"] == "Mail Delivery Subsystem <mailer-daemon@penfold.test>"
    assert headers["Subject"] == "Delivery Status Notification (Failure)"
    assert headers["X-Failed-Recipients"] == "nobody@penfold.test"
    assert {"INBOX", "UNREAD"} <= set(messages[1]["labelIds"])
    assert messages[1]["snippet"].startswith("** Address not found **")
    [told] = find_bounce(octets[1]).recipients
    assert (told.action, told.status) == (Action.FAILED, "5.1.1")


def test_success_and_failure_are_told_to_who_asked(server, alice, message):
    wishes = ("NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{BOB}")
    submit(server, message, [BOB], rcpt=wishes, mail=("RET=HDRS", "ENVID=QQ+20314"))
    sent = find_sent(alice, message)
    octets, _ = read_thread(alice, sent["threadId"], 2)
    report = find_bounce(octets[1])
    assert report.envelope_id == "QQ 314"
    [told] = report.recipients
    assert (told.final, told.original, told.action) == (BOB, BOB, Action.DELIVERED)


def test_who_said_never_is_told_nothing_and_the_queue_knows_why(server, alice, message):
    to = f"{uuid.uuid4().hex}@elsewhere.example"
    submit(server, message, [to], rcpt=("NOTIFY=NEVER",))
    [row] = wait_for_rows(server, to)
    assert row.report.notify == ("NEVER",)
    assert "NEVER" in server.run("queue", "show", str(row.id))


def test_a_server_elsewhere_that_asks_is_told_through_the_queue(server, message):
    asker = f"{uuid.uuid4().hex}@elsewhere.example"
    receive(server, message.as_bytes(policy=SMTP), sender=asker, rcpt=("NOTIFY=SUCCESS",))
    [row] = wait_for_rows(server, asker)
    with open_queue(server.data) as queue:
        report = find_bounce(queue.get_raw(row.id))
    assert row.sender == ""
    assert [told.action for told in report.recipients] == [Action.DELIVERED]
    assert f"<{report.message_id}>" == message["Message-ID"]


def wait_for_rows(server, recipient):
    def look():
        with open_queue(server.data) as queue:
            return [row for row in queue.list_rows() if row.recipient == recipient]

    return until(look, what=f"mail for {recipient}")


def test_a_bounce_from_elsewhere_stands_in_the_thread_of_what_was_sent(server, alice, message):
    to = f"{uuid.uuid4().hex}@elsewhere.example"
    submit(server, message, [to])
    sent = find_sent(alice, message)
    subject = Subject(
        raw=message.as_bytes(),
        sender=ALICE,
        hostname="mx.elsewhere.example",
        domain="elsewhere.example",
        arrival_ms=0,
    )
    told = Told(to, Action.FAILED, "5.1.1", diagnostic="550 5.1.1 gone")
    bounce = compose_dsn(subject, [told], now_ms=0, chance=random.Random(to))
    receive(server, bounce.raw, sender="")
    octets, _ = read_thread(alice, sent["threadId"], 2)
    assert find_bounce(octets[1]).recipients[0].final == to
