"""The HTTP listener on real sockets: what it accepts, refuses, and how it stops."""

import asyncio
import contextlib
import errno
import resource
import socket
import ssl
import time

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from penfold.base.limits import HTTP_HEAD_MAX_BYTES, HTTP_HEADERS_MAX
from penfold.front.http.listener import Bounds, HttpListener
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.net.tls import load_challenge_context, load_server_context
from penfold.spec.events import ACCEPT_PAUSED

GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"


class Log:
    def __init__(self):
        self.events = []
        self.written = asyncio.Event()

    def emit(self, event, /, **fields):
        self.events.append((event, fields))
        self.written.set()


class Echo:
    """An ASGI application that answers with scheme and body, when it is let."""

    def __init__(self):
        self.let = asyncio.Event()
        self.let.set()
        self.asked = asyncio.Event()
        self.hasty = False  # answers without looking at the body
        self.scope = None
        self.size = 0  # octets of an answer at least
        self.calls = self.ended = 0
        self.errors = []

    async def __call__(self, scope, receive, send):
        self.scope = scope
        self.calls += 1
        body = b""
        while not self.hasty:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.asked.set()
        await self.let.wait()
        answer = (scope["scheme"].encode() + b":" + body).ljust(self.size)
        headers = [(b"content-length", b"%d" % len(answer))]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer})
        except Exception as error:
            self.errors.append(error)
            raise
        finally:
            self.ended += 1


class World:
    def __init__(self, tls, bounds, challenges=None, **options):
        self.app = Echo()
        self.log = Log()
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        self.address = sock.getsockname()
        self.listener = HttpListener(
            self.app,
            sock,
            tls,
            log=self.log,
            count_connections=lambda _: None,
            bounds=bounds,
            challenges=challenges,
            **options,
        )
        self.listener.start()
        self._writers = []

    async def open(self, **options):
        reader, writer = await asyncio.open_connection(*self.address, **options)
        self._writers.append(writer)
        return reader, writer

    async def ask(self, octets=GET, **options):
        """Return the status and body of one exchange on a connection of its own."""
        reader, writer = await self.open(**options)
        writer.write(octets)
        return await answer(reader)

    async def close(self):
        await self.listener.stop(grace_s=0)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def later(self, seconds):
        self.listener.review(asyncio.get_running_loop().time() + seconds)


async def answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:] if line)
    body = await reader.readexactly(int(fields[b"content-length"]))
    return int(head.split(b" ")[1]), body


async def ended(reader):
    """Return once the server has closed the connection."""
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    now_ms = time.time_ns() // 1_000_000
    authority = make_authority(now_ms=now_ms)
    pair = make_server_certificate(authority, ["localhost", "127.0.0.1"], now_ms=now_ms)
    (folder / "server.pem").write_bytes(pair.certificate)
    (folder / "server.key").write_bytes(pair.key)
    client = ssl.create_default_context(cadata=authority.certificate.decode())
    return load_server_context(folder, http=True), client


def run_scene(scene, *about, **options):
    """Run a scene in a world of its own, made of the other arguments."""

    async def live():
        world = World(*about, **options)
        try:
            async with asyncio.timeout(20):
                await scene(world)
        finally:
            await world.close()

    # The loop the server runs on.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(live())


@pytest.fixture
def play(certificates):
    def run(scene, bounds=None, challenges=None):
        run_scene(scene, certificates[0], bounds, challenges)

    return run


def test_plain_and_tls_connections_are_told_apart_on_one_port(play, certificates):
    async def scene(world):
        assert await world.ask() == (200, b"http:")
        assert await world.ask(ssl=certificates[1]) == (200, b"https:")

    play(scene)


def test_a_first_octet_that_comes_late_is_waited_for(play):
    async def scene(world):
        reader, writer = await world.open()
        assert await world.ask() == (200, b"http:")
        writer.write(GET)
        assert await answer(reader) == (200, b"http:")

    play(scene)


