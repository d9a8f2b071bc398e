"""What only the wire shows: compression, HEAD, and a browser's questions, on a running server."""

import gzip
import http.client
import json
from urllib.parse import urlsplit

import pytest

LABELS = "/gmail/v1/users/me/labels"


@pytest.fixture
def ask(server):
    connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=30)
    token = server.load_document("alice")["token"]

    def ask(verb, target, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(verb, target, headers={"Authorization": f"Bearer {token}", **headers})
        reply = connection.getresponse()
        return reply, reply.read()

    yield ask
    connection.close()


def test_a_large_answer_is_smaller_on_the_wire(ask, alice):
    made = [
        alice.labels().create(userId="me", body={"name": f"A long name to compress {n}"}).execute()
        for n in range(80)
    ]
    _, plain = ask("GET", LABELS)
    reply, packed = ask("GET", LABELS, accept_encoding="gzip, deflate")
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 5
    # Google's client asks for gzip by itself, and reads it.
    assert len(alice.labels().list(userId="me").execute()["labels"]) == len(
        json.loads(plain)["labels"]
    )
    for label in made:
        alice.labels().delete(userId="me", id=label["id"]).execute()


def test_head_has_no_body_and_the_connection_goes_on(ask):
    reply, body = ask("HEAD", LABELS)
    assert (reply.status, body) == (404, b"")
    assert ask("GET", f"{LABELS}/INBOX")[0].status == 200


def test_a_browser_is_let_in(ask):
    reply, _ = ask("OPTIONS", "/batch/gmail/v1", origin="https://app.example")
    assert (reply.status, reply.headers["access-control-max-age"]) == (200, "3600")
    reply, _ = ask("GET", LABELS, origin="https://app.example")
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
