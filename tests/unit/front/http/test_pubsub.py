"""Pub/Sub over HTTP: who is let in, what is refused, what answers look like."""

import asyncio
import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.front.http.conftest import ask_app

from penfold.base.clock import FixedClock
from penfold.base.limits import PUBSUB_BODY_MAX_BYTES
from penfold.domain.push.pubsub import Pubsub
from penfold.domain.push.subscriptions import Rules
from penfold.front.http.pubsub import PubsubApi
from penfold.spec.scopes import CLOUD_PLATFORM, FULL, PUBSUB, READONLY
from penfold.testing.directory import MemoryDirectory
from penfold.testing.pubsub import MemoryPubsub

PROJECT = "penfold-100000000001"
TOPICS = f"/pubsub/v1/projects/{PROJECT}/topics"
SUBS = f"/pubsub/v1/projects/{PROJECT}/subscriptions"
TOPIC = f"projects/{PROJECT}/topics/mail"
SUB = f"projects/{PROJECT}/subscriptions/sub"
SERVICE = "svc@penfold-1.iam.penfold"


class Desk:
    def __init__(self, *, open_door=True, plain=True):
        self.clock = FixedClock()
        self.book = MemoryPubsub()
        self.directory = MemoryDirectory(clock=self.clock)
        self.alice = self.directory.seed_account("alice@penfold.test")
        self.facts = []
        self.api = PubsubApi(
            Pubsub(self.book, Rules(plain, lambda email: email == SERVICE)),
            self.directory,
            clock=self.clock,
            open_door=open_door,
            make_request_id=lambda: "r1",
            observe=self.facts.append,
        )
        self.token = self.directory.seed_token(self.alice)

    @property
    def failures(self):
        return [facts.error for facts in self.facts if facts.error]

    async def _ask(self, app, *args, client="127.0.0.1", **kwargs):
        async def with_client(scope, receive, send):
            scope["client"] = (client, 1)
            await app(scope, receive, send)

        return await ask_app(with_client, *args, **kwargs)

    def ask(self, verb, target, value=None, *, token="", headers=None, **kwargs):
        headers = {"content-type": "application/json"} | (headers or {})
        if value is not None:
            kwargs["body"] = json.dumps(value).encode()
        token = self.token if token == "" else token
        return asyncio.run(
            self._ask(self.api, verb, target, token=token, headers=headers, **kwargs)
        )

    def make(self, **settings):
        assert self.ask("PUT", f"{TOPICS}/mail", {}).status == 200
        reply = self.ask("PUT", f"{SUBS}/sub", {"topic": TOPIC, **settings})
        assert reply.status == 200, reply.body
        return reply.json

    def publish(self, *texts):
        messages = [{"data": base64.b64encode(text).decode()} for text in texts]
        return self.ask("POST", f"{TOPICS}/mail:publish", {"messages": messages}).json

    def pull(self, **members):
        body = {"maxMessages": 10, "returnImmediately": True} | members
        return self.ask("POST", f"{SUBS}/sub:pull", body).json.get("receivedMessages", [])


@pytest.fixture
def desk():
    return Desk()


# --- who is let in


def test_without_a_token_programs_on_this_machine_are_let_in(desk):
    assert desk.ask("GET", TOPICS, token=None).status == 200
    assert desk.ask("PUT", "/pubsub/v1/projects/any-name/topics/mail", {}, token=None).status == 200


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"origin": "https://evil.example"}},
        {"headers": {"sec-fetch-site": "cross-site"}},
        {"headers": {"x-forwarded-for": "127.0.0.1"}},
        {"client": "192.0.2.7"},
    ],
    ids=["page", "page-get", "forwarded", "elsewhere"],
)
def test_without_a_token_nobody_else_is(desk, how):
    reply = desk.ask("GET", TOPICS, token=None, **how)
    assert (reply.status, reply.error["status"]) == (401, "UNAUTHENTICATED")


