"""Mail of applications leaves a real server, and what becomes of it is told."""

import email
import email.policy
import re
import smtplib
import time
from contextlib import ExitStack

import pytest
from tests.sending import FINAL, Shop
from tests.sink import Sink
from tests.unit.proto.reports.test_complaints import make as make_complaint
from tests.until import until

from penfold.domain.sending.domain_dns import Found
from penfold.ports.sending.records import SendingDomain, domain_id
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mailauth.dkim import verify_dkim
from penfold.proto.mailauth.outcome import Outcome
from penfold.proto.mime.compose import header_values

REPLIES = {
    "nobody": "550 5.1.1 No such user here",
    "full": "452 4.2.2 Mailbox full",
    "grey": "450 4.7.1 Greylisted, try again in 60 seconds",
    "busy": "451 4.7.28 Too many messages, slow down",
    "spam": "550 5.7.1 Message refused as spam",
}


class Receiver:
    """Answers RCPT by the local part; `open` holds those that changed their minds."""

    def __init__(self):
        self.opened = set()

    def __call__(self, address):
        name = address.partition("@")[0]
        return "250 2.1.5 ok" if name in self.opened else REPLIES.get(name, "250 2.1.5 ok")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    receiver = Receiver()
    with ExitStack() as stack:
        sink = Sink(admit=receiver, keeps=True)
        shop = Shop(stack, tmp_path_factory.mktemp("shop"), sink)
        shop.receiver = receiver
        shop.hook = shop.add_webhook("https://hooks.example/penfold")
        yield shop


def kinds(shop, email_id, recipient):
    return [kind for kind, address, _ in shop.events(email_id) if address == recipient]


def bring(shop, raw, recipient, sender=""):
    host, _, port = shop.server.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=10, local_hostname="mx.sink.example") as smtp:
        smtp.sendmail(sender, [recipient], raw)


def make_dsn(recipient, status="5.1.1", said="550 5.1.1 user unknown"):
    return (
        "From: mailer-daemon@sink.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt bounced.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.sink.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n"
        f"Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n--b--\r\n"
    ).encode()


def test_mail_for_elsewhere_arrives_signed_and_is_told_to_be_delivered(shop):
    sent = shop.send("kim@sink.example", subject="signed", html="<p>7 €", text="7 €")
    data = shop.wait_for(sent, "delivered")
    assert (data["smtp_code"], data["mta"], data["attempt"]) == (250, "mx.sink.example", 1)
    assert kinds(shop, sent, "kim@sink.example") == ["queued", "sent", "delivered"]
    [taken] = shop.sink.taken["signed"]

    def look_up(question):
        return Answer(Status.FOUND, (shop.keys[question.name],))

    results = run_check(verify_dkim(taken.data, now_s=int(time.time())), look_up)
    assert [each.result for each in results] == [Outcome.PASS, Outcome.PASS]
    assert header_values(taken.data, "Message-ID") == [f"<{sent}@home.example>"]


