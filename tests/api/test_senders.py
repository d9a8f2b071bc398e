"""Aliases, their confirmation by mail, mail servers and delegates: real server, Google's client."""

import base64
import email
import email.policy
import re
import smtplib
from email.message import EmailMessage

import pytest
import requests
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from tests.relay import Relay

from penfold.store.sqlite.queue import SqliteQueue
from penfold.testing.server import serve

ALICE, BOB = "alice@penfold.test", "bob@penfold.test"
OUT = "alice@elsewhere.example"
SCOPES = [
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/gmail.settings.basic",
    "https://www.googleapis.com/auth/gmail.settings.sharing",
]


class House:
    def __init__(self, server):
        self.server = server
        self.clients = []

    def users(self, address):
        """Return Google's client for the service account, acting for an account."""
        key = {**self.server.load_document("service-account")}
        key["token_uri"] = f"{self.server.http}/token"
        robot = Credentials.from_service_account_info(key, scopes=SCOPES).with_subject(address)
        client = build(
            "gmail", "v1", credentials=robot,
            discoveryServiceUrl=self.server.discovery_url, static_discovery=False,
        )  # fmt: skip
        self.clients.append(client)
        return client.users()

    def send(self, address, sender, subject, user="me"):
        """Send to Bob and return the headers of what was stored."""
        users = self.users(address)
        body = {"raw": base64.urlsafe_b64encode(write(sender, subject).as_bytes()).decode()}
        sent = users.messages().send(userId=user, body=body).execute()
        found = users.messages().get(userId=user, id=sent["id"], format="metadata").execute()
        return {each["name"]: each["value"] for each in found["payload"]["headers"]}

    def read_link(self, recipient):
        queue = SqliteQueue(self.server.data / "queue.db", create=False, fatal=None)
        try:
            row = next(row for row in queue.list_rows() if row.recipient == recipient)
            raw = queue.get_raw(row.id)
        finally:
            queue.close()
        text = email.message_from_bytes(raw, policy=email.policy.default).get_content()
        return re.search(r"http\S+account=\S+", text)[0]


def write(sender, subject):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, BOB, subject
    message.set_content("Hello.\n")
    return message


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    with Relay(tmp_path_factory.mktemp("relay")).serve() as relay:
        yield relay


@pytest.fixture(scope="module")
def house(tmp_path_factory, relay):
    folder = tmp_path_factory.mktemp("senders")
    env = {"SSL_CERT_FILE": str(relay.authority)}
    with serve(folder / "data", log=folder / "log", env=env) as server:
        made = House(server)
        yield made
        for client in made.clients:
            client.close()


def test_an_alias_is_confirmed_by_mail_and_then_sends(house):
    senders = house.users(ALICE).settings().sendAs()
    made = senders.create(userId="me", body={"sendAsEmail": OUT, "displayName": "Al"}).execute()
    assert made["verificationStatus"] == "pending"
    assert house.send(ALICE, OUT, "before")["From"].endswith(f"<{ALICE}>")

    link = house.read_link(OUT)
    page = requests.get(link, timeout=10)
    assert f"Let {ALICE} send mail as {OUT}?" in page.text
    assert senders.get(userId="me", sendAsEmail=OUT).execute()["verificationStatus"] == "pending"
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    target = link.partition("?")[0]
    assert "may now send mail as" in requests.post(target, data=fields, timeout=10).text
    assert requests.post(target, data=fields, timeout=10).status_code == 404
    typed = requests.get(target, timeout=10)
    assert (typed.status_code, "Confirmation code" in typed.text) == (200, True)

    assert senders.get(userId="me", sendAsEmail=OUT).execute()["verificationStatus"] == "accepted"
    assert house.send(ALICE, OUT, "after")["From"] == f"Al <{OUT}>"
    password = house.server.load_document("passwords")[ALICE]["app_password"]
    host, port = house.server.submission.split(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.starttls()
        client.login(ALICE, password)
        client.send_message(write(f"Me <{OUT}>", "by smtp"), from_addr=OUT)
        client.send_message(write("eve@elsewhere.example", "by smtp too"), from_addr=ALICE)
    found = house.users(BOB).messages().list(userId="me", q=f"from:{OUT}").execute()
    assert len(found["messages"]) == 2


def test_a_mail_server_is_tried_before_an_alias_leaves_by_it(house, relay):
    senders = house.users(ALICE).settings().sendAs()
    server = {
        "host": "localhost", "port": relay.port, "securityMode": "starttls",
        "username": "al", "password": "wrong",
    }  # fmt: skip
    body = {"sendAsEmail": "shop@elsewhere.example", "smtpMsa": server}
    with pytest.raises(HttpError, match="refuses the user name or the password") as caught:
        senders.create(userId="me", body=body).execute()
    assert caught.value.status_code == 400
    server["password"] = "right"
    made = senders.create(userId="me", body=body).execute()
    assert made["smtpMsa"] == {
        "host": "localhost", "port": relay.port, "securityMode": "starttls"
    }  # fmt: skip
    server["host"] = "10.0.0.1"
    with pytest.raises(HttpError, match="not allowed"):
        senders.patch(userId="me", sendAsEmail=body["sendAsEmail"], body=body).execute()


def test_a_delegate_reads_and_sends_for_another_and_sets_nothing(house):
    delegates = house.users(BOB).settings().delegates()
    with pytest.raises(HttpError, match=f"Delegation denied for {ALICE}"):
        house.users(ALICE).getProfile(userId=BOB).execute()
    delegates.create(userId="me", body={"delegateEmail": ALICE}).execute()
    assert house.users(ALICE).getProfile(userId=BOB).execute()["emailAddress"] == BOB
    headers = house.send(ALICE, BOB, "for Bob", user=BOB)
    assert (BOB in headers["From"], ALICE in headers["Sender"]) == (True, True)
    with pytest.raises(HttpError, match="Delegation denied"):
        house.users(ALICE).settings().sendAs().list(userId=BOB).execute()
    with pytest.raises(HttpError, match="Delegation denied"):
        house.users(ALICE).stop(userId=BOB).execute()
    delegates.delete(userId="me", delegateEmail=ALICE).execute()
    with pytest.raises(HttpError, match="Delegation denied"):
        house.users(ALICE).getProfile(userId=BOB).execute()
