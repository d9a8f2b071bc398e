"""The client of ACME on real sockets: verified, bounded, cut when the server stops."""

import http.server
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from penfold.base.limits import ACME_ANSWER_MAX_BYTES
from penfold.net.acme import AcmeOut, make_context
from penfold.net.certificates import LOCAL_NAMES, make_authority, make_server_certificate
from penfold.proto.acme.documents import AcmeError
from penfold.proto.acme.issuing import Ask, Pause, Prove
from penfold.proto.acme.proofs import Proof

NOW_MS = time.time_ns() // 1_000_000
AUTHORITY = make_authority(now_ms=NOW_MS)
PROOF = Proof("http-01", "mail.example.com", "token", "token.answer")


class Handler(http.server.BaseHTTPRequestHandler):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.got.append((self.command, self.path, dict(self.headers), body))
        self.server.answer(self)

    do_GET = do_POST = do_HEAD = handle_any  # noqa: N815 - names of the library

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acme")
    pair = make_server_certificate(AUTHORITY, LOCAL_NAMES, now_ms=NOW_MS)
    (folder / "server.pem").write_bytes(pair.key + pair.certificate)
    (folder / "authority.pem").write_bytes(AUTHORITY.certificate)
    return folder


@contextmanager
def serve(files, answer):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.got, server.answer = [], answer
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"https://localhost:{server.server_address[1]}/x?y=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(body, *, length=None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.send_header("Replay-Nonce", "n0nce")
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


def run(steps, files, *, publish=lambda proofs: None, stopping=None, authorities=True, **options):
    context = make_context(files / "authority.pem" if authorities else None)
    out = AcmeOut(context, publish, **options)
    return out.send_order(steps, stopping or threading.Event())


def ask(*asks):
    """Yield these and return the last replies."""
    first = yield asks[0]
    return (first, (yield asks[1])) if asks[1:] else first


def test_requests_are_sent_as_rfc_8555_wants_them_and_answers_come_back_whole(files):
    with serve(files, say(b"body")) as server:
        asks = (Ask("HEAD", server.url), Ask("POST", server.url, b"{}", "application/pem"))
        head, post = run(ask(*asks), files)
    assert (head.status, head.body, head.headers["replay-nonce"]) == (200, b"", "n0nce")
    assert (post.status, post.body) == (200, b"body")
    command, path, headers, body = server.got[1]
    assert (command, path, body) == ("POST", "/x?y=1", b"{}")
    assert headers["Content-Type"] == "application/jose+json"
    assert headers["Accept"] == "application/pem"
    assert headers["User-Agent"].startswith("Penfold/")


def test_a_server_nobody_vouches_for_is_not_talked_to(files):
    with (
        serve(files, say(b"")) as server,
        pytest.raises(AcmeError, match=r"localhost: .*certificate"),
    ):
        run(ask(Ask("GET", server.url)), files, authorities=False)
    assert server.got == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(say(b"x" * (ACME_ANSWER_MAX_BYTES + 1)), "too long", id="too-long"),
        pytest.param(say(b"half", length=8), "IncompleteRead|too early|EOF", id="cut"),
        pytest.param(lambda handler: cut(handler), "EOF", id="cut-unseen"),
        pytest.param(
            lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "nonsense", id="no-http"
        ),
    ],
)
def test_an_answer_that_is_none_is_told(files, answer, problem):
    with serve(files, answer) as server, pytest.raises(AcmeError, match=problem):
        run(ask(Ask("GET", server.url)), files)


def test_nobody_listening_is_told(files):
    with serve(files, say(b"")) as server:
        url = server.url
    with pytest.raises(AcmeError, match="localhost cannot be reached: Connection refused"):
        run(ask(Ask("GET", url)), files)


def cut(handler):
    """Half an answer without a length, and an end of the connection that TLS was not told of."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    handler.connection.shutdown(socket.SHUT_RDWR)


def dripping(until):
    """An answer that comes octet by octet until it is cut."""

    def answer(handler):
        with suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not until.wait(0.02):
                handler.wfile.write(b"x")

    return answer


def test_an_answer_that_trickles_is_cut_at_the_deadline(files):
    done = threading.Event()
    with serve(files, dripping(done)) as server, pytest.raises(AcmeError, match="too long"):
        run(ask(Ask("GET", server.url)), files, timeout_s=0.4)
    done.set()


def test_stopping_cuts_a_request_and_a_wait(files):
    done, stopping = threading.Event(), threading.Event()
    with serve(files, dripping(done)) as server:
        threading.Timer(0.1, stopping.set).start()
        with pytest.raises(AcmeError, match="stops"):
            run(ask(Ask("GET", server.url)), files, stopping=stopping)
        with pytest.raises(AcmeError, match="stops"):
            run(ask(Pause(600.0)), files, stopping=stopping)
    done.set()


@pytest.mark.parametrize("fails", [False, True])
def test_proofs_are_published_before_the_next_step_and_taken_back_whatever_happens(files, fails):
    published = []

    def steps():
        yield Prove((PROOF,))
        assert published == [(PROOF,)]
        if fails:
            raise AcmeError("refused")
        return b"chain"

    if fails:
        with pytest.raises(AcmeError, match="refused"):
            run(steps(), files, publish=published.append)
    else:
        assert run(steps(), files, publish=published.append) == b"chain"
    assert published == [(PROOF,), ()]
