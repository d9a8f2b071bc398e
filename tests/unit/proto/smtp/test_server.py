"""The state machine: order, limits, and that it does not care how the stream is cut."""

import base64
import dataclasses
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.proto.smtp.driver import (
    MX,
    SMALL,
    SUBMISSION,
    Driver,
    codes,
    messages,
    open_transaction,
)

from penfold.proto.smtp import replies
from penfold.proto.smtp.events import Bearer, Login, Mail, Rcpt, StartTls
from penfold.proto.smtp.server import Server

# --- any stream ---------------------------------------------------------------------------

COMMANDS = [
    b"EHLO a\r\n", b"HELO b\r\n", b"MAIL FROM:<a@a.example>\r\n", b"MAIL FROM:<> SIZE=10\r\n",
    b"MAIL FROM:<no@a.example>\r\n", b"RCPT TO:<b@box.example>\r\n", b"RCPT TO:<no@box.example>\r\n",
    b"RCPT TO:<postmaster>\r\n", b"DATA\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"VRFY x\r\n",
    b"EXPN x\r\n", b"HELP\r\n", b"AUTH PLAIN AGEAZ29vZA==\r\n", b"AUTH PLAIN AGEAYmFk\r\n",
    b"AUTH LOGIN\r\n", b"YQ==\r\n", b"Z29vZA==\r\n", b"*\r\n", b"\r\n", b"GET / HTTP/1.1\r\n",
    b"AUTH XOAUTH2 " + base64.b64encode(b"user=a\x01auth=Bearer bad\x01\x01") + b"\r\n",
    b"Subject: x\r\n\r\ntext\r\n", b".\r\n", b"..\r\n", b"\r\n.\r\n", b"x\n.\n", b"\r.\r", b"\0",
    b"BDAT 0\r\n", b"BDAT 0 LAST\r\n", b"BDAT 6\r\nNOOP\r\n", b"BDAT 9 LAST\r\nRSET\r\n.\r\n",
    b"BDAT 5 LAST\r\n", b"BDAT 300\r\n", b"BDAT 900\r\n", b"BDAT x\r\n", b"BDAT 4\n", b"BDAT 1\r\n\r",
    b"MAIL FROM:<a@a.example> BODY=BINARYMIME\r\n", b"RCPT TO:<b@box.example> NOTIFY=DELAY\r\n",
    b"Received: x\r\n" * 3, b"y" * 300 + b"\r\n", b"z" * 3000, b"RCPT TO:<\xff@b>\r\n", b"junk\r\n",
]  # fmt: skip
STREAMS = st.lists(st.sampled_from(COMMANDS) | st.binary(max_size=30), max_size=30).map(b"".join)
PROFILES = st.sampled_from([MX, SMALL, dataclasses.replace(SUBMISSION, max_bytes=400)])


def converse(profile, pieces):
    driver = Driver(dataclasses.replace(profile, starttls=False), tls=True)
    for piece in pieces:
        driver.send(piece)
    return driver


@given(PROFILES, STREAMS, st.lists(st.integers(0, 10_000), max_size=10))
@settings(max_examples=300)
def test_events_and_replies_do_not_depend_on_how_the_stream_is_cut(profile, stream, cuts):
    edges = [0, *sorted(place % (len(stream) + 1) for place in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges) if a < b]
    whole, parts = converse(profile, [stream]), converse(profile, pieces)
    assert parts.output == whole.output
    assert parts.events == whole.events
    assert parts.machine.is_closed == whole.machine.is_closed


@given(PROFILES, STREAMS)
@settings(max_examples=200)
def test_octet_by_octet_gives_the_same(profile, stream):
    whole = converse(profile, [stream])
    parts = converse(profile, [bytes([octet]) for octet in stream])
    assert (parts.output, parts.events) == (whole.output, whole.events)


@given(PROFILES, STREAMS)
@settings(max_examples=200)
def test_whatever_comes_every_reply_is_well_formed_and_every_message_within_bounds(profile, stream):
    driver = converse(profile, [stream])
    for line in driver.output.split(b"\r\n")[:-1]:
        assert line[:3].isdigit()
        assert line[3:4] in (b" ", b"-")
        assert len(line) <= 510
        assert line.isascii()
        assert b"\n" not in line
    for message in messages(driver):
        assert 1 <= len(message.recipients) <= profile.recipients_max
        assert len(message.data) <= profile.max_bytes
        assert len(message.reports) in (0, len(message.recipients))
        if message.options.body != "BINARYMIME":
            assert not set(b"\r\n\0") & set(message.data.replace(b"\r\n", b""))
    assert driver.machine.errors <= profile.errors_max + 1


