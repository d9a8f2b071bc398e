"""Replies are well-formed whatever they are made of."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp import replies
from penfold.proto.smtp.replies import Reply, make_reply

CONSTANTS = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}
#: Replies without a status of RFC 3463: 334 and 354 may not have one, the greeting has none.
BARE = {"ASK", "ASK_USER", "ASK_PASSWORD", "BEARER_FAILED", "GO_AHEAD"}


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_reply_has_one_code_and_one_status_on_every_line(name):
    reply = CONSTANTS[name]
    lines = reply.wire.split(b"\r\n")
    assert lines.pop() == b""
    assert {int(line[:3]) for line in lines} == {reply.code}
    assert [line[3:4] for line in lines] == [b"-"] * (len(lines) - 1) + [b" "]
    if name not in BARE:
        (status,) = {line[4:].partition(b" ")[0] for line in lines}
        assert status[:1] == lines[0][:1] if reply.code != 252 else status == b"2.1.5"
        assert status.count(b".") == 2


@given(st.integers(200, 599), st.lists(st.text(max_size=700), min_size=1, max_size=3))
def test_any_text_becomes_printable_lines_of_bounded_length(code, texts):
    wire = make_reply(code, "5.0.0", *texts).tagged(b"x" * 50)
    assert len(wire.split(b"\r\n")) == len(texts) + 1
    for line in wire.split(b"\r\n"):
        assert len(line) <= 510
        assert all(0x20 <= octet <= 0x7E for octet in line)


def test_a_refused_token_is_told_in_gmails_words():
    document = json.loads(base64.b64decode(replies.BEARER_FAILED.wire[4:]))
    assert document == {
        "status": "400",
        "schemes": "Bearer",
        "scope": "https://mail.google.com/",
    }
