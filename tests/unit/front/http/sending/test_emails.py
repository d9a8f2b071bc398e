"""Emails over HTTP: accepted, refused field by field, listed, moved, cancelled."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.front.http.sending.desk import EMAIL, Desk, fields

from penfold.base.limits import SENDING_EMAIL_MAX_BYTES
from penfold.domain.sending.content import unpack_content
from penfold.ports.sending.emails import EmailState
from penfold.ports.sending.metering import Balance
from penfold.ports.sending.records import ApiKey, SendingDomain, domain_id
from penfold.ports.sending.suppressions import Reason, Scope, Suppression

DAY_MS = 86_400_000


@pytest.fixture
def desk():
    return Desk()


def content(desk, email_id):
    email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
    return unpack_content(desk.book.read(lambda b: b.find_content(email.number)))


def file(**changes):
    return {"filename": "bill.pdf", "content": base64.b64encode(b"%PDF").decode()} | changes


# --- sending


def test_an_email_is_accepted_and_shown_with_its_recipients_and_events(desk):
    email_id = desk.sent(cc="lee@elsewhere.example", tags=[{"name": "kind", "value": "welcome"}])
    got = desk.get(email_id)
    assert (got["object"], got["id"], got["from"]) == ("email", email_id, EMAIL["from"])
    assert (got["to"], got["cc"]) == (EMAIL["to"], ["lee@elsewhere.example"])
    assert (got["html"], got["text"], got["last_event"]) == ("<b>Hello</b>", None, "queued")
    assert got["tags"] == [{"name": "kind", "value": "welcome"}]
    assert [(one["email"], one["kind"]) for one in got["recipients"]] == [
        ("kim@elsewhere.example", "to"), ("lee@elsewhere.example", "cc"),
    ]  # fmt: skip
    assert {(one["type"], one["recipient"]) for one in got["events"]} == {
        ("email.queued", "kim@elsewhere.example"), ("email.queued", "lee@elsewhere.example"),
    }  # fmt: skip


def test_every_answer_names_its_request(desk):
    for reply in (desk.send(), desk.send(subject=""), desk.ask("GET", "/nothing")):
        assert reply.headers["x-request-id"] == "r1"
    assert reply.json == {
        "statusCode": 404, "name": "not_found", "message": "There is no such address.",
        "request_id": "r1",
    }  # fmt: skip


def test_all_that_an_email_may_have_is_kept_for_who_composes_it(desk):
    email_id = desk.sent(
        text="Hello",
        headers={"X-Order": "7"},
        attachments=[
            file(),
            file(filename="logo.png", content=list(b"\x89PNG"), content_id="logo"),
            file(filename="a.txt", content={"type": "Buffer", "data": [104, 105]}),
        ],
    )
    kept = content(desk, email_id)
    assert (kept.html, kept.text, kept.headers) == ("<b>Hello</b>", "Hello", {"X-Order": "7"})
    assert [(one.filename, one.content, one.content_id) for one in kept.files] == [
        ("bill.pdf", b"%PDF", ""), ("logo.png", b"\x89PNG", "logo"), ("a.txt", b"hi", ""),
    ]  # fmt: skip


def test_who_is_named_twice_gets_one_copy(desk):
    email_id = desk.sent(to=["kim@x.example", "Kim <KIM@x.example>"], bcc="kim@X.example")
    assert len(desk.get(email_id)["recipients"]) == 1


def test_recipients_get_a_message_each_with_their_own_metadata(desk):
    people = [{"email": f"{n}@x.example", "metadata": {"n": n}} for n in "ab"]
    body = {k: v for k, v in EMAIL.items() if k != "to"} | {"recipients": people}
    reply = desk.ask("POST", "/emails", body | {"metadata": {"order": "7"}})
    assert reply.json["id"] == reply.json["ids"][0]
    shown = [desk.get(each) for each in reply.json["ids"]]
    assert [(one["to"], one["metadata"]) for one in shown] == [
        (["a@x.example"], {"order": "7", "n": "a"}), (["b@x.example"], {"order": "7", "n": "b"}),
    ]  # fmt: skip


WRONG = [
    ({"from": "shop@gmail.com"}, "invalid_from_address", [("from", "not_allowed")]),
    ({"from": "shop"}, "invalid_from_address", [("from", "invalid")]),
    ({"from": "a@penfold.test, b@penfold.test"}, "invalid_from_address", [("from", "invalid")]),
    ({"from": "Shop\r\nBcc: x@y.example <shop@penfold.test>"}, "invalid_from_address",
     [("from", "control_character")]),
    ({"to": []}, "missing_required_field", [("to", "required")]),
    ({"to": ["kim@x.example", "kim"]}, "validation_error", [("to[1]", "invalid")]),
    ({"to": "kim@x.example\nBcc: lee@x.example"}, "validation_error", [("to", "control_character")]),
    ({"cc": [f"{n}@x.example" for n in range(51)]}, "validation_error", [("cc", "too_many")]),
    ({"to": [f"{n}@x.example" for n in range(30)], "cc": [f"c{n}@x.example" for n in range(30)]},
     "validation_error", [("to", "too_many")]),
    ({"subject": " "}, "missing_required_field", [("subject", "required")]),
    ({"subject": "a\r\nBcc: x@y.example"}, "validation_error", [("subject", "control_character")]),
    ({"subject": "x" * 999}, "validation_error", [("subject", "too_long")]),
    ({"html": ""}, "missing_required_field", [("html", "required")]),
    ({"html": "x" * 5_000_001}, "validation_error", [("html", "too_long")]),
    ({"reply_to": "x\ty"}, "validation_error", [("reply_to", "control_character")]),
    ({"headers": {"Bcc": "x@y.example"}}, "validation_error", [("headers.Bcc", "not_allowed")]),
    ({"headers": {"content-Type": "x"}}, "validation_error",
     [("headers.content-Type", "not_allowed")]),
    ({"headers": {"X-A: b\r\nBcc": "x"}}, "validation_error", [("headers", "invalid")]),
    ({"headers": {"X-A": "x\r\nBcc: y@z.example"}}, "validation_error",
     [("headers.X-A", "control_character")]),
    ({"headers": {f"X-{n}": "x" for n in range(51)}}, "validation_error",
     [("headers", "too_many")]),
    ({"attachments": [file(content="%%%")]}, "invalid_attachment",
     [("attachments[0].content", "invalid")]),
    ({"attachments": [file(content=[1, 256])]}, "invalid_attachment",
     [("attachments[0].content", "invalid")]),
    ({"attachments": [file(filename="bill.PDF.exe")]}, "invalid_attachment",
     [("attachments[0].filename", "not_allowed")]),
    ({"attachments": [file(filename="../../etc/passwd")]}, "invalid_attachment",
     [("attachments[0].filename", "invalid")]),
    ({"attachments": [file(filename='a"\r\nX: y')]}, "invalid_attachment",
     [("attachments[0].filename", "control_character")]),
    ({"attachments": [file(content_type="text/html\r\nX-A: b")]}, "invalid_attachment",
     [("attachments[0].content_type", "invalid")]),
    ({"attachments": [file(content_type="multipart/mixed")]}, "invalid_attachment",
     [("attachments[0].content_type", "not_allowed")]),
    ({"attachments": [file(content_id="a>\r\nX: y")]}, "invalid_attachment",
     [("attachments[0].content_id", "invalid")]),
    ({"attachments": [file()] * 101}, "invalid_attachment", [("attachments", "too_many")]),
    ({"attachments": [{"filename": "a.txt", "path": "http://127.0.0.1/"}]},
     "validation_error", [("attachments[0].path", "invalid")]),
    ({"attachments": [file(path="file:///etc/passwd")]}, "validation_error",
     [("attachments[0].path", "invalid")]),
    ({"tags": [{"name": "a b"}]}, "validation_error", [("tags[0]", "invalid")]),
    ({"tags": [{"name": "a"}, {"name": "a"}]}, "validation_error", [("tags[1]", "invalid")]),
    ({"tags": [{"name": f"t{n}"} for n in range(11)]}, "validation_error", [("tags", "too_many")]),
    ({"metadata": {"a": "x" * 501}}, "validation_error", [("metadata", "too_long")]),
    ({"metadata": {str(n): "" for n in range(51)}}, "validation_error",
     [("metadata", "too_many")]),
    ({"stream": "unheard-of"}, "validation_error", [("stream", "invalid")]),
    ({"scheduled_at": "tomorrow"}, "validation_error", [("scheduled_at", "invalid")]),
    ({"scheduled_at": "in 31 days"}, "validation_error", [("scheduled_at", "invalid")]),
    ({"scheduled_at": "2001-01-01T00:00:00Z"}, "validation_error", [("scheduled_at", "invalid")]),
    ({"expires_at": "2001-01-01T00:00:00Z"}, "validation_error", [("expires_at", "invalid")]),
    ({"unknown": 1}, "validation_error", [("unknown", "invalid")]),
    ({"to": 7}, "validation_error", [("to", "invalid")]),
    ({"template": {"id": "t"}, "html": None}, "validation_error", [("template", "invalid")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "name", "wrong"),
    WRONG,
    ids=[f"{n}-{next(iter(w[0]))}" for n, w in enumerate(WRONG)],
)
def test_what_is_wrong_is_refused_by_its_field_and_nothing_is_stored(desk, changes, name, wrong):
    reply = desk.send(**changes)
    assert (reply.status, reply.json["name"], fields(reply)) == (422, name, wrong)
    assert desk.ask("GET", "/emails").json["data"] == []


def test_all_that_is_wrong_is_told_at_once(desk):
    reply = desk.send(**{"from": "x", "subject": "", "to": "y", "headers": {"To": "z"}})
    assert fields(reply) == [
        ("from", "invalid"), ("subject", "required"), ("headers.To", "not_allowed"),
        ("to", "invalid"),
    ]  # fmt: skip
    assert "(3 more)" in reply.json["message"]


def test_an_email_larger_than_receivers_take_is_refused(desk):
    half = base64.b64encode(bytes(SENDING_EMAIL_MAX_BYTES // 2)).decode()
    reply = desk.send(attachments=[file(content=half), file(content=half)])
    assert fields(reply) == [("attachments", "too_long")]


@pytest.mark.parametrize(
    "text",
    [
        "Caf\u00e9\u00a05\u00a0\u20ac",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u200f\u05e9\u05dc\u05d5\u05dd",
    ],
    ids=["no-break-space", "joined-emoji", "right-to-left"],
)
def test_text_of_all_the_world_is_taken(desk, text):
    email_id = desk.sent(subject=text, headers={"X-Note": text}, attachments=[file(filename=text)])
    assert desk.get(email_id)["subject"] == text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 422), (b"[]", 422), (b"null", 422)],
    ids=["empty", "cut", "no-utf8", "deep", "list", "null"],
)
def test_a_body_that_is_no_email_is_refused(desk, body, status):
    assert desk.ask("POST", "/emails", body=body).status == status


DESK = Desk()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=30)
@given(changes=st.dictionaries(st.sampled_from([*EMAIL, "cc", "bcc", "reply_to", "headers", "tags",
                                                "attachments", "metadata", "recipients", "stream",
                                                "scheduled_at", "expires_at"]), JSON))  # fmt: skip
def test_any_json_is_accepted_or_refused_and_never_breaks_the_server(changes):
    reply = DESK.ask("POST", "/emails", body=json.dumps(EMAIL | changes).encode())
    assert reply.status in (200, 400, 422)


def test_a_domain_that_was_verified_may_be_sent_from_and_one_that_waits_not(desk):
    for state in ("pending", "verified"):
        domain = SendingDomain(
            domain_id(f"{state}.example"), desk.alice.id, f"{state}.example", 0, state=state
        )
        desk.book.change(lambda w, one=domain: w.add(one))
    assert desk.send(**{"from": "shop@verified.example"}).status == 200
    assert desk.send(**{"from": "shop@pending.example"}).status == 422
    theirs = desk.make_key(owner=desk.bob)
    assert desk.send(key=theirs, **{"from": "shop@verified.example"}).status == 422


# --- batches


def test_a_batch_answers_in_its_order_and_an_email_of_it_can_be_had(desk):
    reply = desk.ask("POST", "/emails/batch", [EMAIL | {"subject": f"{n}"} for n in range(3)])
    shown = [desk.get(one["id"])["subject"] for one in reply.json["data"]]
    assert (shown, "errors" in reply.json) == (["0", "1", "2"], False)


def test_a_strict_batch_with_one_wrong_email_sends_none(desk):
    reply = desk.ask("POST", "/emails/batch", [EMAIL, EMAIL | {"to": "x"}])
    assert (reply.status, fields(reply)) == (422, [("[1].to", "invalid")])
    assert desk.ask("GET", "/emails").json["data"] == []


def test_a_permissive_batch_sends_the_others_and_tells_of_the_wrong_ones(desk):
    batch = [EMAIL | {"to": "x"}, EMAIL, EMAIL | {"from": "x@gmail.com"}]
    reply = desk.ask("POST", "/emails/batch", batch, headers={"x-batch-validation": "permissive"})
    assert reply.status == 200
    assert len(reply.json["data"]) == 1
    assert [(one["index"], one["name"]) for one in reply.json["errors"]] == [
        (0, "validation_error"), (2, "invalid_from_address"),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_1_to_500_emails(desk, count):
    assert desk.ask("POST", "/emails/batch", [EMAIL] * count).status == 422


# --- whole messages

RAW = (
    b"From: Shop <shop@penfold.test>\r\nTo: kim@x.example\r\nBcc: lee@x.example\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"
)


def raw(octets=RAW, **more):
    return {"raw": base64.urlsafe_b64encode(octets).decode()} | more


def test_a_whole_message_goes_to_those_it_names_and_its_bcc_leaves_with_nobody(desk):
    email_id = desk.ask("POST", "/emails/raw", raw()).json["id"]
    got = desk.get(email_id)
    assert (got["subject"], got["to"], got["bcc"]) == (
        "Grüße", ["kim@x.example"], ["lee@x.example"],
    )  # fmt: skip
    kept = content(desk, email_id).raw
    assert b"lee@x.example" not in kept
    assert kept.endswith(b"\r\n\r\nHello\r\n")


def test_a_whole_message_may_go_to_others_than_it_names(desk):
    email_id = desk.ask("POST", "/emails/raw", raw(to=["max@x.example"])).json["id"]
    assert [one["email"] for one in desk.get(email_id)["recipients"]] == ["max@x.example"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"raw": "***"}, "raw", id="no-base64"),
        pytest.param({"raw": ""}, "raw", id="empty"),
        pytest.param(raw(b"From: a@gmail.com\r\nTo: k@x.example\r\n\r\n"), "from", id="foreign"),
        pytest.param(raw(b"To: k@x.example\r\n\r\n"), "from", id="without-from"),
        pytest.param(
            raw(b"From: a@penfold.test\r\nFrom: b@gmail.com\r\nTo: k@x.example\r\n\r\n"),
            "from",
            id="two-from",
        ),
        pytest.param(raw(b"From: a@penfold.test\r\n\r\n"), "to", id="to-nobody"),
    ],
)
def test_a_message_that_may_not_be_sent_is_refused(desk, body, field):
    reply = desk.ask("POST", "/emails/raw", body)
    assert (reply.status, fields(reply)[0][0]) == (422, field)


# --- suppressed, charged, limited


def suppress(desk, address, scope=Scope.ACCOUNT, value=""):
    one = Suppression("s1", desk.alice.id, address, scope, value, Reason.BOUNCE, 0)
    desk.book.change(lambda writer: writer.put_suppression(one))


def test_a_suppressed_recipient_gets_an_event_no_mail_and_no_bill(desk):
    suppress(desk, "kim@elsewhere.example")
    email_id = desk.sent(to=["KIM@elsewhere.example", "lee@x.example"])
    got = desk.get(email_id)
    assert [(one["last_event"], one["final"]) for one in got["recipients"]] == [
        ("suppressed", True), ("queued", False),
    ]  # fmt: skip
    assert desk.ask("GET", "/usage").json["accepted"] == 1


def test_an_email_whose_recipients_are_all_suppressed_never_waits(desk):
    suppress(desk, "kim@elsewhere.example", Scope.DOMAIN, "penfold.test")
    email_id = desk.sent()
    email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
    assert email.state is EmailState.SUPPRESSED
    assert desk.book.read(lambda b: b.list_backlog(now_ms=desk.clock.now_ms())) == []


def test_usage_counts_recipients_and_what_they_cost(desk):
    desk.sent(to=["a@x.example", "b@x.example"], stream="otp")
    desk.sent(key=desk.make_key(test=True))
    usage = desk.ask("GET", "/usage").json
    assert (usage["accepted"], usage["cost"]) == (2, "0.00056")
    assert (usage["unit_price_per_1000"], usage["currency"]) == ("0.28", "USD")
    assert [(one["stream"], one["accepted"]) for one in usage["days"]] == [("otp", 2)]


@pytest.mark.parametrize(
    "balance",
    [{"prepaid": True, "credit_micros": 559}, {"hard_micros": 559}],
    ids=["prepaid", "budget"],
)
def test_a_budget_that_does_not_reach_refuses_all_or_nothing(desk, balance):
    desk.book.change(lambda w: w.put_balance(Balance(desk.alice.id, **balance)))
    reply = desk.send(to=["a@x.example", "b@x.example"])
    assert (reply.status, reply.json["name"]) == (402, "quota_exceeded")
    assert desk.send(to="a@x.example").status == 200
    assert desk.send(to="a@x.example").status == 402
    assert desk.send(key=desk.make_key(test=True)).status == 200


def test_a_code_is_worth_nothing_after_its_stream_s_time(desk):
    email_id = desk.sent(stream="otp")
    email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
    assert email.expires_ms == desk.clock.now_ms() + 900_000


# --- scheduled


def test_a_scheduled_email_is_moved_and_cancelled_once(desk):
    email_id = desk.sent(scheduled_at="in 1 hour")
    assert desk.get(email_id)["last_event"] == "scheduled"
    moved = desk.ask("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 2 days"})
    assert moved.json == {"object": "email", "id": email_id}
    email = desk.book.read(lambda b: b.find_email(email_id, desk.alice.id))
    assert email.scheduled_ms == desk.clock.now_ms() + 2 * DAY_MS
    for _ in range(2):
        assert desk.ask("POST", f"/emails/{email_id}/cancel", {}).status == 200
    assert [one["type"] for one in desk.get(email_id)["events"]] == [
        "email.cancelled", "email.scheduled",
    ]  # fmt: skip
    assert desk.ask("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 1 day"}).status == 409


def test_an_email_somebody_works_on_is_neither_moved_nor_cancelled(desk):
    email_id = desk.sent(scheduled_at="in 1 hour")
    desk.clock.advance(s=3_600)
    now_ms = desk.clock.now_ms()
    desk.book.change(lambda w: w.take_emails(now_ms=now_ms, lease_ms=1_000, limit=9))
    assert desk.ask("POST", f"/emails/{email_id}/cancel", {}).status == 409
    assert desk.ask("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 1 day"}).status == 409


def test_an_email_is_not_moved_past_its_end(desk):
    email_id = desk.sent(scheduled_at="in 1 min", stream="otp")
    reply = desk.ask("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 20 min"})
    assert fields(reply) == [("scheduled_at", "invalid")]


# --- listing


def test_emails_are_listed_in_pages_from_either_end(desk):
    made = [desk.sent(subject=f"{n}") for n in range(5)][::-1]

    def page(query):
        reply = desk.ask("GET", f"/emails?{query}").json
        return [one["id"] for one in reply["data"]], reply["has_more"]

    assert page("limit=2") == (made[:2], True)
    assert page(f"limit=2&after={made[1]}") == (made[2:4], True)
    assert page(f"limit=2&after={made[3]}") == (made[4:], False)
    assert page(f"limit=2&before={made[3]}") == (made[1:3], True)
    assert page(f"limit=9&before={made[3]}") == (made[:3], False)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "after=nobody", "what=1", "limit=1&limit=2"]
)
def test_a_page_there_is_not_is_refused(desk, query):
    assert desk.ask("GET", f"/emails?{query}").status == 422


def test_events_are_listed_by_kind_and_email(desk):
    one, two = desk.sent(), desk.sent(scheduled_at="in 1 hour")
    found = desk.ask("GET", "/events?type=email.scheduled").json["data"]
    assert [(each["type"], each["email_id"]) for each in found] == [("email.scheduled", two)]
    found = desk.ask("GET", f"/events?email_id={one}&type=queued,sent").json["data"]
    assert [each["email_id"] for each in found] == [one]
    assert desk.ask("GET", "/events?type=email.eaten").status == 422
    assert desk.ask("GET", "/events?email_id=nobody").status == 404


def test_what_is_somebody_else_s_is_not_there(desk):
    email_id = desk.sent(scheduled_at="in 1 hour")
    event_id = desk.get(email_id)["events"][0]["id"]
    theirs = desk.make_key(owner=desk.bob)
    assert desk.ask("GET", "/emails", key=theirs).json["data"] == []
    assert desk.ask("GET", "/events", key=theirs).json["data"] == []
    for verb, path, body in (
        ("GET", f"/emails/{email_id}", None),
        ("POST", f"/emails/{email_id}/cancel", {}),
        ("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 1 day"}),
        ("GET", f"/events?email_id={email_id}", None),
    ):
        assert desk.ask(verb, path, body, key=theirs).status == 404
    for path in (f"/emails?after={email_id}", f"/events?after={event_id}"):
        assert desk.ask("GET", path, key=theirs).status == 422


def test_the_audit_log_never_has_a_secret(desk):
    trail = str(desk.directory.list_audit(most=99))
    assert "sending_key" in trail
    assert desk.key not in trail
    assert isinstance(desk.keys.list(desk.alice.id)[0].key, ApiKey)
