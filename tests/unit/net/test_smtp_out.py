"""Connections to other mail servers, over real sockets, with servers that misbehave."""

import asyncio
import base64
import hashlib
import itertools
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.scripted import Trust, serve

from penfold.net.smtp_out import SmtpConnection
from penfold.net.tls_out import Dane, NoTls, Opportunistic, Verify
from penfold.proto.dane import CERT, DANE_EE, SHA2_256, Verdict, verify_chain
from penfold.proto.dns import Association
from penfold.proto.smtp.client.outcome import Fate, Reason
from penfold.proto.smtp.client.profile import ClientProfile, Timeouts
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.smtp.stage import Stage

HOST = "mx.box.example"
RAW = b"Subject: hi\r\n\r\nhello\r\n"
ENVELOPE = Envelope("p@probe.example", (Recipient("alice@box.example"),))
PROFILE = ClientProfile(hostname="mail.probe.example")
#: Longer than any test takes; a test that hangs fails with it.
PATIENCE_S = 20


@pytest.fixture(scope="module")
def trust(tmp_path_factory):
    return Trust(tmp_path_factory.mktemp("trust"), (HOST, "*.wild.example"))


def attempt(talk, mode=None, *, profile=PROFILE, raw=RAW, clock=None, count=1, **served):
    """Send a message to a server that follows `talk`; return the outcomes and what it returned."""

    async def run():
        async with asyncio.timeout(PATIENCE_S), serve(talk, **served) as (port, heard):
            connection = await connect(port, mode or NoTls(), profile=profile, clock=clock)
            outcomes = [await connection.send(ENVELOPE, raw) for _ in range(count)]
            await connection.close()
            assert not connection.is_usable
        return outcomes, heard

    outcomes, heard = asyncio.run(run())
    return (outcomes[0] if count == 1 else outcomes), heard


async def connect(port, mode, *, profile=PROFILE, clock=None):
    return await SmtpConnection.open(
        HOST, "127.0.0.1", port, mode, profile=profile, clock=clock, allowed=lambda _: True
    )


def verdict(outcome):
    (result,) = outcome.results
    return result.fate, result.stage, result.reason


async def behave(talk):
    await talk.greet("PIPELINING")
    return await talk.take_messages()


async def offer_tls(talk):
    await talk.greet("STARTTLS")
    if await talk.hear() == "STARTTLS":
        await talk.say("220 go")
        await talk.start_tls()
        await talk.answer_ehlo()
    return await talk.take_messages()


def test_a_message_is_delivered_and_the_outcome_says_where():
    outcome, heard = attempt(behave)
    assert outcome.is_accepted
    assert outcome.results[0].code == 250
    assert (outcome.server, outcome.address, outcome.tls) == (HOST, "127.0.0.1", None)
    assert heard == [1]
    assert outcome.transcript[1:3] == (f"S: 220 {HOST} ESMTP", "C: EHLO mail.probe.example")
    assert f"C: [message, {len(RAW)} octets]" in outcome.transcript


def test_a_connection_is_used_again():
    (first, second), heard = attempt(behave, count=2)
    assert (first.reused, second.reused) == (False, True)
    assert second.is_accepted
    assert heard == [2]


