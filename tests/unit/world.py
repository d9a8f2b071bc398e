"""A whole product in memory: two accounts, mail in, mail out, and calls as the API makes them."""

import random
from threading import Event

import pytest

from penfold.base.clock import FixedClock
from penfold.domain.envelope import Envelope
from penfold.domain.incoming.inbound import Inbound
from penfold.domain.outgoing.carrying import Carrier
from penfold.domain.outgoing.handover import HandOver
from penfold.domain.outgoing.outbound import Outbound
from penfold.domain.outgoing.return_paths import ReturnPaths
from penfold.domain.settings.confirming import Asking
from penfold.domain.settings.mail_servers import MailServers
from penfold.front.http.call import Call, Services
from penfold.front.http.handlers import CHECKS, HANDLERS
from penfold.ports.identity import Credential
from penfold.ports.submitting import ServerError
from penfold.spec.problems import ProblemError
from penfold.spec.registry import REGISTRY
from penfold.spec.schemas import ForwardingAddress
from penfold.testing.directory import MemoryDirectory
from penfold.testing.mailbox import MemoryMailboxes
from penfold.testing.pubsub import MemoryPubsub
from penfold.testing.queue import MemoryQueue
from penfold.testing.sealing import PlainSealer
from penfold.testing.uploads import MemoryUploads

_METHODS = {method.handler: method for method in REGISTRY}
_HANDLERS = {handler.__name__: handler for handler in HANDLERS}


class KnownServer:
    """A mail server that takes one password; `seen` is what it was asked."""

    def __init__(self):
        self.seen = []

    def __call__(self, host, port, *, security, username, password):
        self.seen.append((host, port, security, username, password))
        if username and password != "right":
            raise ServerError("the login is refused")


def make_hand_over(*, notices, **ports):
    carrier = Carrier(**ports)
    shared = {name: ports[name] for name in ("mailboxes", "queue", "clock")}
    return HandOver(carrier, notices=notices, **shared)


class World:
    """runs_twice: every change runs a second time, as a store may do."""

    def __init__(self, *, runs_twice=True, captures=True, limits=None):
        self.clock = FixedClock()
        self.chance = random.Random(7)
        self.directory = MemoryDirectory(clock=self.clock)
        self.mailboxes = MemoryMailboxes(runs_twice=runs_twice)
        self.uploads = MemoryUploads(self.mailboxes.blobs)
        self.queue = MemoryQueue()
        self.sealer = PlainSealer()
        self.pubsub = MemoryPubsub()
        self.probe = KnownServer()
        self.alice = self.add_account("alice@penfold.test", "Alice Example")
        self.bob = self.add_account("bob@penfold.test", "Bob Example")
        shared = {
            "directory": self.directory,
            "mailboxes": self.mailboxes,
            "clock": self.clock,
            "hostname": "mx.penfold.test",
        }
        self.ports = {**shared, "chance": self.chance, "queue": self.queue, "captures": captures}
        self.outbound = Outbound(**self.ports, limits=limits)
        self.outbound.arriving.returns = self.returns = ReturnPaths(
            self.directory, self.sealer, self.queue, self.clock, self.chance
        )
        self.inbound_ports = {**shared, "arriving": self.outbound.arriving}
        self.inbound = Inbound(**self.inbound_ports)
        self.hand_over_ports = {
            **self.inbound_ports,
            "queue": self.queue,
            "notices": self.outbound.notices,
            "captures": captures,
        }
        self.asking = Asking(self.outbound, self.chance, "http://penfold.test")

    @property
    def services(self):
        return Services(
            self.directory,
            self.outbound,
            self.chance,
            self.sealer,
            self.pubsub,
            self.asking,
            MailServers(self.sealer, self.probe),
            self.uploads,
        )

    def add_account(self, address, name=""):
        account = self.directory.seed_account(address, name=name)
        self.mailboxes.create(account.id)
        return account

    def close(self):
        self.outbound.close()

    # --- mail in and out

    def envelope(self, sender, recipients, **wishes):
        return Envelope(
            session="s1",
            client="192.0.2.7",
            helo="probe.example",
            protocol="ESMTP",
            sender=sender,
            recipients=tuple(recipients),
            **wishes,
        )

    def receive(self, raw, *recipients, sender="writer@elsewhere.example", judged=None, **wishes):
        """Accept mail from outside and return the ids it got."""
        found = []
        self.inbound.accept(
            self.envelope(sender, recipients or [self.alice.address], **wishes),
            raw,
            lambda ids, error: found.append((ids, error)),
            judged,
        )
        [(ids, error)] = found
        if error:
            raise error
        return list(ids)

    def submit(self, raw, *recipients, sender="alice@penfold.test", **wishes):
        found = []
        self.outbound.submit(
            self.alice,
            self.envelope(sender, recipients, **wishes),
            raw,
            lambda ids, error: found.append((ids, error)),
        )
        [(ids, error)] = found
        if error:
            raise error
        self.settle()
        return list(ids)

    def settle(self, account=None):
        """Wait until what is in an outbox is handed over; return what stood in the way."""
        settled = Event()
        errors = []
        self.outbound.hand_over(
            (account or self.alice).id, lambda error: (errors.append(error), settled.set())
        )
        assert settled.wait(30)
        return errors[0]

    def accept_forwarding(self, address, account=None):
        """Let an account forward to an address, as its owner's consent does."""
        record = ForwardingAddress(forwarding_email=address, verification_status="accepted")
        self.change(lambda box: box.put_setting(record, address), account)

    def outbox(self, account=None):
        return self.read(lambda box: box.list_outbox(limit=100), account)

    # --- calls

    def api(
        self, name, *, account=None, body=None, inline=False, caller=None, service=False, **params
    ):
        """Serve a method as the pipeline does, and check that it declares what it raises."""
        account = account or self.alice
        method = _METHODS[name]
        if body is None and method.request is not None:
            body = method.request()
        call = Call(
            method=method,
            credential=Credential(caller or account, frozenset(), "client", "1", service),
            account=account,
            params=method.params(**params),
            body=body,
            now_ms=self.clock.now_ms(),
            services=self.services,
            inline=inline,
        )
        try:
            result = self._run(method, call)
        except ProblemError as error:
            if error.problem not in method.errors:
                pytest.fail(f"{name} does not declare {error.text!r}")
            raise
        if method.sends:
            self.settle(account)
        assert (result is None) == (method.response is None)
        return result

    def _run(self, method, call):
        handler = _HANDLERS[method.handler]
        check = CHECKS.get(handler)
        if check:
            check(call, self.mailboxes)
        if method.access.value == "write":
            return self.mailboxes.change(call.account.id, lambda box: handler(call, box))
        with self.mailboxes.open_reader(call.account.id) as box:
            return handler(call, box)

    def read(self, question, account=None):
        with self.mailboxes.open_reader((account or self.alice).id) as box:
            return question(box)

    def change(self, change, account=None):
        return self.mailboxes.change((account or self.alice).id, change)

    def list_ids(self, account=None, **params):
        page = self.api("messages_list", account=account, **params)
        return [message.id for message in page.messages or ()]


def mail(
    subject="Hello",
    *,
    body="Hello, text.\r\n",
    to="alice@penfold.test",
    sender="writer@elsewhere.example",
    message_id=None,
    **headers,
):
    """Return a message; headers are added as they are, `_` standing for `-`."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    if message_id:
        lines.append(f"Message-ID: <{message_id}>")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return (
        "\r\n".join(line for line in lines if not line.endswith(": ")) + f"\r\n\r\n{body}"
    ).encode()
