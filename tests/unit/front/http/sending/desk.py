"""The sending API on memory, with one account, a local domain and keys."""

import asyncio
import json
from random import Random

from tests.unit.front.http.conftest import ask_app

from penfold.base.clock import FixedClock
from penfold.domain.access.kept_key import LINK_KEY, KeptKey
from penfold.domain.sending.domains import SendingDomains
from penfold.domain.sending.filling import make_fill
from penfold.domain.sending.keys import Keys
from penfold.domain.sending.links import MailLinks
from penfold.domain.sending.metering import Price
from penfold.domain.sending.preflight.remarks import Reception
from penfold.domain.sending.preflight.run import Preflight
from penfold.domain.sending.webhooks import Webhooks
from penfold.domain.sending.workshop import Workshop
from penfold.domain.throttle import Throttle
from penfold.front.http.sending.app import SendingApi
from penfold.ports.directory import Account
from penfold.ports.rates import Rate
from penfold.ports.sending.records import ApiKey
from penfold.proto.mailauth.private_keys import ALGORITHMS, make_private_key
from penfold.spec.sending.scopes import SCOPES
from penfold.testing.directory import MemoryDirectory
from penfold.testing.rates import MemoryBuckets
from penfold.testing.rendering import MemoryRenderer
from penfold.testing.sealing import PlainSealer
from penfold.testing.sending.book import MemorySending

EMAIL = {
    "from": "Shop <shop@penfold.test>",
    "to": ["kim@elsewhere.example"],
    "subject": "Hello",
    "html": "<b>Hello</b>",
}
EVERYTHING = tuple(SCOPES)
#: Making RSA keys is slow.
KEYS = {algorithm: make_private_key(algorithm) for algorithm in ALGORITHMS}


class Desk:
    def __init__(self, *, book=None, rates=None, seed=7, **more):
        self.clock = FixedClock()
        self.book = book or MemorySending(runs_twice=True)
        self.directory = MemoryDirectory(clock=self.clock)
        self.alice = self.directory.seed_account("alice@penfold.test")
        self.bob = self.directory.seed_account("bob@penfold.test")
        self.facts = []
        self.workshop = Workshop(MemoryRenderer())
        #: What a receiver makes of an email that is looked at.
        self.receive = lambda _: Reception()
        chance = Random(seed)
        self.keys = Keys(
            self.book,
            self.clock,
            chance,
            lambda account_id: self.directory.find(Account, account_id),
            lambda event: self.directory.change(lambda writer: writer.note(event)),
        )
        self.hooks = Webhooks(
            self.book,
            self.clock,
            chance,
            PlainSealer(),
            lambda event: self.directory.change(lambda writer: writer.note(event)),
            local=True,
        )
        #: What the DNS says of records, by name of the domain; None: everything is there.
        self.dns = {}
        self.told = []
        self.domains = SendingDomains(
            self.book,
            PlainSealer(),
            self.clock,
            chance,
            "mx.penfold.test",
            self.directory.is_local_domain,
            lambda domain: self.dns[domain.name],
            self.told.append,
            lambda algorithm: KEYS[algorithm],
        )
        buckets = MemoryBuckets() if rates else None
        self.api = SendingApi(
            self.book,
            self.keys,
            self.hooks,
            self.domains,
            preflight=Preflight(
                self.book,
                self.workshop,
                self.clock,
                lambda raw, _: raw,
                lambda departure: self.receive(departure),
                MailLinks(
                    KeptKey(LINK_KEY, self.directory, PlainSealer(), chance),
                    "https://penfold.test",
                    lambda _: "https://links.test",
                ),
            ),
            find_addresses=self.find_addresses,
            is_local=self.directory.is_local_domain,
            price=Price(280),
            clock=self.clock,
            chance=chance,
            throttle=Throttle(rates or {}, buckets, self.clock),
            make_request_id=lambda: "r1",
            observe=self.facts.append,
            **{"fill": make_fill(self.book), **more},
        )
        self.key = self.make_key()

    def find_addresses(self, account_id):
        return [self.directory.find(Account, account_id).address]

    def make_key(self, *, owner=None, **more):
        """Return the secret of a key that may everything, unless said otherwise."""
        values = {"scopes": EVERYTHING} | more
        return self.keys.add(ApiKey("", (owner or self.alice).id, "shop", 0, **values)).secret

    def ask(self, verb, path, value=None, *, key="", client="192.0.2.7", headers=None, body=None):
        octets = json.dumps(value).encode() if value is not None else body
        token = self.key if key == "" else key
        given = {"content-type": "application/json"} | (headers or {})
        return self.knock(verb, f"/v1{path}", octets or b"", given, token=token, client=client)

    def knock(self, verb, path, octets, headers, *, token=None, client="192.0.2.7"):
        async def with_client(scope, receive, send):
            scope["client"] = (client, 1)
            await self.api(scope, receive, send)

        reply = asyncio.run(
            ask_app(with_client, verb, path, token=token, headers=headers, body=octets)
        )
        assert [one.error for one in self.facts if one.error] == []
        return reply

    def send(self, *, key="", **changes):
        return self.ask("POST", "/emails", EMAIL | changes, key=key)

    def sent(self, **changes):
        """Return the id of an email that was accepted."""
        reply = self.send(**changes)
        assert reply.status == 200, reply.body
        return reply.json["id"]

    def get(self, email_id):
        return self.ask("GET", f"/emails/{email_id}").json


def fields(reply):
    """Return (field, code) of all that was wrong."""
    return [(one["field"], one["code"]) for one in reply.json.get("errors", [])]


def rates(limit, count):
    return {limit.name: Rate(count, 60)}
