"""Our client and another program's mail server: Postfix's smtp-sink with all its moods."""

import asyncio
import socket
import subprocess
from contextlib import contextmanager

import pytest
from tests.until import answers, until

from penfold.net.smtp_out import SmtpConnection
from penfold.net.tls_out import NoTls
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.transaction import Envelope, Recipient

PROFILE = ClientProfile(hostname="mail.probe.example")
#: A dot to stuff, an octet above ASCII, a line of the length RFC 5321 allows.
RAW = b"Subject: hi\r\n\r\n.\r\n..hello\r\nh\xc3\xa9\r\n" + b"x" * 998 + b"\r\n"
ENVELOPE = Envelope(
    "p@probe.example",
    (
        Recipient("alice@penfold.test", ("FAILURE", "DELAY"), "rfc822;al+x@box.example"),
        Recipient("bob@penfold.test"),
    ),
    ret="HDRS",
    envelope_id="id+1",
)
PATIENCE_S = 30


def deliver(port, *messages, mode=None, profile=PROFILE):
    """Send the messages over one connection."""

    async def run():
        async with asyncio.timeout(PATIENCE_S):
            connection = await SmtpConnection.open(
                "localhost",
                "127.0.0.1",
                port,
                mode or NoTls(),
                profile=profile,
                allowed=lambda _: True,
            )
            outcomes = [await connection.send(ENVELOPE, raw) for raw in messages]
            await connection.close()
        return outcomes

    return asyncio.run(run())


@contextmanager
def sink(*options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["smtp-sink", "-u", "nobody", *options, f"127.0.0.1:{port}", "10"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port) or process.poll() is not None, what="smtp-sink")
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ("", "accepted dot reply"),
        ("-p", "accepted dot reply"),
        ("-E", "accepted dot reply"),
        ("-8", "unsuited mail needs-8bitmime"),
        ("-e", "unsuited mail needs-8bitmime"),
        ("-q connect", "failed banner closed"),
        ("-q ehlo", "failed ehlo closed"),
        ("-q mail", "failed mail closed"),
        ("-q rcpt", "failed rcpt closed"),
        ("-q data", "failed data closed"),
        ("-q .", "unknown dot closed"),
        ("-Q ehlo", "deferred ehlo reply"),
        ("-Q rcpt", "deferred rcpt reply"),
        ("-Q .", "deferred dot reply"),
        ("-r mail", "deferred mail reply"),
        ("-r .", "deferred dot reply"),
        ("-f rcpt", "refused rcpt reply"),
        ("-f .", "refused dot reply"),
    ],
)
def test_what_a_sink_does_is_what_the_outcome_says(program, options, verdict):
    program("smtp-sink")
    with sink(*options.split()) as port:
        (outcome,) = deliver(port, RAW)
    assert {f"{r.fate} {r.stage} {r.reason}" for r in outcome.results} == {verdict}