def test_where_the_door_is_shut_a_token_is_needed():
    desk = Desk(open_door=False)
    assert desk.ask("GET", TOPICS, token=None).status == 401
    assert desk.ask("GET", TOPICS).status == 200


@pytest.mark.parametrize(
    ("scope", "status"), [(PUBSUB, 200), (CLOUD_PLATFORM, 200), (FULL, 200), (READONLY, 403)]
)
def test_a_token_needs_one_of_three_scopes(desk, scope, status):
    token = desk.directory.seed_token(desk.alice, frozenset({scope.url}))
    assert desk.ask("GET", TOPICS, token=token).status == status


def test_a_token_is_good_for_its_own_project_by_id_and_number(desk):
    assert desk.ask("GET", "/pubsub/v1/projects/100000000001/topics").status == 200
    reply = desk.ask("GET", "/pubsub/v1/projects/penfold-2/topics")
    assert reply.error == {
        "code": 403,
        "message": "User not authorized to perform this action.",
        "status": "PERMISSION_DENIED",
    }
    assert desk.ask("GET", TOPICS, token="nonsense").status == 401


# --- addresses and errors


def test_errors_are_in_googles_envelope_without_a_list(desk):
    desk.make()
    absent = desk.ask("GET", f"{TOPICS}/absent")
    assert absent.status == 404
    assert absent.error == {
        "code": 404,
        "message": "Resource not found (resource=absent).",
        "status": "NOT_FOUND",
    }
    taken = desk.ask("PUT", f"{TOPICS}/mail", {})
    assert (taken.status, taken.error["status"]) == (409, "ALREADY_EXISTS")
    assert taken.headers["content-type"] == "application/json; charset=UTF-8"


def test_each_request_is_observed_with_its_real_status(desk):
    desk.ask("PUT", f"{TOPICS}/mail", {"labels": {}})
    desk.ask("GET", f"{TOPICS}/absent")
    made, absent = desk.facts
    assert (made.method_id, made.status, made.received) == ("pubsub", 200, 14)
    assert (made.account_id, made.reason, made.request_id) == (desk.alice.id, "", "r1")
    assert (absent.status, absent.reason) == (404, "notFound")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/pubsub/v1"),
        ("GET", "/pubsub/v2/projects/p/topics"),
        ("POST", TOPICS),
        ("PUT", TOPICS),
        ("POST", f"{TOPICS}/mail:pull"),
        ("GET", f"{TOPICS}/mail/snapshots"),
        ("PATCH", f"{TOPICS}/mail"),
        ("POST", f"{SUBS}/sub:seek"),
        ("POST", f"{SUBS}/sub/x:pull"),
    ],
)
def test_what_is_not_served_is_not_found(desk, verb, path):
    reply = desk.ask(verb, path, {} if verb != "GET" else None)
    assert (reply.status, reply.error["message"]) == (404, "Method not found.")


