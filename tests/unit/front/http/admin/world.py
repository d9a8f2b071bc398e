"""The administration API in memory, asked without a socket."""

import asyncio
import json
from urllib.parse import urlencode

from tests.signatures import private_key
from tests.unit.identity import IdentityWorld, make_throttle

from penfold.domain.outgoing.domains import Domains
from penfold.front.http.admin.app import AdminApi
from penfold.front.http.pace import Pace
from penfold.spec.scopes import ADMIN, ADMIN_READONLY
from penfold.testing.sealing import PlainSealer

WIDE = frozenset({ADMIN.url})
NARROW = frozenset({ADMIN_READONLY.url})


class AdminWorld(IdentityWorld):
    """root is an admin, reader an auditor, kim a user; each has a token with the wide scope."""

    def __init__(self, book=None, *, limits=()):
        super().__init__(book)
        self.pace = Pace(make_throttle(self.clock, limits), self.clock)
        make_key = lambda _: private_key("ed")
        domains = Domains(self.book, self.identity.accounts, PlainSealer(), self.clock, make_key)
        self.people, self.tokens = {}, {}
        for name, role in (("root", "admin"), ("reader", "auditor"), ("kim", "user")):
            person = self.book.seed_account(f"{name}@penfold.test", name=name.title())
            self.identity.roles.set(person, role)
            self.people[name] = person
            self.tokens[name] = self.book.seed_token(person, WIDE)
        self.api = AdminApi(
            self.identity,
            domains,
            self.book,
            clock=self.clock,
            pace=self.pace,
            make_request_id=lambda: "r1",
            observe=self.observe,
        )

    def observe(self, facts):
        if facts.error is not None:
            raise facts.error

    def ask(self, verb, path, body=None, *, token=None, query=None):
        """Return status and answer."""
        token = self.tokens["root"] if token is None else token
        headers = [(b"host", b"mail.penfold.test"), (b"content-type", b"application/json")]
        if token:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        scope = {
            "type": "http", "method": verb, "path": path, "raw_path": path.encode(),
            "query_string": urlencode(query or {}).encode(), "headers": headers,
            "client": ("192.0.2.9", 4711), "scheme": "https",
        }  # fmt: skip
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        data = b"" if body is None else data
        sent = []

        async def receive():
            return {"type": "http.request", "body": data}

        async def send(message):
            sent.append(message)

        asyncio.run(self.api(scope, receive, send))
        octets = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], json.loads(octets) if octets else None

    def get(self, path, **query):
        return self.fine("GET", path, query=query)

    def fine(self, verb, path, body=None, *, query=None):
        status, answer = self.ask(verb, f"/admin/v1/{path}", body, query=query)
        assert status in (200, 204), answer
        return answer

    def newest(self):
        return self.book.list_audit(most=1)[0]
