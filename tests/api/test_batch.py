"""Batches by Google's client, and the octets other clients send, against a running server."""

import base64
import gc
import http.client
import json
from email.parser import BytesParser
from urllib.parse import urlsplit

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

USER = "/gmail/v1/users/me"


@pytest.fixture
def gmail(connect):
    return connect("alice")


def gather(batch):
    """Execute the batch and return what each callback got, by request id."""
    answers = {}

    def note(request_id, answer, error):
        answers[request_id] = error or answer

    batch._callback = note
    batch.execute()
    return answers


def test_python_gets_a_hundred_mixed_answers_with_failures_inside(gmail):
    labels, messages = gmail.users().labels(), gmail.users().messages()
    batch = gmail.new_batch_http_request()
    for number in range(40):
        batch.add(
            labels.create(userId="me", body={"name": f"In a batch {number}"}),
            request_id=f"make a/b+{number}",
        )
    for number in range(30):
        batch.add(gmail.users().getProfile(userId="me"), request_id=f"profile-{number}")
    for number in range(29):
        batch.add(messages.get(userId="me", id=f"7ffffffffffffff{number % 10}"))
    batch.add(messages.get(userId="me", id="no id"), request_id="bad")
    answers = gather(batch)
    assert len(answers) == 100
    made = [answers[f"make a/b+{n}"] for n in range(40)]
    assert [label["name"] for label in made] == [f"In a batch {n}" for n in range(40)]
    assert answers["profile-0"]["emailAddress"] == "alice@penfold.test"
    assert answers["bad"].resp.status == 400
    assert answers["bad"].reason == "Invalid id value"
    assert [answers[str(n)].resp.status for n in range(1, 30)] == [404] * 29

    rest = gmail.new_batch_http_request()
    for label in made:
        rest.add(labels.delete(userId="me", id=label["id"]))
    assert set(gather(rest).values()) == {""}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_python_sends_a_part_that_answers_401_again_with_a_new_token(server):
    """The batch is sent with a dead token; the library refreshes and repeats its parts."""
    known = server.load_document("alice")
    names = ("refresh_token", "client_id", "client_secret", "token_uri")
    credentials = Credentials("ya29.dead", **{name: known[name] for name in names})
    client = build(
        "gmail",
        "v1",
        credentials=credentials,
        discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )
    batch = client.new_batch_http_request()
    for number in range(3):
        batch.add(client.users().getProfile(userId="me"), request_id=f"profile {number}")
    answers = gather(batch)
    client.close()
    del client, batch
    gc.collect()  # the library leaves the connection of its refresh open; here, not in a later test
    assert {answer["emailAddress"] for answer in answers.values()} == {"alice@penfold.test"}
    assert len(answers) == 3
    assert credentials.token != "ya29.dead"


def test_python_is_told_that_a_hundred_and_one_are_too_many(gmail):
    batch = gmail.new_batch_http_request()
    for _ in range(101):
        batch.add(gmail.users().getProfile(userId="me"))
    with pytest.raises(HttpError) as caught:
        batch.execute()
    assert caught.value.resp.status == 400
    assert caught.value.reason == (
        "Inner request count exceeds the limit. Received: 101, Limit: 100"
    )


def post(server, kind, body):
    """Send raw octets to /batch/gmail/v1; return the parts of the answer."""
    connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=30)
    token = server.load_document("alice")["token"]
    headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
    connection.request("POST", "/batch/gmail/v1", body, headers)
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    assert reply.status == 200
    head = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode()
    return BytesParser().parsebytes(head + data).get_payload()


def test_nodes_octets_are_answered(server):
    body = (
        b"--batch_node\r\nContent-Type: application/http\r\nContent-ID: <item1:1@penfold.test>"
        b"\r\n\r\nGET https://www.googleapis.com" + USER.encode() + b"/profile HTTP/1.1\r\n\r\n"
        b"--batch_node\r\nContent-Type: application/http\r\n\r\nPOST " + USER.encode() +
        b"/messages/batchDelete HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
        b'{"ids": ["7fffffffffffffff"]}\r\n--batch_node--'
    )  # fmt: skip
    first, second = post(server, "multipart/mixed; boundary=batch_node", body)
    assert first["Content-ID"] == "<response-item1:1@penfold.test>"
    text = first.get_payload()
    assert text.startswith("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n")
    assert json.loads(text.partition("\r\n\r\n")[2])["emailAddress"] == "alice@penfold.test"
    assert second["Content-ID"] is None
    assert second.get_payload().startswith("HTTP/1.1 204 No Content\r\n")


def test_javas_octets_are_answered(server):
    body = (
        b"--__END_OF_PART__1__\r\nContent-Length: 118\r\nContent-Type: application/http\r\n"
        b"content-id: 1\r\ncontent-transfer-encoding: binary\r\n\r\nGET " + server.http.encode() +
        USER.encode() + b"/labels/INBOX HTTP/1.1\r\nAccept-Encoding: gzip\r\n"
        b"User-Agent: Google-HTTP-Java-Client (gzip)\r\n\r\n\r\n--__END_OF_PART__1__--\r\n"
    )  # fmt: skip
    [only] = post(server, "multipart/mixed; boundary=__END_OF_PART__1__", body)
    assert only["Content-ID"] == "response-1"
    status, _, answer = only.get_payload().partition("\r\n")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(answer.partition("\r\n\r\n")[2])["id"] == "INBOX"


def test_oddity_34_fifty_deleted_messages_are_404_each_and_never_400(gmail, alice):
    raw = base64.urlsafe_b64encode(b"To: a@b.test\r\n\r\nx").decode()
    ids = [alice.messages().insert(userId="me", body={"raw": raw}).execute()["id"] for _ in "ab"]
    alice.messages().batchDelete(userId="me", body={"ids": ids}).execute()
    batch = gmail.new_batch_http_request()
    for number in range(50):
        batch.add(alice.messages().get(userId="me", id=ids[number % 2], format="minimal"))
    assert [answer.resp.status for answer in gather(batch).values()] == [404] * 50


def test_a_batch_answer_larger_than_is_held_arrives_whole(gmail, alice):
    text = b"x" * 300_000
    raw = base64.urlsafe_b64encode(b"To: a@b.test\r\n\r\n" + text).decode()
    large = alice.messages().insert(userId="me", body={"raw": raw}).execute()["id"]
    batch = gmail.new_batch_http_request()
    for _ in range(12):
        batch.add(alice.messages().get(userId="me", id=large, format="raw"))
    answers = gather(batch)
    assert {answer["raw"] for answer in answers.values()} == {raw}
    assert len(answers) == 12
    alice.messages().delete(userId="me", id=large).execute()
