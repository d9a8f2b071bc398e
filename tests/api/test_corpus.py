"""Thousands of mails and CPython's own corpus go in by SMTP and by import, and come back whole."""

import base64
import http.client
import json
import os
import re
import smtplib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from penfold.testing.mail import MailGenerator
from penfold.testing.server import serve

GENERATED = int(os.environ.get("PENFOLD_MAILS", "500"))
SESSIONS = 4
MBOX_LINE = re.compile(rb"(?:From [^\r\n]*\r\n)?")
TRACE = re.compile(
    rb"Delivered-To: [^\r]*\r\nReturn-Path: [^\r]*\r\nReceived: [^\r]*\r\n(?:[ \t][^\r]*\r\n)*"
)
LINE_END = re.compile(rb"\r\n|\r|\n")


class Api:
    """Bare HTTP with JSON: the client library would take most of the test's time."""

    def __init__(self, server, account):
        address = urlsplit(server.http)
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        token = server.load_document(account)["token"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def close(self):
        self._connection.close()

    def call(self, verb, path, body=None):
        text = None if body is None else json.dumps(body)
        self._connection.request(verb, f"/gmail/v1/users/me/{path}", text, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        return json.loads(answer)

    def ids(self):
        token = ""
        while True:
            page = self.call("GET", f"messages?maxResults=500&pageToken={token}")
            yield from (message["id"] for message in page.get("messages", ()))
            token = page.get("nextPageToken")
            if not token:
                return

    def raw(self, message_id):
        answer = self.call("GET", f"messages/{message_id}?format=raw&prettyPrint=false")
        return base64.urlsafe_b64decode(answer["raw"])


@pytest.fixture
def own_server(tmp_path):
    with serve(tmp_path / "data", log=tmp_path / "log") as running:
        yield running


@pytest.fixture
def api(own_server):
    with closing(Api(own_server, "alice")) as api:
        yield api


def cpython_corpus():
    test_email = pytest.importorskip("test.test_email", reason="CPython's test suite is not here")
    folder = Path(test_email.__file__).parent / "data"
    texts = [LINE_END.sub(b"\r\n", path.read_bytes()) for path in sorted(folder.glob("*.txt"))]
    return [text if text.endswith(b"\r\n") else text + b"\r\n" for text in texts]  # as SMTP does


def send_all(server, messages):
    host, port = server.smtp.split(":")
    with smtplib.SMTP(host, int(port), timeout=60) as smtp:
        for message in messages:
            smtp.sendmail(
                "writer@sender.example", ["alice@penfold.test"], message, ["BODY=8BITMIME"]
            )


def in_parallel(server, messages):
    with ThreadPoolExecutor(SESSIONS) as pool:
        shares = [messages[n::SESSIONS] for n in range(SESSIONS)]
        list(pool.map(lambda share: send_all(server, share), shares))


def everything_stored(api):
    return [api.raw(message_id) for message_id in api.ids()]


def without_trace(raw):
    """Return what came in: the octets from behind our Received field on.

    An mbox `From ` line, which is no field, stays at the very top, where readers pass over it.
    """
    line = MBOX_LINE.match(raw)[0]
    return line + TRACE.sub(b"", raw[len(line) :], count=1)


def assert_each_is_there_once(stored, messages):
    """A message without any header has an empty line between our fields and its text."""
    came = sorted(without_trace(raw).removeprefix(b"\r\n") for raw in stored)
    assert came == sorted(message.removeprefix(b"\r\n") for message in messages)


def test_generated_mail_by_smtp_comes_back_octet_for_octet(own_server, api):
    messages = list(MailGenerator(1).messages(GENERATED))
    in_parallel(own_server, messages)
    stored = {find_message_id(raw): raw for raw in everything_stored(api)}
    assert len(stored) == GENERATED
    for message in messages:
        assert stored[find_message_id(message)].endswith(message)


def test_generated_mail_by_import_comes_back_octet_for_octet(api):
    messages = list(MailGenerator(2).messages(GENERATED))
    for message in messages:
        raw = base64.urlsafe_b64encode(message).decode()
        answer = api.call("POST", "messages/import", {"raw": raw})
        assert answer["id"]
    stored = {find_message_id(raw): raw for raw in everything_stored(api)}
    assert len(stored) == GENERATED
    for message in messages:
        assert stored[find_message_id(message)].endswith(message)


def test_cpython_corpus_by_smtp_and_import_comes_back_and_every_format_answers(own_server, api):
    messages = cpython_corpus()
    send_all(own_server, messages)
    assert_each_is_there_once(everything_stored(api), messages)
    for message in messages:
        raw = base64.urlsafe_b64encode(message).decode()
        message_id = api.call("POST", "messages/import", {"raw": raw})["id"]
        assert api.raw(message_id) == message
        full = api.call("GET", f"messages/{message_id}")
        assert full["payload"]["mimeType"]


def find_message_id(raw):
    return re.search(rb"(?im)^Message-ID: *(<[^>]+>)", raw)[1]
