"""Arguments of commands: strict, and never a surprise."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp.commands import (
    ChunkCommand,
    MailCommand,
    parse_chunk,
    parse_helo,
    parse_mail,
    parse_rcpt,
)
from penfold.proto.smtp.parameters import MailOptions
from penfold.proto.smtp.replies import RefusedError


def refusal(parse, argument, **options):
    with pytest.raises(RefusedError) as caught:
        parse(argument, **options)
    return caught.value.reply.code


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        pytest.param(b"FROM:<a@b.example>", MailCommand("a@b.example"), id="plain"),
        pytest.param(b"from: <a@B.Example> ", MailCommand("a@b.example"), id="space-and-case"),
        pytest.param(b"FROM:<>", MailCommand(""), id="null"),
        pytest.param(
            b"FROM:<> SIZE=5 BODY=7bit",
            MailCommand("", 5, MailOptions(body="7BIT")),
            id="parameters",
        ),
        pytest.param(b'FROM:<"a > b"@b.example>', MailCommand('"a > b"@b.example'), id="quoted"),
        pytest.param(
            "FROM:<é@b.example> SMTPUTF8".encode(),
            MailCommand("é@b.example", options=MailOptions(utf8=True)),
            id="utf8",
        ),
        pytest.param(
            "FROM:<a@bücher.example> SMTPUTF8".encode(),
            MailCommand("a@xn--bcher-kva.example", options=MailOptions(utf8=True)),
            id="idn",
        ),
    ],
)
def test_a_sender_is_read(argument, expected):
    assert parse_mail(argument) == expected


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        pytest.param(b"", 555, id="nothing"),
        pytest.param(b"FROM:", 555, id="no-path"),
        pytest.param(b"FROM:<a@b.example", 555, id="open"),
        pytest.param(b"FROM:a@b.example", 555, id="no-brackets"),
        pytest.param(b"FROM:<a@b.example>SIZE=1", 555, id="no-space"),
        pytest.param(b"FROM:<<a@b.example>>", 555, id="brackets-twice"),
        pytest.param(b"FROM:<" + b"a" * 65 + b"@b.example>", 553, id="long-local-part"),
        pytest.param(b"FROM:<a@" + b"b." * 127 + b"example>", 553, id="long-path"),
        pytest.param(b"FROM:<a\tb@b.example>", 555, id="tab"),
        pytest.param(b"FROM:<a\xff@b.example> SMTPUTF8", 553, id="not-utf8"),
        pytest.param(b"FROM:<a@b.example> SIZE=1 size=2", 501, id="twice"),
        pytest.param(b"FROM:<a@b.example> SIZE=123456789012345678901", 501, id="21-digits"),
        pytest.param(b"FROM:<a@b.example> =1", 501, id="no-name"),
        pytest.param(b"FROM:<a@b.example> RET=FULL", 555, id="unknown"),
    ],
)
def test_a_bad_sender_is_refused(argument, code):
    assert refusal(parse_mail, argument) == code


def test_postmaster_needs_no_domain():
    command = parse_rcpt(b"TO:<PostMaster>", utf8=False, domain="d.example")
    assert command.address == "postmaster@d.example"


@pytest.mark.parametrize("argument", [b"TO:<>", b"TO:<root>", b"TO:<postmaster@>"])
def test_other_recipients_do(argument):
    assert refusal(parse_rcpt, argument, utf8=True, domain="d.example") == 553


@given(st.binary(max_size=80), st.sampled_from([b"", b"FROM:<", b"TO:<", b"FROM:<a@b> "]))
def test_arguments_are_read_or_refused(octets, start):
    for parse in (parse_mail, parse_helo):
        with contextlib.suppress(RefusedError):
            parse(start + octets)
    with contextlib.suppress(RefusedError):
        assert "@" in parse_rcpt(start + octets, utf8=True, domain="d.example").address


@pytest.mark.parametrize("octets", [b'"' * 2000, b'<"' * 1000, b"a" * 2000, b'"a' * 1000], ids=repr)
def test_a_path_that_never_ends_is_refused_at_once(octets):
    assert refusal(parse_mail, b"FROM:<" + octets) == 555


# --- BDAT -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        pytest.param(b"0", ChunkCommand(0, is_last=False), id="empty"),
        pytest.param(b"86 LAST", ChunkCommand(86, is_last=True), id="last"),
        pytest.param(b"86 last ", ChunkCommand(86, is_last=True), id="case"),
    ],
)
def test_a_chunk_is_announced(argument, expected):
    assert parse_chunk(argument) == expected


@pytest.mark.parametrize(
    "argument",
    [b"", b"-1", b"+1", b"1e3", b"0x10", b"18446744073709551616", b"5 LASTX", b"5LAST", b"5 5",
     b". ", b"LAST", b"5\tLAST", "٣".encode()],
    ids=repr,
)  # fmt: skip
def test_a_chunk_without_a_sound_size_ends_the_session(argument):
    with pytest.raises(RefusedError) as caught:
        parse_chunk(argument)
    assert caught.value.reply.code == 501
    assert caught.value.reply.final


@given(st.binary(max_size=40))
def test_what_bdat_says_is_read_or_refused(octets):
    with contextlib.suppress(RefusedError):
        assert 0 <= parse_chunk(octets).size < 10**18
