"""Policies fetched over real TLS: what is taken, and everything that is not."""

import asyncio
import contextlib
import itertools
import random
import socket
import ssl
import threading
import time

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.clock import FixedClock
from penfold.net.certificates import make_authority, make_server_certificate
from penfold.net.dns import Resolver
from penfold.net.https_get import Bounds, ReplyReader
from penfold.net.mta_sts import PolicyFetcher
from penfold.ports.mta_sts import PolicyError, StsFailure
from penfold.proto.mta_sts import Mode, Policy, print_policy
from penfold.proto.resolv_conf import Resolvers, Server
from penfold.testing.dns import DnsServer, Mishap

POLICY = Policy(Mode.ENFORCE, 604_800, ("mx.example.org", "*.example.net"))
FILE = print_policy(POLICY)
#: A word of comment makes the file as long as one likes.
LONG = b"x: y\r\n" * 10_923
NOW_MS = time.time_ns() // 1_000_000
HOST = "mta-sts.example.org"
BOUNDS = Bounds(total_s=5.0, connect_s=5.0, addresses_max=4, body_bytes=65_536, head_bytes=16_384)
AUTHORITY = make_authority(now_ms=NOW_MS)


def answer(body=FILE, *, status="200 OK", kind="text/plain", length=True, more=""):
    head = f"HTTP/1.1 {status}\r\n{more}"
    head += f"Content-Type: {kind}\r\n" if kind else ""
    head += f"Content-Length: {len(body)}\r\n" if length else ""
    return head.encode() + b"\r\n" + body


class Web:
    """A web server that answers every request with the same octets; got: what it was sent."""

    def __init__(self, folder, octets, *, names=(HOST,), now_ms=NOW_MS, hold=False):
        pair = make_server_certificate(AUTHORITY, names, now_ms=now_ms)
        path = folder / "web.pem"
        path.write_bytes(pair.certificate + pair.key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(path)
        self._octets, self._hold = octets, hold
        self.got = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while not self._end.is_set():
            connection, _ = self._socket.accept()
            with connection, contextlib.suppress(OSError):
                self._talk(connection)

    def _talk(self, connection):
        with self._context.wrap_socket(connection, server_side=True) as tls:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = tls.recv(4096)
                if not piece:
                    return
                data += piece
            self.got.append(data)
            tls.sendall(self._octets)
            if self._hold:
                tls.recv(1)
            tls.unwrap()

    def close(self):
        self._end.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def web(tmp_path):
    made = []

    def make(octets=None, **options):
        made.append(Web(tmp_path, answer() if octets is None else octets, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def fetch(port, *, address="127.0.0.1", bounds=BOUNDS, loopback=True, trusts=True):
    context = ssl.create_default_context()
    if trusts:
        context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    records = {"A": address if isinstance(address, Mishap) else [address]}
    zones = {HOST: records} if address else {"example.org": {}}
    with DnsServer(zones) as dns:
        resolver = Resolver(
            Resolvers((Server(dns.host, dns.port),), trusted=True),
            clock=FixedClock(),
            chance=random.Random(7),
        )
        fetcher = PolicyFetcher(
            resolver, context=context, loopback=loopback, port=port, bounds=bounds
        )
        return asyncio.run(fetcher.fetch_policy("example.org"))


def failure(*arguments, **options):
    with pytest.raises(PolicyError) as caught:
        fetch(*arguments, **options)
    return caught.value.failure, str(caught.value)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(FILE), FILE)
)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(answer(), id="length"),
        pytest.param(CHUNKED, id="chunks"),
        pytest.param(answer(length=False), id="until-the-end"),
        pytest.param(answer(kind="Text/Plain; charset=utf-8"), id="charset"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + answer(), id="early-hints"),
        pytest.param(answer() + b"rubbish behind it", id="rubbish-behind"),
        pytest.param(answer(more="Content-Encoding: identity\r\n"), id="identity"),
    ],
)
def test_a_policy_is_read_however_it_is_sent(web, octets):
    assert fetch(web(octets).port) == POLICY


def test_the_file_of_the_standard_is_asked_for(web):
    there = web()
    fetch(there.port)
    [request] = there.got
    first, *fields = request.decode().split("\r\n")
    assert first == "GET /.well-known/mta-sts.txt HTTP/1.1"
    assert f"Host: {HOST}" in fields


def test_an_answer_that_is_whole_is_not_waited_for(web):
    assert fetch(web(hold=True).port) == POLICY