@given(st.binary(max_size=300))
def test_a_clean_message_arrives_as_it_was_sent(body):
    from penfold.proto.smtp.framing import normalize_line_ends, stuff

    content = normalize_line_ends(body.replace(b"\0", b"")) + b"\r\n"
    driver = open_transaction()
    driver.send(stuff(content))
    assert [message.data for message in messages(driver)] == [content]


# --- order ------------------------------------------------------------------------------------

VERBS = {
    "EHLO": b"EHLO a\r\n",
    "HELO": b"HELO a\r\n",
    "MAIL": b"MAIL FROM:<a@a.example>\r\n",
    "RCPT": b"RCPT TO:<b@box.example>\r\n",
    "DATA": b"DATA\r\n",
    "BDAT": b"BDAT 6\r\nQUIT\r\n",
    "RSET": b"RSET\r\n",
    "VRFY": b"VRFY x\r\n",
    "NOOP": b"NOOP\r\n",
}


def expected_codes(verbs):
    """Say what RFC 5321 §4.1.4 and RFC 3030 §2 want, from a state of four flags."""
    helo = mail = rcpt = chunk = False
    for verb in verbs:
        match verb:
            case "EHLO" | "HELO":
                helo, mail, rcpt, chunk = True, False, False, False
                yield 250
            case "MAIL":
                yield 250 if helo and not mail else 503
                mail = mail or helo
            case "RCPT":
                yield 250 if mail and not chunk else 503
                rcpt = rcpt or mail
            case "DATA":
                yield 354 if rcpt and not chunk else 503
                if rcpt and not chunk:
                    return
            case "BDAT":
                yield 250 if rcpt else 503
                chunk = chunk or rcpt
            case "RSET":
                mail = rcpt = chunk = False
                yield 250
            case "VRFY":
                yield 252
            case "NOOP":
                yield 250


@given(st.lists(st.sampled_from(sorted(VERBS)), max_size=8))
@settings(max_examples=400)
def test_every_order_of_commands_gets_the_replies_of_the_table(verbs):
    driver = Driver(dataclasses.replace(MX, errors_max=100))
    expected = list(expected_codes(verbs))
    for verb in verbs[: len(expected)]:
        driver.send(VERBS[verb])
    assert codes(driver.output) == expected


def test_nothing_is_read_while_an_answer_is_due():
    machine = Server(MX)
    machine.receive(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\nNOOP\r\n")
    assert machine.next_event() == Mail("a@a.example", 0)
    assert machine.next_event() is None
    assert codes(machine.take_output()) == [250]
    machine.answer(replies.SENDER_OK)
    assert machine.next_event() is None
    assert codes(machine.take_output()) == [250, 250]


def test_an_answer_after_the_end_changes_nothing():
    machine = Server(MX)
    machine.receive(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\n")
    machine.next_event()
    machine.close(replies.TIMEOUT)
    machine.take_output()
    machine.answer(replies.SENDER_OK)
    machine.receive(b"NOOP\r\n")
    assert machine.next_event() is None
    assert machine.take_output() == b""


def test_a_thousand_transactions_share_nothing():
    driver = Driver()
    driver.send(b"EHLO a\r\n")
    for number in range(1_000):
        driver.send(
            b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b%d@box.example>\r\nDATA\r\n%d\r\n.\r\n"
            % (number, number)
        )
    assert [(m.recipients, m.data) for m in messages(driver)] == [
        ((f"b{number}@box.example",), b"%d\r\n" % number) for number in range(1_000)
    ]


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "code"), [pytest.param(400, 250, id="largest"), pytest.param(401, 552, id="too-large")]
)
def test_size_counts_without_stuffed_dots(size, code):
    driver = open_transaction(SMALL)
    body = b"." * (size - 2) + b"\r\n"
    assert codes(driver.send(b"." + body + b".\r\n")) == [code]