def test_a_connection_serves_request_after_request(play):
    async def scene(world):
        reader, writer = await world.open()
        for _ in range(3):
            writer.write(GET)
            assert await answer(reader) == (200, b"http:")
        writer.write(GET * 3)
        for _ in range(3):
            assert await answer(reader) == (200, b"http:")

    play(scene)


def test_a_client_that_says_nothing_is_dropped_in_time(play):
    async def scene(world):
        reader, _ = await world.open()
        await world.ask()  # by now the silent one has been accepted
        world.later(19)
        assert not reader.at_eof()
        world.later(21)
        await ended(reader)

    play(scene)


def test_a_client_that_dawdles_over_a_head_is_dropped_in_time(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(GET)
        await answer(reader)
        writer.write(GET[:10])
        await world.ask()
        world.later(21)
        await ended(reader)

    play(scene)


def test_an_idle_connection_between_two_requests_is_kept(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(GET)
        await answer(reader)
        world.later(60)
        writer.write(GET)
        assert await answer(reader) == (200, b"http:")

    play(scene)


def test_a_client_that_stops_in_the_middle_of_a_body_is_dropped_in_time(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        await world.ask()
        world.later(59)
        assert not reader.at_eof()
        world.later(61)
        await ended(reader)

    play(scene)


def test_a_request_that_is_being_answered_takes_the_time_it_takes(play):
    async def scene(world):
        world.app.let.clear()
        reader, writer = await world.open()
        writer.write(GET)
        await world.app.asked.wait()
        world.later(3600)
        world.app.let.set()
        assert await answer(reader) == (200, b"http:")

    play(scene)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"A: " + b"a" * (HTTP_HEAD_MAX_BYTES + 300_000), id="one-endless-field"),
        pytest.param(b"A: a\r\n" * (HTTP_HEADERS_MAX + 1) + b"\r\n", id="too-many-fields"),
    ],
)
def test_a_head_beyond_its_bounds_is_refused_and_the_connection_closed(play, head):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(b"GET /x HTTP/1.1\r\n" + head)
        assert (await answer(reader))[0] == 431
        await ended(reader)
        assert not world.app.asked.is_set()

    play(scene)


def test_a_body_may_be_larger_than_a_head(play):
    async def scene(world):
        body = b"b" * (3 * HTTP_HEAD_MAX_BYTES)
        octets = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        assert await world.ask(octets) == (200, b"http:" + body)

    play(scene)


CHUNKED = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#: More than one read and a head's bound together.
MUCH = 4 * HTTP_HEAD_MAX_BYTES + 600_000


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"0\r\n" + b"a: bbbbbbbb\r\n" * (MUCH // 13), id="many-trailers"),
        pytest.param(b"0\r\na: " + b"b" * MUCH, id="one-endless-trailer"),
        pytest.param(b"1;" + b"b" * MUCH, id="endless-chunk-extension"),
    ],
)
@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answered"])
def test_what_surrounds_a_body_is_bounded(play, octets, answered):
    async def scene(world):
        world.app.hasty = answered
        reader, writer = await world.open()
        writer.write(CHUNKED + octets)
        assert (await answer(reader))[0] == (200 if answered else 431)
        await ended(reader)

    play(scene)


def test_trailers_are_no_header_fields_of_the_request(play):
    async def scene(world):
        assert await world.ask(CHUNKED + b"1\r\nb\r\n0\r\na: b\r\n\r\n") == (200, b"http:b")
        assert b"a" not in dict(world.app.scope["headers"])

    play(scene)


def test_a_body_in_small_chunks_is_no_surrounding(play):
    async def scene(world):
        octets = b"1\r\nb\r\n" * MUCH + b"0\r\n\r\n"
        assert await world.ask(CHUNKED + octets) == (200, b"http:" + b"b" * MUCH)

    play(scene)