def test_news_can_be_unsubscribed_by_one_click_which_dkim_covers(shop):
    sent = shop.send("ann@sink.example", subject="news", stream="broadcast")
    shop.wait_for(sent, "delivered")
    [taken] = shop.sink.taken["news"]
    [said] = header_values(taken.data, "List-Unsubscribe")
    for signature in header_values(taken.data, "DKIM-Signature"):
        signed = re.sub(r"\s", "", signature).partition(";h=")[2].partition(";")[0].split(":")
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(signed)
    page = "/mail/unsubscribe/" + said.strip("<>").rpartition("/")[2]
    assert shop.http.get(page, headers={"cookie": ""}).status_code == 200
    answer = shop.http.post(page, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    shop.wait_for(sent, "unsubscribed")
    again = shop.send("ann@sink.example", stream="broadcast")
    assert kinds(shop, again, "ann@sink.example") == ["suppressed"]
    shop.wait_for(shop.send("ann@sink.example"), "delivered")
    assert page.rpartition("/")[2] not in shop.log.read_text()


def test_a_tracked_link_of_mail_that_arrived_leads_on_and_is_told_of(shop):
    html = '<body><a href="https://shop.example/?a=1&amp;b=2">bill</a></body>'
    tracking = {"opens": True, "clicks": True}
    sent = shop.send("eve@sink.example", subject="tracked", html=html, tracking=tracking)
    shop.wait_for(sent, "delivered")
    [taken] = shop.sink.taken["tracked"]
    mail = email.message_from_bytes(taken.data, policy=email.policy.default)
    made = mail.get_body(["html"]).get_content()
    click, picture = re.findall(r'(?:href|src)="https?://[^/]+(/mail/[^"]+)"', made)
    answer = shop.http.get(click, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        "https://shop.example/?a=1&b=2",
    )
    assert shop.wait_for(sent, "clicked")["link"] == "https://shop.example/?a=1&b=2"
    assert shop.http.get(picture).headers["content-type"] == "image/gif"
    # Delivered a moment ago, and by a program: nobody has read it.
    assert shop.wait_for(sent, "opened") == {"machine": True}
    assert shop.http.get(picture.replace("open", "click")).status_code == 404


def test_mail_for_an_account_here_is_in_its_mailbox(shop):
    sent = shop.send(["al@home.example", "gone@home.example"], subject="inside")
    assert shop.wait_for(sent, "delivered", "al@home.example")["local"]
    assert shop.wait_for(sent, "bounced", "gone@home.example")["class"] == "invalid_recipient"
    assert "inside" in shop.server.run("search", "al@home.example", "subject:inside")


def test_who_bounces_is_told_of_and_gets_nothing_more(shop):
    first = shop.send("nobody@sink.example")
    data = shop.wait_for(first, "bounced")
    assert data | {"attempt": 1} == {
        "class": "invalid_recipient", "type": "permanent", "smtp_code": 550,
        "enhanced_code": "5.1.1", "response": "550 5.1.1 No such user here",
        "mta": "mx.sink.example", "attempt": 1, "source": "smtp",
    }  # fmt: skip
    [found] = [
        one for one in shop.get("/v1/suppressions")["data"] if one["email"].startswith("nob")
    ]
    assert found["origin"] == "bounce"
    assert kinds(shop, shop.send("nobody@sink.example"), "nobody@sink.example") == ["suppressed"]


def test_what_is_refused_for_its_content_suppresses_nobody(shop):
    assert shop.wait_for(shop.send("spam@sink.example"), "bounced")["class"] != "invalid_recipient"
    assert kinds(shop, shop.send("spam@sink.example"), "spam@sink.example")[0] == "queued"


@pytest.mark.parametrize(("name", "kind"), [("grey", "greylisted"), ("full", "mailbox_full")])
def test_who_comes_again_later_is_told_of_once_and_then_delivered(shop, name, kind):
    address = f"{name}@sink.example"
    sent = shop.send(address)
    data = shop.wait_for(sent, "deferred")
    assert (data["class"], data["type"]) == (kind, "transient")
    row = shop.find_row(address)
    again(shop, row)
    until(lambda: len(shop.stores.queue.list_attempts(row.id)) == 2, what="a second attempt")
    shop.receiver.opened.add(name)
    again(shop, row)
    assert shop.wait_for(sent, "delivered")["attempt"] == 3
    assert kinds(shop, sent, address) == ["queued", "sent", "deferred", "delivered"]


def test_a_domain_that_asks_for_less_is_told_of_and_waited_for(shop):
    # Of a domain of its own: mail for it goes slowly from then on.
    data = shop.wait_for(shop.send("busy@slow.example"), "deferred")
    assert (data["class"], data["type"], data["smtp_code"]) == ("rate_limited", "transient", 451)


def again(shop, row):
    shop.stores.queue.retry(row.id, now_ms=shop.stores.clock.now_ms())


def test_what_is_not_delivered_in_its_time_never_is(shop):
    now_ms = shop.stores.clock.now_ms()
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_ms / 1000 + 2))
    REPLIES["late"] = REPLIES["grey"]
    sent = shop.send("late@sink.example", expires_at=ends)
    shop.wait_for(sent, "deferred")
    shop.receiver.opened.add("late")
    assert shop.wait_for(sent, "expired")["class"] == "expired"
    again(shop, shop.find_row("late@sink.example"))
    row = shop.find_row("late@sink.example")
    until(lambda: len(shop.stores.queue.list_attempts(row.id)) == 3, what="another look")
    assert shop.find_row("late@sink.example").state == "failed"
    assert kinds(shop, sent, "late@sink.example") == ["queued", "sent", "deferred", "expired"]


def test_a_bounce_that_comes_back_is_told_once_and_stops_mail(shop):
    sent = shop.send("back@sink.example")
    shop.wait_for(sent, "delivered")
    path = shop.find_return_path("back@sink.example")
    for _ in range(2):
        bring(shop, make_dsn("back@sink.example"), path)
    data = shop.wait_for(sent, "bounced")
    assert (data["class"], data["source"]) == ("invalid_recipient", "dsn")
    assert kinds(shop, sent, "back@sink.example") == ["queued", "sent", "delivered", "bounced"]
    assert kinds(shop, shop.send("back@sink.example"), "back@sink.example") == ["suppressed"]