def test_a_message_in_many_reads_is_put_together():
    driver = open_transaction()
    line = b".x" * 38 + b"\r\n"
    for _ in range(3_000):
        driver.send(b"." + line)
    assert driver.machine.data_bytes == 3_000 * (len(line) + 1)
    driver.send(b".\r\n")
    assert messages(driver)[0].data == line * 3_000
    assert driver.machine.data_bytes == 0


def test_a_message_that_is_asked_about_is_held_by_the_driver_alone():
    machine = open_transaction().machine
    machine.receive(b"text\r\n.\r\n")
    message = machine.next_event()
    assert sys.getrefcount(message) == 2  # the name here, and the argument
    machine.answer(replies.make_stored(1, "id"))
    assert codes(machine.take_output()) == [250]


def test_while_data_is_too_big_nothing_of_it_is_kept():
    driver = open_transaction(dataclasses.replace(SMALL, max_bytes=100_000))
    for _ in range(150):
        driver.send(b"x" * 998 + b"\r\n")
    assert driver.machine.is_receiving_data
    assert not driver.machine.held_bytes
    assert codes(driver.send(b".\r\n")) == [552]
    assert codes(driver.send(b"NOOP\r\n")) == [250]


# --- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_starttls", [True, False], ids=["same-read", "later-read"])
def test_octets_before_tls_are_never_run(with_starttls):
    driver = Driver()
    driver.send(b"EHLO a\r\n")
    injected = b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@box.example>\r\n" * 1_000
    if with_starttls:
        driver.send(b"STARTTLS\r\n" + injected)
        assert StartTls() not in driver.events
    else:
        driver.send(b"STARTTLS\r\n")
        driver.send(injected)
    assert driver.machine.is_closed
    assert not any(isinstance(event, Mail | Rcpt) for event in driver.events)


def test_tls_starts_from_zero():
    driver = Driver(dataclasses.replace(SUBMISSION, starttls=True, require_tls_for_auth=False))
    driver.send(b"EHLO a\r\nAUTH PLAIN AGEAZ29vZA==\r\nMAIL FROM:<a@a.example>\r\n")
    assert driver.machine.logged_in
    driver.send(b"STARTTLS\r\n")
    driver.machine.tls_started()
    assert not driver.machine.logged_in
    assert driver.machine.helo == ""
    assert codes(driver.send(b"RCPT TO:<b@box.example>\r\n")) == [503]
    driver.send(b"EHLO a\r\n")
    assert codes(driver.send(b"MAIL FROM:<a@a.example>\r\n")) == [530]


# --- login -------------------------------------------------------------------------------------------


def log_in(octets, **changes):
    driver = Driver(dataclasses.replace(SUBMISSION, **changes), tls=True)
    driver.send(b"EHLO a\r\n")
    driver.output = b""
    driver.send(octets)
    return driver


def test_a_secret_is_in_no_repr():
    driver = log_in(b"AUTH PLAIN AGEAZ29vZA==\r\n")
    assert driver.events == [Login("PLAIN", "a", "good")]
    assert "good" not in repr(driver.events)
    assert "token" not in repr(Bearer("XOAUTH2", "a", "token"))


def test_the_protocol_name_tells_tls_login_and_utf8():
    driver = log_in(b"AUTH PLAIN AGEAZ29vZA==\r\n")
    assert driver.machine.protocol == "ESMTPSA"
    driver.send(b"MAIL FROM:<a@a.example> SMTPUTF8\r\n")
    assert driver.machine.protocol == "UTF8SMTPSA"
    driver.send(b"HELO a\r\n")
    assert driver.machine.protocol == "SMTP"


def test_a_temporary_failure_of_a_token_is_told_at_once():
    driver = log_in(b"")
    token = base64.b64encode(b"user=a\x01auth=Bearer t\x01\x01")
    driver.machine.receive(b"AUTH XOAUTH2 " + token + b"\r\n")
    driver.machine.next_event()
    driver.machine.answer(replies.LOGIN_UNAVAILABLE)
    assert codes(driver.machine.take_output()) == [454]
    assert codes(driver.send(b"NOOP\r\n")) == [250]


def test_login_failures_outlive_everything_but_the_connection():
    driver = log_in(b"AUTH PLAIN AGEAYmFk\r\nRSET\r\nEHLO b\r\nAUTH PLAIN AGEAYmFk\r\n" * 2)
    assert codes(driver.output)[-1] == 421
    assert driver.machine.login_failures == 3
    assert driver.machine.is_closed