def test_many_requests_in_one_read_are_no_surrounding(play):
    async def scene(world):
        count = HTTP_HEAD_MAX_BYTES // len(GET) + 100
        reader, writer = await world.open()
        writer.write(GET * count)
        for _ in range(count):
            assert await answer(reader) == (200, b"http:")

    play(scene)


def test_a_body_that_crawls_is_dropped_in_time(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nhalf")
        await world.ask()
        world.later(29)
        assert not reader.at_eof()
        world.later(31)
        await ended(reader)

    play(scene, Bounds(body_slow_s=30))


def test_a_client_that_takes_nothing_of_its_answer_is_dropped_in_time(play):
    async def scene(world):
        body = b"b" * 30_000_000
        reader, writer = await world.open(limit=1024)
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await world.app.asked.wait()
        await reader.readexactly(100)
        writer.transport.pause_reading()
        world.later(0)
        world.later(59)
        assert not reader.at_eof()
        world.later(61)
        writer.transport.resume_reading()
        with contextlib.suppress(ConnectionResetError):
            assert len(await reader.read(-1)) < len(body) - 100

    play(scene)


async def turns_until(find):
    """Let the loop turn until it is so."""
    for _ in range(100_000):
        if find():
            return
        await asyncio.sleep(0)
    pytest.fail("it never happens")


async def open_slowly(world):
    """Open a connection that takes little; answers are large from now on."""
    world.app.size = 500_000
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(slow, world.address)
    reader, writer = await asyncio.open_connection(sock=slow, limit=4_096)
    world._writers.append(writer)
    return reader, writer


def test_requests_sent_ahead_of_a_client_that_reads_nothing_wait_for_it(play):
    """Else a thousand such clients have twenty answers each made before anybody else gets one."""

    async def scene(world):
        reader, writer = await open_slowly(world)
        writer.write(GET * 20)
        await world.app.asked.wait()
        mine, other = await world.open(limit=2**20)
        for _ in range(40):
            other.write(GET)
            await answer(mine)
        assert world.app.calls - 40 <= 4
        for _ in range(20):
            assert len((await answer(reader))[1]) == 500_000

    play(scene)


def test_who_leaves_before_requests_sent_ahead_are_answered_is_no_error(play):
    async def scene(world):
        world.app.let.clear()
        _, writer = await world.open()
        writer.write(GET * 3)
        await world.app.asked.wait()
        writer.transport.abort()
        await turns_until(lambda: not world.listener._state.connections)
        for _ in range(10):  # the transport closes a few turns of the loop later
            await asyncio.sleep(0)
        world.app.let.set()
        await turns_until(lambda: world.app.ended)
        assert world.app.errors == []

    play(scene)


def test_empty_lines_between_requests_do_not_keep_a_connection(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(GET)
        await answer(reader)
        writer.write(b"\r\n")
        await world.ask()
        world.later(61)
        await ended(reader)

    play(scene)


def test_connections_beyond_the_bound_are_told_so(play):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(GET)
        await answer(reader)
        assert await world.ask(b"") == (503, b"Too many connections, try again")
        writer.write(GET)
        assert await answer(reader) == (200, b"http:")

    play(scene, Bounds(connections=1))


def test_out_of_descriptors_it_waits_and_goes_on(play):
    async def scene(world):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        reader, writer = await world.open()
        writer.write(GET)
        await answer(reader)
        # The next connection needs two descriptors here, ours and the server's: leave room for one.
        probe = socket.socket()
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno() + 1, hard))
        try:
            probe.setblocking(False)
            assert probe.connect_ex(world.address) in (0, errno.EINPROGRESS)
            await world.log.written.wait()
            assert world.log.events[0][0] is ACCEPT_PAUSED
            writer.write(GET)
            assert await answer(reader) == (200, b"http:")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            probe.close()
        assert await world.ask() == (200, b"http:")

    play(scene)


