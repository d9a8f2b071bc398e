"""What hostile and careless peers send, through the real doors of a running server."""

import base64
import http.client
import json
import smtplib
import subprocess
from urllib.parse import urlsplit

import pytest

CRLF = b"\r\n"


class Door:
    """The API over bare HTTP, and the MX, of the shared server."""

    def __init__(self, server):
        self._server = server
        self._address = urlsplit(server.http)
        self._token = server.load_document("alice")["token"]

    def call(self, verb, path, body=None):
        connection = http.client.HTTPConnection(
            self._address.hostname, self._address.port, timeout=60
        )
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(verb, f"/gmail/v1/users/me/{path}", text, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        return response.status, json.loads(answer) if answer else None

    def error(self, verb, path, body=None):
        status, answer = self.call(verb, path, body)
        error = answer["error"]
        assert error["code"] == status
        return status, error["errors"][0]["reason"], error["message"]

    def insert(self, raw):
        status, answer = self.call(
            "POST", "messages", {"raw": base64.urlsafe_b64encode(raw).decode()}
        )
        assert status == 200, answer
        return answer["id"]

    def smtp(self):
        host, port = self._server.smtp.split(":")
        return smtplib.SMTP(host, int(port), timeout=60)


@pytest.fixture(scope="module")
def door(server):
    return Door(server)


def nested_multiparts(depth):
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    )
    return head + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


HOSTILE = [
    pytest.param(nested_multiparts(10_000), id="10000-nested-parts"),
    pytest.param(b"X-H: v\r\n" * 100_000 + b"\r\nbody\r\n", id="100000-headers"),
    pytest.param(
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!=A=B\xff\r\n",
        id="broken-base64",
    ),
    pytest.param(b"Subject: a\x00b\r\n\r\nbo\x00dy\r\n", id="nul-octets"),
    pytest.param(b"Subject: " + b"x" * 2_000_000 + b"\r\n\r\nbody\r\n", id="endless-header-line"),
    pytest.param(b"Subject: s\r\n\r\n" + b"y" * 5_000_000, id="endless-body-line"),
    pytest.param(
        b'Content-Type: text/plain; charset="klingon-8"\r\n\r\n\xe4\xf6\xfc\r\n',
        id="unknown-charset",
    ),
    pytest.param(b"Content-Type: \xff\xfe;;;=;=\r\n\r\nx\r\n", id="unreadable-content-type"),
    pytest.param(b"\r\n", id="no-header-at-all"),
    pytest.param(b"=?utf-8?b?" + b"?=" * 50_000 + b"\r\n\r\n", id="broken-encoded-words"),
]


@pytest.mark.parametrize("raw", HOSTILE)
def test_hostile_message_is_stored_whole_and_every_format_answers(door, raw):
    message_id = door.insert(raw)
    status, answer = door.call("GET", f"messages/{message_id}?format=raw")
    assert status == 200
    assert base64.urlsafe_b64decode(answer["raw"]).endswith(raw)
    for format_ in ("minimal", "metadata", "full"):
        status, answer = door.call("GET", f"messages/{message_id}?format={format_}")
        assert status == 200
        assert answer["id"] == message_id


@pytest.mark.parametrize(
    ("verb", "path", "body", "expected"),
    [
        pytest.param(
            "GET",
            "messages/not-hex",
            None,
            (400, "invalidArgument", "Invalid id value"),
            id="id-not-hex",
        ),
        pytest.param(
            "GET",
            "messages/8000000000000000",
            None,
            (400, "invalidArgument", "Invalid id value"),
            id="id-too-large",
        ),
        pytest.param(
            "GET",
            "messages/7fffffffffffffff",
            None,
            (404, "notFound", "Requested entity was not found."),
            id="id-unknown",
        ),
        pytest.param(
            "GET",
            "messages?maxResults=0",
            None,
            (400, "invalidArgument", "Invalid maxResults"),
            id="no-results-wanted",
        ),
        pytest.param(
            "GET",
            "messages?pageToken=garbage",
            None,
            (400, "invalidArgument", "Invalid pageToken"),
            id="page-token",
        ),
        pytest.param(
            "GET",
            "messages?maxResults=x",
            None,
            (400, "invalid", "Invalid value at 'max_results' (TYPE_UINT32), \"x\""),
            id="max-results-type",
        ),
        pytest.param(
            "POST",
            "messages/send",
            {},
            (
                400,
                "invalidArgument",
                "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
            ),
            id="no-raw",
        ),
        pytest.param(
            "POST",
            "messages/send",
            {"raw": base64.urlsafe_b64encode(b"Subject: x\r\n\r\n").decode()},
            (400, "invalidArgument", "Recipient address required"),
            id="no-recipient",
        ),
        pytest.param(
            "POST",
            "messages/send",
            {"raw": base64.urlsafe_b64encode(b"To: <<>>@\r\n\r\n").decode()},
            (400, "invalidArgument", "Invalid To header"),
            id="unreadable-recipient",
        ),
        pytest.param(
            "POST",
            "labels",
            {"name": "inbox"},
            (400, "invalidArgument", "Invalid label name"),
            id="reserved-label",
        ),
        pytest.param(
            "GET",
            "history?startHistoryId=99999999999",
            None,
            (404, "notFound", "Requested entity was not found."),
            id="future-history",
        ),
    ],
)
def test_precise_error_of_the_catalogue(door, verb, path, body, expected):
    assert door.error(verb, path, body) == expected


