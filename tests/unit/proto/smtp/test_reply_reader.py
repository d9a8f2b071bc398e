"""Replies of servers: any octets, cut anywhere, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import (
    SMTP_OUT_REPLY_LINE_MAX_BYTES,
    SMTP_OUT_REPLY_LINES_MAX,
    SMTP_OUT_REPLY_MAX_BYTES,
)
from penfold.proto.smtp.client.reply_reader import ReplyFault, ReplyReader, ServerReply


def read(*pieces):
    """Return all that is read, and stop at a fault as every reader of a stream must."""
    reader, found = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.take()) is not None:
            found.append(reply)
            if isinstance(reply, ReplyFault):
                return found
    return found


@pytest.mark.parametrize(
    ("octets", "code", "enhanced", "lines"),
    [
        pytest.param(b"250 OK\r\n", 250, "", ("OK",), id="plain"),
        pytest.param(b"250\r\n", 250, "", ("",), id="bare-code"),
        pytest.param(b"250 \r\n", 250, "", ("",), id="empty-text"),
        pytest.param(b"250 OK\n", 250, "", ("OK",), id="bare-lf"),
        pytest.param(b"250 2.1.5 OK\r\n", 250, "2.1.5", ("OK",), id="enhanced"),
        pytest.param(b"550 5.1.1\r\n", 550, "5.1.1", ("",), id="enhanced-alone"),
        pytest.param(b"550-5.7.1 a\r\n550 5.7.1 b\r\n", 550, "5.7.1", ("a", "b"), id="two-lines"),
        pytest.param(b"550-5.7.1 a\r\n550 b\r\n", 550, "5.7.1", ("a", "b"), id="first-line-only"),
        pytest.param(b"550 4.1.1 x\r\n", 550, "", ("4.1.1 x",), id="another-class"),
        pytest.param(b"250 2.1.5x\r\n", 250, "", ("2.1.5x",), id="no-code-after-all"),
        pytest.param(b"550 5.1234.1 x\r\n", 550, "", ("5.1234.1 x",), id="too-many-digits"),
        pytest.param(b"250-a\r\n250\r\n", 250, "", ("a", ""), id="last-line-bare"),
        pytest.param(b"550 a\x1b[1mb\x00\r\n", 550, "", ("a?[1mb?",), id="controls"),
        pytest.param("550 é\r\n".encode(), 550, "", ("é",), id="utf-8"),
        pytest.param(b"550 \xff\r\n", 550, "", ("\ufffd",), id="not-utf-8"),
    ],
)
def test_a_reply_has_a_code_and_lines(octets, code, enhanced, lines):
    assert read(octets) == [ServerReply(code, enhanced, lines)]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", ReplyFault.SYNTAX, id="http"),
        pytest.param(b"\r\n", ReplyFault.SYNTAX, id="empty"),
        pytest.param(b"150 x\r\n", ReplyFault.SYNTAX, id="first-digit-1"),
        pytest.param(b"650 x\r\n", ReplyFault.SYNTAX, id="first-digit-6"),
        pytest.param(b"25 x\r\n", ReplyFault.SYNTAX, id="two-digits"),
        pytest.param(b"2500 x\r\n", ReplyFault.SYNTAX, id="four-digits"),
        pytest.param(b"250_x\r\n", ReplyFault.SYNTAX, id="no-separator"),
        pytest.param(b" 250 x\r\n", ReplyFault.SYNTAX, id="space-before"),
        pytest.param("٢٥٠ x\r\n".encode(), ReplyFault.SYNTAX, id="other-digits"),
        pytest.param(b"250-x\r\n550 y\r\n", ReplyFault.MIXED, id="two-codes"),
        pytest.param(b"250 " + b"x" * 5_000, ReplyFault.TOO_LONG, id="line-without-end"),
        pytest.param(b"250-x\r\n" * 101, ReplyFault.ENDLESS, id="lines-without-end"),
        pytest.param(b"250-" + b"x" * 4_000 + b"\r\n250-", None, id="long-but-fine"),
        pytest.param((b"250-" + b"x" * 4_000 + b"\r\n") * 17, ReplyFault.ENDLESS, id="too-much"),
    ],
)
def test_what_is_no_reply_is_a_fault(octets, fault):
    assert read(octets) == ([fault] if fault else [])


def test_after_a_fault_nothing_is_read():
    reader = ReplyReader()
    reader.feed(b"what?\r\n250 OK\r\n")
    assert reader.take() is ReplyFault.SYNTAX
    reader.feed(b"250 OK\r\n")
    assert reader.take() is ReplyFault.SYNTAX
    assert reader.held_bytes == 0


REPLIES = st.lists(
    st.tuples(
        st.integers(200, 599),
        st.lists(st.text("ab 51-", max_size=8), min_size=1),
    ),
    max_size=5,
)


@given(REPLIES)
def test_written_then_read_gives_the_same_replies(replies):
    octets = b""
    for code, lines in replies:
        for number, line in enumerate(lines):
            octets += f"{code}{' ' if number == len(lines) - 1 else '-'}{line}\r\n".encode()
    assert [(each.code, list(each.lines)) for each in read(octets)] == replies


TALK = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"250-", b"250 x\r\n", b"\r\n", b"\n", b"\r", b"550 5.1.1 ", b"x" * 4_200]
        ),
    ),
    max_size=30,
)


@given(TALK)
def test_any_octets_are_read_within_bounds_however_they_are_cut(pieces):
    whole = read(b"".join(pieces))
    assert read(*pieces) == whole
    assert read(*(bytes([octet]) for octet in b"".join(pieces)[:2_000])) == read(
        b"".join(pieces)[:2_000]
    )
    for reply in whole:
        if isinstance(reply, ServerReply):
            assert 200 <= reply.code <= 599
            assert len(reply.lines) <= SMTP_OUT_REPLY_LINES_MAX
            assert reply.text.replace("\n", "").isprintable()
            assert len(reply.text) <= SMTP_OUT_REPLY_MAX_BYTES + SMTP_OUT_REPLY_LINE_MAX_BYTES
