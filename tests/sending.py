"""A server that sends what applications ask for to a server of the test, and what both know of it."""

import json

import httpx
import pytest
from tests.sink import Sink
from tests.until import until

from penfold.app.mail.sending import make_keys
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import open_stores
from penfold.ports.sending.records import ApiKey
from penfold.proto.dns import Exchange
from penfold.testing.dns import DnsServer
from penfold.testing.server import configure, serve

ZONES = {
    "sink.example": {"MX": [Exchange(10, "mx.sink.example")]},
    "mx.sink.example": {"A": ["127.0.0.1"]},
    "slow.example": {"MX": [Exchange(10, "mx.slow.example")]},
    "mx.slow.example": {"A": ["127.0.0.1"]},
}
SCOPES = ("emails:send", "emails:read", "suppressions:*", "webhooks:*")
FINAL = {"delivered", "bounced", "failed", "expired", "suppressed", "cancelled"}


class Shop:
    """home.example sends; `sink` is where its mail goes."""

    def __init__(self, stack, folder, sink=None, **settings):
        self.sink = sink or Sink(keeps=True)
        stack.enter_context(self.sink.serve())
        self.dns = stack.enter_context(DnsServer(ZONES))
        self.log = folder / "log"
        data = configure(
            folder / "data",
            domains=["home.example"],
            hostname="mail.home.example",
            dns_servers=[f"127.0.0.1:{self.dns.port}"],
            delivery_reach="loopback",
            delivery_port=self.sink.port,
            reports_address="reports@home.example",
            verp="on",
            **settings,
        )
        self.server = stack.enter_context(serve(data, log=self.log))
        self.server.run("user", "add", "al@home.example")
        begun = json.loads(self.server.run("domain", "activate", "home.example", "--json"))
        self.keys = {key["record_name"]: key["record"].encode() for key in begun}
        self.stores = open_stores(data, clock=SystemClock(), fatal=pytest.fail)
        stack.callback(self.stores.close)
        self.http = stack.enter_context(httpx.Client(base_url=self.server.http, timeout=30))
        self.account = self.stores.directory.find_account("al@home.example")
        self.key = self.make_key()

    def make_key(self, *, test=False):
        key = ApiKey("", self.account.id, "tests", 0, test=test, scopes=SCOPES)
        return {"authorization": f"Bearer {make_keys(self.stores).add(key).secret}"}

    def send(self, to, *, key=None, **fields):
        """Send an email and return its id."""
        body = {"from": "Shop <al@home.example>", "to": to, "subject": "bill", "text": "7 EUR"}
        answer = self.http.post("/v1/emails", json=body | fields, headers=key or self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def add_webhook(self, endpoint):
        """Return the id of a webhook that wants everything."""
        answer = self.http.post("/v1/webhooks", json={"endpoint": endpoint}, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def get(self, path, **query):
        answer = self.http.get(path, params=query, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self, email_id):
        """Return (kind, recipient, data) of an email's events, the first first."""
        found = self.get(f"/v1/emails/{email_id}")["events"]
        return [
            (one["type"].removeprefix("email."), one["recipient"], one.get("data", {}))
            for one in sorted(found, key=lambda one: self.number(one["id"]))
        ]

    def number(self, event_id):
        account_id = self.account.id
        return self.stores.sending.read(lambda b: b.find_event(event_id, account_id)).number

    def wait_for(self, email_id, kind, recipient=None):
        """Return the data of an event once it is there."""

        def look():
            return next(
                (
                    (data, one)
                    for one, address, data in self.events(email_id)
                    if one == kind and recipient in (None, address)
                ),
                None,
            )

        return until(look, what=f"{kind} of {recipient or email_id}")[0]

    def find_row(self, recipient):
        rows = self.stores.queue.list_rows()
        return next((row for row in rows if row.recipient == recipient), None)

    def find_return_path(self, recipient):
        [*_, attempt] = self.stores.queue.list_attempts(self.find_row(recipient).id)
        return attempt.transcript.partition("MAIL FROM:<")[2].partition(">")[0]