def test_a_large_message_arrives_octet_for_octet():
    raw = b"Subject: large\r\n\r\n" + b"".join(b".%d\r\n" % n for n in range(40_000))

    async def keep(talk):
        await talk.greet()
        for _ in range(3):
            await talk.hear()
            await talk.say("354 go" if _ == 2 else "250 OK")
        lines = []
        while (line := await talk.reader.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        await talk.say("250 OK")
        return b"".join(lines)

    outcome, heard = attempt(keep, raw=raw)
    assert outcome.is_accepted
    assert heard == [raw]


# --- TLS ---------------------------------------------------------------------------------


def test_any_certificate_will_do_opportunistically(trust):
    outcome, _ = attempt(offer_tls, Opportunistic(), trust=trust)
    assert outcome.is_accepted
    assert outcome.tls.version == "TLSv1.3"
    assert not outcome.tls.verified
    assert HOST in outcome.tls.names


@pytest.mark.parametrize("name", [HOST, "mx1.wild.example", "MX.Box.Example."])
def test_a_certificate_of_the_authority_with_the_name_is_verified(trust, name):
    mode = Verify(("other.example", name), trust.authorities)
    outcome, _ = attempt(offer_tls, mode, trust=trust)
    assert outcome.is_accepted
    assert outcome.tls.verified
    assert outcome.tls.why == f"for {name}"


@pytest.mark.parametrize("name", ["box.example", "wild.example", "a.b.wild.example", "mx"])
def test_a_certificate_for_others_stops_the_message(trust, name):
    outcome, _ = attempt(offer_tls, Verify((name,), trust.authorities), trust=trust)
    assert verdict(outcome) == (Fate.FAILED, Stage.STARTTLS, Reason.TLS_UNVERIFIED)
    assert HOST in outcome.results[0].text


def test_a_certificate_of_nobody_we_know_stops_the_message(trust):
    outcome, _ = attempt(offer_tls, Verify((HOST,)), trust=trust)
    assert verdict(outcome) == (Fate.FAILED, Stage.STARTTLS, Reason.TLS_UNVERIFIED)
    assert "certificate" in outcome.results[0].text


def test_dane_sees_the_chain_and_decides(trust):
    seen = []

    def check(chain):
        seen.append(chain)
        return ""

    outcome, _ = attempt(offer_tls, Dane(check), trust=trust)
    assert outcome.is_accepted
    assert outcome.tls.verified
    blocks = trust.pem.read_text().split("-----END CERTIFICATE-----")[:-1]
    sent = tuple(ssl.PEM_cert_to_DER_cert(f"{b}-----END CERTIFICATE-----".strip()) for b in blocks)
    assert seen == [sent]
    assert len(sent) == 2


def test_dane_that_does_not_match_stops_the_message(trust):
    outcome, _ = attempt(offer_tls, Dane(lambda _: "no TLSA record matches"), trust=trust)
    assert verdict(outcome) == (Fate.FAILED, Stage.STARTTLS, Reason.TLS_UNVERIFIED)
    assert outcome.results[0].text == "no TLSA record matches"


@pytest.mark.parametrize("names_it", [True, False])
def test_tlsa_records_decide_about_the_chain_that_was_sent(trust, names_it):
    own = x509.load_pem_x509_certificate(trust.pem.read_bytes()).public_bytes(Encoding.DER)
    data = hashlib.sha256(own if names_it else b"another").digest()
    records = (Association(DANE_EE, CERT, SHA2_256, data),)

    def check(chain):
        verdict = verify_chain(chain, records, (HOST,), now_ms=0)
        return "" if verdict is Verdict.KEY else verdict.value

    outcome, _ = attempt(offer_tls, Dane(check), trust=trust)
    assert outcome.is_accepted == names_it
    assert outcome.results[0].text == ("OK" if names_it else "unnamed")


@pytest.mark.parametrize("mode", [Opportunistic(), Verify((HOST,))])
def test_a_handshake_that_fails_is_an_outcome(mode):
    async def babble(talk):
        await talk.greet("STARTTLS")
        await talk.hear()
        await talk.say("220 go")
        await talk.reader.read(1)
        await talk.say("this is not TLS")
        await talk.reader.read()

    outcome, _ = attempt(babble, mode)
    assert verdict(outcome) == (Fate.FAILED, Stage.STARTTLS, Reason.TLS_FAILED)


def test_a_connection_closed_in_the_handshake_is_an_outcome():
    async def leave(talk):
        await talk.greet("STARTTLS")
        await talk.hear()
        await talk.say("220 go")

    outcome, _ = attempt(leave, Opportunistic())
    assert verdict(outcome) == (Fate.FAILED, Stage.STARTTLS, Reason.TLS_FAILED)


def test_implicit_tls_needs_no_starttls(trust):
    mode = Verify((HOST,), trust.authorities, implicit=True)
    outcome, _ = attempt(behave, mode, trust=trust, implicit_tls=True)
    assert outcome.is_accepted
    assert outcome.tls.verified


@pytest.mark.parametrize("name", [HOST, "other.example"])
def test_implicit_tls_is_verified_before_a_word_is_said(trust, name):
    authorities = trust.authorities if name != HOST else ""
    mode = Verify((name,), authorities, implicit=True)
    outcome, heard = attempt(behave, mode, trust=trust, implicit_tls=True)
    assert outcome.results[0].reason is Reason.TLS_UNVERIFIED
    assert heard in ([], [0])


def test_a_login_goes_through_tls(trust):
    async def take_login(talk):
        await talk.greet("STARTTLS")
        await talk.hear()
        await talk.say("220 go")
        await talk.start_tls()
        await talk.answer_ehlo("AUTH PLAIN")
        said = await talk.hear()
        await talk.say("235 OK")
        await talk.take_messages()
        return base64.b64decode(said.removeprefix("AUTH PLAIN "))

    profile = ClientProfile(hostname="mail.probe.example", credentials=Credentials("al", "right"))
    mode = Verify((HOST,), trust.authorities)
    outcome, heard = attempt(take_login, mode, trust=trust, profile=profile)
    assert outcome.is_accepted
    assert heard == [b"\0al\0right"]


def test_no_login_goes_to_a_server_that_anybody_could_be(trust):
    profile = ClientProfile(hostname="mail.probe.example", credentials=Credentials("al", "right"))
    outcome, _ = attempt(offer_tls, Opportunistic(), trust=trust, profile=profile)
    assert verdict(outcome) == (Fate.FAILED, Stage.AUTH, Reason.AUTH_UNSAFE)


# --- servers that misbehave --------------------------------------------------------------


def test_nobody_there_is_an_outcome():
    async def run():
        async with serve(behave) as (port, _):
            pass
        connection = await connect(port, NoTls())
        assert not connection.is_usable
        return await connection.send(ENVELOPE, RAW)

    assert verdict(asyncio.run(run())) == (Fate.FAILED, Stage.CONNECT, Reason.UNREACHABLE)


def test_this_machine_is_not_called():
    async def run():
        connection = await SmtpConnection.open(HOST, "127.0.0.1", 25, NoTls(), profile=PROFILE)
        outcome = await connection.send(ENVELOPE, RAW)
        await connection.close()
        return outcome

    assert verdict(asyncio.run(run())) == (Fate.FAILED, Stage.CONNECT, Reason.FORBIDDEN)


def short(**seconds):
    return ClientProfile(hostname="mail.probe.example", timeouts=Timeouts(**seconds))


async def keep_silent(talk):
    await talk.reader.read()


async def dribble(talk):
    await talk.write(b"220-")
    while True:
        await talk.write(b"y" * 16)
        await asyncio.sleep(0)


def test_silence_ends_when_its_time_is_over():
    outcome, _ = attempt(keep_silent, profile=short(banner_s=0.05))
    assert verdict(outcome) == (Fate.FAILED, Stage.BANNER, Reason.TIMEOUT)


def test_time_is_what_the_clock_says():
    ticks = itertools.count(step=400.0)
    outcome, _ = attempt(keep_silent, clock=lambda: next(ticks))
    assert verdict(outcome) == (Fate.FAILED, Stage.BANNER, Reason.TIMEOUT)


def test_a_banner_without_end_is_cut():
    outcome, _ = attempt(dribble)
    assert verdict(outcome) == (Fate.FAILED, Stage.BANNER, Reason.NONSENSE)


def test_a_flood_of_replies_is_cut():
    async def flood(talk):
        while True:
            await talk.write(b"250-x\r\n" * 10_000)

    outcome, _ = attempt(flood)
    assert verdict(outcome) == (Fate.FAILED, Stage.BANNER, Reason.NONSENSE)


def test_silence_after_the_dot_leaves_the_outcome_unknown():
    async def fall_silent(talk):
        await talk.greet()
        for reply in ("250 OK", "250 OK", "354 go"):
            await talk.hear()
            await talk.say(reply)
        await talk.hear_message()
        await talk.reader.read()

    outcome, _ = attempt(fall_silent, profile=short(dot_s=0.05))
    assert verdict(outcome) == (Fate.UNKNOWN, Stage.DOT, Reason.TIMEOUT)


LARGE = b"x" * 998 + b"\r\n"


def test_a_server_that_stops_reading_is_left_when_a_block_does_not_leave():
    async def stop_reading(talk):
        await talk.greet()
        for reply in ("250 OK", "250 OK", "354 go"):
            await talk.hear()
            await talk.say(reply)
        talk.writer.transport.pause_reading()
        await asyncio.sleep(PATIENCE_S)

    outcome, _ = attempt(stop_reading, raw=LARGE * 20_000, profile=short(block_s=0.1))
    assert verdict(outcome) == (Fate.FAILED, Stage.DATA, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("reply", "fate", "reason"),
    [
        ("552 5.3.4 too big", Fate.REFUSED, Reason.REPLY),
        ("421 4.3.2 stopping", Fate.DEFERRED, Reason.REPLY),
        ("250 thanks", Fate.FAILED, Reason.NONSENSE),
    ],
)
def test_a_verdict_in_the_middle_of_the_message_ends_it(reply, fate, reason):
    async def interrupt(talk):
        await talk.greet()
        for line in ("250 OK", "250 OK", "354 go"):
            await talk.hear()
            await talk.say(line)
        talk.writer.transport.pause_reading()
        await talk.say(reply)
        await asyncio.sleep(PATIENCE_S)

    outcome, _ = attempt(interrupt, raw=LARGE * 20_000)
    assert verdict(outcome) == (fate, Stage.DATA, reason)


def test_a_connection_closed_while_idle_is_not_usable():
    async def leave(talk):
        await talk.greet()
        for reply in ("250 OK", "250 OK", "354 go"):
            await talk.hear()
            await talk.say(reply)
        await talk.hear_message()
        await talk.say("250 OK", "421 4.4.2 idle")

    (first, second), _ = attempt(leave, count=2)
    assert first.is_accepted
    (result,) = second.results
    assert (result.fate, result.stage, result.code) == (Fate.DEFERRED, Stage.MAIL, 421)


def test_a_cancelled_message_cuts_the_connection():
    async def run():
        reached = asyncio.Event()

        async def wait(talk):
            await talk.greet()
            await talk.hear()
            reached.set()
            return await talk.hear()

        async with asyncio.timeout(PATIENCE_S), serve(wait) as (port, heard):
            connection = await connect(port, NoTls())
            sending = asyncio.create_task(connection.send(ENVELOPE, RAW))
            await reached.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert not connection.is_usable
            await connection.close()
            outcome = await connection.send(ENVELOPE, RAW)
        assert heard in ([""], [])
        return outcome

    assert asyncio.run(run()).results[0].reason is Reason.STOPPED