@pytest.mark.parametrize(
    ("octets", "reason", "why"),
    [
        (answer(status="301 Moved", more="Location: https://x.example/\r\n"),
         StsFailure.FETCH, "the status is 301"),
        (answer(status="404 Not Found"), StsFailure.FETCH, "the status is 404"),
        (answer(status="206 Partial"), StsFailure.FETCH, "the status is 206"),
        (answer(kind="text/html"), StsFailure.INVALID, "text/html"),
        (answer(kind=""), StsFailure.INVALID, "'none'"),
        (answer(b"version: STSv2\r\n"), StsFailure.INVALID, "no known version"),
        (answer(b""), StsFailure.INVALID, "no known version"),
        (answer(LONG), StsFailure.FETCH, "too long"),
        (answer(LONG, length=False), StsFailure.FETCH, "too long"),
        (answer(more="X: y\r\n" * 20_000), StsFailure.FETCH, "too long"),
        (answer()[:-9], StsFailure.FETCH, "cut off"),
        (b"", StsFailure.FETCH, "cut off"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/pl", StsFailure.FETCH, "cut off"),
        (b"220 mail.example.org ESMTP\r\n", StsFailure.FETCH, "no HTTP"),
        (b"\x00\xff" * 10, StsFailure.FETCH, "no HTTP"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_told_with_its_reason(web, octets, reason, why):
    failed, text = failure(web(octets).port)
    assert failed is reason
    assert why in text
    assert HOST in text


def test_64_kib_are_read_and_no_octet_more(web):
    filled = FILE + b"x: " + b"y" * (65_536 - len(FILE) - 5) + b"\r\n"
    assert len(filled) == 65_536
    assert fetch(web(answer(filled)).port) == POLICY
    assert failure(web(answer(filled + b"\n")).port)[0] is StsFailure.FETCH


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"names": ("example.org", "mx.example.org")}, id="another-name"),
        pytest.param({"now_ms": NOW_MS - 500 * 86_400_000}, id="expired"),
    ],
)
def test_a_certificate_that_is_not_good_for_the_name_is_refused(web, options):
    there = web(**options)
    assert failure(there.port)[0] is StsFailure.WEBPKI
    assert there.got == []


def test_an_authority_that_nobody_trusts_is_refused(web):
    assert failure(web().port, trusts=False)[0] is StsFailure.WEBPKI


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"address": ""}, "no address"),
        ({"address": Mishap.SERVFAIL}, "no answer"),
        ({"loopback": False}, "forbidden"),
        ({"address": "10.0.0.1"}, "forbidden"),
        ({"address": "169.254.169.254"}, "forbidden"),
    ],
)
def test_names_that_lead_nowhere_or_astray_are_not_followed(web, options, why):
    there = web()
    failed, text = failure(there.port, **options)
    assert (failed, why in text) == (StsFailure.FETCH, True)
    assert there.got == []


def test_nobody_there_is_told_with_the_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failed, text = failure(port)
    assert failed is StsFailure.FETCH
    assert f"127.0.0.1 port {port}" in text


@pytest.mark.parametrize("octets", [b"", answer()[:-9]], ids=["nothing", "half"])
def test_who_does_not_go_on_is_not_waited_for_longer_than_the_limit(web, octets):
    hasty = Bounds(
        total_s=0.3, connect_s=0.3, addresses_max=4, body_bytes=65_536, head_bytes=16_384
    )
    failed, text = failure(web(octets, hold=True).port, bounds=hasty)
    assert (failed, "too long" in text) == (StsFailure.FETCH, True)


@given(st.sampled_from([answer(), CHUNKED, answer(length=False)]), st.lists(st.integers(0, 250)))
def test_it_does_not_matter_in_which_pieces_an_answer_comes(octets, cuts):
    reader = ReplyReader(65_536)
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    for start, stop in itertools.pairwise(places):
        reader.feed(octets[start:stop])
    reader.end()
    assert (reader.done, reader.status, reader.kind) == (True, 200, "text/plain")
    assert bytes(reader.body) == FILE


@given(st.lists(st.sampled_from([answer(), CHUNKED, b"\r\n", b"HTTP/1.1 100 \r\n\r\n"])
                | st.binary(max_size=40)))  # fmt: skip
def test_octets_of_any_kind_are_read_or_refused_and_kept_within_bounds(pieces):
    reader = ReplyReader(300)
    with contextlib.suppress(httptools.HttpParserError):
        for piece in pieces:
            reader.feed(piece)
    reader.end()
    assert len(reader.body) <= 300 + max(map(len, pieces), default=0)
    assert not reader.done or reader.status >= 200
