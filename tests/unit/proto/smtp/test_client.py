"""The client's state machine where dialogues cannot reach: time, hostile octets, bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import SMTP_OUT_BLOCK_BYTES, SMTP_OUT_TEXT_CHARS
from penfold.proto.smtp.client.capabilities import NOTHING
from penfold.proto.smtp.client.events import Closed, Ready, Sent, StartTls
from penfold.proto.smtp.client.machine import Client
from penfold.proto.smtp.client.outcome import Fate, Reason, TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile, Timeouts, TlsNeed
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.proto.smtp.client.transcript import Transcript
from penfold.proto.smtp.stage import Stage

RAW = b"Subject: hi\r\n\r\nhello\r\n"
ENVELOPE = Envelope("p@probe.example", (Recipient("al@box.example"), Recipient("bo@box.example")))


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def make_client(clock=None, **options):
    profile = ClientProfile(hostname="mail.probe.example", **options)
    return Client(
        profile, need=TlsNeed.NONE, clock=clock or Clock(), host="mx.box.example", port=25
    )


def drain(client):
    said = b""
    while octets := client.take_output():
        said += octets
    return said


def lead_to_dot(client, raw=RAW):
    client.receive(b"220 mx\r\n")
    client.receive(b"250 mx\r\n")
    assert isinstance(client.next_event(), Ready)
    client.send(ENVELOPE, raw)
    client.receive(b"250 OK\r\n")
    client.receive(b"250 OK\r\n")
    client.receive(b"250 OK\r\n")
    client.receive(b"354 go\r\n")


def fates(event):
    return [(each.fate, each.stage, each.reason) for each in event.results]


WAITS = [
    (Stage.BANNER, [], 1.0),
    (Stage.EHLO, [b"220 mx\r\n"], 2.0),
    (Stage.MAIL, [b"220 mx\r\n", b"250 mx\r\n"], 3.0),
    (Stage.RCPT, [b"220 mx\r\n", b"250 mx\r\n", b"250 OK\r\n"], 4.0),
    (Stage.DATA, [b"220 mx\r\n", b"250 mx\r\n", *[b"250 OK\r\n"] * 3], 5.0),
    (Stage.DOT, [b"220 mx\r\n", b"250 mx\r\n", *[b"250 OK\r\n"] * 3, b"354 go\r\n"], 6.0),
]


@pytest.mark.parametrize(("stage", "heard", "seconds"), WAITS, ids=lambda v: str(v)[:10])
def test_each_reply_has_its_time(stage, heard, seconds):
    clock = Clock()
    timeouts = Timeouts(banner_s=1, ehlo_s=2, mail_s=3, rcpt_s=4, data_s=5, dot_s=6)
    client = make_client(clock, timeouts=timeouts)
    for octets in heard:
        clock.now += 100
        client.receive(octets)
        if isinstance(client.next_event(), Ready):
            client.send(ENVELOPE, RAW)
        drain(client)
    assert client.deadline_s == clock.now + seconds
    clock.now += seconds - 0.1
    client.expire()
    assert not client.is_closed
    clock.now += 0.2
    client.expire()
    assert client.is_closed
    assert (client.failure.stage, client.failure.reason) == (stage, Reason.TIMEOUT)


def test_a_slow_server_does_not_get_more_time_by_saying_a_little():
    clock = Clock()
    client = make_client(clock)
    end = client.deadline_s
    for _ in range(10):
        clock.now += 20
        client.receive(b"2")
        client.receive(b"20-x\r\n2"[: clock.now == 20])
        assert client.is_closed or client.deadline_s == end


def test_all_of_a_message_has_its_time_too():
    clock = Clock()
    client = make_client(clock, timeouts=Timeouts(session_s=500))
    lead_to_dot(client)
    drain(client)
    assert client.deadline_s == 500


def test_idle_sessions_have_no_deadline():
    client = make_client()
    client.receive(b"220 mx\r\n")
    client.receive(b"250 mx\r\n")
    assert client.is_ready
    assert client.deadline_s is None


def test_a_message_leaves_block_by_block_each_with_its_time():
    clock = Clock()
    client = make_client(clock)
    raw = b"Subject: large\r\n\r\n" + b"x\r\n" * 100_000
    lead_to_dot(client, raw)
    client.take_output()
    blocks = []
    while octets := client.take_output():
        blocks.append(octets)
        clock.now += 10
    assert max(map(len, blocks)) == SMTP_OUT_BLOCK_BYTES
    assert b"".join(blocks) == raw + b".\r\n"
    assert client.deadline_s == clock.now - 10 + 600


@pytest.mark.parametrize(
    ("taken", "fate", "stage"),
    [(0, Fate.FAILED, Stage.DATA), (99, Fate.UNKNOWN, Stage.DOT)],
    ids=["before-it-left", "after-it-left"],
)
def test_a_lost_connection_is_unknown_only_when_all_had_left(taken, fate, stage):
    client = make_client()
    lead_to_dot(client)
    client.take_output()
    for _ in range(taken):
        client.take_output()
    client.end()
    assert fates(client.next_event()) == [(fate, stage, Reason.CLOSED)] * 2


@pytest.mark.parametrize("octets", [b"250 x\r\n", b"\0", b"2", b"421 x\r\n"])
def test_what_nobody_asked_for_ends_an_idle_session(octets):
    client = make_client()
    client.receive(b"220 mx\r\n")
    client.receive(b"250 mx\r\n")
    client.next_event()
    client.receive(octets)
    assert isinstance(client.next_event(), Closed)
    client.send(ENVELOPE, RAW)
    (event,) = [client.next_event()]
    assert {each.fate for each in event.results} <= {Fate.FAILED, Fate.DEFERRED}
    assert drain(client) == b""


def ask_for_tls():
    profile = ClientProfile(hostname="mail.probe.example")
    client = Client(profile, need=TlsNeed.REQUIRED, clock=Clock(), host="mx.box.example", port=25)
    client.receive(b"220 mx\r\n")
    client.receive(b"250-mx\r\n250 STARTTLS\r\n")
    client.receive(b"220 go\r\n")
    assert isinstance(client.next_event(), StartTls)
    return client


def test_octets_in_clear_after_the_220_end_the_session():
    client = ask_for_tls()
    client.receive(b"250-evil\r\n250 AUTH PLAIN\r\n")
    assert (client.failure.stage, client.failure.reason) == (Stage.STARTTLS, Reason.NONSENSE)
    client.tls_started(TlsFacts("TLSv1.3", "x", True, ""))
    assert isinstance(client.next_event(), Closed)
    assert client.next_event() is None


def test_tls_forgets_what_was_offered_in_clear():
    client = ask_for_tls()
    assert client.capabilities.keywords == {"STARTTLS"}
    client.tls_started(TlsFacts("TLSv1.3", "x", True, ""))
    assert client.capabilities == NOTHING


def test_recipients_that_are_no_addresses_do_not_stop_the_others():
    client = make_client()
    client.receive(b"220 mx\r\n")
    client.receive(b"250-mx\r\n250 PIPELINING\r\n")
    client.next_event()
    drain(client)
    client.send(Envelope("", (Recipient("a@b>\r\nRSET"), Recipient("al@box.example"))), RAW)
    assert drain(client) == b"MAIL FROM:<>\r\nRCPT TO:<al@box.example>\r\nDATA\r\n"
    client.receive(b"250 OK\r\n250 OK\r\n354 go\r\n")
    drain(client)
    client.receive(b"250 OK\r\n")
    assert [each.fate for each in client.next_event().results] == [Fate.UNSUITED, Fate.ACCEPTED]


def test_of_a_long_reply_each_recipient_keeps_the_beginning():
    client = make_client()
    client.receive((b"554-" + b"x" * 900 + b"\r\n") * 60)
    client.receive(b"554 end\r\n")
    client.send(ENVELOPE, RAW)
    client.next_event()
    event = client.next_event()
    assert {len(each.text) for each in event.results} == {SMTP_OUT_TEXT_CHARS}


def test_a_message_to_nobody_is_over_at_once():
    client = make_client()
    client.receive(b"220 mx\r\n250 ")
    client.receive(b"mx\r\n")
    client.next_event()
    client.send(Envelope("", ()), RAW)
    assert client.next_event() == Sent((), dsn=False)
    assert client.is_ready


def test_a_long_token_waits_until_it_is_asked_for():
    login = Credentials("al", "SECRET" * 100, is_token=True)
    client = make_client(credentials=login, auth_unverified=True)
    client.receive(b"220 mx\r\n")
    client.receive(b"250-mx\r\n250 AUTH XOAUTH2\r\n")
    assert drain(client).endswith(b"AUTH XOAUTH2\r\n")
    client.receive(b"334 \r\n")
    assert len(drain(client)) > 500
    client.receive(b"235 OK\r\n")
    assert client.is_ready
    assert "SECRET" not in repr(login)


def test_a_transcript_keeps_the_beginning_and_the_end():
    transcript = Transcript(max_chars=100)
    for number in range(1_000):
        transcript.add("C", f"line {number}")
    lines = transcript.lines
    assert lines[0] == "C: line 0"
    assert lines[-1] == "C: line 999"
    assert sum(map(len, lines)) < 150
    assert any("left out" in line for line in lines)


REPLIES = st.sampled_from(
    [b"220 mx\r\n", b"250 OK\r\n", b"250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n", b"354 go\r\n",
     b"421 x\r\n", b"550 5.1.1 x\r\n", b"451 x\r\n", b"334 \r\n", b"250-CHUNKING\r\n", b"\n", b"2"]
)  # fmt: skip


@given(st.lists(st.one_of(REPLIES, st.binary(max_size=5)), max_size=25))
def test_whatever_a_server_says_every_recipient_has_one_result(pieces):
    client = make_client()
    results = []
    sent = 0
    for piece in [*pieces, None]:
        client.end() if piece is None else client.receive(piece)
        while event := client.next_event():
            if isinstance(event, Sent):
                results.append(event.results)
            if not isinstance(event, Sent) or client.is_ready:
                sent += 1
                client.send(ENVELOPE, RAW) if sent < 4 else client.quit()
        drain(client)
        assert client.held_bytes < 70_000
    assert client.is_closed
    assert len(results) == min(sent, 3)
    for each in results:
        assert [result.address for result in each] == ["al@box.example", "bo@box.example"]
