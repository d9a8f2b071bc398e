"""What accounts have set, by Google's client, acts on mail that comes by real SMTP.

Alice forwards to Bob and Bob to Alice; Alice has filters, and Carol is away.
"""

import email
import email.policy
import smtplib
import time
from contextlib import contextmanager

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from penfold.app.command.doors import open_queue
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import make_identity, open_stores
from penfold.domain.access.local_mode import DEFAULT_SCOPES
from penfold.spec.schemas import ForwardingAddress
from penfold.testing.server import serve

ALICE, BOB, CAROL = "alice@penfold.test", "bob@penfold.test", "carol@penfold.test"
OUT = "friend@elsewhere.example"


@contextmanager
def open_house(data):
    stores = open_stores(data, clock=SystemClock(), fatal=pytest.fail)
    try:
        yield stores
    finally:
        stores.close()


class House:
    def __init__(self, server, service):
        self.server = server
        self._service = service
        self._clients = {}

    def users(self, address):
        """Return the API as a service account of the domain sees it, for an account."""
        if address not in self._clients:
            with open_house(self.server.data) as stores:
                account = stores.directory.find_account(address)
                grants = make_identity(stores).grants
                issued = grants.issue_token(account, self._service, DEFAULT_SCOPES)
            self._clients[address] = build(
                "gmail",
                "v1",
                credentials=Credentials(issued.access_token),
                discoveryServiceUrl=self.server.discovery_url,
                static_discovery=False,
            )
        return self._clients[address].users()

    def consent(self, address, target):
        """Let an account forward to a target, as the target's owner does by a link."""
        record = ForwardingAddress(forwarding_email=target, verification_status="accepted")
        with open_house(self.server.data) as stores:
            account = stores.directory.find_account(address)
            stores.mailboxes.change(account.id, lambda box: box.put_setting(record, target))

    def arrive(self, subject, *, to, sender="shop@elsewhere.example"):
        text = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello.\r\n"
        host, port = self.server.smtp.rsplit(":", 1)
        with smtplib.SMTP(host, int(port)) as smtp:
            assert smtp.sendmail(sender, [to], text) == {}

    def find(self, address, subject):
        """Return the messages an account has under a subject."""
        messages = self.users(address).messages()
        q = f'in:anywhere subject:"{subject}"'
        found = messages.list(userId="me", q=q).execute().get("messages", [])
        return [messages.get(userId="me", id=each["id"]).execute() for each in found]

    def queued(self, recipient):
        with open_queue(self.server.data) as queue:
            return [
                (row.sender, queue.get_raw(row.id))
                for row in queue.list_rows()
                if row.recipient == recipient
            ]

    def close(self):
        for client in self._clients.values():
            client.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arriving")
    with serve(folder / "data", log=folder / "log") as server:
        with open_house(server.data) as stores:
            identity = make_identity(stores)
            service = identity.clients.add_service_account("tests", domain="penfold.test")
            identity.accounts.add(CAROL)
        made = House(server, service.client)
        yield made
        made.close()


def eventually(ask, wanted):
    """Wait until an answer is what is wanted: copies leave after the mail was accepted."""
    deadline = time.monotonic() + 20
    while (found := ask()) != wanted and time.monotonic() < deadline:
        pass
    assert found == wanted


def labels(messages):
    [message] = messages
    return set(message["labelIds"])


def test_filters_label_archive_star_and_forward(house):
    alice = house.users(ALICE)
    house.consent(ALICE, OUT)
    label = alice.labels().create(userId="me", body={"name": "Shop"}).execute()["id"]
    filters = alice.settings().filters()
    for criteria, action in (
        ({"from": "shop"}, {"addLabelIds": [label], "removeLabelIds": ["INBOX", "SPAM"]}),
        ({"subject": "invoice"}, {"addLabelIds": ["STARRED"], "forward": OUT}),
    ):
        filters.create(userId="me", body={"criteria": criteria, "action": action}).execute()
    assert len(filters.list(userId="me").execute()["filter"]) == 2

    house.arrive("Invoice 4711", to=ALICE)
    house.arrive("Parcel 4711", to=ALICE)
    assert labels(house.find(ALICE, "Invoice 4711")) == {label, "STARRED", "UNREAD"}
    assert labels(house.find(ALICE, "Parcel 4711")) == {label, "UNREAD"}
    # Without the reply of another test, whichever runs first.
    eventually(lambda: len([sender for sender, _ in house.queued(OUT) if sender]), 1)
    [(sender, raw)] = [row for row in house.queued(OUT) if row[0]]
    assert sender == "alice+caf_=friend=elsewhere.example@penfold.test"
    copy = email.message_from_bytes(raw, policy=email.policy.default)
    assert (copy["X-Forwarded-To"], copy["X-Forwarded-For"]) == (OUT, f"{ALICE} {OUT}")
    assert copy["Subject"] == "Invoice 4711"


def test_two_that_forward_to_each_other_get_one_each(house):
    for address, target in ((ALICE, BOB), (BOB, ALICE)):
        house.consent(address, target)
        body = {"enabled": True, "emailAddress": target, "disposition": "leaveInInbox"}
        update = house.users(address).settings().updateAutoForwarding
        assert update(userId="me", body=body).execute() == body
    for subject in ("Round 1", "Round 2"):
        house.arrive(subject, to=ALICE, sender="ann@elsewhere.example")
        eventually(lambda subject=subject: len(house.find(BOB, subject)), 1)
    # One thread hands over in order: what Bob did with the first was done before the second came.
    for address in (ALICE, BOB):
        assert len(house.find(address, "Round 1")) == 1
    assert house.queued(ALICE) == house.queued(BOB) == []


def test_who_is_away_answers_once(house):
    carol = house.users(CAROL).settings()
    body = {"enableAutoReply": True, "responseSubject": "Away", "responseBodyHtml": "<p>Soon</p>"}
    assert carol.updateVacation(userId="me", body=body).execute() == body
    for number in (1, 2):
        house.arrive(f"Question {number}", to=CAROL, sender=OUT)
    house.arrive("Question 3", to=CAROL, sender="third@elsewhere.example")
    eventually(lambda: len(house.queued("third@elsewhere.example")), 1)
    [reply] = [raw for sender, raw in house.queued(OUT) if not sender]
    parsed = email.message_from_bytes(reply, policy=email.policy.default)
    assert parsed["Subject"] == "Away Re: Question 1"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
