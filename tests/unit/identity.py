"""Identity in memory: a domain, two people, a desktop and a web client, and short cuts."""

import random
from urllib.parse import parse_qsl, urlsplit

from penfold.base.clock import FixedClock
from penfold.domain.access.consent import Leave
from penfold.domain.access.grant_rules import GOOGLES_RULES
from penfold.domain.access.identity import build_identity
from penfold.domain.throttle import Throttle
from penfold.ports.rates import Rate
from penfold.proto.jwt import make_key_pair
from penfold.proto.oauth import s256
from penfold.spec.rates import find_rates
from penfold.testing.directory import MemoryDirectory
from penfold.testing.rates import MemoryBuckets
from penfold.testing.sealing import PlainSealer

GMAIL = "https://mail.google.com/"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"
ISSUER = "http://127.0.0.1:8025"
LOOPBACK = "http://localhost:4711/"
WEB_REDIRECT = "https://app.example/callback"
VERIFIER = "correct-horse-battery-staple-correct-horse-battery"


_PAIRS = []


class KeyRing:
    """Hands out keys made before: making one takes a tenth of a second."""

    def __init__(self):
        self._used = 0

    def __call__(self, subject, *, now_ms):
        if self._used == len(_PAIRS):
            _PAIRS.append(make_key_pair("test", now_ms=1_790_000_000_000))
        self._used += 1
        return _PAIRS[self._used - 1]


class EmptyMailboxes:
    """Notes which mailboxes were made; nothing here reads one."""

    def __init__(self):
        self.made = []

    def create(self, mailbox_id):
        self.made.append(mailbox_id)


def make_throttle(clock, choices=(), refused=None):
    """Return the limits of production mode, with these in place of theirs."""
    rates = find_rates(choices, production=True)
    rates = {name: Rate(*rate) for name, rate in rates.items()}
    return Throttle(rates, MemoryBuckets(), clock, refused=refused)


class IdentityWorld:
    """book: any implementation of the directory port with this world's clock."""

    def __init__(self, book=None, *, clock=None, passwords=False, rules=GOOGLES_RULES, limits=()):
        self.clock = clock or FixedClock()
        self.chance = random.Random(11)
        self.book = book or MemoryDirectory(clock=self.clock, runs_twice=True)
        self.mailboxes = EmptyMailboxes()
        self.told = []
        self.identity = build_identity(
            self.book,
            self.mailboxes,
            clock=self.clock,
            chance=self.chance,
            sealer=PlainSealer(),
            make_key=KeyRing(),
            rules=rules,
            throttle=make_throttle(self.clock, limits),
            told=lambda shown, right: self.told.append((shown, right)),
        )
        accounts = self.identity.accounts
        accounts.add_domain("penfold.test")
        accounts.add_domain("other.test")
        secret = "open-sesame" if passwords else None
        self.alice = accounts.add("alice@penfold.test", name="Alice Example", password=secret)
        self.bob = accounts.add("bob@penfold.test", password=secret)
        self.desktop = self.identity.clients.add("Desk", kind="desktop")
        self.web = self.identity.clients.add("Site", kind="web", redirect_uris=(WEB_REDIRECT,))

    def pairs(self, new_client=None, **changed):
        """Return the pairs of an authorization request in order; None takes one away."""
        new_client = new_client or self.desktop
        web = new_client.client.kind == "web"
        values = {
            "client_id": new_client.client.id,
            "redirect_uri": WEB_REDIRECT if web else LOOPBACK,
            "response_type": "code",
            "scope": GMAIL,
            "state": "xyz",
            **({} if web else {"code_challenge": s256(VERIFIER), "code_challenge_method": "S256"}),
            **changed,
        }
        return [(name, value) for name, value in values.items() if value is not None]

    def allow(self, new_client=None, *, account=None, ticked=None, **changed):
        """Return the answer a client gets after the person allowed its request.

        ticked: the boxes that stay ticked; all of them by default.
        """
        consent = self.identity.consent
        authorization = consent.check(self.pairs(new_client, **changed))
        ticked = authorization.scopes if ticked is None else ticked
        return answer_of(consent.allow(authorization, account or self.alice, ISSUER, ticked))

    def exchange(self, given, *, authorization=None):
        return self.identity.grants.exchange(
            given, authorization=authorization, base=ISSUER, issuer=ISSUER
        )

    def code_form(self, code, new_client=None, /, **changed):
        new_client = new_client or self.desktop
        web = new_client.client.kind == "web"
        values = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": new_client.client.id,
            "client_secret": new_client.secret or None,
            "redirect_uri": WEB_REDIRECT if web else LOOPBACK,
            "code_verifier": None if web else VERIFIER,
            **changed,
        }
        return {name: value for name, value in values.items() if value is not None}

    def refresh_form(self, token, new_client=None, /, **changed):
        new_client = new_client or self.desktop
        values = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": new_client.client.id,
            "client_secret": new_client.secret or None,
            **changed,
        }
        return {name: value for name, value in values.items() if value is not None}

    def tokens(self, new_client=None, *, account=None, **changed):
        """Return the token answer of a whole flow."""
        answer = self.allow(new_client, account=account, **changed)
        return self.exchange(self.code_form(answer["code"], new_client))


def answer_of(step):
    assert isinstance(step, Leave)
    return dict(parse_qsl(urlsplit(step.uri).query))
