"""What EHLO offers, and what of it reaches the envelope."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
from tests.unit.proto.smtp.driver import (
    MX,
    SMALL,
    SUBMISSION,
    Driver,
    codes,
    messages,
    open_transaction,
)

from penfold.base.limits import SMTP_HEADER_MAX_BYTES
from penfold.proto.smtp.events import Slow
from penfold.proto.smtp.parameters import MailOptions, ReportRequest
from penfold.proto.smtp.profile import KEYWORDS

STANDARDS = tomllib.loads((Path(__file__).parents[4] / "docs" / "standards.toml").read_text())
TRANSACTION = b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@box.example>\r\nDATA\r\n"


def offered(profile, *, tls=False):
    driver = Driver(profile, tls=tls)
    lines = driver.send(b"EHLO a\r\n").decode().splitlines()
    return {line[4:].partition(" ")[0]: line[4:].partition(" ")[2] for line in lines[1:]}


# --- EHLO -----------------------------------------------------------------------------------------

BASE = {
    "SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING", "LIMITS",
}  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "tls", "more"),
    [
        pytest.param(MX, False, {"STARTTLS", "BINARYMIME", "DSN"}, id="mx"),
        pytest.param(MX, True, {"REQUIRETLS", "BINARYMIME", "DSN"}, id="mx-tls"),
        pytest.param(SUBMISSION, True, {"AUTH", "REQUIRETLS", "DSN"}, id="submission"),
    ],
)
def test_ehlo_offers_what_this_session_may_use_and_nothing_else(profile, tls, more):
    assert set(offered(profile, tls=tls)) == BASE | more


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.name)
def test_every_keyword_has_its_standard_in_the_table(keyword):
    row = STANDARDS[keyword.standard.removeprefix("RFC ")]
    assert row["support"] in {"full", "partial"}


def test_limits_tells_the_numbers_that_count():
    profile = dataclasses.replace(SMALL, messages_max=7)
    assert offered(profile)["LIMITS"] == "MAILMAX=7 RCPTMAX=2"
    assert offered(MX)["LIMITS"] == f"RCPTMAX={MX.recipients_max}"


def test_beyond_mailmax_the_session_ends():
    driver = Driver(dataclasses.replace(MX, messages_max=2))
    driver.send(b"EHLO a\r\n" + (TRANSACTION + b"x\r\n.\r\n") * 2 + b"RSET\r\nNOOP\r\n")
    assert len(messages(driver)) == 2
    assert codes(driver.send(b"MAIL FROM:<a@a.example>\r\n")) == [421]
    assert driver.machine.is_closed


# --- the envelope ----------------------------------------------------------------------------------


def test_options_and_requests_come_with_the_message():
    driver = Driver(tls=True)
    driver.send(
        b"EHLO a\r\nMAIL FROM:<a@a.example> RET=HDRS ENVID=e+2B1 REQUIRETLS BODY=8BITMIME\r\n"
        b"RCPT TO:<b@box.example>\r\nRCPT TO:<no@box.example> NOTIFY=DELAY\r\n"
        b"RCPT TO:<c@box.example> NOTIFY=SUCCESS ORCPT=rfc822;o@o.example\r\nDATA\r\nx\r\n.\r\n"
    )
    (message,) = messages(driver)
    assert message.recipients == ("b@box.example", "c@box.example")
    assert message.options == MailOptions("8BITMIME", False, True, "HDRS", "e+1")
    assert message.reports == (
        ReportRequest(),
        ReportRequest(("SUCCESS",), "rfc822", "o@o.example"),
    )


def test_the_next_message_has_none_of_them():
    driver = Driver(tls=True)
    driver.send(
        b"EHLO a\r\nMAIL FROM:<a@a.example> RET=HDRS\r\n"
        b"RCPT TO:<b@box.example> NOTIFY=NEVER\r\nRSET\r\n" + TRANSACTION + b"x\r\n.\r\n"
    )
    (message,) = messages(driver)
    assert (message.options, message.reports) == (MailOptions(), ())


def test_a_refused_sender_leaves_no_options():
    driver = Driver()
    driver.send(b"EHLO a\r\nMAIL FROM:<no@a.example> SMTPUTF8 RET=FULL\r\n" + TRANSACTION)
    driver.send(b"x\r\n.\r\n")
    assert messages(driver)[0].options == MailOptions()


# --- errors -----------------------------------------------------------------------------------------


def test_after_the_free_errors_every_further_one_asks_for_a_pause():
    driver = Driver(dataclasses.replace(MX, errors_free=2, errors_max=5))
    driver.send(b"EHLO a\r\n" + b"nonsense\r\n" * 4 + b"NOOP\r\n")
    assert driver.events == [Slow(3), Slow(4)]
    assert codes(driver.output) == [250, 502, 502, 502, 502, 250]


def test_nothing_is_read_during_the_pause():
    driver = Driver(dataclasses.replace(MX, errors_free=0))
    machine = driver.machine
    machine.receive(b"nonsense\r\nNOOP\r\n")
    assert machine.next_event() == Slow(1)
    assert machine.next_event() is None
    assert codes(machine.take_output()) == [502]
    machine.resume()
    assert machine.next_event() is None
    assert codes(machine.take_output()) == [250]


def test_resuming_a_session_that_is_over_does_not_revive_it():
    driver = Driver(dataclasses.replace(MX, errors_free=0))
    machine = driver.machine
    machine.receive(b"nonsense\r\nNOOP\r\n")
    machine.next_event()
    machine.close()
    machine.resume()
    assert machine.is_closed


# --- long headers -----------------------------------------------------------------------------------


def header_of(size):
    return b"From: a@a.example\r\nX: ".ljust(size - 2, b"x") + b"\r\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(header_of(SMTP_HEADER_MAX_BYTES) + b"\r\nx", 250, id="as-long-as-it-may"),
        pytest.param(header_of(SMTP_HEADER_MAX_BYTES + 1) + b"\r\nx", 552, id="longer"),
        pytest.param(header_of(SMTP_HEADER_MAX_BYTES + 9), 552, id="without-a-body"),
        pytest.param(b"a:\r\n" * SMTP_HEADER_MAX_BYTES, 552, id="of-empty-fields"),
        pytest.param(header_of(99) + b"\r\n" + header_of(600_000), 250, id="long-body"),
        pytest.param(b"\r\n" + header_of(600_000), 250, id="no-header"),
        pytest.param(b"x" * 600_000, 250, id="bare-body"),
    ],
)
def test_a_header_may_have_so_many_octets_and_no_more(content, code):
    driver = open_transaction()
    assert codes(driver.send(content + b"\r\n" * (content[-1:] != b"\n") + b".\r\n")) == [code]
    assert codes(driver.send(b"NOOP\r\n")) == [250]


# --- loops ------------------------------------------------------------------------------------------

OURS = b"Received: from a (b [192.0.2.1])\r\n\tby MX.box.example with ESMTP id 1; now\r\n"
THEIRS = b"Received: from mx.box.example by other.example; now\r\n"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param(OURS * 3, 554, id="ours-too-often"),
        pytest.param(OURS * 2 + THEIRS * 5, 250, id="ours-and-others"),
        pytest.param(THEIRS * 6, 250, id="sent-by-us-received-elsewhere"),
        pytest.param(OURS.replace(b"box.example", b"box.example.org") * 4, 250, id="longer-name"),
        pytest.param(OURS.replace(b"Received", b"X-Received") * 4, 250, id="another-field"),
        pytest.param(b"\r\n" + OURS * 4, 250, id="in-the-body"),
    ],
)
def test_a_message_that_came_back_too_often_is_a_loop(header, code):
    driver = Driver(dataclasses.replace(MX, own_hops_max=2))
    driver.send(b"EHLO a\r\n" + TRANSACTION)
    assert codes(driver.send(header + b"\r\nx\r\n.\r\n")) == [code]
