"""Requests made to be read in two ways, through a real nginx and a real haproxy before the server.

Both proxies keep one connection to the server and send everybody's requests along it. Whatever a
row's request does to it, the server answers as many requests as the proxy passed on, and those
who come next get their own answers.
"""

import re
import socketserver
import threading
from contextlib import contextmanager

import pytest
from tests.proxies import MARK, run_proxy

POST = b"POST /gmail/v1/users/me/labels HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
#: The beginning of a request, whose last field swallows the next one that comes along.
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
#: A body that is over at once for who reads chunks, and hides a request for who counts octets.
OVER = b"0\r\n\r\n" + HIDDEN
END = b"GET /end HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def post(*fields, body=b""):
    """Return a request with these fields, each with its line end."""
    return POST + b"".join(fields) + b"\r\n" + body


def length(octets):
    return b"Content-Length: %d\r\n" % len(octets)


def chunk(octets):
    return b"%x\r\n%s\r\n" % (len(octets), octets)


def obscured(field):
    """Return a request whose coding is written in an odd way, beside a length."""
    return post(field, length(OVER), body=OVER)


def get(path, *fields, version=b"1.1"):
    return b"GET %s HTTP/%s\r\n%s\r\n" % (path, version, b"".join(fields))


HOST = b"Host: 127.0.0.1\r\n"
ROWS = {
    "length, then chunks": post(length(OVER), CHUNKED, body=OVER),
    "chunks, then length": post(CHUNKED, b"Content-Length: 4\r\n", body=chunk(HIDDEN) + b"0\r\n\r\n"),
    "two codings": post(CHUNKED, b"Transfer-Encoding: x\r\n", length(OVER), body=OVER),
    "the coding twice": post(CHUNKED, CHUNKED, body=OVER),
    "a coding before chunks": post(b"Transfer-Encoding: gzip, chunked\r\n", body=OVER),
    "identity before chunks": obscured(b"Transfer-Encoding: identity, chunked\r\n"),
    "an unknown coding": obscured(b"Transfer-Encoding: xchunked\r\n"),
    "a blank before the colon": obscured(b"Transfer-Encoding : chunked\r\n"),
    "a tab before the value": obscured(b"Transfer-Encoding:\tchunked\r\n"),
    "a vertical tab before the value": obscured(b"Transfer-Encoding: \x0bchunked\r\n"),
    "an underscore in the name": obscured(b"Transfer_Encoding: chunked\r\n"),
    "a folded coding": obscured(b"Transfer-Encoding:\r\n chunked\r\n"),
    "a coding after LF": obscured(b"X: y\n" + CHUNKED),
    "a coding after CR": obscured(b"X: y\r" + CHUNKED),
    "chunks in HTTP/1.0": obscured(CHUNKED).replace(b"1.1", b"1.0", 1),
    "two lengths": post(b"Content-Length: 0\r\n", length(HIDDEN), body=HIDDEN),
    "a list of lengths": post(b"Content-Length: 0, %d\r\n" % len(HIDDEN), body=HIDDEN),
    "a length with a plus": post(b"Content-Length: +%d\r\n" % len(HIDDEN), body=HIDDEN),
    "a negative length": post(b"Content-Length: -1\r\n", body=HIDDEN),
    "a blank after Content-Length": post(b"Content-Length : %d\r\n" % len(HIDDEN), body=HIDDEN),
    "a length named by Connection": post(b"Connection: Content-Length\r\n", length(HIDDEN), body=HIDDEN),
    "a coding named by Connection": post(
        b"Connection: Transfer-Encoding\r\n", CHUNKED, body=chunk(HIDDEN) + b"0\r\n\r\n"
    ),
    "lines that end with LF": post(length(HIDDEN)).replace(b"\r\n", b"\n") + HIDDEN,
    "LF in an extension": post(CHUNKED, body=b"5;a\nb\r\nabcde\r\n" + OVER),
    "an extension of 100 kB": post(CHUNKED, body=b"5;%s\r\nabcde\r\n" % (b"a" * 100_000) + OVER),
    "LF after the last chunk": post(CHUNKED, body=b"0\n\n" + HIDDEN),
    "LF after chunks": post(CHUNKED, body=b"5\nabcde\n0\n\n" + HIDDEN),
    "a chunk that spills": post(CHUNKED, body=b"5\r\nabcdeXX" + OVER),
    "a chunk's size with 0x": post(CHUNKED, body=b"0x0\r\n\r\n" + HIDDEN),
    "a negative chunk": post(CHUNKED, body=b"-1\r\n\r\n" + HIDDEN),
    "a chunk of 65 bits": post(CHUNKED, body=b"1" + b"0" * 16 + b"\r\n\r\n" + HIDDEN),
    "a blank after a chunk's size": post(CHUNKED, body=b"0 \r\n\r\n" + HIDDEN),
    "a length among the trailers": post(CHUNKED, body=b"0\r\nContent-Length: 99\r\n\r\n" + HIDDEN),
    "a folded field": post(b"X: a\r\n b\r\n", length(HIDDEN), body=HIDDEN),
    "two hosts": get(b"/signin", HOST, b"Host: evil.example\r\n"),
    "a target of another host": get(b"http://evil.example/signin", HOST),
    "another host than the target's": get(b"http://127.0.0.1/signin", b"Host: evil.example\r\n"),
    "an offer of HTTP/2": get(
        b"/", HOST, b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    ),
    "an offer of a socket": get(
        b"/", HOST, b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n"
    ) + HIDDEN + b"y\r\n\r\n",
    "HTTP/0.9": b"GET /smuggled\r\n",
}  # fmt: skip
#: Read in one way by all, with a request in the body that nobody may take for one.
PLAIN = {
    "a body nobody reads": post(length(HIDDEN), body=HIDDEN),
    "a body for an address that is none": post(length(HIDDEN), body=HIDDEN).replace(b"gmail", b"x"),
    "a body with GET": get(b"/assets/penfold.css", HOST, length(HIDDEN)) + HIDDEN,
    "a body with HEAD": get(b"/none", HOST, length(HIDDEN)).replace(b"GET", b"HEAD") + HIDDEN,
    "chunks nobody reads": post(CHUNKED, body=chunk(HIDDEN + b"\r\n\r\n") + b"0\r\n\r\n"),
    "an extension": post(CHUNKED, body=b"5;a=b\r\nabcde\r\n0\r\n\r\n"),
    "a client that waits for 100": post(b"Expect: 100-continue\r\n", length(HIDDEN), body=HIDDEN),
    "a target with the host": get(b"http://127.0.0.1/none", HOST),
    "a line in the target": get(b"/none%20HTTP/1.1%0d%0aX:y", HOST),
    "HTTP/1.0 that is kept": get(b"/none", HOST, b"Connection: keep-alive\r\n", version=b"1.0"),
    "three at once": 3 * get(b"/none", HOST),
}
EVERY = {**ROWS, **PLAIN}


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, server, tmp_path_factory, program):
    program(request.param)
    host, _, port = server.http.removeprefix("http://").partition(":")
    with run_proxy(request.param, tmp_path_factory.mktemp("p"), (host, int(port))) as running:
        yield running