@pytest.mark.parametrize(
    ("body", "start"),
    [
        pytest.param(
            b'{"raw": "***"}',
            "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed for \"***\"",
            id="bad-base64url",
        ),
        pytest.param(
            b'{"colour": "red"}',
            'Invalid JSON payload received. Unknown name "colour"',
            id="unknown-member",
        ),
        pytest.param(b'{"raw": ', "Invalid JSON payload received.", id="broken-json"),
        pytest.param(b"[" * 100_000, "Invalid JSON payload received.", id="deep-json"),
    ],
)
def test_bad_body_is_refused_with_google_text(door, body, start):
    status, _, message = door.error("POST", "messages/send", body)
    assert status == 400
    assert message.startswith(start)


def test_errors_of_smtp_are_precise_and_the_session_lives_on(door):
    with door.smtp() as smtp:
        smtp.ehlo("probe.example")
        assert smtp.mail("w@sender.example")[0] == 250
        code, text = smtp.rcpt("nobody@penfold.test")
        assert (code, text[:5]) == (550, b"5.1.1")
        code, text = smtp.rcpt("someone@elsewhere.example")
        assert code == 550
        assert text.startswith(b"5.7.")
        assert smtp.rcpt("alice@penfold.test")[0] == 250
        assert smtp.data(b"Subject: after errors\r\n\r\nstill here\r\n")[0] == 250


def test_addresses_called_like_statements_or_paths_are_addresses(door):
    for name in ("' OR 1=1; --", "'; DROP TABLE account; --", "../../x", "%' UNION SELECT 1 --"):
        sender = f'"{name}"@sender.example'
        with door.smtp() as smtp:
            assert smtp.docmd("EHLO", name)[0] == 501
            smtp.ehlo("probe.example")
            assert smtp.docmd(f"MAIL FROM:<{sender}>")[0] == 250
            assert smtp.docmd(f'RCPT TO:<"{name}"@penfold.test>')[:1] == (550,)
            assert smtp.docmd("RCPT TO:<alice@penfold.test>")[0] == 250
            assert smtp.data(b"Subject: as it was\r\n\r\nx\r\n")[0] == 250
        _, found = door.call("GET", "messages?q=subject:(as%20it%20was)&maxResults=1")
        _, shown = door.call("GET", f"messages/{found['messages'][0]['id']}?format=metadata")
        headers = {each["name"]: each["value"] for each in shown["payload"]["headers"]}
        assert headers["Return-Path"] == f"<{sender}>"


def test_message_larger_than_announced_limit_is_refused_at_mail(door):
    with door.smtp() as smtp:
        smtp.ehlo("probe.example")
        limit = int(smtp.esmtp_features["size"])
        code, text = smtp.mail("w@sender.example", [f"SIZE={limit + 1}"])
        assert (code, text[:5]) == (552, b"5.3.4")


def test_lone_lf_does_not_smuggle_a_second_message(door):
    with door.smtp() as smtp:
        smtp.ehlo("probe.example")
        smtp.mail("w@sender.example")
        smtp.rcpt("alice@penfold.test")
        smtp.docmd("DATA")
        smtp.send(b"Subject: one\r\n\r\nx\n.\nMAIL FROM:<evil@x.example>\r\n.\r\n")
        code, _ = smtp.getreply()
        assert code >= 500
        assert smtp.noop()[0] == 250


def memory_of(server):
    """Return the resident kilobytes of the server's processes."""
    pids = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    listing = ["ps", "-o", "rss=", "-p", ",".join([*pids, str(server.process.pid)])]
    output = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    return sum(map(int, output.split()))


def test_memory_stays_bounded_after_large_mail(door, server):
    before = memory_of(server)
    body = b"z" * 998 + CRLF
    for _ in range(3):
        with door.smtp() as smtp:
            smtp.sendmail(
                "w@sender.example", ["alice@penfold.test"], b"Subject: big\r\n\r\n" + body * 20_000
            )
    grown = memory_of(server) - before
    assert grown < 200_000, f"{grown} kB more than before three mails of 20 MB"
