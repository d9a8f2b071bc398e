"""The mail process may be killed while it tells webhooks: every event comes, and one that comes twice
has the same id.
"""

import json
import os
import signal

import httpx
from tests.hook_receiver import receive_hooks
from tests.system.test_kill_outbound import find_mail_process
from tests.until import until

from penfold.testing.server import serve

EMAILS = int(os.environ.get("PENFOLD_HOOK_EMAILS", "60"))
KILLS = int(os.environ.get("PENFOLD_KILLS", "1"))
#: What happens to an email that is captured.
TYPES = {"email.queued", "email.sent", "email.delivered"}


def test_killing_the_mail_process_loses_no_event(tmp_path):
    log = tmp_path / "log"
    with receive_hooks() as receiver, serve(tmp_path / "data", log=log) as server:
        key = server.run(
            *("sending", "key", "add", "alice@penfold.test", "kill"),
            *("--scope", "webhooks:*", "--scope", "emails:send", "--scope", "emails:read"),
        ).splitlines()[0]
        client = httpx.Client(
            base_url=f"{server.http}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        with client:
            made = client.post("/webhooks", json={"endpoint": receiver.url}).json()
            receiver.secret = made["signing_secret"]
            for number in range(KILLS):
                send(client, EMAILS // KILLS)
                receiver.await_count((number * EMAILS) // KILLS + 1)
                killed = find_mail_process(log)
                os.kill(killed, signal.SIGKILL)
                until(lambda killed=killed: find_mail_process(log) != killed, what="a new start")
            wanted = EMAILS // KILLS * KILLS * len(TYPES)
            until(lambda: len(set(receiver.ids)) >= wanted, what="every event")
        told = {(one["data"]["email_id"], one["type"]) for one in receiver.got}
        assert {kind for _, kind in told} == TYPES
        assert len(told) == len(set(receiver.ids)) == wanted
        # What is told once more may come at this moment.
        pairs = zip(receiver.got, receiver.ids, strict=False)
        assert all(one["data"]["event_id"] == id_ for one, id_ in pairs)
        assert failures(log) == []


def send(client, count):
    email = {
        "from": "alice@penfold.test", "to": ["kim@elsewhere.example"], "subject": "x", "text": "y",
    }  # fmt: skip
    answer = client.post("/emails/batch", json=[email] * count)
    assert answer.status_code == 200, answer.text


def failures(log):
    return [
        json.loads(line)["task"] for line in log.read_text().splitlines() if '"task_failed"' in line
    ]
