"""A Gmail API over made-up ports, asked by plain ASGI messages."""

import asyncio
import json
import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from penfold.base.clock import FixedClock
from penfold.base.errors import NotFoundError
from penfold.front.http.call import Services
from penfold.front.http.pipeline import GmailApi
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.spec.scopes import FULL, METADATA, MODIFY, READONLY, SEND, SETTINGS_SHARING
from penfold.testing.mailbox import Blobs
from penfold.testing.pubsub import MemoryPubsub
from penfold.testing.sealing import PlainSealer
from penfold.testing.uploads import MemoryUploads

ALICE = Account(id="m1", address="alice@penfold.test", name="Alice", created_ms=0)
GONE = Account(id="m2", address="gone@penfold.test", name="", created_ms=0, suspended=True)
TOKENS = {
    "full": (ALICE, {FULL.url}),
    "readonly": (ALICE, {READONLY.url}),
    "send": (ALICE, {SEND.url}),
    "metadata": (ALICE, {METADATA.url, MODIFY.url}),
    "suspended": (GONE, {FULL.url}),
    "service": (ALICE, {SETTINGS_SHARING.url, READONLY.url}),
}


class Tokens:
    """An authenticator with a fixed set of tokens."""

    def find_credential(self, token):
        if token not in TOKENS:
            return None
        account, scopes = TOKENS[token]
        return Credential(
            account=account,
            scopes=frozenset(scopes),
            client_id="app",
            project="1",
            service=token == "service",
        )


class Reader(str):  # noqa: SLOT000 - has a version beside
    """A reader that is just its name, of a mailbox in some version."""

    version = None

    def get_version(self):
        return self.version


class Boxes:
    """Mailboxes whose reader and writer are plain names; changes run on another thread.

    version: of every mailbox; None for one that is never the same twice.
    """

    def __init__(self):
        self.missing = set()
        self.version = None

    @contextmanager
    def open_reader(self, mailbox_id):
        if mailbox_id in self.missing:
            raise NotFoundError("no such mailbox")
        reader = Reader(f"reader of {mailbox_id}")
        reader.version = object() if self.version is None else self.version
        yield reader

    def submit(self, mailbox_id, change, done):
        def work():
            try:
                result = change(f"writer of {mailbox_id}")
            except BaseException as error:  # noqa: BLE001 - as the store does
                done(None, error)
            else:
                done(result, None)

        threading.Thread(target=work).start()


class Nobody:
    """A directory without accounts."""

    def find_account(self, address):
        del address


class HandOver:
    """Outbound mail that notes hand-overs; `fails` is what they end with."""

    def __init__(self):
        self.seen = []
        self.fails = None

    def hand_over(self, mailbox_id, done=None):
        self.seen.append(mailbox_id)
        if done:
            done(self.fails)


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


@dataclass
class World:
    """The API with what it stands on, and a way to ask it."""

    api: GmailApi
    boxes: Boxes
    outbound: HandOver
    facts: list
    stopped: list
    loop: asyncio.Runner

    def ask(self, verb, target, *, token="full", **kwargs):
        """Return the reply to one request; token None sends no Authorization."""
        return self.loop.run(ask_app(self.api, verb, target, token=token, **kwargs))

    def get(self, target, **kwargs):
        return self.ask("GET", target, **kwargs)

    def post(self, target, value=None, **kwargs):
        kwargs.setdefault("headers", {"content-type": "application/json"})
        if value is not None:
            kwargs["body"] = json.dumps(value).encode()
        return self.ask("POST", target, **kwargs)


async def ask_app(
    app, verb, target, *, token=None, body=b"", headers=None, chunks=None, leaves=False
):
    path, _, query = target.partition("?")
    sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    if token is not None:
        sent.append((b"authorization", f"Bearer {token}".encode()))
    messages = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks or []
    ]
    if not leaves:
        messages.append({"type": "http.request", "body": body, "more_body": False})
    queue = iter(messages)
    answers = []

    async def receive():
        return next(queue, {"type": "http.disconnect"})

    async def send(message):
        answers.append(message)

    scope = {
        "type": "http",
        "method": verb,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": sent,
        "client": ("192.0.2.1", 4711),
        "server": ("127.0.0.1", 8025),
    }
    await app(scope, receive, send)
    if not answers:
        return None
    start, *rest = answers
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], names, b"".join(part.get("body", b"") for part in rest))


@pytest.fixture
def make_world():
    """Return a function that makes an API with these handlers."""
    worlds = []

    def make(handlers=None, **options):
        boxes, outbound, facts, stopped = Boxes(), HandOver(), [], []
        services = Services(
            Nobody(),
            outbound,
            random.Random(7),
            PlainSealer(),
            MemoryPubsub(),
            None,
            None,
            MemoryUploads(Blobs()),
        )
        options.setdefault("strict", True)
        api = GmailApi(
            handlers=handlers or {},
            authenticator=Tokens(),
            mailboxes=boxes,
            services=services,
            clock=FixedClock(),
            observe=facts.append,
            stop=stopped.append,
            **options,
        )
        worlds.append(World(api, boxes, outbound, facts, stopped, asyncio.Runner()))
        return worlds[-1]

    yield make
    for world in worlds:
        world.api.close()
        world.loop.close()


@pytest.fixture
def ask():
    """Return a function that asks any ASGI application once."""
    return lambda app, verb, target, **kwargs: asyncio.run(ask_app(app, verb, target, **kwargs))
