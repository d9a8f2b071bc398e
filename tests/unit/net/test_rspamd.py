"""The client of rspamd: against the real one where it is installed, and against nonsense."""

import asyncio
import contextlib
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rspamd import GTUBE, run_rspamd

from penfold.base.errors import ParseError
from penfold.base.limits import RSPAMD_ANSWER_MAX_BYTES, RSPAMD_MESSAGE_MAX_BYTES
from penfold.net.rspamd import Rspamd, parse_opinion
from penfold.ports.scanning import Opinion, Subject

LETTER = (
    b"From: Ann <ann@sender.example>\r\nTo: bob@x.example\r\nSubject: Lunch\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nHello Bob,\r\n"
)
SUBJECT = Subject(
    session="s1",
    client="192.0.2.1",
    helo="mx.sender.example",
    sender="ann@sender.example",
    recipients=("bob@x.example",),
)


def scan(scanner, raw=LETTER):
    return asyncio.run(scanner.scan(SUBJECT, raw))


@pytest.fixture(scope="module")
def daemon(program, tmp_path_factory):
    with run_rspamd(program("rspamd"), tmp_path_factory.mktemp("rspamd")) as url:
        yield url


def test_the_real_rspamd_lets_a_letter_pass_and_refuses_the_test_of_all_filters(daemon):
    scanner = Rspamd(daemon, hostname="mx.penfold.test")
    passed = scan(scanner)
    refused = scan(scanner, LETTER + GTUBE + b"\r\n")
    assert (passed.outcome, passed.opinion.action) == ("answered", "accept"), passed
    assert (refused.outcome, refused.opinion.action) == ("answered", "reject"), refused
    assert [one.name for one in refused.opinion.symbols] == ["GTUBE"]


class Says:
    """An HTTP server that says one thing; `asked` is what it was sent."""

    def __init__(self, octets, *, silent=False):
        self.octets, self.silent, self.asked = octets, silent, b""

    async def run(self, raw=LETTER, **options):
        self.over = asyncio.Event()
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server:
            scanner = Rspamd(f"http://{host}:{port}", hostname="mx.x", **options)
            found = await scanner.scan(SUBJECT, raw)
            await self.over.wait()
        return found

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked = head
        if self.silent:
            await reader.read()  # until it goes
        writer.write(self.octets)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.over.set()


def http(body, status=b"200 OK"):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ("no action", "accept"),
        ("add header", "spam"),
        ("rewrite subject", "spam"),
        ("quarantine", "spam"),
        ("greylist", "defer"),
        ("soft reject", "defer"),
        ("reject", "reject"),
        ("discard", "reject"),
        ("made up later", "accept"),
    ],
)
def test_every_action_of_rspamd_means_something_here(said, action):
    body = b'{"action": "%b", "score": 3.5, "symbols": {}}' % said.encode()
    assert parse_opinion(body) == Opinion(action, said, 3.5)


def test_symbols_that_weigh_most_come_first_in_printable_words():
    body = b"""{"action": "add header", "score": 7, "symbols": {
        "SMALL": {"score": 0.5}, "GOOD": {"score": -2.0, "description": "a\\nb", "options": ["x"]},
        "BAD\\u2028": {"score": 8.5, "description": null}}}"""
    found = parse_opinion(body).symbols
    assert [(one.name, one.score) for one in found] == [("BAD?", 8.5), ("GOOD", -2), ("SMALL", 0.5)]
    assert found[1].description == "a?b"


def test_it_is_told_who_brings_the_message():
    says = Says(http(b'{"action": "no action"}'))
    assert asyncio.run(says.run()).opinion.action == "accept"
    lines = says.asked.decode().split("\r\n")
    assert lines[0] == "POST /checkv2 HTTP/1.1"
    assert {"IP: 192.0.2.1", "Helo: mx.sender.example", "From: <ann@sender.example>",
            "Rcpt: <bob@x.example>", "Queue-Id: s1", "MTA-Name: mx.x"} <= set(lines)  # fmt: skip


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"+PONG\r\n", id="no-http"),
        pytest.param(http(b"{}"), id="no-action"),
        pytest.param(http(b"[1"), id="no-json"),
        pytest.param(http(b'{"action": 7}'), id="action-is-no-text"),
        pytest.param(http(b'{"action": "\xff"}'), id="no-utf-8"),
        pytest.param(http(b'{"symbols": ' + b"[" * 50_000), id="too-deep"),
        pytest.param(http(b'{"action": "reject"}', b"503 Busy"), id="status"),
        pytest.param(http(b'{"action": "reject"}')[:-5], id="cut-off"),
        pytest.param(http(b" " * RSPAMD_ANSWER_MAX_BYTES + b'{"action": "reject"}'), id="endless"),
    ],
)
def test_what_is_no_answer_is_a_failure_and_no_opinion(octets):
    found = asyncio.run(Says(octets).run())
    assert (found.outcome, found.opinion) == ("failed", None)
    assert found.problem


def test_silence_and_nobody_there_are_failures_too():
    silent = asyncio.run(Says(b"", silent=True).run(timeout_s=0.05))
    assert (silent.outcome, silent.problem) == ("failed", "no answer within 0.05 s")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        nobody = scan(Rspamd(f"http://127.0.0.1:{bound.getsockname()[1]}", hostname="mx.x"))
    assert (nobody.outcome, nobody.opinion) == ("failed", None)


def test_of_a_message_that_is_not_read_nothing_is_kept():
    """Otherwise each would stay in memory for as long as the scanner stands still."""

    async def run():
        ended = asyncio.Event()

        async def answer(reader, writer):
            reader._transport.pause_reading()
            writers.append(writer)
            await asyncio.wait_for(held.wait(), 20)
            reader._transport.resume_reading()
            with contextlib.suppress(OSError):
                read.append(len(await reader.read(-1)))
            writer.close()
            ended.set()

        writers, read, held = [], [], asyncio.Event()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server:
            scanner = Rspamd(f"http://{host}:{port}", hostname="mx.x", timeout_s=0.05)
            found = await scanner.scan(SUBJECT, bytes(RSPAMD_MESSAGE_MAX_BYTES))
            held.set()
            await asyncio.wait_for(ended.wait(), 20)
        return found, sum(read)

    found, read = asyncio.run(run())
    assert found.outcome == "failed"
    assert read < RSPAMD_MESSAGE_MAX_BYTES // 2  # the kernel's buffers, and no more


def test_a_message_that_is_too_long_is_not_sent():
    found = scan(Rspamd("http://127.0.0.1:1", hostname="mx.x"), bytes(RSPAMD_MESSAGE_MAX_BYTES + 1))
    assert (found.outcome, found.opinion) == ("too_large", None)


@given(
    st.one_of(
        st.binary(max_size=400),
        st.fixed_dictionaries(
            {"action": st.text() | st.integers(), "score": st.floats() | st.text()}
        )
        .map(json.dumps)
        .map(str.encode),
    )
)
def test_an_answer_is_an_opinion_or_refused_and_nothing_else(body):
    with contextlib.suppress(ParseError):
        assert parse_opinion(body).action in {"accept", "spam", "defer", "reject"}
