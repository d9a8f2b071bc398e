"""Webhooks over HTTP: every call, and what is refused."""

import pytest
from tests.unit.front.http.sending.desk import Desk, fields

from penfold.domain.sending.showing import show_time
from penfold.ports.sending.events import NOBODY, NewEvent

HOOK = {"endpoint": "https://shop.example/hook", "events": ["email.bounced", "email.delivered"]}


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def hook(desk):
    reply = desk.ask("POST", "/webhooks", HOOK)
    assert reply.status == 200, reply.body
    return reply.json["id"]


def event(desk, name, kind="bounced"):
    new = NewEvent(name, desk.alice.id, 0, NOBODY, kind, desk.clock.now_ms(), name)
    desk.book.change(lambda writer: writer.add_event(new))


def test_secret_is_given_once_and_never_again(desk):
    made = desk.ask("POST", "/webhooks", HOOK).json
    assert made["object"] == "webhook"
    assert made["signing_secret"].startswith("whsec_")
    shown = desk.ask("GET", f"/webhooks/{made['id']}")
    assert shown.json == HOOK | {
        "object": "webhook",
        "id": made["id"],
        "created_at": show_time(desk.clock.now_ms()),
        "status": "enabled",
        "failing_since": None,
        "disabled_at": None,
        "disabled_reason": None,
    }
    listed = desk.ask("GET", "/webhooks")
    assert listed.json["data"] == [shown.json]
    assert made["signing_secret"].encode() not in shown.body + listed.body


def test_list_comes_in_pages_the_newest_first(desk):
    made = []
    for _ in range(3):
        desk.clock.advance(ms=1)
        made.append(desk.ask("POST", "/webhooks", HOOK).json["id"])
    first = desk.ask("GET", "/webhooks?limit=2").json
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (made[:0:-1], True)
    rest = desk.ask("GET", f"/webhooks?limit=2&after={made[1]}").json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (made[:1], False)


def test_what_is_left_out_stays_and_off_is_off(desk, hook):
    assert desk.ask("PATCH", f"/webhooks/{hook}", {"status": "disabled"}).status == 200
    shown = desk.ask("GET", f"/webhooks/{hook}").json
    assert (shown["status"], shown["endpoint"]) == ("disabled", HOOK["endpoint"])
    assert shown["disabled_reason"]
    assert desk.ask("POST", f"/webhooks/{hook}/test", {}).status == 409
    desk.ask("PATCH", f"/webhooks/{hook}", {"status": "enabled", "events": []})
    shown = desk.ask("GET", f"/webhooks/{hook}").json
    assert (shown["status"], shown["events"]) == ("enabled", [])


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"endpoint": "http://shop.example/"}, [("endpoint", "not_allowed")]),
        ({"endpoint": "https://169.254.169.254/"}, [("endpoint", "not_allowed")]),
        ({"endpoint": "shop.example"}, [("endpoint", "invalid")]),
        ({"endpoint": ""}, [("endpoint", "required")]),
        ({"endpoint": "https://x.example/", "events": ["email.x"]}, [("events", "invalid")]),
        ({"endpoint": "https://x.example/", "secret": "whsec_x"}, [("secret", "invalid")]),
        ({}, [("endpoint", "required")]),
    ],
)
def test_what_is_wrong_is_named(desk, body, wrong):
    reply = desk.ask("POST", "/webhooks", body)
    assert (reply.status, fields(reply)) == (422, wrong)


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "", None), ("PATCH", "", {"status": "disabled"}), ("DELETE", "", None),
        ("POST", "/rotate", {}), ("POST", "/test", {}), ("GET", "/attempts", None),
        ("POST", "/replay", {"since": "2026-01-01T00:00:00Z"}),
    ],
)  # fmt: skip
def test_webhook_of_somebody_else_is_not_there_and_a_key_needs_the_scope(
    desk, hook, verb, path, body
):
    other = desk.make_key(owner=desk.bob)
    assert desk.ask(verb, f"/webhooks/{hook}{path}", body, key=other).status == 404
    narrow = desk.make_key(scopes=("emails:send", "emails:read"))
    reply = desk.ask(verb, f"/webhooks/{hook}{path}", body, key=narrow)
    assert (reply.status, reply.json["name"]) == (401, "restricted_api_key")
    assert desk.ask("GET", f"/webhooks/{hook}").json["status"] == "enabled"


def test_rotation_gives_another_secret(desk):
    made = desk.ask("POST", "/webhooks", HOOK).json
    again = desk.ask("POST", f"/webhooks/{made['id']}/rotate", {}).json
    assert again["id"] == made["id"]
    assert again["signing_secret"] != made["signing_secret"]


def test_attempts_show_each_event_on_its_way(desk, hook):
    event(desk, "ev1")
    event(desk, "ev2", "opened")
    test = desk.ask("POST", f"/webhooks/{hook}/test", {}).json["event_id"]
    shown = desk.ask("GET", f"/webhooks/{hook}/attempts").json["data"]
    assert [(one["event_id"], one["type"]) for one in shown] == [
        (test, "webhook.test"),
        ("ev1", "email.bounced"),
    ]
    assert {one["state"] for one in shown} == {"waiting"}
    after = desk.ask("GET", f"/webhooks/{hook}/attempts?after={shown[0]['id']}").json["data"]
    assert after == shown[1:]
    assert desk.ask("GET", f"/webhooks/{hook}/attempts?after=x").status == 422


def test_replay_by_event_and_by_time(desk, hook):
    event(desk, "ev1")
    event(desk, "ev2")
    done = desk.ask("POST", f"/webhooks/{hook}/replay", {"event_id": "ev1"}).json
    assert (done["replayed"], done["last"]) == (1, "ev1")
    now = show_time(desk.clock.now_ms())
    done = desk.ask("POST", f"/webhooks/{hook}/replay", {"since": now, "until": now}).json
    assert (done["replayed"], done["last"], done["has_more"]) == (2, "ev2", False)
    shown = desk.ask("GET", f"/webhooks/{hook}/attempts").json["data"]
    assert [one["replay"] for one in shown] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("since", "required")]),
        ({"since": "yesterday"}, [("since", "invalid")]),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, [("until", "invalid")]),
        ({"event_id": "x", "since": "2026-01-02T00:00:00Z"}, [("event_id", "not_allowed")]),
    ],
)  # fmt: skip
def test_replay_of_nothing_in_particular_is_refused(desk, hook, body, wrong):
    reply = desk.ask("POST", f"/webhooks/{hook}/replay", body)
    assert (reply.status, fields(reply)) == (422, wrong)


def test_removed_webhook_is_gone(desk, hook):
    removed = desk.ask("DELETE", f"/webhooks/{hook}").json
    assert removed == {"object": "webhook", "id": hook, "deleted": True}
    assert desk.ask("GET", f"/webhooks/{hook}").status == 404
