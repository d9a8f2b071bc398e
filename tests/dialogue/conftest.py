"""A product small enough to read, behind the real listener, for the dialogues to talk to."""

import asyncio
import dataclasses
import datetime
import random
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from penfold.base.clock import FixedClock
from penfold.base.errors import MailboxDamagedError, OutcomeUnknownError, StorageFullError
from penfold.front.smtp.decisions import Recipient
from penfold.front.smtp.doors import MxDoor, SubmissionDoor
from penfold.front.smtp.listener import Listener
from penfold.front.smtp.protocol import Bounds
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.spec import problems
from penfold.spec.problems import ProblemError

ALICE = Account("m" + "0" * 20, "alice@box.example", "Alice", 0)
BOB = Account("m" + "1" * 20, "bob@box.example", "Bob", 0)
FULL_SCOPE = "https://mail.google.com/"
SEND_SCOPE = "https://www.googleapis.com/auth/gmail.send"

#: Local parts whose deliveries fail, and how.
FAILURES = {
    "full": StorageFullError("no room"),
    "damaged": MailboxDamagedError("quarantined"),
    "unknown-outcome": OutcomeUnknownError("commit failed half-way"),
    "broken": RuntimeError("SECRET internal text"),
    "invalid-to": ProblemError(problems.INVALID_TO),
    "too-large": ProblemError(problems.MESSAGE_TOO_LARGE, limit=1),
    "disabled": ProblemError(problems.MAIL_NOT_ENABLED),
}


class MemoryProduct:
    """Decides by local part; keeps what it accepted. Answers from another thread, as a store."""

    def __init__(self):
        self.delivered = []
        self.authenticated = []

    def check_recipient(self, address):
        local, _, domain = address.rpartition("@")
        if local == "raises":
            raise RuntimeError("SECRET internal text")
        if domain != "box.example":
            return Recipient.REMOTE
        if local == "busy":
            return Recipient.UNAVAILABLE
        known = {"alice", "bob", "postmaster", "björn", *FAILURES}
        return Recipient.LOCAL if local.partition("+")[0] in known else Recipient.UNKNOWN

    def check_sender(self, account, address):
        return address == account.address

    def accept(self, envelope, data, done):
        error = FAILURES.get(envelope.recipients[0].partition("@")[0])
        if error is None:
            self.delivered.append((envelope, data))
        ids = None if error else (f"{len(self.delivered):016x}",)
        threading.Thread(target=done, args=(ids, error)).start()

    def submit(self, account, envelope, data, done):
        self.authenticated.append(account)
        self.accept(envelope, data, done)

    def find_app_login(self, address, password):
        return ALICE if (address, password) == (ALICE.address, "abcdefghijklmnop") else None

    def find_credential(self, token):
        accounts = {"good": (ALICE, FULL_SCOPE), "weak": (ALICE, SEND_SCOPE), "bob": (BOB, FULL_SCOPE)}
        if token not in accounts:
            return None
        account, scope = accounts[token]
        return Credential(account, frozenset({scope}), "client", "project")


@pytest.fixture(scope="session")
def tls_contexts(tmp_path_factory):
    """A server's and a client's context around one self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, private)
    return server, ssl.create_default_context(cafile=str(pem))


def make_profile(listener, options):
    make = make_mx_profile if listener == "mx" else make_submission_profile
    profile = make(
        hostname="mx.box.example", domain="box.example", starttls=listener != "submissions"
    )
    numbers = ("max_bytes", "recipients_max", "errors_max", "login_failures_max", "hops_max")
    return dataclasses.replace(profile, **{n: int(options[n]) for n in numbers if n in options})


@pytest.fixture
def converse(tls_contexts):
    """Return a function that runs `talk(address)` against a listener, and gives all that came of it."""

    def run(talk, options, *, loop_factory=asyncio.new_event_loop):
        product, facts = MemoryProduct(), []
        listener_name = options.get("listener", "mx")
        is_mx = listener_name == "mx"

        async def hold():
            listener = Listener(
                name=listener_name,
                profile=make_profile(listener_name, options),
                door=MxDoor(product) if is_mx else SubmissionDoor(product, product),
                clock=FixedClock(),
                chance=random.Random(5),
                observe=facts.append,
                tls=tls_contexts[0],
                bounds=Bounds(login_delay_s=0.0),
            )
            sock = socket.create_server(("127.0.0.1", 0))
            await listener.start(sock, implicit_tls=listener_name == "submissions")
            try:
                await asyncio.to_thread(talk, sock.getsockname())
            finally:
                await listener.stop(grace_s=5)

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(hold())
        return product, facts

    return run