@pytest.mark.parametrize("found", [Found.VERIFIED, Found.MISSING])
def test_a_bounce_of_mail_from_a_sending_domain_comes_back(shop, found):
    name = f"{found}.example"
    domain = SendingDomain(
        domain_id(name), shop.account.id, name, 1, "verified", return_path=f"send.{name}",
        checks={"return_path": found},
    )  # fmt: skip
    shop.stores.sending.change(lambda writer: writer.add(domain))
    address = f"back-{found}@sink.example"
    sent = shop.send(address, **{"from": f"news@{name}"})
    shop.wait_for(sent, "delivered")
    path = shop.find_return_path(address)
    home = domain.return_path if found is Found.VERIFIED else "mail.home.example"
    assert path.rpartition("@")[2] == home
    bring(shop, make_dsn(address), path)
    assert shop.wait_for(sent, "bounced")["source"] == "dsn"


def test_a_holiday_answer_is_no_bounce_and_mail_that_answers_nothing_is_refused(shop):
    sent = shop.send("away@sink.example")
    shop.wait_for(sent, "delivered")
    path = shop.find_return_path("away@sink.example")
    bring(shop, b"Subject: On holiday\r\n\r\nback on Monday\r\n", path)
    row = shop.find_row("away@sink.example")
    until(lambda: len(shop.stores.queue.list_attempts(row.id)) == 2, what="a note")
    with pytest.raises(smtplib.SMTPDataError):
        bring(shop, b"Subject: x\r\n\r\nx\r\n", path, sender="seller@sink.example")
    assert kinds(shop, sent, "away@sink.example")[-1] == "delivered"


@pytest.mark.parametrize("to_reports", [False, True], ids=["return-path", "reports-address"])
def test_a_complaint_is_told_once_and_stops_mail_of_its_stream(shop, to_reports):
    address = f"angry{to_reports}@sink.example".lower()
    sent = shop.send(address, stream="broadcast")
    shop.wait_for(sent, "delivered")
    path = shop.find_return_path(address)
    raw = make_complaint(
        "Feedback-Type: abuse\nVersion: 1\nUser-Agent: Yard\n",
        returned=f"Return-Path: <{path}>\nSubject: x\n",
    ).replace(b"\n", b"\r\n")
    for _ in range(2):
        bring(shop, raw, "reports@home.example" if to_reports else path, "fbl@sink.example")
    assert shop.wait_for(sent, "complained")["type"] == "abuse"
    assert kinds(shop, sent, address).count("complained") == 1
    again = shop.send(address, stream="broadcast")
    assert kinds(shop, again, address) == ["suppressed"]
    assert kinds(shop, shop.send(address), address)[0] == "queued"


def test_what_an_operator_gives_up_is_told_to_be_cancelled(shop):
    REPLIES["held"] = REPLIES["grey"]
    sent = shop.send("held@sink.example")
    shop.wait_for(sent, "deferred")
    shop.server.run("queue", "cancel", str(shop.find_row("held@sink.example").id))
    assert "operator" in shop.wait_for(sent, "cancelled")["response"]


def test_mail_of_a_test_key_goes_nowhere_and_has_the_events_its_address_says(shop):
    key = shop.make_key(test=True)
    wanted = {
        "delivered": ["queued", "sent", "delivered"],
        "bounced+5.2.1": ["queued", "sent", "bounced"],
        "deferred": ["queued", "sent", "deferred", "delivered"],
        "complained": ["queued", "sent", "delivered", "complained"],
        "suppressed": ["queued", "suppressed"],
    }
    sent = {name: shop.send(f"{name}@simulator.test", key=key) for name in wanted}
    for name, email_id in sent.items():
        shop.wait_for(email_id, wanted[name][-1])
        assert [kind for kind, _, _ in shop.events(email_id)] == wanted[name]
        assert len(FINAL & set(wanted[name])) == 1
    assert shop.wait_for(sent["bounced+5.2.1"], "bounced")["class"] == "inactive_mailbox"
    assert [shop.find_row(f"{name}@simulator.test") for name in wanted] == [None] * len(wanted)
    assert not [one for one in shop.get("/v1/suppressions")["data"] if "simulator" in one["email"]]


def test_all_that_happened_so_far_waits_for_the_webhook_which_is_down(shop):
    """It has no address in DNS, so each event waits, once."""
    shop.wait_for(shop.send("kim@sink.example"), "delivered")

    def look(book):
        events = book.list_events(shop.account.id, limit=1_000)
        deliveries = book.list_deliveries(shop.hook, limit=1_000)
        return {one.number for one in events}, [one.event for one in deliveries]

    happened, told = shop.stores.sending.read(look)
    assert sorted(told) == sorted(happened)
    assert len(happened) > 0