def statuses(octets):
    """Return the statuses of the answers in the octets of a connection, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([2-5]\d\d) ", octets)]


def attack(proxy, octets):
    """Return the statuses the attacker got, and how many requests the proxy passed on."""
    before = proxy.tap.count_requests()
    got = statuses(proxy.talk(octets + END))
    return got, proxy.tap.count_requests() - before


def ask_as(proxy, server, name):
    """Return what the account gets that asks whose mailbox this is."""
    token = b"Authorization: Bearer %s\r\n" % server.load_document(name)["token"].encode()
    close = b"Connection: close\r\n"
    return proxy.talk(get(b"/gmail/v1/users/me/profile", HOST, token, close))


@pytest.mark.parametrize("octets", EVERY.values(), ids=EVERY)
def test_every_request_passed_on_gets_its_answer_and_nobody_gets_anothers(proxy, server, octets):
    got, passed_on = attack(proxy, octets)
    assert len(got) <= passed_on + 1  # what the proxy itself refused ends the connection
    for name in ("alice", "bob"):
        said = ask_as(proxy, server, name)
        assert statuses(said) == [200]
        assert said.count(b"@penfold.test") == said.count(b"%s@penfold.test" % name.encode()) == 1
    for asked, answered in proxy.tap.connections:
        assert len(statuses(bytes(answered))) <= bytes(asked).lower().count(MARK)


@pytest.mark.parametrize("octets", PLAIN.values(), ids=PLAIN)
def test_a_request_within_a_body_is_none(proxy, octets):
    own = 4 if octets == PLAIN["three at once"] else 2  # the last one is END
    got, passed_on = attack(proxy, octets)
    assert 1 <= len(got) <= own
    assert passed_on <= own


def test_the_proxy_keeps_its_connection_for_everybody(proxy, server):
    """Else nothing could be poisoned, and the tests above would show nothing."""
    ask_as(proxy, server, "alice")
    before = len(proxy.tap.connections)
    for _ in range(5):
        ask_as(proxy, server, "alice")
        ask_as(proxy, server, "bob")
    assert len(proxy.tap.connections) == before


class Careless(socketserver.StreamRequestHandler):
    """Takes bodies for the next request, and says which it answers."""

    def handle(self):
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            body = b"answer to " + line.split()[1]
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.wfile.write(head + body)


class CarelessServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def careless():
    with CarelessServer(("127.0.0.1", 0), Careless) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_a_careless_server_would_be_noticed(name, tmp_path_factory, program):
    program(name)
    folder = tmp_path_factory.mktemp("p")
    with careless() as target, run_proxy(name, folder, target) as proxy:
        # Nothing comes after it on this connection: the next visitor's request does.
        proxy.talk(post(b"Connection: close\r\n", length(HIDDEN), body=HIDDEN))
        said = proxy.talk(get(b"/mine", HOST, b"Connection: close\r\n"))
    assert b"answer to /smuggled" in said
