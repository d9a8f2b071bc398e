"""Batches over the pipeline: every part as if it had come alone."""

import json
import threading
from email.parser import BytesParser

import pytest

from penfold.base.limits import BATCH_ANSWER_HELD_BYTES, BATCH_READS_AHEAD, BODIES_MAX_BYTES
from penfold.spec import problems
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Label, ListMessagesResponse, Message, Profile

USER = "/gmail/v1/users/me"
KIND = "multipart/mixed; boundary=B"


def part(line, *, content_id="", body="", **headers):
    """Return a part as LF clients write it."""
    outer = f"Content-ID: {content_id}\n" if content_id else ""
    inner = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"--B\nContent-Type: application/http\n{outer}\n{line} HTTP/1.1\n{inner}\n{body}\n"


def send(world, *parts, token="full", target="/batch", **headers):
    return world.ask(
        "POST",
        target,
        token=token,
        body=("".join(parts) + "--B--\n").encode(),
        headers={"content-type": KIND, **headers},
    )


def read(reply):
    """Return (Content-ID, status, headers, body) of each part."""
    kind = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(kind + reply.body)
    found = []
    for each in message.get_payload():
        head, _, body = each.get_payload(decode=True).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        found.append((each["Content-ID"], int(status.split(" ")[1]), headers, body))
    return found


def statuses(reply):
    return [status for _, status, _, _ in read(reply)]


@pytest.mark.parametrize("target", ["/batch", "/batch/gmail/v1"])
def test_a_batch_is_answered_part_by_part_in_order(make_world, target):
    world = make_world(
        {
            "gmail.users.messages.get": lambda call, box: Message(id=call.params.id),
            "gmail.users.labels.create": lambda call, box: Label(name=call.body.name),
            "gmail.users.labels.delete": lambda call, box: None,
        }
    )
    reply = send(
        world,
        part(f"GET {USER}/messages/1?prettyPrint=false", content_id="<a + 1>"),
        part(f"POST {USER}/labels", content_id="<a + 2>", body='{"name": "A"}'),
        part(f"DELETE {USER}/labels/Label_1"),
        part(f"GET https://gmail.googleapis.com{USER}/messages/2", content_id="<a + 4>"),
        target=target,
    )
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("multipart/mixed; boundary=batch_")
    assert reply.headers["content-length"] == str(len(reply.body))
    found = read(reply)
    assert [name for name, *_ in found] == ["<response-a + 1>", "<response-a + 2>", None,
                                            "<response-a + 4>"]  # fmt: skip
    assert [status for _, status, _, _ in found] == [200, 200, 204, 200]
    assert found[0][2]["Content-Type"] == "application/json; charset=UTF-8"
    assert found[0][2]["Vary"] == "Origin, X-Origin, Referer"
    assert found[0][3] == b'{"id":"1"}'
    assert json.loads(found[1][3]) == {"name": "A"}
    assert found[2][3].strip() == b""
    assert json.loads(found[3][3]) == {"id": "2"}


def test_one_part_octet_by_octet(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile(history_id="1")})
    reply = send(world, part(f"GET {USER}/profile", content_id="<b29c + 1>"))
    boundary = reply.headers["content-type"].partition("boundary=")[2]
    request_id = world.facts[0].request_id
    assert reply.body.decode() == (
        f"--{boundary}\r\nContent-Type: application/http\r\n"
        "Content-ID: <response-b29c + 1>\r\n\r\nHTTP/1.1 200 OK\r\n"
        "Content-Type: application/json; charset=UTF-8\r\n"
        "Vary: Origin, X-Origin, Referer\r\n"
        f"X-Request-Id: {request_id}\r\n\r\n"
        '{\n  "historyId": "1"\n}\n\r\n'
        f"--{boundary}--\r\n"
    )


def test_parts_fail_alone(make_world):
    def handler(call, box):
        if call.params.id == "3":
            raise ProblemError(problems.NOT_FOUND)
        return Message(id=call.params.id)

    world = make_world({"gmail.users.messages.get": handler})
    reply = send(
        world,
        part(f"GET {USER}/messages/1"),
        part(f"GET {USER}/messages/1", Authorization="Bearer revoked"),
        part(f"GET {USER}/messages/3"),
        part(f"GET {USER}/messages/1", Authorization="Bearer send"),
        part(f"GET {USER}/nope"),
        part(f"GET {USER}/messages/1?fields=nope"),
    )
    assert statuses(reply) == [200, 401, 404, 403, 404, 400]
    found = read(reply)
    assert "invalid_token" in found[1][2]["Www-Authenticate"]
    assert json.loads(found[2][3])["error"]["errors"][0]["reason"] == "notFound"
    assert found[4][2]["Content-Type"] == "text/html; charset=UTF-8"


@pytest.mark.parametrize(
    ("outer", "query", "status"),
    [
        pytest.param("full", "", 200, id="outer-header"),
        pytest.param(None, "?access_token=full", 200, id="outer-query"),
        pytest.param(None, "", 401, id="none"),
        pytest.param("revoked", "", 401, id="outer-dead"),
    ],
)
def test_a_part_without_a_credential_has_the_batchs(make_world, outer, query, status):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    reply = send(world, part(f"GET {USER}/profile"), token=outer, target="/batch" + query)
    assert statuses(reply) == [status]


