"""Thousands of requests made from the registry: no 5xx, and every answer is what it should be.

PENFOLD_REQUESTS says how many (2,000), PENFOLD_SEED repeats a run.
"""

import asyncio
import os
import random

import pytest
from tests.generated.asking import Asker
from tests.generated.judging import judge
from tests.generated.serving import PEOPLE, serve_api
from tests.unit.front.http.conftest import ask_app

from penfold.ports.identity import Credential
from penfold.spec.scopes import GMAIL_SCOPES

REQUESTS = int(os.environ.get("PENFOLD_REQUESTS", "1200"))
SEED = int(os.environ.get("PENFOLD_SEED") or random.SystemRandom().getrandbits(32))


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
def served(tmp_path):
    with serve_api(tmp_path, authenticator=Tokens) as served:
        yield served


@pytest.mark.timeout(600)
def test_whatever_is_asked_the_answer_is_declared(served):
    clock, facts = served.clock, served.facts
    chance = random.Random(SEED)
    asker = Asker(chance, PEOPLE)
    statuses = {}
    with asyncio.Runner() as loop:
        for number in range(REQUESTS):
            ask = asker.make()
            who = chance.choice((PEOPLE[0],) * 5 + (PEOPLE[1],))
            call = ask_app(
                served.api, ask.verb, ask.target, token=who, body=ask.body, headers=ask.headers
            )
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
