"""Thousands of requests made from the registry: no 5xx, and every answer is what it should be.

PENFOLD_REQUESTS says how many (2,000), PENFOLD_SEED repeats a run.
"""

import asyncio
import os
import random

import pytest
from tests.generated.asking import Asker
from tests.generated.judging import judge
from tests.unit.front.http.conftest import ask_app
from tests.unit.world import KnownServer

from penfold.app.stores import known_schema, open_stores
from penfold.app.wiring import make_product
from penfold.base.clock import FixedClock
from penfold.domain.confirming import Asking
from penfold.domain.mail_servers import MailServers
from penfold.front.http.call import Services
from penfold.front.http.pipeline import GmailApi
from penfold.front.http.registration import find_checks, find_handlers
from penfold.ports.directory import Account
from penfold.ports.identity import Credential, Domain
from penfold.spec.scopes import GMAIL_SCOPES

REQUESTS = int(os.environ.get("PENFOLD_REQUESTS", "1200"))
SEED = int(os.environ.get("PENFOLD_SEED") or random.SystemRandom().getrandbits(32))
PEOPLE = ("alice@penfold.test", "bob@penfold.test")


class Tokens:
    """Two people: each may do everything but be narrowed by the metadata scope."""

    def __init__(self, accounts):
        scopes = frozenset(s.url for s in GMAIL_SCOPES if "metadata" not in s.url)
        self._credentials = {
            account.address: Credential(account, scopes, "client", "1", service=True)
            for account in accounts
        }

    def find_credential(self, token):
        return self._credentials.get(token)


@pytest.fixture
def api(tmp_path):
    """The API on SQLite, whose handlers raise only what they declare; it notes odd errors."""
    clock = FixedClock()
    stores = open_stores(tmp_path, clock=clock, fatal=print, create=known_schema())
    accounts = [Account(f"m{n:020x}", a, "", 0) for n, a in enumerate(PEOPLE, 1)]

    def add(writer):
        writer.add(Domain("penfold.test", 0))
        for account in accounts:
            writer.add(account)

    stores.directory.change(add)
    for account in accounts:
        stores.mailboxes.create(account.id)
    product = make_product(stores, hostname="mx.penfold.test")
    facts = []
    api = GmailApi(
        handlers=find_handlers(),
        checks=find_checks(),
        authenticator=Tokens(accounts),
        mailboxes=stores.mailboxes,
        services=Services(
            stores.directory,
            product.outbound,
            stores.chance,
            stores.sealer,
            stores.pubsub,
            Asking(product.outbound, stores.chance, "http://penfold.test"),
            MailServers(stores.sealer, KnownServer()),
            stores.uploads,
        ),
        clock=clock,
        observe=facts.append,
        strict=True,
    )
    yield api, clock, facts
    api.close()
    product.close()


@pytest.mark.timeout(600)
def test_whatever_is_asked_the_answer_is_declared(api):
    api, clock, facts = api
    chance = random.Random(SEED)
    asker = Asker(chance, PEOPLE)
    statuses = {}
    with asyncio.Runner() as loop:
        for number in range(REQUESTS):
            ask = asker.make()
            who = chance.choice((PEOPLE[0],) * 5 + (PEOPLE[1],))
            call = ask_app(api, ask.verb, ask.target, token=who, body=ask.body, headers=ask.headers)
            reply = loop.run(call)
            wrong, value = judge(ask, reply)
            cause = facts[-1].error
            assert not wrong, f"seed {SEED} request {number}: {wrong} ({cause!r}) after {ask}"
            asker.learn(value)
            statuses[reply.status] = statuses.get(reply.status, 0) + 1
            clock.advance(ms=chance.randrange(2_000))
            del facts[:]
    # A generator that is always refused shows nothing.
    assert statuses[200] > REQUESTS / 10
    assert statuses.get(204, 0) > 0
