"""BDAT: octets are counted, never read; whatever goes wrong, the next command is where it is."""

import dataclasses
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proto.smtp.driver import MX, SMALL, SUBMISSION, Driver, codes, messages

from penfold.base.limits import SMTP_CHUNK_SMALL_BYTES

BINARY = b" BODY=BINARYMIME"


def at_message(profile=MX, *, mail=b"", **options):
    driver = Driver(profile, **options)
    driver.send(b"EHLO a\r\nMAIL FROM:<a@a.example>%b\r\nRCPT TO:<b@box.example>\r\n" % mail)
    assert codes(driver.output) == [250, 250, 250]
    driver.output = b""
    return driver


def bdat(octets, *, last=False):
    return b"BDAT %d%b\r\n%b" % (len(octets), b" LAST" if last else b"", octets)


LINES = b"x" * 76 + b"\r\n"


@pytest.mark.parametrize(
    ("start", "end"),
    [(b"DATA\r\n", b".\r\n"), (b"BDAT %d LAST\r\n" % (4_000 * 10 * len(LINES)), b"")],
    ids=["DATA", "BDAT"],
)
def test_a_long_message_is_in_memory_once_from_its_first_octet_to_its_last(start, end):
    driver = at_message()
    driver.send(start)
    tracemalloc.start()
    try:
        for _ in range(4_000):
            driver.send(bytes(bytearray(LINES * 10)))  # other octets each time, as from a socket
        driver.send(end)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = len(messages(driver)[0].data)
    assert size == 4_000 * 10 * len(LINES)
    assert peak < 1.3 * size  # the buffer grows by an eighth


# --- framing ----------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_chunks_arrive_as_one_message_octet_for_octet(chunks, empty_last):
    *front, final = [*chunks, b""] if empty_last or not chunks else chunks
    driver = at_message(mail=BINARY)
    header = b"Subject: x\r\n\r\n"
    driver.send(b"".join(map(bdat, [header, *front])) + bdat(final, last=True))
    assert codes(driver.output) == [250] * (len(front) + 2)
    assert [message.data for message in messages(driver)] == [header + b"".join(front) + final]


@pytest.mark.parametrize(
    "octets",
    [b"\r\n.\r\n", b"QUIT\r\n", b"BDAT 5 LAST\r\nhello", b"RSET\r\n.\r\nMAIL FROM:<x@x>\r\n", b"."],
    ids=repr,
)
def test_what_looks_like_commands_in_a_chunk_is_text(octets):
    driver = at_message()
    driver.send(bdat(octets) + bdat(b"\r\n", last=True) + b"NOOP\r\n")
    assert codes(driver.output) == [250, 250, 250]
    assert messages(driver)[0].data == octets + b"\r\n"


@pytest.mark.parametrize("pieces", [[b""], [b"", b"", b""]], ids=["alone", "many"])
def test_an_empty_message_in_empty_chunks_is_stored(pieces):
    *front, final = pieces
    driver = at_message()
    driver.send(b"".join(map(bdat, front)) + bdat(final, last=True))
    assert [message.data for message in messages(driver)] == [b""]


def test_a_line_end_may_be_cut_by_a_chunk():
    driver = at_message()
    driver.send(bdat(b"one\r") + bdat(b"\ntwo\r") + bdat(b"\n", last=True))
    assert messages(driver)[0].data == b"one\r\ntwo\r\n"


def test_dots_are_not_unstuffed():
    driver = at_message()
    driver.send(bdat(b"..\r\n.\r\n..x\r\n", last=True))
    assert messages(driver)[0].data == b"..\r\n.\r\n..x\r\n"


def test_the_reply_names_the_octets():
    assert at_message().send(bdat(b"12345")) == b"250 2.0.0 5 octets received\r\n"


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunk", "code"),
    [
        pytest.param(b"a\nb", 550, id="bare-lf"),
        pytest.param(b"a\rb", 550, id="bare-cr"),
        pytest.param(b"a\0b", 554, id="nul"),
        pytest.param(b"x" * 401, 552, id="too-large"),
    ],
)
def test_a_refused_chunk_is_read_to_its_end_and_ends_the_transaction(chunk, code):
    driver = at_message(SMALL)
    sent_ahead = bdat(b"RCPT TO:<b@box.example>\r\n", last=True)
    driver.send(bdat(chunk + b"\r\nQUIT\r\n") + sent_ahead + b"RSET\r\nNOOP\r\n")
    assert codes(driver.output) == [code, 503, 250, 250]
    assert not messages(driver)


def test_a_cr_at_the_very_end_is_bare():
    driver = at_message()
    driver.send(bdat(b"a\r") + bdat(b"", last=True))
    assert codes(driver.output) == [250, 550]


def test_submission_repairs_line_ends_in_chunks_too():
    driver = Driver(dataclasses.replace(SUBMISSION, require_auth=False), tls=True)
    driver.send(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@box.example>\r\n")
    driver.send(bdat(b"a\nb\r") + bdat(b"c", last=True))
    assert messages(driver)[0].data == b"a\r\nb\r\nc"


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        pytest.param(b"", 503, id="before-helo"),
        pytest.param(b"EHLO a\r\n", 503, id="before-mail"),
        pytest.param(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\n", 503, id="before-rcpt"),
        pytest.param(
            b"EHLO a\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<no@box.example>\r\n", 554, id="no-rcpt"
        ),
    ],
)
def test_out_of_order_the_chunk_is_swallowed_all_the_same(commands, code):
    driver = Driver()
    driver.send(commands)
    assert codes(driver.send(bdat(b"QUIT\r\n") + b"NOOP\r\n")) == [code, 250]
    assert driver.machine.held_bytes == 0


