"""The real listener around a product in memory, for the dialogues to talk to."""

import asyncio
import datetime as dt
import random
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.dialogue.product import MemoryProduct, make_profile

from penfold.base.clock import FixedClock
from penfold.front.smtp.bounds import Bounds
from penfold.front.smtp.doors import MxDoor, SubmissionDoor
from penfold.front.smtp.listener import Listener


@pytest.fixture(scope="session")
def tls_contexts(tmp_path_factory):
    """A server's and a client's context around one self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
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
                bounds=Bounds(
                    login_delay_s=0.0,
                    error_delay_s=0.0,
                    greet_delay_s=float(options.get("greet_delay_s", 0.0)),
                ),
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