@pytest.mark.parametrize("query", ["", "?access_token=readonly"])
def test_a_parts_own_credential_goes_before_the_batchs(make_world, query):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    headers = {} if query else {"Authorization": "Bearer readonly"}
    reply = send(world, part(f"GET {USER}/profile{query}", **headers), token="revoked")
    assert statuses(reply) == [200]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("POST /batch", "Batch requests cannot be part"),
        ("POST /batch/gmail/v1", "Batch requests cannot be part"),
        (f"POST /upload{USER}/messages?uploadType=media", "Media upload and download"),
        (f"PUT /resumable/upload{USER}/drafts/1", "Media upload and download"),
        (f"GET {USER}/messages/1?alt=media", "Unsupported alt type"),
    ],
)
def test_what_no_batch_may_hold_is_refused_alone(make_world, line, text):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    reply = send(world, part(line), part(f"GET {USER}/profile"))
    assert statuses(reply) == [400, 200]
    assert text in json.loads(read(reply)[0][3])["error"]["message"]


def test_oddity_22_more_than_a_hundred_parts_are_refused_in_gmails_words(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    reply = send(world, *[part(f"GET {USER}/profile")] * 101)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    assert reply.json == {
        "error": {
            "code": 400,
            "message": "Inner request count exceeds the limit. Received: 101, Limit: 100",
            "status": "INVALID_ARGUMENT",
        }
    }
    assert statuses(send(world, *[part(f"GET {USER}/profile")] * 100)) == [200] * 100


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", b"{}"), (KIND, b""), (KIND, b"--B\n\nnothing\n--B--"), (KIND, b"--B--")],
)
def test_what_is_no_batch_is_refused_whole(make_world, kind, body):
    reply = make_world().ask("POST", "/batch", body=body, headers={"content-type": kind})
    assert reply.status == 400
    assert list(reply.error) == ["code", "message", "status"]
    assert reply.error["message"].startswith("Failed to parse batch request, error: ")


def test_a_batch_that_is_too_large_is_refused_whole(make_world):
    world = make_world()
    reply = world.ask("POST", "/batch", chunks=[b" " * (1 << 20)] * 11, headers={})
    assert (reply.status, "errors" in reply.error) == (413, False)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "HEAD"])
def test_batches_are_posted(make_world, verb):
    reply = make_world().ask(verb, "/batch")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=UTF-8")


def test_every_part_is_observed_and_the_batch_as_well(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    send(world, part(f"GET {USER}/profile"), part("POST /batch"), part(f"GET {USER}/nope"))
    *parts, whole = [(facts.method_id, facts.status) for facts in world.facts]
    assert sorted(parts) == [("batch", 400), ("gmail.users.getProfile", 200), ("other", 404)]
    assert whole == ("batch", 200)
    assert len({facts.request_id for facts in world.facts}) == 4
    assert {facts.client for facts in world.facts} == {"192.0.2.1"}
    assert world.facts[-1].received > 0
    assert world.facts[-1].sent > 0


def test_writes_are_all_in_hand_before_the_first_is_answered(make_world):
    everybody = threading.Barrier(100)

    def handler(call, box):
        everybody.wait(20)
        return Label(name=call.body.name)

    world = make_world({"gmail.users.labels.create": handler})
    body = [part(f"POST {USER}/labels", body=f'{{"name": "{n}"}}') for n in range(100)]
    reply = send(world, *body)
    assert [json.loads(each[3])["name"] for each in read(reply)] == [str(n) for n in range(100)]


def test_a_large_answer_goes_out_while_few_reads_are_ahead(make_world):
    seen, large = [], "x" * BATCH_ANSWER_HELD_BYTES

    def handler(call, box):
        seen.append(len(sent))
        return Message(id=call.params.id, snippet=large)

    world = make_world({"gmail.users.messages.get": handler})
    sent = []
    body = "".join(part(f"GET {USER}/messages/{n}") for n in range(12)) + "--B--"
    messages = iter([{"type": "http.request", "body": body.encode(), "more_body": False}])

    async def receive():
        return next(messages)

    async def take(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/batch",
        "query_string": b"",
        "headers": [(b"content-type", KIND.encode()), (b"authorization", b"Bearer full")],
    }
    world.loop.run(world.api(scope, receive, take))
    # The start and the piece before it are out when a read begins.
    assert all(n <= out + BATCH_READS_AHEAD for n, out in enumerate(seen))
    assert seen[-1] > 2
    assert b"content-length" not in dict(sent[0]["headers"])
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    octets = b"".join(message.get("body", b"") for message in sent)
    assert octets.count(b"HTTP/1.1 200 OK") == 12
    assert octets.endswith(b"--\r\n")
    assert world.facts[-1].sent == len(octets)


def test_large_bodies_in_parts_take_no_room_beside_the_batchs(make_world):
    free = []

    def handler(call, box):
        free.append(world.api._room._free)
        return Message(id="1")

    world = make_world({"gmail.users.messages.insert": handler})
    body = json.dumps({"raw": "A" * 400_000})
    parts = [part(f"POST {USER}/messages", body=body, Content_Length=len(body))] * 9
    length = len("".join(parts)) + len("--B--\n")
    reply = send(world, *parts, **{"content-length": str(length)})
    assert statuses(reply) == [200] * 9
    # If parts waited for room as well, a few large batches would wait for themselves.
    assert set(free) == {BODIES_MAX_BYTES - length}
    assert world.api._room._free == BODIES_MAX_BYTES


def test_parts_take_forms_and_overrides(make_world):
    world = make_world(
        {"gmail.users.messages.list": lambda call, box: ListMessagesResponse(
            result_size_estimate=call.params.max_results)}
    )  # fmt: skip
    reply = send(
        world,
        part(
            f"POST {USER}/messages",
            X_HTTP_Method_Override="GET",
            Content_Type="application/x-www-form-urlencoded",
            body="maxResults=7",
        ),
    )
    assert json.loads(read(reply)[0][3]) == {"resultSizeEstimate": 7}
