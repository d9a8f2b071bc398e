"""Streams over HTTP, and what they say about emails."""

import base64

import pytest
from tests.unit.front.http.sending.desk import EMAIL, Desk, fields

from penfold.base.limits import SENDING_PART_MAX_BYTES, STREAM_WAIT_MAX_MS, STREAMS_MAX
from penfold.base.priority import PRIORITIES
from penfold.domain.sending.showing import show_time

HOUR_MS = 3_600_000


@pytest.fixture
def desk():
    return Desk()


def add(desk, name="news", **more):
    return desk.ask("POST", "/streams", {"name": name} | more)


def wait_of(desk, email_id):
    """Return for how many seconds an email is put off, None for one that is not."""
    email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
    return (email.scheduled_ms - desk.clock.now_ms()) // 1000 if email.scheduled_ms else None


def test_a_stream_is_made_changed_and_removed_by_its_name(desk):
    made = add(desk, kind="broadcast", ttl=60).json
    assert (made["id"], made["unsubscribe"], made["ttl"], made["limit"]) == ("news", True, 60, None)
    changed = desk.ask("PATCH", "/streams/news", {"per_hour": 7}).json
    assert (changed["ttl"], changed["limit"], changed["built_in"]) == (60, 7, False)
    assert desk.ask("GET", "/streams/news").json == changed
    assert desk.ask("DELETE", "/streams/news").json["deleted"]
    assert desk.ask("GET", "/streams/news").status == 404
    assert desk.ask("PATCH", "/streams/news", {}).status == 404


def test_every_account_has_streams_and_its_own_by_such_a_name_counts(desk):
    shown = desk.ask("GET", "/streams").json["data"]
    assert [(one["name"], one["ttl"], one["built_in"]) for one in shown] == [
        ("transactional", 0, True), ("otp", 900, True), ("broadcast", 0, True),
    ]  # fmt: skip
    assert desk.ask("DELETE", "/streams/otp").status == 404
    add(desk, "otp", ttl=60)
    otp = desk.ask("GET", "/streams/otp").json
    assert (otp["ttl"], otp["built_in"]) == (60, False)
    assert len(desk.ask("GET", "/streams").json["data"]) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"), ({"name": "No Name"}, "name"), ({"name": "a" * 65}, "name"),
        ({"kind": "spam"}, "kind"), ({"priority": "highest"}, "priority"), ({"ttl": -1}, "ttl"), ({"ttl": 10**9}, "ttl"),
        ({"per_hour": -1}, "per_hour"), ({"per_hour": 10**7}, "per_hour"),
        ({"kind": "broadcast", "unsubscribe": False}, "unsubscribe"),
    ],
)  # fmt: skip
def test_what_is_no_stream_is_refused_and_no_change_makes_it_one(desk, change, field):
    assert fields(add(desk, **change)) == [(field, "invalid")]
    if "name" not in change:
        add(desk)
        assert fields(desk.ask("PATCH", "/streams/news", change)) == [(field, "invalid")]


def test_an_email_is_worth_what_its_stream_says_and_an_unknown_stream_is_refused(desk):
    add(desk, ttl=60)
    shown = desk.get(desk.sent(stream="news"))
    assert shown["expires_at"] > shown["created_at"]
    assert shown["scheduled_at"] is None
    assert fields(desk.send(stream="other")) == [("stream", "invalid")]


def test_the_priority_of_a_stream_is_that_of_its_emails(desk):
    def priority(name):
        email_id = desk.sent(stream=name)
        email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
        shown = desk.ask("GET", f"/streams/{name}").json["priority"]
        assert email.priority is PRIORITIES[shown]
        return shown

    add(desk)
    add(desk, "offers", kind="broadcast")
    names = ("otp", "transactional", "broadcast", "news", "offers")
    assert [priority(each) for each in names] == ["high", "normal", "low", "normal", "low"]
    assert add(desk, "otp", ttl=60).json["priority"] == "high"
    assert add(desk, "codes", priority="high").json["priority"] == priority("codes") == "high"
    desk.ask("PATCH", "/streams/codes", {"priority": "low"})
    assert priority("codes") == "low"


