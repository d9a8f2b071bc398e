"""Requests that two servers could read in two ways: 400, and nothing behind them is a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.front.http.test_listener import answer, run_scene

from penfold.front.http.framing import find_fault
from penfold.front.http.listener import Bounds

POST = b"POST /x HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def play():
    def run(scene, bounds=None, **options):
        run_scene(scene, None, bounds, **options)

    return run


REFUSED = {
    "length-and-chunked": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked-and-length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two-lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "two-equal-lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "list-of-lengths": POST + b"Content-Length: 5, 5\r\n\r\nabcde",
    "length-with-plus": POST + b"Content-Length: +5\r\n\r\nabcde",
    "negative-length": POST + b"Content-Length: -1\r\n\r\n",
    "hexadecimal-length": POST + b"Content-Length: 0x5\r\n\r\nabcde",
    "length-with-blank": POST + b"Content-Length: 5 5\r\n\r\nabcde",
    "empty-length": POST + b"Content-Length: \r\n\r\n",
    "length-of-65-bits": POST + b"Content-Length: 36893488147419103237\r\n\r\nabcde",
    "blank-before-colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked-not-last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "another-coding-first": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "vertical-tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "two-codings": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-of-1.0": b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "lf-after-size": CHUNKED + b"5\nabcde\r\n0\r\n\r\n",
    "lf-after-chunk": CHUNKED + b"5\r\nabcde\n0\r\n\r\n",
    "negative-chunk": CHUNKED + b"-1\r\n\r\n",
    "chunk-with-plus": CHUNKED + b"+5\r\nabcde\r\n0\r\n\r\n",
    "chunk-with-0x": CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n",
    "chunk-of-68-bits": CHUNKED + b"fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
    "lf-in-extension": CHUNKED + b"5;a\nb\r\nabcde\r\n0\r\n\r\n",
    "cr-in-extension": CHUNKED + b"5;a\rb\r\nabcde\r\n0\r\n\r\n",
    "folded-field": POST + b"A: b\r\n c\r\n\r\n",
    "folded-coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "blank-before-first-field": b"GET /x HTTP/1.1\r\n Host: x\r\n\r\n",
    "bare-cr": POST + b"A: b\rC: d\r\n\r\n",
    "bare-lf": b"GET /x HTTP/1.1\nHost: x\n\n",
    "bare-lf-in-field": POST + b"A: b\nC: d\r\n\r\n",
    "nul": POST + b"A: b\0d\r\n\r\n",
    "no-colon": POST + b"Abc\r\n\r\n",
    "blank-in-name": POST + b"A b: c\r\n\r\n",
    "no-name": POST + b": c\r\n\r\n",
    "no-host": b"GET /x HTTP/1.1\r\n\r\n",
    "two-hosts": b"GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "host-with-blank": b"GET /x HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host-with-user": b"GET /x HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "host-with-path": b"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "0.9": b"GET /x\r\n\r\n",
    "1.2": b"GET /x HTTP/1.2\r\nHost: x\r\n\r\n",
    "2.0": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "target-of-another-host": b"GET http://evil.example/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "target-without-slash": b"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT x:25 HTTP/1.1\r\nHost: x:25\r\n\r\n",
    "upgrade-with-a-body": POST + b"Connection: upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n   ",
    "upgrade-with-chunks": POST + b"Connection: upgrade\r\nUpgrade: h2c\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-verb": b"FOO /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower-case-verb": b"get /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "octets-in-target": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(play, octets):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(octets + GET)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"connection: close" in said
        assert said.count(b"HTTP/1.1 ") == 1

    play(scene)


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED)
def test_a_request_before_it_gets_its_own_answer_and_no_other(play, octets):
    """The first answer belongs to the first request, or there is none."""

    async def scene(world):
        reader, writer = await world.open()
        writer.write(GET + octets)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 200 ") or said == b""
        assert said.count(b"HTTP/1.1 200 ") <= 1

    play(scene)


@pytest.mark.parametrize(
    "octets",
    [
        CHUNKED + b"5;name=value\r\nabcde\r\n0\r\n\r\n",
        POST + b"Content-Length: 5\r\n\r\nabcde",
        POST + b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        b"POST http://x/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST HTTP://X/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde",
    ],
)
def test_what_can_be_read_in_one_way_is_answered(play, octets):
    async def scene(world):
        assert await world.ask(octets) == (200, b"http:abcde")

    play(scene)


def test_what_follows_an_offer_to_upgrade_is_the_next_request(play):
    offer = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"

    async def scene(world):
        reader, writer = await world.open()
        writer.write(offer + POST + b"Content-Length: 1\r\n\r\n2" + GET)
        assert [await answer(reader) for _ in range(3)] == [
            (200, b"http:"),
            (200, b"http:2"),
            (200, b"http:"),
        ]

    play(scene)


def test_requests_in_one_read_are_answered_in_their_order(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(b"".join(POST + b"Content-Length: 2\r\n\r\n%02d" % n for n in range(50)))
        assert [(await answer(reader))[1] for _ in range(50)] == [
            b"http:%02d" % n for n in range(50)
        ]

    play(scene)


def test_one_network_may_have_so_many_connections_and_leaves_room_for_others(play):
    async def scene(world):
        first = [await world.open() for _ in range(2)]
        for reader, writer in first:
            writer.write(GET)
            assert (await answer(reader))[0] == 200
        status, text = await world.ask(b"")
        assert (status, text[:20]) == (429, b"Too many connections")
        reader, writer = first[0]
        writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (await answer(reader))[0] == 200
        assert await reader.read() == b""
        assert (await world.ask(GET))[0] == 200

    play(scene, bounds=Bounds(client_connections=2), is_proxy=lambda _: False)


def test_this_machine_is_not_counted(play):
    async def scene(world):
        for _ in range(3):
            reader, writer = await world.open()
            writer.write(GET)
            assert (await answer(reader))[0] == 200
        assert not world.listener._crowds

    play(scene, bounds=Bounds(client_connections=1))


@given(
    version=st.sampled_from(["0.9", "1.0", "1.1", "2.0"]),
    target=st.binary(max_size=60),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"transfer-encoding", b"a"]),
            st.one_of(st.sampled_from([b"x", b"chunked", b"[::1]:80"]), st.binary(max_size=40)),
        ),
        max_size=6,
    ),
)
def test_what_passes_has_one_reading(version, target, headers):
    if find_fault(version, target, headers):
        return
    names = [name for name, _ in headers]
    assert names.count(b"host") == 1 or (version == "1.0" and not names.count(b"host"))
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    assert codings in ([], [b"chunked"])
    assert version != "1.0" or not codings
    assert target.startswith((b"/", b"*")) or target.lower().startswith(b"http")
