"""Resend's SDKs for Python and Node send through a running server, with its address changed."""

import base64
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import resend
from resend.exceptions import ResendError
from tests.conformance.clients import NODE

EMAIL = {
    "from": "Shop <alice@penfold.test>",
    "to": ["bob@penfold.test"],
    "subject": "Your order",
    "html": "<b>Thank you</b>",
}


@pytest.fixture(scope="module")
def secret(server):
    made = server.run(
        *("sending", "key", "add", "alice@penfold.test", "tests", "--scope", "emails:send"),
        *("--scope", "emails:read", "--scope", "suppressions:*", "--scope", "keys:*"),
        *("--scope", "usage:read"),
    )
    return made.splitlines()[0]


@pytest.fixture
def sdk(server, secret):
    before = resend.api_key, resend.api_url
    resend.api_key, resend.api_url = secret, f"{server.http}/v1"
    yield resend
    resend.api_key, resend.api_url = before


class NodeSdk:
    def __init__(self, program, base, secret):
        self._process = subprocess.Popen(
            [program, str(NODE / "sender.js"), base, secret],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name, *args):
        self._process.stdin.write(json.dumps({"call": name, "args": args}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def node(server, secret, program):
    found = program("node")
    if not (NODE / "node_modules" / "resend").exists():
        pytest.skip("Resend's Node SDK is not installed; `make test` does that")
    client = NodeSdk(found, f"{server.http}/v1", secret)
    yield client
    client.close()


def in_a_day():
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def test_the_python_sdk_sends_lists_and_gets(sdk):
    sent = sdk.Emails.send(
        EMAIL
        | {
            "attachments": [{"filename": "bill.txt", "content": list(b"7 EUR")}],
            "tags": [{"name": "kind", "value": "receipt"}],
            "headers": {"X-Order": "7"},
        }
    )
    assert sdk.Emails.list({"limit": 1})["data"][0]["id"] == sent["id"]
    got = sdk.Emails.get(sent["id"])
    assert (got["from"], got["to"], got["subject"]) == (
        EMAIL["from"], EMAIL["to"], EMAIL["subject"],
    )  # fmt: skip
    assert (got["html"], got["tags"]) == (
        "<b>Thank you</b>",
        [{"name": "kind", "value": "receipt"}],
    )
    assert "email.queued" in {one["type"] for one in got["events"]}


def test_the_python_sdk_moves_and_cancels(sdk):
    sent = sdk.Emails.send(EMAIL | {"scheduled_at": "in 1 hour"})
    assert sdk.Emails.update({"id": sent["id"], "scheduled_at": in_a_day()})["id"] == sent["id"]
    assert sdk.Emails.cancel(sent["id"])["id"] == sent["id"]
    assert sdk.Emails.get(sent["id"])["last_event"] == "cancelled"


def test_the_python_sdk_sends_batches_and_repeats_them(sdk):
    batch = [EMAIL, EMAIL | {"to": "nobody"}]
    permissive = {"batch_validation": "permissive", "idempotency_key": "python-batch"}
    first = sdk.Batch.send(batch, permissive)
    assert ([one["index"] for one in first["errors"]], len(first["data"])) == ([1], 1)
    assert sdk.Batch.send(batch, permissive)["data"] == first["data"]
    with pytest.raises(ResendError) as refused:
        sdk.Batch.send(batch)
    assert (refused.value.code, refused.value.error_type) == (422, "validation_error")


def test_the_python_sdk_tells_errors_apart(sdk):
    with pytest.raises(resend.exceptions.MissingRequiredFieldsError):
        sdk.Emails.send({name: value for name, value in EMAIL.items() if name != "subject"})
    with pytest.raises(ResendError) as refused:
        sdk.Emails.send(EMAIL | {"from": "x@gmail.com"})
    assert refused.value.error_type == "invalid_from_address"
    sdk.api_key = "pf_wrong"
    with pytest.raises(resend.exceptions.InvalidApiKeyError):
        sdk.Emails.list()


def test_the_python_sdk_keeps_keys_and_suppressions(sdk):
    made = sdk.ApiKeys.create({"name": "from the SDK", "permission": "sending_access"})
    assert made["token"].startswith("pf_")
    assert made["id"] in {one["id"] for one in sdk.ApiKeys.list()["data"]}
    sdk.ApiKeys.remove(made["id"])
    added = sdk.Suppressions.add({"email": "gone@elsewhere.example"})
    assert sdk.Suppressions.get("gone@elsewhere.example")["id"] == added["id"]
    assert added["id"] in {one["id"] for one in sdk.Suppressions.list()["data"]}
    assert sdk.Suppressions.remove(added["id"])["deleted"]


def test_the_node_sdk_sends_lists_gets_moves_and_cancels(node):
    email = EMAIL | {
        "scheduledAt": in_a_day(),
        "attachments": [{"filename": "bill.txt", "content": base64.b64encode(b"7 EUR").decode()}],
    }
    sent = node.call("emails.send", email, {"idempotencyKey": "node-1"})
    assert sent["error"] is None
    again = node.call("emails.send", email, {"idempotencyKey": "node-1"})
    assert (again["data"], again["headers"]["idempotent-replayed"]) == (sent["data"], "true")
    email_id = sent["data"]["id"]
    assert node.call("emails.get", email_id)["data"]["subject"] == EMAIL["subject"]
    assert node.call("emails.list", {"limit": 1})["data"]["data"][0]["id"] == email_id
    moved = node.call("emails.update", {"id": email_id, "scheduledAt": in_a_day()})
    assert moved["data"]["id"] == email_id
    assert node.call("emails.cancel", email_id)["data"]["id"] == email_id


def test_the_node_sdk_sends_batches_and_tells_errors_apart(node):
    found = node.call("batch.send", [EMAIL, EMAIL])
    assert len(found["data"]["data"]) == 2
    refused = node.call("batch.send", [EMAIL, EMAIL | {"to": "nobody"}])["error"]
    assert (refused["statusCode"], refused["name"]) == (422, "validation_error")
    mixed = node.call(
        "batch.send", [EMAIL, EMAIL | {"to": "nobody"}], {"batchValidation": "permissive"}
    )
    assert [one["index"] for one in mixed["data"]["errors"]] == [1]


def test_one_idempotency_key_at_many_workers_at_once_is_one_email(server, secret):
    """Connections go to any worker; whoever comes second waits for the first one's answer."""
    headers = {"authorization": f"Bearer {secret}", "idempotency-key": "all-at-once"}

    def send(_):
        return httpx.post(f"{server.http}/v1/emails", json=EMAIL, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


def test_the_description_is_served_with_the_address_it_was_asked_at(server):
    served = httpx.get(f"{server.http}/v1/openapi.json").json()
    assert served["servers"] == [{"url": f"{server.http}/v1"}]
