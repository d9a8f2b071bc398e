"""Commands of a transaction: nothing gets into them that could end them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp.client.capabilities import NOTHING, Capabilities, parse_capabilities
from penfold.proto.smtp.client.outcome import Fate, Reason
from penfold.proto.smtp.client.transaction import (
    Envelope,
    Recipient,
    find_flaw,
    find_needs,
    find_obstacle,
    is_path,
    make_mail,
    make_rcpt,
)
from penfold.proto.smtp.commands import parse_mail
from penfold.proto.smtp.xtext import encode_xtext, parse_envid

RAW = b"Subject: hi\r\n\r\nhello\r\n"
DSN = Capabilities(frozenset({"DSN"}))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "al@box.example",
        '"a b>"@box.example',
        r'"a\"b"@box.example',
        "ål@box.example",
        "a@[::1]",
    ],
)
def test_an_address_can_stand_in_a_command(address):
    assert is_path(address)


@pytest.mark.parametrize(
    "address",
    [
        "a@b>\r\nDATA",
        "a@b> SIZE=1",
        "a b@c",
        "<a@b>",
        '"a',
        '"a\r\n"@b',
        "a\x00@b",
        "a\x85@b",
        '"\\\r"@b',
    ],
)
def test_what_could_end_a_command_is_no_address(address):
    assert not is_path(address)
    flaw = find_flaw(Envelope(address, (Recipient("al@box.example"),)), RAW)
    assert flaw.reason is Reason.BAD_ADDRESS
    assert flaw.fate is Fate.UNSUITED


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_envelope_makes_more_than_one_line(address, envelope_id, original):
    envelope = Envelope(address, (), envelope_id=envelope_id)
    recipient = Recipient(address, original=f"rfc822;{original}")
    if is_path(address):
        command = make_mail(envelope, find_needs(envelope, RAW), DSN)
        words = make_rcpt(recipient, DSN).split('"')[-1]
        assert not set("\r\n\0") & set(command + make_rcpt(recipient, DSN))
        assert words.count(" ") <= 2


LOCAL_PARTS = st.text("aZ5!#$%&'*+-/=?^_`{|}~å", min_size=1, max_size=20)


@given(LOCAL_PARTS)
def test_our_server_reads_what_our_client_says(local):
    address = f"{local}@box.example"
    offered = Capabilities(frozenset({"SIZE", "8BITMIME", "SMTPUTF8"}))
    envelope = Envelope(address, (Recipient(address),))
    command = make_mail(envelope, find_needs(envelope, RAW + b"\xff"), offered)
    read = parse_mail(command.removeprefix("MAIL ").encode())
    assert read.sender == address
    assert read.size == len(RAW) + 1


@given(st.text())
def test_an_envelope_id_is_spelled_so_that_it_can_be_read_back_or_left_out(text):
    envelope = Envelope("al@box.example", (), envelope_id=text)
    command = make_mail(envelope, find_needs(envelope, RAW), DSN)
    _, found, value = command.partition(" ENVID=")
    fits = text.isascii() and text.isprintable() and 0 < len(encode_xtext(text)) <= 100
    assert bool(found) == fits
    assert not found or parse_envid(value) == text


@pytest.mark.parametrize(
    ("text", "coded"),
    [("al", "al"), ("ål@é", r"\x{E5}l@\x{E9}"), ("a\\b+c=d e", r"a\x{5C}b\x{2B}c\x{3D}d\x{20}e")],
)
def test_original_addresses_of_utf_8_have_a_spelling_of_their_own(text, coded):
    assert make_rcpt(Recipient("al@box.example", original=f"utf-8;{text}"), DSN).endswith(
        f"ORCPT=utf-8;{coded}"
    )


def test_an_original_address_without_a_type_is_left_out():
    assert (
        make_rcpt(Recipient("al@box.example", original="al@x"), DSN) == "RCPT TO:<al@box.example>"
    )


def test_without_dsn_no_wish_is_spelled_out():
    recipient = Recipient("al@box.example", original="rfc822;al@x")
    assert make_rcpt(recipient, NOTHING) == "RCPT TO:<al@box.example>"


@pytest.mark.parametrize("size", [0, len(RAW)])
def test_a_message_at_the_limit_is_not_too_big(size):
    needs = find_needs(Envelope("", ()), RAW)
    offered = Capabilities(frozenset({"SIZE"}), size)
    assert find_obstacle(needs, offered, verified=False) is None


@pytest.mark.parametrize(
    ("lines", "size", "mechanisms"),
    [
        (("mx", "SIZE 100", "auth plain login"), 100, {"PLAIN", "LOGIN"}),
        (("mx", "SIZE", "AUTH=LOGIN", "AUTH PLAIN"), 0, {"PLAIN", "LOGIN"}),
        (("SIZE 5", "SIZE x", ""), 0, set()),
        (("mx", "SIZE ٣"), 0, set()),
        (("mx", "SIZE " + "9" * 5_000), 0, set()),
        (("mx", "AUTH"), 0, set()),
        ((), 0, set()),
    ],
)
def test_capabilities_are_read_leniently(lines, size, mechanisms):
    found = parse_capabilities(lines)
    assert (found.size, found.mechanisms) == (size, frozenset(mechanisms))


@given(st.lists(st.text("SIZE AUTH=09 ٣x-", max_size=30), max_size=10))
def test_capabilities_of_any_lines_are_read(lines):
    parse_capabilities(tuple(lines))