@pytest.mark.parametrize("name", ["ab", "1abc", "googx", "a b", "a" * 256, "\u00e4bc", "a!b"])
def test_a_name_has_a_form(desk, name):
    reply = desk.ask("PUT", f"{TOPICS}/{name}", {})
    assert (reply.status, reply.error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_name_may_be_escaped_in_the_address(desk):
    assert desk.ask("PUT", f"{TOPICS}/a%2Bb~c", {}).json["name"].endswith("/topics/a+b~c")


def test_a_body_that_is_too_large_or_no_json_is_refused(desk):
    large = desk.ask("POST", f"{TOPICS}/mail:publish", body=b" " * (PUBSUB_BODY_MAX_BYTES + 1))
    assert large.status == 413
    assert desk.ask("PUT", f"{TOPICS}/mail", body=b"{").status == 400
    reply = desk.ask("PUT", f"{TOPICS}/mail", {"kmsKeyName": "x"})
    assert 'Unknown name "kmsKeyName"' in reply.error["message"]
    assert desk.ask("GET", f"{TOPICS}?page=2").status == 400
    assert desk.failures == []


# --- topics and subscriptions


def test_lists_come_in_pages(desk):
    for number in range(5):
        desk.ask("PUT", f"{TOPICS}/topic{number}", {})
    seen, token = [], ""
    while True:
        page = desk.ask("GET", f"{TOPICS}?pageSize=2&pageToken={token}").json
        seen += [topic["name"][-1] for topic in page["topics"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == list("01234")
    assert desk.ask("GET", f"{TOPICS}?pageToken=%21").status == 400
    assert desk.ask("GET", f"{TOPICS}?pageSize=-1").status == 400
    assert desk.ask("GET", SUBS).json == {}


def test_a_subscription_shows_its_settings_and_their_defaults(desk):
    assert desk.make() == {
        "name": SUB,
        "topic": TOPIC,
        "pushConfig": {},
        "ackDeadlineSeconds": 10,
        "messageRetentionDuration": "604800s",
        "expirationPolicy": {},
        "state": "ACTIVE",
    }
    assert desk.ask("GET", f"{TOPICS}/mail/subscriptions").json == {"subscriptions": [SUB]}
    assert desk.ask("GET", SUBS).json["subscriptions"][0]["name"] == SUB
    assert desk.ask("DELETE", f"{TOPICS}/mail").json == {}
    assert desk.ask("GET", f"{SUBS}/sub").json["topic"] == "_deleted-topic_"
    assert desk.ask("DELETE", f"{SUBS}/sub").json == {}
    assert desk.ask("GET", f"{SUBS}/sub").status == 404


FULL_SETTINGS = {
    "pushConfig": {
        "pushEndpoint": "https://push.example/hook?token=t",
        "attributes": {"x-goog-version": "v1"},
        "oidcToken": {"serviceAccountEmail": SERVICE, "audience": "aud"},
    },
    "ackDeadlineSeconds": 600,
    "messageRetentionDuration": "600s",
    "labels": {"a": "b"},
    "deadLetterPolicy": {
        "deadLetterTopic": f"projects/{PROJECT}/topics/dead",
        "maxDeliveryAttempts": 7,
    },
    "retryPolicy": {"minimumBackoff": "0.500s", "maximumBackoff": "600s"},
}


def test_what_was_set_is_shown_again(desk):
    desk.ask("PUT", f"{TOPICS}/dead", {})
    shown = desk.make(**FULL_SETTINGS)
    assert {name: shown[name] for name in FULL_SETTINGS} == FULL_SETTINGS


@pytest.mark.parametrize(
    "settings",
    [
        {"filter": "attributes.x"},
        {"enableMessageOrdering": True},
        {"enableExactlyOnceDelivery": True},
        {"retainAckedMessages": True},
        {"expirationPolicy": {"ttl": "86400s"}},
        {"pushConfig": {"pushEndpoint": "https://x.example/", "noWrapper": {}}},
        {"pushConfig": {"pushEndpoint": "https://x.example/", "attributes": {"a": "b"}}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_is_not_served_is_refused_and_not_ignored(desk, settings):
    desk.ask("PUT", f"{TOPICS}/mail", {})
    reply = desk.ask("PUT", f"{SUBS}/sub", {"topic": TOPIC, **settings})
    assert reply.status == 400
    assert "is not supported by this server" in reply.error["message"]
    assert desk.ask("GET", f"{SUBS}/sub").status == 404


@pytest.mark.parametrize(
    "settings",
    [
        {"topic": "mail"},
        {"labels": {"a": "b" * 64}},
        {"labels": {f"k{number}": "" for number in range(65)}},
        {"ackDeadlineSeconds": 9},
        {"ackDeadlineSeconds": 601},
        {"messageRetentionDuration": "599s"},
        {"messageRetentionDuration": "9999999s"},
        {"messageRetentionDuration": "7 days"},
        {"deadLetterPolicy": {"deadLetterTopic": TOPIC}},
        {"deadLetterPolicy": {"deadLetterTopic": f"{TOPIC}2", "maxDeliveryAttempts": 4}},
        {"deadLetterPolicy": {"deadLetterTopic": f"{TOPIC}2", "maxDeliveryAttempts": 101}},
        {"retryPolicy": {"minimumBackoff": "601s"}},
        {"retryPolicy": {"minimumBackoff": "20s", "maximumBackoff": "10s"}},
        {"pushConfig": {"pushEndpoint": "ftp://x.example/"}},
        {"pushConfig": {"pushEndpoint": "https://user@x.example/"}},
        {"pushConfig": {"pushEndpoint": "https://x.example/\r\nX: y"}},
        {"pushConfig": {"pushEndpoint": "https://x.example:99999/"}},
        {"pushConfig": {"pushEndpoint": "https:///path"}},
        {"pushConfig": {"pushEndpoint": "https://x.example/", "oidcToken": {"serviceAccountEmail": "a@b"}}},
    ],
    ids=lambda settings: repr(settings)[:60],
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(desk, settings):
    desk.ask("PUT", f"{TOPICS}/mail", {})
    reply = desk.ask("PUT", f"{SUBS}/sub", {"topic": TOPIC, **settings})
    assert (reply.status, reply.error["status"]) == (400, "INVALID_ARGUMENT")


def test_plain_http_is_pushed_to_in_local_mode_only():
    endpoint = {"pushConfig": {"pushEndpoint": "http://127.0.0.1:9/"}}
    Desk().make(**endpoint)
    desk = Desk(plain=False)
    desk.ask("PUT", f"{TOPICS}/mail", {})
    assert desk.ask("PUT", f"{SUBS}/sub", {"topic": TOPIC, **endpoint}).status == 400


def test_a_subscription_needs_its_topics(desk):
    assert desk.ask("PUT", f"{SUBS}/sub", {"topic": TOPIC}).status == 404
    desk.ask("PUT", f"{TOPICS}/mail", {})
    body = {"topic": TOPIC, "deadLetterPolicy": {"deadLetterTopic": f"{TOPIC}2"}}
    assert desk.ask("PUT", f"{SUBS}/sub", body).status == 404


def test_a_subscription_reaches_no_topic_of_another_project(desk):
    desk.make()
    desk.ask("PUT", "/pubsub/v1/projects/other-one/topics/mail", {}, token=None)
    other = "projects/other-one/topics/mail"
    reply = desk.ask("PUT", f"{SUBS}/sub2", {"topic": other})
    assert (reply.status, reply.error["status"]) == (403, "PERMISSION_DENIED")
    policy = {"deadLetterTopic": other}
    body = {"topic": TOPIC, "deadLetterPolicy": policy}
    assert desk.ask("PUT", f"{SUBS}/sub2", body).status == 403
    body = {"subscription": {"deadLetterPolicy": policy}, "updateMask": "deadLetterPolicy"}
    assert desk.ask("PATCH", f"{SUBS}/sub", body).status == 403


def test_patch_changes_what_the_mask_names_and_nothing_else(desk):
    before = desk.make(labels={"a": "b"}, ackDeadlineSeconds=20)
    body = {
        "subscription": {"name": SUB, "ackDeadlineSeconds": 30, "labels": {"c": "d"}},
        "updateMask": "ackDeadlineSeconds",
    }
    assert desk.ask("PATCH", f"{SUBS}/sub", body).json == before | {"ackDeadlineSeconds": 30}
    body["updateMask"] = "topic"
    assert desk.ask("PATCH", f"{SUBS}/sub", body).status == 400
    desk.ask("DELETE", f"{TOPICS}/mail")
    body["updateMask"] = "labels"
    assert desk.ask("PATCH", f"{SUBS}/sub", body).json["labels"] == {"c": "d"}


def test_the_push_endpoint_is_changed_and_taken_away(desk):
    desk.make()
    config = {"pushEndpoint": "https://x.example/"}
    assert desk.ask("POST", f"{SUBS}/sub:modifyPushConfig", {"pushConfig": config}).json == {}
    assert desk.ask("GET", f"{SUBS}/sub").json["pushConfig"] == config
    assert desk.ask("POST", f"{SUBS}/sub:pull", {"maxMessages": 1}).status == 400
    desk.ask("POST", f"{SUBS}/sub:modifyPushConfig", {"pushConfig": {}})
    assert desk.ask("GET", f"{SUBS}/sub").json["pushConfig"] == {}


def test_a_policy_is_kept_and_tested(desk):
    desk.make()
    none = desk.ask("GET", f"{TOPICS}/mail:getIamPolicy?options.requestedPolicyVersion=3").json
    assert "bindings" not in none
    policy = {"bindings": [{"role": "roles/pubsub.publisher", "members": ["user:a@b"]}]}
    put = desk.ask("POST", f"{TOPICS}/mail:setIamPolicy", {"policy": policy}).json
    assert put["bindings"] == policy["bindings"]
    assert desk.ask("GET", f"{TOPICS}/mail:getIamPolicy").json == put
    asked = {"permissions": ["pubsub.topics.publish"]}
    assert desk.ask("POST", f"{TOPICS}/mail:testIamPermissions", asked).json == asked


# --- messages


def test_what_was_published_is_pulled_and_acknowledged(desk):
    desk.make()
    assert desk.publish(b"\xfb\xff", b"two") == {"messageIds": ["1", "2"]}
    first, second = desk.pull()
    assert first == {
        "ackId": first["ackId"],
        "message": {"data": "+/8=", "messageId": "1", "publishTime": "2026-09-21T14:13:20Z"},
    }
    body = {"ackIds": [first["ackId"]]}
    assert desk.ask("POST", f"{SUBS}/sub:acknowledge", body).json == {}
    assert desk.pull() == []
    desk.clock.advance(s=10)
    [again] = desk.pull()
    assert again["message"] == second["message"]


def test_more_time_is_given_and_a_message_is_given_back(desk):
    desk.make()
    desk.publish(b"x")
    [found] = desk.pull()
    body = {"ackIds": [found["ackId"]], "ackDeadlineSeconds": 600}
    assert desk.ask("POST", f"{SUBS}/sub:modifyAckDeadline", body).json == {}
    desk.clock.advance(s=599)
    assert desk.pull() == []
    desk.ask("POST", f"{SUBS}/sub:modifyAckDeadline", body | {"ackDeadlineSeconds": 0})
    assert len(desk.pull()) == 1


def test_attempts_are_shown_with_a_dead_letter_policy_only(desk):
    desk.ask("PUT", f"{TOPICS}/dead", {})
    desk.make(deadLetterPolicy={"deadLetterTopic": f"projects/{PROJECT}/topics/dead"})
    desk.publish(b"x")
    for attempt in range(1, 6):
        [found] = desk.pull()
        assert found["deliveryAttempt"] == attempt
        desk.clock.advance(s=10)
    assert desk.pull() == []


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (f"{TOPICS}/mail:publish", {"messages": []}),
        (f"{TOPICS}/mail:publish", {"messages": [{}]}),
        (f"{TOPICS}/mail:publish", {"messages": [{"data": "!"}]}),
        (f"{TOPICS}/mail:publish", {"messages": [{"attributes": {"": "x"}}]}),
        (f"{TOPICS}/mail:publish", {"messages": [{"attributes": {"k": "x" * 1025}}]}),
        (f"{TOPICS}/mail:publish", {"messages": [{"attributes": {"k": 1}}]}),
        (f"{SUBS}/sub:pull", {"maxMessages": 0}),
        (f"{SUBS}/sub:pull", {}),
        (f"{SUBS}/sub:acknowledge", {}),
        (f"{SUBS}/sub:acknowledge", {"ackIds": ["x"]}),
        (f"{SUBS}/sub:modifyAckDeadline", {"ackIds": ["1.1"], "ackDeadlineSeconds": 601}),
        (f"{SUBS}/sub:modifyAckDeadline", {"ackIds": ["1.1"], "ackDeadlineSeconds": -1}),
    ],
)
def test_requests_that_make_no_sense_are_refused(desk, target, body):
    desk.make()
    reply = desk.ask("POST", target, body)
    assert (reply.status, reply.error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_full_backlog_is_said(desk):
    desk.make()
    desk.book._max_bytes = -1
    reply = desk.ask("POST", f"{TOPICS}/mail:publish", {"messages": [{"data": "eA=="}]})
    assert (reply.status, reply.error["status"]) == (429, "RESOURCE_EXHAUSTED")


# --- pulls that wait


class Waiting:
    """A client that asks for a message and stays, or leaves."""

    def __init__(self, desk):
        self.desk = desk
        self.left = asyncio.Event()
        self.answers = []

    async def ask(self):
        body = json.dumps({"maxMessages": 1}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            for message in messages:
                return message
            await self.left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            self.answers.append(message)

        scope = {
            "type": "http", "method": "POST", "path": f"{SUBS}/sub:pull", "query_string": b"",
            "headers": [(b"authorization", f"Bearer {self.desk.token}".encode())],
            "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await self.desk.api(scope, receive, send)


def test_a_pull_that_waits_gets_what_comes(desk):
    desk.make()

    async def play():
        client = Waiting(desk)
        pull = asyncio.create_task(client.ask())
        done, _ = await asyncio.wait({pull}, timeout=0.05)
        assert not done
        await desk._ask(
            desk.api, "POST", f"{TOPICS}/mail:publish", token=desk.token,
            body=b'{"messages":[{"data":"eA=="}]}',
        )  # fmt: skip
        await asyncio.wait_for(pull, 4)
        return client.answers

    answers = asyncio.run(play())
    assert b'"data": "eA=="' in answers[-1]["body"]


def test_a_client_that_leaves_takes_no_message_along(desk):
    desk.make()

    async def play():
        client = Waiting(desk)
        pull = asyncio.create_task(client.ask())
        client.left.set()
        await asyncio.wait_for(pull, 4)
        return client.answers

    assert asyncio.run(play()) == []
    desk.publish(b"x")
    assert len(desk.pull()) == 1


def test_pulls_that_wait_end_with_the_server(desk):
    desk.make()
    desk.api.close()
    reply = desk.ask("POST", f"{SUBS}/sub:pull", {"maxMessages": 1})
    assert (reply.status, reply.json) == (200, {})


# --- whatever is sent

PIECES = st.sampled_from([PROJECT, "1", "", "topics", "subscriptions", "mail", "sub", "%2F", "x:y"])
ACTIONS = st.sampled_from(["", ":publish", ":pull", ":acknowledge", ":x", ":modifyAckDeadline"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("10s"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["topic", "messages", "data", "attributes", "ackIds", "maxMessages", "pushConfig",
             "pushEndpoint", "retryPolicy", "minimumBackoff", "labels", "subscription",
             "updateMask", "policy", "bindings", "role", "returnImmediately"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150)
@given(
    verb=st.sampled_from(["GET", "PUT", "POST", "DELETE", "PATCH"]),
    pieces=st.lists(PIECES, min_size=1, max_size=4),
    action=ACTIONS,
    value=VALUES,
)
def test_nothing_that_is_sent_is_an_error_of_ours(verb, pieces, action, value):
    desk = Desk()
    desk.api.close()  # no pull waits
    desk.make()
    target = f"/pubsub/v1/projects/{'/'.join(pieces)}{action}"
    for path in (target, f"{TOPICS}/mail{action}", f"{SUBS}/sub{action}"):
        reply = desk.ask(verb, path, value)
        assert reply.status < 500
        assert reply.status == 200 or reply.error["code"] == reply.status
    assert desk.failures == []