def test_order_is_judged_anew_for_the_next_chunk():
    driver = Driver()
    driver.send(b"EHLO a\r\nMAIL FROM:<a@a.example>\r\n" + bdat(b"x"))
    driver.send(b"RCPT TO:<b@box.example>\r\n" + bdat(b"y\r\n", last=True))
    assert messages(driver)[0].data == b"y\r\n"


@pytest.mark.parametrize("command", [b"DATA\r\n", b"RCPT TO:<c@box.example>\r\n"], ids=repr)
def test_between_chunks_other_ways_are_refused_and_the_message_goes_on(command):
    driver = at_message()
    assert codes(driver.send(bdat(b"a") + command + bdat(b"b", last=True))) == [250, 503, 250]
    assert messages(driver)[0].data == b"ab"
    assert messages(driver)[0].recipients == ("b@box.example",)


@pytest.mark.parametrize("command", [b"RSET\r\n", b"EHLO a\r\n", b"HELO a\r\n"], ids=repr)
def test_what_ends_a_transaction_drops_its_chunks(command):
    driver = at_message()
    driver.send(bdat(b"old") + command)
    assert driver.machine.held_bytes == 0
    driver.send(b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@box.example>\r\n" + bdat(b"new", last=True))
    assert [message.data for message in messages(driver)] == [b"new"]


def test_chunks_sent_before_tls_are_forgotten():
    driver = at_message()
    driver.send(bdat(b"in clear"))
    driver.send(b"STARTTLS\r\n")
    driver.machine.tls_started()
    assert driver.machine.held_bytes == 0
    assert codes(driver.send(bdat(b"QUIT\r\n", last=True) + b"NOOP\r\n")) == [503, 250]


@pytest.mark.parametrize(
    "line",
    [
        b"BDAT\r\n", b"BDAT 5 LASTX\r\n", b"bdat -1\r\n", b"BDAT\t5\r\n", b"BDAT5\r\n", b"BDAT 5\n",
        b"BDAT 5\0\r\n", b"BDAT 5\r\r\n", b"BDAT 5 " + b" " * 3_000 + b"\r\n", b"BDATX 9\r\n",
    ],
    ids=lambda line: repr(line[:12]),
)  # fmt: skip
def test_behind_an_unclear_announcement_nothing_is_read(line):
    stream = line + b"MAIL FROM:<x@x.example>\r\nNOOP\r\n"
    for profile, step in ((MX, len(stream)), (SUBMISSION, len(stream)), (MX, 1), (SUBMISSION, 1)):
        driver = Driver(profile)
        for at in range(0, len(stream), step):
            driver.send(stream[at : at + step])
        assert codes(driver.output)[-1] == 501
        assert driver.machine.is_closed


def test_an_absurd_size_is_refused_before_an_octet_of_it_is_read():
    driver = at_message()
    driver.send(b"BDAT 107374182400\r\n")
    assert codes(driver.output) == [552]
    assert driver.machine.is_closed


# --- BINARYMIME ----------------------------------------------------------------------------------


def test_a_binary_body_keeps_every_octet():
    content = b"Subject: x\r\n\r\n" + bytes(range(256)) + b"\n.\n\r.\r\0"
    driver = at_message(mail=BINARY)
    driver.send(bdat(content, last=True))
    assert messages(driver)[0].data == content
    assert messages(driver)[0].options.body == "BINARYMIME"


@pytest.mark.parametrize("octet", [b"\r", b"\n", b"\0"], ids=repr)
def test_a_binary_message_has_a_header_of_text(octet):
    driver = at_message(mail=BINARY)
    driver.send(bdat(b"Subject: x%bBcc: y\r\n\r\nbody" % octet, last=True))
    assert codes(driver.output) == [554]


def test_binary_needs_bdat():
    driver = at_message(mail=BINARY)
    assert codes(driver.send(b"DATA\r\nNOOP\r\n")) == [503, 250]
    driver.send(bdat(b"\r\n\0", last=True))
    assert messages(driver)[0].data == b"\r\n\0"


def test_submission_offers_no_binary():
    driver = Driver(dataclasses.replace(SUBMISSION, require_auth=False), tls=True)
    driver.send(b"EHLO a\r\n")
    assert b"BINARYMIME" not in driver.output
    assert codes(driver.send(b"MAIL FROM:<a@a.example> BODY=BINARYMIME\r\n")) == [501]


# --- bounds ---------------------------------------------------------------------------------------


def test_what_is_held_and_what_came_is_told():
    driver = at_message()
    driver.send(bdat(b"x" * 1_000) + b"BDAT 500\r\n" + b"x" * 100)
    assert driver.machine.is_receiving_data
    assert driver.machine.held_bytes == 1_100
    assert driver.machine.data_bytes == 100, "the rate is that of the chunk at hand"
    driver.send(b"x" * 400)
    assert not driver.machine.is_receiving_data


def test_nothing_of_a_message_that_is_too_large_is_kept():
    driver = at_message(dataclasses.replace(SMALL, max_bytes=10_000))
    driver.send(bdat(b"x" * 9_000) + b"BDAT 9000\r\n" + b"x" * 8_000)
    assert driver.machine.held_bytes == 0
    assert codes(driver.send(b"x" * 1_000 + b"NOOP\r\n")) == [552, 250]


def test_a_large_message_may_take_more_chunks_than_commands():
    profile = dataclasses.replace(MX, commands_max=20)
    driver = at_message(profile)
    driver.send(bdat(b"x" * SMTP_CHUNK_SMALL_BYTES) * 100 + bdat(b"\r\n", last=True))
    assert set(codes(driver.output)) == {250}


def test_tiny_chunks_are_commands_like_others():
    driver = at_message(dataclasses.replace(MX, commands_max=20))
    driver.send(bdat(b"x") * 100)
    assert codes(driver.output)[-1] == 421
