"""The one client for HTTP: bounded in time and size, led astray by nobody."""

import datetime as dt
import socket
import ssl
import threading
import time

import pytest

from penfold.net.certificates import make_authority, make_server_certificate
from penfold.net.http_out import HttpOut
from penfold.ports.http_out import NoAnswerError

NOW_MS = int(dt.datetime.now(dt.UTC).timestamp() * 1000)


class Peer:
    """A socket that answers each connection with the given octets, and keeps what it was sent."""

    def __init__(self, answer=b"HTTP/1.1 204 No Content\r\n\r\n", *, tls=None, drip=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.got = []
        self._answer = answer
        self._tls = tls
        self._drip = drip
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self.got.append(self._read(connection))
                connection.sendall(self._answer)
                while self._drip:
                    connection.sendall(self._drip)
                    threading.Event().wait(0.02)
            except OSError:
                pass
            finally:
                connection.close()

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith(b"}"):
            chunk = connection.recv(65_536)
            if not chunk:
                break
            data += chunk
        return data

    def close(self):
        self.socket.close()


@pytest.fixture
def peer():
    peers = []

    def make(*args, **kwargs):
        peers.append(Peer(*args, **kwargs))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


def post(peer, *, path="/hook?token=t", scheme="http", host="127.0.0.1", **options):
    options.setdefault("plain", True)
    url = f"{scheme}://{host}:{peer.port}{path}"
    return HttpOut(**options).send_post(url, [("Content-Type", "application/json")], b'{"a":1}')


def test_a_request_has_its_body_its_host_and_its_length(peer):
    there = peer()
    assert post(there) == 204
    [request] = there.got
    head, body = request.split(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    assert first == b"POST /hook?token=t HTTP/1.1"
    assert f"Host: 127.0.0.1:{there.port}".encode() in fields
    assert b"Content-Length: 7" in fields
    assert b"Content-Type: application/json" in fields
    assert body == b'{"a":1}'


@pytest.mark.parametrize("status", [102, 200, 301, 307, 404, 500])
def test_the_status_is_whatever_it_is_and_redirects_are_not_followed(peer, status):
    elsewhere = peer()
    location = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n"
    there = peer(f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\n\r\n".encode())
    assert post(there) == status
    assert elsewhere.got == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 \xff\r\n"],
)
def test_what_is_no_http_is_no_answer(peer, answer):
    with pytest.raises(NoAnswerError):
        post(peer(answer))


def test_nobody_there_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswerError):
        HttpOut(plain=True).send_post(f"http://127.0.0.1:{port}/", [], b"{}")


@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", id="endless-header"),
        pytest.param(b"", b"H", id="endless-status"),
    ],
)
def test_an_answer_that_trickles_is_cut_off(peer, answer, drip):
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        post(peer(answer, drip=drip), timeout_s=0.3)
    assert time.monotonic() - began < 5


def test_an_endless_body_is_read_no_further_than_its_limit(peer):
    there = peer(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", drip=b"x" * 65_536)
    assert post(there, timeout_s=5) == 200


def test_this_machine_is_reached_in_local_mode_only(peer):
    there = peer()
    with pytest.raises(NoAnswerError):
        post(there, plain=False)
    with pytest.raises(NoAnswerError):
        post(there, plain=False, scheme="https")
    assert there.got == []


def test_a_name_that_leads_to_a_neighbour_is_not_connected_to(peer):
    there = peer()
    with pytest.raises(NoAnswerError):
        post(there, host="push.example", resolve=lambda _host, _port: ["10.0.0.1", "127.0.0.1"])
    assert there.got == []


@pytest.fixture
def authority(tmp_path):
    authority = make_authority(now_ms=NOW_MS)
    server = make_server_certificate(authority, ("push.example",), now_ms=NOW_MS)
    (tmp_path / "pem").write_bytes(server.certificate)
    (tmp_path / "key").write_bytes(server.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem", tmp_path / "key")
    return authority, context


def to_here(_host, _port):
    return ["127.0.0.1"]


def test_https_is_verified_for_the_name_that_was_asked_for(peer, authority):
    known, context = authority
    trusting = ssl.create_default_context(cadata=known.certificate.decode())
    there = peer(tls=context)
    options = {"scheme": "https", "resolve": to_here, "context": trusting}
    assert post(there, host="push.example", **options) == 204
    for wrong in (
        {**options, "host": "other.example"},
        {"scheme": "https", "resolve": to_here, "host": "push.example"},
    ):
        with pytest.raises(NoAnswerError):
            post(there, **wrong)
    assert len([request for request in there.got if request]) == 1


def test_retry_after_comes_with_the_answer(peer):
    there = peer(b"HTTP/1.1 503 X\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n")
    answered = HttpOut(plain=True).send(f"http://127.0.0.1:{there.port}/", [], b"{}")
    assert (answered.status, answered.retry_after) == (503, "120")
