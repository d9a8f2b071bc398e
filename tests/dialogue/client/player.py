"""Dialogues with the roles turned: the file is the server, and our client is put to the test.

    @ send p@probe.example alice@box.example bob@box.example
    @ results alice@box.example accepted dot 250 2.0.0 | bob@box.example refused rcpt 550 5.1.1
    S: 220 mx.box.example ESMTP
    C: EHLO mail.probe.example
    ...

`S:` lines are said as they stand, `C:` lines must come exactly so, and nothing else between them;
`TLS` is a handshake, `EOF` closes the connection. Options: `send`, `send2`, ... (sender, "<>" for
the null one, then recipients) and `results`, `results2`, ... for them; `raw` (with escapes), `tls`
(none, if-offered, required), `login` (password or token), `in-clear`, `ret`, `envid`, `notify`,
`original`, `require-tls`, `utf8`, `quit`, `chunking no`, `pipelining no`, `bdat-min`.
"""

import asyncio

from tests.scripted import serve

from penfold.net.smtp_out import SmtpConnection
from penfold.net.tls_out import NoTls, Opportunistic, Verify
from penfold.proto.smtp.client.events import Closed, Ready, Sent, StartTls
from penfold.proto.smtp.client.machine import Client
from penfold.proto.smtp.client.outcome import TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile, TlsNeed
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.testing.dialogue import PATIENCE_S

HOST, PORT = "mx.box.example", 25
RAW = b"Subject: hi\r\n\r\nhello\r\n"
VERIFIED = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", True, "for mx.box.example")
LOGINS = {
    "password": Credentials("al", "SECRET-password"),
    "token": Credentials("al@box.example", "SECRET-token", is_token=True),
    "long-token": Credentials("al@box.example", "SECRET-" + "x" * 600, is_token=True),
}


def make_profile(options, **more):
    login = options.get("login")
    return ClientProfile(
        hostname="mail.probe.example",
        credentials=LOGINS[login] if login else None,
        auth_unverified="in-clear" in options,
        pipelining=options.get("pipelining") != "no",
        chunking=options.get("chunking") != "no",
        bdat_min_bytes=int(options.get("bdat-min", "1000000")),
        **more,
    )


def make_raw(options):
    text = options.get("raw")
    if text is None:
        return RAW
    return text.encode().decode("unicode_escape").encode("latin-1")


def list_envelopes(options):
    envelopes = []
    for name in ("send", "send2", "send3"):
        if name in options:
            sender, *recipients = options[name].split()
            envelopes.append(make_envelope(options, sender.replace("<>", ""), recipients))
    return envelopes


def make_envelope(options, sender, recipients):
    notify = tuple(options["notify"].split(",")) if "notify" in options else ()
    original = options.get("original", "")
    return Envelope(
        sender,
        tuple(Recipient(address, notify, original) for address in recipients),
        ret=options.get("ret", ""),
        envelope_id=options.get("envid", ""),
        utf8={"yes": True, "no": False}.get(options.get("utf8")),
        require_tls="require-tls" in options,
    )


def describe(results):
    return " | ".join(
        f"{r.address} {r.fate} {r.stage} "
        + (f"{r.code} {r.enhanced}".rstrip() if r.code else str(r.reason))
        for r in results
    )


def expected_results(options):
    return [options[name] for name in ("results", "results2", "results3") if name in options]


def play_without_io(dialogue, *, cut):
    """Hold the dialogue with the state machine, replies in pieces of `cut` octets."""
    table = _Table(dialogue)
    for exchange in dialogue.exchanges:
        for _ in range(exchange.repeat):
            table.act(exchange)
            if exchange.act == "TLS":
                continue  # what is said after the handshake belongs to the lines after it
            said = table.drain()
            assert said == b"".join(exchange.sends), f"line {exchange.line}: {said!r}"
            reply = b"".join(text.encode() + b"\r\n" for _, text in exchange.expects)
            for at in range(0, len(reply), cut):
                table.machine.receive(reply[at : at + cut])
                table.take_events()
    assert table.drain() == b"", "more is said than was written down"
    table.machine.end()
    table.take_events()
    return table


class _Table:
    """The machine, with what is asked of it and what came of that."""

    def __init__(self, dialogue):
        options = dialogue.options
        self.machine = Client(
            make_profile(options),
            need=TlsNeed(options.get("tls", "none")),
            clock=lambda: 0.0,
            host=HOST,
            port=PORT,
        )
        self.raw = make_raw(options)
        self.waiting = list_envelopes(options)
        self.quits = "quit" in options
        self.results = []
        self.transcripts = []
        self.wants_tls = False
        self.dsn = []

    def act(self, exchange):
        if exchange.act == "TLS":
            assert self.wants_tls, f"line {exchange.line}: TLS was not asked for"
            self.machine.tls_started(VERIFIED)
        elif exchange.act == "EOF":
            self.machine.end()
        self.take_events()

    def drain(self):
        said = b""
        while octets := self.machine.take_output():
            said += octets
        return said

    def take_events(self):
        while event := self.machine.next_event():
            match event:
                case StartTls():
                    self.wants_tls = True
                case Sent():
                    self.results.append(describe(event.results))
                    self.dsn.append(event.dsn)
                    self.transcripts.append(self.machine.transcript)
            if isinstance(event, Ready | Sent | Closed):
                self.go_on()

    def go_on(self):
        if self.waiting:
            self.machine.send(self.waiting.pop(0), self.raw)
        elif self.quits and self.machine.is_ready:
            self.machine.quit()


def make_mode(options, trust):
    modes = {"none": NoTls(), "if-offered": Opportunistic()}
    return modes.get(options.get("tls", "none")) or Verify((HOST,), trust.authorities)


async def play_over_sockets(dialogue, trust):
    """Hold the dialogue between a server of the script and a connection of ours."""
    options = dialogue.options
    mode = make_mode(options, trust)
    served = serve(lambda talk: _follow(dialogue, talk), trust=trust)
    async with asyncio.timeout(PATIENCE_S), served as (port, heard):
        connection = await SmtpConnection.open(
            HOST, "127.0.0.1", port, mode, profile=make_profile(options), allowed=lambda _: True
        )
        outcomes = [
            await connection.send(envelope, make_raw(options))
            for envelope in list_envelopes(options)
        ]
        await connection.close()
        assert not connection.is_usable
    assert heard in ([""], [])
    return outcomes


async def _follow(dialogue, talk):
    """Be the server; return what the client says wrongly."""
    for exchange in dialogue.exchanges:
        for _ in range(exchange.repeat):
            if exchange.act == "EOF":
                return ""
            if exchange.act == "TLS":
                await talk.start_tls()
            expected = b"".join(exchange.sends)
            said = await talk.reader.readexactly(len(expected))
            if said != expected:
                return f"line {exchange.line}: {said!r}"
            await talk.say(*(text for _, text in exchange.expects))
    return ""