def test_recipients_of_a_limited_stream_leave_evenly(desk):
    add(desk, per_hour=60)
    sent = [desk.sent(stream="news", to=["a@x.example", "b@x.example"]) for _ in range(3)]
    assert [wait_of(desk, one) for one in sent] == [None, 120, 240]
    desk.clock.advance(ms=HOUR_MS)
    assert wait_of(desk, desk.sent(stream="news")) is None
    other = desk.make_key(owner=desk.bob)
    assert desk.send(key=other, stream="news").status == 422


def test_an_email_for_a_time_of_its_own_keeps_no_room_from_others(desk):
    add(desk, per_hour=60)
    at_ms = desk.clock.now_ms() + 30 * 24 * HOUR_MS
    far = desk.sent(stream="news", scheduled_at=show_time(at_ms))
    assert wait_of(desk, far) == 30 * 24 * 3_600
    assert [wait_of(desk, desk.sent(stream="news")) for _ in range(2)] == [None, 60]


def test_an_email_that_could_only_expire_before_its_stream_has_room_is_refused(desk):
    add(desk, "codes", per_hour=2, ttl=1_800)
    assert desk.send(stream="codes").status == 200
    refused = desk.send(stream="codes")
    assert (refused.status, refused.json["name"]) == (429, "rate_limit_exceeded")
    assert "before the email expires" in refused.json["message"]
    desk.clock.advance(ms=1)
    assert wait_of(desk, desk.sent(stream="codes")) == 1_799
    usage = desk.book.read(lambda b: b.get_balance(desk.alice.id))
    assert usage.spent_micros == 2 * 280


def test_a_batch_that_would_wait_for_days_is_refused_and_takes_no_room(desk):
    add(desk, per_hour=1)
    one = {"from": "shop@penfold.test", "to": "kim@x.example", "subject": "x", "text": "x"}
    most = STREAM_WAIT_MAX_MS // HOUR_MS + 1
    refused = desk.ask("POST", "/emails/batch", [one | {"stream": "news"}] * (most + 1))
    assert (refused.status, refused.json["name"]) == (429, "rate_limit_exceeded")
    accepted = desk.ask("POST", "/emails/batch", [one | {"stream": "news"}] * most)
    assert (accepted.status, len(accepted.json["data"])) == (200, most)
    assert desk.send(stream="news").status == 429
    assert desk.send(stream="news", key=desk.make_key(test=True)).status == 200


def test_a_warm_up_sends_more_each_day_until_the_limit_or_its_end(desk):
    add(desk, warmup=True, per_hour=300)
    limits = []
    for _ in range(22):
        limits.append(desk.ask("GET", "/streams/news").json["limit"])
        desk.clock.advance(ms=24 * HOUR_MS)
    assert limits[:9] == [20, 28, 39, 55, 77, 108, 151, 211, 295]
    assert set(limits[9:]) == {300}
    assert desk.ask("PATCH", "/streams/news", {"per_hour": 0}).json["limit"] is None
    assert desk.ask("PATCH", "/streams/news", {"warmup": True}).json["limit"] == 20
    assert desk.ask("PATCH", "/streams/news", {"warmup": False}).json["limit"] is None


def test_a_key_that_is_bound_to_streams_knows_no_others_and_there_is_an_end_of_them(desk):
    add(desk)
    bound = desk.make_key(streams=("otp",))
    assert [one["id"] for one in desk.ask("GET", "/streams", key=bound).json["data"]] == ["otp"]
    assert desk.ask("DELETE", "/streams/news", key=bound).status == 404
    assert desk.ask("POST", "/streams", {"name": "mine"}, key=bound).status == 404
    assert add(desk).status == 409
    for n in range(STREAMS_MAX - 1):
        assert add(desk, f"s{n}").status == 200
    assert add(desk, "more").status == 409


