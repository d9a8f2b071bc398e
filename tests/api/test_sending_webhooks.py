"""Webhooks of a running server: made by Resend's SDK, verified by the standard's library."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest
import resend
from tests.conformance.clients import NODE
from tests.hook_receiver import receive_hooks

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
EMAIL = {
    "from": "Shop <alice@penfold.test>",
    "to": ["bob@penfold.test"],
    "subject": "Your order",
    "text": "Thank you",
    "tags": [{"name": "kind", "value": "receipt"}],
}


@pytest.fixture(scope="module")
def secret(server):
    made = server.run(
        *("sending", "key", "add", "alice@penfold.test", "hooks", "--scope", "webhooks:*"),
        *("--scope", "emails:send", "--scope", "emails:read"),
    )
    return made.splitlines()[0]


@pytest.fixture
def sdk(server, secret):
    before = resend.api_key, resend.api_url
    resend.api_key, resend.api_url = secret, f"{server.http}/v1"
    yield resend
    resend.api_key, resend.api_url = before


@pytest.fixture
def receiver():
    with receive_hooks() as receiver:
        yield receiver


@pytest.fixture
def call(server, secret):
    def call(verb, path, body=None):
        headers = {"Authorization": f"Bearer {secret}"}
        reply = httpx.request(verb, f"{server.http}/v1{path}", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    return call


def test_webhook_made_with_resends_sdk_is_told_of_an_email_signed(sdk, call, receiver):
    made = sdk.Webhooks.create({"endpoint": receiver.url, "events": ["email.queued"]})
    receiver.secret = made["signing_secret"]
    sent = sdk.Emails.send(EMAIL)
    receiver.await_types("email.queued")
    [payload] = receiver.got
    assert payload["data"]["email_id"] == sent["id"]
    assert payload["data"]["recipient"] == "bob@penfold.test"
    assert payload["data"]["tags"] == {"kind": "receipt"}
    [event] = call("GET", f"/events?email_id={sent['id']}&type=email.queued")["data"]
    assert receiver.ids == [event["id"]]
    call("POST", f"/webhooks/{made['id']}/replay", {"event_id": event["id"]})
    receiver.await_count(2)
    assert receiver.ids == [event["id"]] * 2
    shown = sdk.Webhooks.get(made["id"])
    assert (shown["endpoint"], shown["status"]) == (receiver.url, "enabled")
    changed = {"webhook_id": made["id"], "endpoint": receiver.url, "events": ["email.sent"]}
    sdk.Webhooks.update(changed | {"status": "disabled"})
    assert sdk.Webhooks.get(made["id"])["status"] == "disabled"
    assert made["id"] in [one["id"] for one in sdk.Webhooks.list()["data"]]
    assert sdk.Webhooks.remove(made["id"])["deleted"]


def test_test_event_comes_and_a_rotated_secret_signs_beside_the_old_one(call, receiver):
    made = call("POST", "/webhooks", {"endpoint": receiver.url})
    new = call("POST", f"/webhooks/{made['id']}/rotate", {})
    receiver.secret = made["signing_secret"]
    call("POST", f"/webhooks/{made['id']}/test", {})
    receiver.await_count(1)
    receiver.secret = new["signing_secret"]
    call("POST", f"/webhooks/{made['id']}/test", {})
    receiver.await_count(2)
    assert {one["type"] for one in receiver.got} == {"webhook.test"}
    call("DELETE", f"/webhooks/{made['id']}")


def test_the_pages_python_verifies_what_comes(call, receiver):
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    made = call("POST", "/webhooks", {"endpoint": receiver.url})
    kept, plain_note = [], receiver.note

    def note(headers, body):
        values = {"secret": made["signing_secret"], "body": body, "headers": dict(headers)}
        exec(code, values)
        kept.append(values["payload"])
        plain_note(headers, body)

    receiver.note = note
    call("POST", f"/webhooks/{made['id']}/test", {})
    receiver.await_count(1)
    assert kept == receiver.got
    call("DELETE", f"/webhooks/{made['id']}")


def test_the_pages_javascript_verifies_what_comes_and_throws_at_what_was_changed(
    call, receiver, program
):
    node = program("node")
    if not (NODE / "node_modules" / "standardwebhooks").exists():
        pytest.skip("Resend's Node SDK is not installed; `make test` does that")
    [code] = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    made = call("POST", "/webhooks", {"endpoint": receiver.url})
    kept, plain_note = [], receiver.note

    def note(headers, body):
        kept.append((dict(headers), body.decode()))
        plain_note(headers, body)

    receiver.note = note
    call("POST", f"/webhooks/{made['id']}/test", {})
    receiver.await_count(1)
    [(headers, body)] = kept

    def run(body):
        given = {"secret": made["signing_secret"], "headers": headers, "body": body}
        names = f"const {{ secret, headers, body }} = {json.dumps(given)};"
        program = f"{names}\n{code}\nconsole.log(JSON.stringify(payload));"
        return subprocess.run(
            [node, "--input-type=module", "-e", program],
            cwd=NODE, check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    assert json.loads(run(body).stdout) == receiver.got[0]
    assert "WebhookVerificationError" in run(body + " ").stderr
    call("DELETE", f"/webhooks/{made['id']}")


def test_the_pages_command_makes_a_webhook(server, secret, call, program):
    program("curl")
    [command] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    typed = command.replace("http://127.0.0.1:8025", server.http)
    done = subprocess.check_output(["sh", "-c", f"KEY={secret}; {typed}"], timeout=30)
    made = json.loads(done)
    assert made["signing_secret"].startswith("whsec_")
    call("DELETE", f"/webhooks/{made['id']}")
