"""docs/push.md runs as printed, and a real subscriber gets every change there was."""

import base64
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from penfold.testing.server import serve, start

PAGE = Path(__file__).parents[2] / "docs" / "push.md"


class Subscriber:
    """An HTTP server for pushes. status: what it answers, 0 to hang up."""

    def __init__(self, port=0, *, status=204):
        self.status = status
        self.got = []
        self._news = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._news:
                    outer.got.append((dict(self.headers), json.loads(body)))
                    outer._news.notify_all()
                if outer.status:
                    self.send_response(outer.status)
                    self.end_headers()

            def log_message(self, *_args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?token=t"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, wanted, *, timeout_s=20):
        """Wait until this is true of what came so far."""
        with self._news:
            assert self._news.wait_for(lambda: wanted(self.got), timeout_s), self.got

    def told(self):
        return [json.loads(base64.b64decode(body["message"]["data"])) for _, body in self.got]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def subscribers():
    made = []

    def make(*args, **kwargs):
        made.append(Subscriber(*args, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Desk:
    """Gmail and Pub/Sub of a running server, through Google's client."""

    def __init__(self, server, *, anonymous=False):
        self.server = server
        self.project = server.load_document("client_secret")["installed"]["project_id"]
        path = str(server.data / "credentials" / "alice.json")
        alice = Credentials.from_authorized_user_file(path)
        here = {"api_endpoint": server.http}
        gmail = build("gmail", "v1", credentials=alice, client_options=here)
        pubsub = build(
            "pubsub",
            "v1",
            credentials=AnonymousCredentials() if anonymous else alice,
            client_options={"api_endpoint": f"{server.http}/pubsub"},
        )
        self._clients = (gmail, pubsub)
        self.gmail, self.pubsub = gmail.users(), pubsub.projects()
        self.topics, self.subscriptions = self.pubsub.topics(), self.pubsub.subscriptions()

    def close(self):
        for client in self._clients:
            client.close()

    def topic(self, name):
        full = f"projects/{self.project}/topics/{name}"
        self.topics.create(name=full, body={}).execute()
        return full

    def subscribe(self, name, topic, **settings):
        full = f"projects/{self.project}/subscriptions/{name}"
        return self.subscriptions.create(name=full, body={"topic": topic, **settings}).execute()

    def pull(self, subscription, **members):
        body = {"maxMessages": 100, **members}
        found = self.subscriptions.pull(subscription=subscription, body=body).execute()
        return found.get("receivedMessages", [])

    def take(self, subscription):
        """Pull and acknowledge what comes; return the notifications."""
        found = self.pull(subscription)
        if found:
            body = {"ackIds": [each["ackId"] for each in found]}
            self.subscriptions.acknowledge(subscription=subscription, body=body).execute()
        return [json.loads(base64.b64decode(each["message"]["data"])) for each in found]

    def insert(self, subject="x"):
        raw = base64.urlsafe_b64encode(f"Subject: {subject}\r\n\r\nbody".encode()).decode()
        body = {"raw": raw, "labelIds": ["INBOX", "UNREAD"]}
        return self.gmail.messages().insert(userId="me", body=body).execute()["id"]

    def history_id(self):
        return int(self.gmail.getProfile(userId="me").execute()["historyId"])

    def list_added(self, start):
        answer = self.gmail.history().list(userId="me", startHistoryId=start).execute()
        return [
            added["message"]["id"]
            for record in answer.get("history", [])
            for added in record.get("messagesAdded", [])
        ]


@pytest.fixture
def visit():
    """Return a function that goes to the desk of a server."""
    desks = []

    def visit(server, **options):
        desks.append(Desk(server, **options))
        return desks[-1]

    yield visit
    for desk in desks:
        desk.close()


@pytest.fixture
def own(tmp_path):
    with serve(tmp_path / "data", log=tmp_path / "log") as server:
        yield server


def test_the_page_runs_as_printed(request, own, subscribers, visit):
    hook = subscribers()
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = "\n".join(blocks).replace("penfold-data/", f"{own.data}/")
    code = code.replace("127.0.0.1:8025", own.http.removeprefix("http://"))
    code = code.replace("127.0.0.1:9000", f"127.0.0.1:{hook.port}")
    names = {}
    request.addfinalizer(lambda: [names[each].close() for each in ("gmail", "pubsub")])
    exec(compile(code, str(PAGE), "exec"), names)
    assert [each["message"]["messageId"] for each in names["found"]["receivedMessages"]] == ["1"]
    visit(own).insert()
    hook.wait(lambda got: got)
    headers, body = hook.got[0]
    assert body["subscription"].endswith("/subscriptions/mail-push")
    claims = names["check"](headers["Authorization"].removeprefix("Bearer "))
    assert claims["email"] == names["push"]["oidcToken"]["serviceAccountEmail"]
    assert claims["email_verified"] is True
    assert claims["exp"] - claims["iat"] <= 3_600
    # Who gets the pushes, or is sent one back, cannot call anything with what signs them.
    for path in ("/gmail/v1/users/me/profile", "/v1/userinfo", "/admin/v1/users"):
        sent = {"Authorization": headers["Authorization"]}
        assert httpx.get(own.http + path, headers=sent).status_code == 401
    with pytest.raises(ValueError, match="audience"):
        id_token.verify_token(
            headers["Authorization"].removeprefix("Bearer "),
            Request(),
            audience="another",
            certs_url=f"{own.http}/oauth2/v1/certs",
        )


@pytest.mark.parametrize("anonymous", [False, True], ids=["token", "none"])
def test_googles_client_makes_publishes_pulls_and_acknowledges(server, anonymous, visit):
    desk = visit(server, anonymous=anonymous)
    word = f"client-{anonymous}".lower()
    topic = desk.topic(word)
    name = desk.subscribe(word, topic)["name"]
    body = {"messages": [{"data": "eA==", "attributes": {"k": "v"}}, {"data": "eQ=="}]}
    ids = desk.topics.publish(topic=topic, body=body).execute()["messageIds"]
    first, second = desk.pull(name)
    assert [first["message"]["messageId"], second["message"]["messageId"]] == ids
    assert first["message"]["attributes"] == {"k": "v"}
    done = {"ackIds": [first["ackId"], second["ackId"]]}
    assert desk.subscriptions.acknowledge(subscription=name, body=done).execute() == {}
    assert desk.pull(name, returnImmediately=True) == []
    listed = desk.topics.subscriptions().list(topic=topic).execute()
    assert listed == {"subscriptions": [name]}
    assert desk.subscriptions.delete(subscription=name).execute() == {}
    assert desk.topics.delete(topic=topic).execute() == {}
    with pytest.raises(HttpError, match="Resource not found"):
        desk.topics.get(topic=topic).execute()


def test_a_subscriber_that_fails_and_restarts_catches_up_with_history(own, subscribers, visit):
    desk, hook = visit(own), subscribers(status=500)
    topic = desk.topic("mail")
    desk.subscribe("hook", topic, pushConfig={"pushEndpoint": hook.url})
    start = int(desk.gmail.watch(userId="me", body={"topicName": topic}).execute()["historyId"])
    hook.wait(lambda got: len(got) >= 2)  # refused, and sent again
    port = hook.port
    hook.close()
    added = [desk.insert(f"while it was away {number}") for number in range(5)]
    hook = subscribers(port)
    added.append(desk.insert("after"))
    latest = desk.history_id()
    hook.wait(lambda _got: any(told["historyId"] == latest for told in hook.told()))
    seen, last = [], start
    for told in hook.told():
        assert told["emailAddress"] == "alice@penfold.test"
        if told["historyId"] > last:
            seen += [each for each in desk.list_added(last) if each not in seen]
            last = told["historyId"]
    assert seen == added


def test_a_change_right_before_a_kill_is_told_after_the_restart(tmp_path, visit):
    data, log = tmp_path / "data", tmp_path / "log"
    server = start(data, log=log)
    try:
        desk = visit(server)
        topic = desk.topic("mail")
        name = desk.subscribe("sub", topic)["name"]
        desk.gmail.watch(userId="me", body={"topicName": topic}).execute()
        assert len(desk.take(name)) == 1
        halted = stop_mail_process(server)  # so that nobody tells before the kill
        desk.insert()
        latest = desk.history_id()
    finally:
        os.kill(server.process.pid, signal.SIGKILL)
        os.kill(halted, signal.SIGKILL)  # halted, it cannot see that its supervisor is gone
        server.process.wait(15)
    server = start(data, log=log)
    try:
        assert [told["historyId"] for told in visit(server).take(name)] == [latest]
    finally:
        server.stop()


def fetch(request):
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def stop_mail_process(server):
    """Halt the process that notices changes, as if the machine were too busy; return its id."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    [line] = [line for line in listing.splitlines() if "penfold.app.process.worker mail" in line]
    halted = int(line.split()[0])
    os.kill(halted, signal.SIGSTOP)
    return halted


def test_what_is_refused_five_times_is_a_dead_letter(own, subscribers, visit):
    desk, hook = visit(own), subscribers(status=500)
    topic, dead = desk.topic("mail"), desk.topic("dead")
    graves = desk.subscribe("graves", dead)["name"]
    desk.subscribe(
        "hook",
        topic,
        pushConfig={"pushEndpoint": hook.url},
        deadLetterPolicy={"deadLetterTopic": dead, "maxDeliveryAttempts": 5},
    )
    desk.topics.publish(topic=topic, body={"messages": [{"data": "eA=="}]}).execute()
    [found] = desk.pull(graves)
    assert found["message"]["data"] == "eA=="
    count = "CloudPubSubDeadLetterSourceDeliveryCount"
    assert found["message"]["attributes"][count] == "5"
    assert [body["deliveryAttempt"] for _, body in hook.got] == [1, 2, 3, 4, 5]


def test_a_client_that_left_while_it_waited_takes_no_message_along(server, visit):
    desk = visit(server)
    topic = desk.topic("left")
    name = desk.subscribe("left", topic)["name"]
    address = urllib.parse.urlsplit(server.http)
    body = b'{"maxMessages":1}'
    head = f"POST /pubsub/v1/{name}:pull HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(3):
        with socket.create_connection((address.hostname, address.port), 5) as client:
            client.sendall(head.encode() + body)
    desk.pull(name, returnImmediately=True)  # a round trip: the server has seen them leave
    desk.topics.publish(topic=topic, body={"messages": [{"data": "eA=="}]}).execute()
    assert len(desk.pull(name)) == 1


def test_a_page_in_a_browser_is_not_let_in(server, visit):
    desk = visit(server)
    url = f"{server.http}/pubsub/v1/projects/{desk.project}/topics"
    assert fetch(url) == 200
    request = urllib.request.Request(url, headers={"Origin": "https://evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetch(request)