def test_who_gets_mail_that_can_be_unsubscribed_has_a_message_of_their_own(desk):
    asked = {"to": ["kim@elsewhere.example"], "cc": "lee@elsewhere.example", "stream": "broadcast"}
    reply = desk.send(**asked).json
    shown = [desk.get(each) for each in reply["ids"]]
    assert reply["id"] == shown[0]["id"]
    assert [[one["email"] for one in each["recipients"]] for each in shown] == [
        ["kim@elsewhere.example"], ["lee@elsewhere.example"],
    ]  # fmt: skip
    assert {(*each["to"], *each["cc"]) for each in shown} == {
        ("kim@elsewhere.example", "lee@elsewhere.example")
    }
    batch = desk.ask("POST", "/emails/batch", [EMAIL | asked, EMAIL]).json["data"]
    assert [len(each.get("ids", [0])) for each in batch] == [2, 1]


def test_a_whole_message_for_several_is_one_for_each_as_well(desk):
    raw = b"From: shop@penfold.test\r\nTo: kim@x.example, lee@x.example\r\nSubject: a\r\n\r\nb\r\n"
    body = {"raw": base64.urlsafe_b64encode(raw).decode(), "stream": "broadcast"}
    assert len(desk.ask("POST", "/emails/raw", body).json["ids"]) == 2
    assert "ids" not in desk.ask("POST", "/emails/raw", body | {"stream": "otp"}).json


def test_what_is_stored_for_each_recipient_has_a_largest_size(desk):
    people = [{"email": f"r{n}@x.example"} for n in range(43)]
    large = "a" * SENDING_PART_MAX_BYTES
    reply = desk.send(to=None, recipients=people, html=large)
    assert (reply.status, fields(reply)) == (422, [("recipients", "too_long")])
    bodies = [EMAIL | {"html": large[: 2**20], "to": [one["email"] for one in people],
                       "stream": "broadcast"}] * 5  # fmt: skip
    reply = desk.ask("POST", "/emails/batch", bodies)
    assert (reply.status, fields(reply)) == (422, [("recipients", "too_long")])
    assert desk.ask("GET", "/emails").json["data"] == []


def test_tracking_is_off_and_a_stream_or_an_email_turns_it_on(desk):
    def tracked(**fields):
        return desk.get(desk.sent(**fields))["tracking"]

    off = {"opens": False, "clicks": False}
    assert [one["tracking"] for one in desk.ask("GET", "/streams").json["data"]] == [off] * 3
    assert tracked() == off
    assert tracked(tracking={"clicks": True}) == {"opens": False, "clicks": True}
    assert add(desk, tracking={"opens": True}).json["tracking"] == {"opens": True, "clicks": False}
    assert tracked(stream="news") == {"opens": True, "clicks": False}
    assert tracked(stream="news", tracking={"opens": False, "clicks": True}) == {
        "opens": False, "clicks": True,
    }  # fmt: skip
    changed = desk.ask("PATCH", "/streams/news", {"tracking": {"opens": False}}).json
    assert changed["tracking"] == off
    several = desk.send(to=["kim@x.example", "lee@x.example"], tracking={"opens": True}).json
    assert len(several["ids"]) == 2


def test_a_whole_message_is_not_tracked_whatever_its_stream_says(desk):
    add(desk, tracking={"opens": True, "clicks": True})
    raw = b"From: shop@penfold.test\r\nTo: kim@x.example\r\nSubject: a\r\n\r\nb\r\n"
    body = {"raw": base64.urlsafe_b64encode(raw).decode(), "stream": "news"}
    sent = desk.ask("POST", "/emails/raw", body).json["id"]
    assert desk.get(sent)["tracking"] == {"opens": False, "clicks": False}