def test_stopping_finishes_the_request_in_hand_and_closes_idle_connections(play):
    async def scene(world):
        idle, _ = await world.open()
        world.app.let.clear()
        reader, writer = await world.open()
        writer.write(GET)
        await world.app.asked.wait()
        stopping = asyncio.create_task(world.listener.stop(grace_s=10))
        await ended(idle)
        world.app.let.set()
        assert await answer(reader) == (200, b"http:")
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await world.open()

    play(scene)


def test_stopping_cuts_what_does_not_end_in_time(play):
    async def scene(world):
        world.app.let.clear()
        reader, writer = await world.open()
        writer.write(GET)
        await world.app.asked.wait()
        await world.listener.stop(grace_s=0)
        await ended(reader)

    play(scene)


class Waiting:
    """A check that an ACME server will make, for one name."""

    def __init__(self, folder):
        pair = make_server_certificate(
            make_authority(now_ms=time.time_ns() // 1_000_000),
            ["mail.example.com"],
            now_ms=time.time_ns() // 1_000_000,
        )
        (folder / "alpn.pem").write_bytes(pair.key + pair.certificate)
        own = x509.load_pem_x509_certificate(pair.certificate)
        self.certificate = own.public_bytes(Encoding.DER)
        self._context = load_challenge_context(folder / "alpn.pem", "acme-tls/1")
        self.is_due = True
        self.looked = asyncio.Event()

    def is_waiting(self):
        self.looked.set()
        return self.is_due

    def find_context(self, name):
        return self._context if name == "mail.example.com" else None


@pytest.fixture
def waiting(tmp_path):
    return Waiting(tmp_path)


def asking_for(*protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context


async def look(world, name, *protocols):
    """Return the protocol and certificate of a connection, and how the server ends it, if at all."""
    reader, writer = await world.open(ssl=asking_for(*protocols), server_hostname=name)
    tls = writer.get_extra_info("ssl_object")
    return tls.selected_alpn_protocol(), tls.getpeercert(binary_form=True), reader


def test_the_check_of_an_acme_server_gets_its_certificate_and_nothing_else(play, waiting):
    async def scene(world):
        protocol, shown, reader = await look(world, "mail.example.com", "acme-tls/1")
        assert (protocol, shown) == ("acme-tls/1", waiting.certificate)
        await ended(reader)
        assert world.app.scope is None

    play(scene, challenges=waiting)


@pytest.mark.parametrize(
    ("name", "protocols", "due"),
    [
        pytest.param("mail.example.com", ("http/1.1",), True, id="a-browser"),
        pytest.param("other.example.com", ("acme-tls/1", "http/1.1"), True, id="another-name"),
        pytest.param("mail.example.com", ("acme-tls/1", "http/1.1"), False, id="nothing-expected"),
    ],
)
def test_everybody_else_gets_the_usual_certificate(play, waiting, name, protocols, due):
    waiting.is_due = due

    async def scene(world):
        protocol, shown, _ = await look(world, name, *protocols)
        assert protocol == "http/1.1"
        assert shown != waiting.certificate

    play(scene, challenges=waiting)


def test_a_hello_that_comes_in_pieces_is_waited_for(play, waiting):
    async def scene(world):
        context, there, here = asking_for("acme-tls/1"), ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(there, here, server_hostname="mail.example.com")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = here.read()
        reader, writer = await world.open()
        writer.write(hello[:60])
        await waiting.looked.wait()
        writer.write(hello[60:])
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(here.read())
                there.write(await reader.read(65_536))
        assert client.getpeercert(binary_form=True) == waiting.certificate

    play(scene, challenges=waiting)


def test_stopping_does_not_wait_for_a_hello_that_never_comes(play, waiting):
    async def scene(world):
        reader, writer = await world.open()
        writer.write(b"\x16\x03\x01")
        await waiting.looked.wait()
        await world.listener.stop(grace_s=0)
        await ended(reader)

    play(scene, challenges=waiting)
