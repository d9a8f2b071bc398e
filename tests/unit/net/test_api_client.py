"""The client commands talk to a server with, against a real socket."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from penfold.base.errors import ParseError
from penfold.base.limits import API_TRIES
from penfold.net.api_client import HttpApiClient
from penfold.ports.api_client import RefusedError


@pytest.fixture
def served():
    """Answers in turn what stands in `answers`; `heard` has (verb, path, key, body)."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            octets = self.rfile.read(int(self.headers.get("content-length", 0)))
            key = self.headers["authorization"]
            self.server.heard.append((self.command, self.path, key, octets))
            status, body, headers = self.server.answers.pop(0)
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - names of http.server

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.heard, server.answers, server.waits = [], [], []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(served, path=""):
    url = f"http://127.0.0.1:{served.server_port}{path}"
    return HttpApiClient(url, "pf_key", wait=served.waits.append)


def test_an_answer_is_returned_and_the_key_and_body_were_sent(served):
    served.answers = [(200, b'{"id": "7"}', {})]
    assert client(served, "/v1").ask("POST", "/templates", {"name": "x"}) == {"id": "7"}
    [(verb, path, key, body)] = served.heard
    assert (verb, path, key) == ("POST", "/v1/templates", "Bearer pf_key")
    assert json.loads(body) == {"name": "x"}


def test_a_refusal_is_told_in_the_servers_words_one_reason_a_line(served):
    errors = [{"message": "a is wrong"}, {"message": "b is wrong"}]
    served.answers = [
        (422, json.dumps({"message": "a", "errors": errors}).encode(), {}),
        (401, b'{"message": "no scope"}', {}),
    ]
    for said in ("a is wrong\nb is wrong", "no scope"):
        with pytest.raises(RefusedError, match=f"^{said}$"):
            client(served).ask("GET", "/templates")


def test_it_waits_as_long_as_the_server_says_and_asks_again(served):
    served.answers = [
        (429, b"{}", {"retry-after": "3"}), (503, b"{}", {"retry-after": "9999"}), (200, b"{}", {}),
    ]  # fmt: skip
    assert client(served).ask("GET", "/templates") == {}
    assert served.waits == [3, 60]


def test_it_gives_up_without_waiting_once_more(served):
    served.answers = [(503, b"{}", {"retry-after": "²"})] * API_TRIES
    with pytest.raises(RefusedError):
        client(served).ask("GET", "/x")
    assert served.waits == [1] * (API_TRIES - 1)


@pytest.mark.parametrize(
    "answer", [(200, b"<html>", {}), (302, b"", {"location": "/"}), (200, b"[]", {})]
)
def test_what_is_no_answer_of_penfold_is_told(served, answer):
    served.answers = [answer]
    with pytest.raises(RefusedError, match="is --url right"):
        client(served).ask("GET", "/templates")


def test_nobody_there_is_told(served):
    gone = HttpApiClient("http://127.0.0.1:9", "k", wait=served.waits.append)
    with pytest.raises(RefusedError, match="does not answer"):
        gone.ask("GET", "/templates")


@pytest.mark.parametrize(
    "url", ["http://mail.example", "http://127.0.0.1.mail.example", "ftp://localhost", "x", ""]
)
def test_a_key_goes_to_nobody_else_unencrypted(url):
    with pytest.raises(ParseError, match="https://"):
        HttpApiClient(url, "k", wait=print)


def test_a_key_with_a_line_break_is_refused():
    with pytest.raises(ParseError, match="no API key"):
        HttpApiClient("https://mail.example", "k\r\nX: y", wait=print)
