"""Requests and answers on the wire, each rule of Gmail's protocol that clients rely on."""

import gzip
import json

import pytest
from tests.unit.front.http.test_batch import part, read, send

from penfold.base.limits import GZIP_MIN_BYTES
from penfold.spec.schemas import (
    Label,
    ListLabelsResponse,
    ListMessagesResponse,
    Message,
    MessagePart,
    MessagePartBody,
    MessagePartHeader,
    Profile,
)

PROFILE = "/gmail/v1/users/me/profile"
MESSAGES = "/gmail/v1/users/me/messages"
LABELS = "/gmail/v1/users/me/labels"


@pytest.fixture
def world(make_world):
    """An API whose list says how it was asked."""

    def messages_list(call, box):
        params = call.params
        return ListMessagesResponse(
            messages=[Message(id="1", thread_id="2")],
            next_page_token=params.q,
            result_size_estimate=params.max_results,
        )

    return make_world(
        {
            "gmail.users.getProfile": lambda call, box: Profile(history_id="1"),
            "gmail.users.messages.list": messages_list,
            "gmail.users.labels.patch": lambda call, box: call.body,
            "gmail.users.labels.update": lambda call, box: call.body,
            "gmail.users.labels.create": lambda call, box: call.body,
            "gmail.users.labels.delete": lambda call, box: None,
            "gmail.users.labels.list": lambda call, box: ListLabelsResponse(
                labels=[Label(id="INBOX", name="INBOX", type="system")]
            ),
        }
    )


# --- gzip ---------------------------------------------------------------------------------------

BIG = "x" * GZIP_MIN_BYTES


@pytest.fixture
def big(make_world):
    return make_world({"gmail.users.messages.get": lambda call, box: Message(snippet=BIG)})


@pytest.mark.parametrize(
    "accepted",
    ["gzip", "gzip, deflate", "deflate, GZIP;q=0.5", "x-gzip", "br;q=1.0,gzip ; q=1", "*, gzip"],
)
def test_large_answer_is_compressed_for_who_takes_it(big, accepted):
    reply = big.get(f"{MESSAGES}/1", headers={"accept-encoding": accepted})
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["vary"] == "Origin, X-Origin, Referer"
    assert json.loads(gzip.decompress(reply.body)) == {"snippet": BIG}
    assert big.facts[-1].sent == len(reply.body)


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "gzipped"])
def test_answer_stays_plain_for_others(big, accepted):
    reply = big.get(f"{MESSAGES}/1", headers={"accept-encoding": accepted})
    assert "content-encoding" not in reply.headers
    assert reply.json == {"snippet": BIG}


def test_small_answer_stays_plain(world):
    reply = world.get(PROFILE, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in reply.headers


def test_very_large_answer_is_compressed_beside_the_loop(make_world):
    large = Message(snippet="x" * 1_000_000)
    world = make_world({"gmail.users.messages.get": lambda call, box: large})
    reply = world.get(f"{MESSAGES}/1", headers={"accept-encoding": "gzip"})
    assert json.loads(gzip.decompress(reply.body))["snippet"] == large.snippet


def test_a_batch_answer_that_is_sent_in_pieces_is_compressed_too(make_world):
    large = Message(snippet="x" * 400_000)
    world = make_world({"gmail.users.messages.get": lambda call, box: large})
    parts = [part(f"GET {MESSAGES}/1")] * 9
    reply = send(world, *parts, **{"accept-encoding": "gzip"})
    assert reply.headers["content-encoding"] == "gzip"
    assert "content-length" not in reply.headers
    assert world.facts[-1].sent == len(reply.body) < 400_000
    reply.body = gzip.decompress(reply.body)
    assert [json.loads(body)["snippet"] for *_, body in read(reply)] == [large.snippet] * 9


# --- browsers -----------------------------------------------------------------------------------

ORIGIN = {"origin": "https://app.example"}


@pytest.mark.parametrize(
    "target", [PROFILE, "/batch", "/batch/gmail/v1", f"/upload{MESSAGES}/send?uploadType=media"]
)
def test_preflight_allows_what_a_page_asks_for(world, target):
    asked = {"access-control-request-headers": "authorization,x-goog-api-client"}
    reply = world.ask("OPTIONS", target, token=None, headers={**ORIGIN, **asked})
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
    assert reply.headers["access-control-allow-methods"] == (
        "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"
    )
    assert reply.headers["access-control-allow-headers"] == "authorization,x-goog-api-client"
    assert reply.headers["access-control-max-age"] == "3600"
    assert reply.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(("target", "status"), [(PROFILE, 200), (f"{PROFILE}?x=1", 400),
                                                ("/gmail/v1/nope", 404)])  # fmt: skip
def test_every_answer_may_be_read_by_the_page_that_asked(world, target, status):
    reply = world.get(target, headers=ORIGIN)
    assert reply.status == status
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
    exposed = reply.headers["access-control-expose-headers"]
    assert exposed.startswith("content-encoding,date,server,content-length")
    assert "access-control-allow-origin" not in world.get(target).headers


# --- addresses and verbs ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["HEAD", "PUT", "TRACE", "FOO"])
def test_verb_nobody_serves_is_a_page(world, verb):
    reply = world.ask(verb, PROFILE)
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=UTF-8")


def test_conditional_requests_are_answered_like_others(world):
    wanted = {"if-none-match": "*", "if-modified-since": "Fri, 27 Nov 2026 00:00:00 GMT"}
    reply = world.get(PROFILE, headers=wanted)
    assert (reply.status, reply.json) == (200, {"historyId": "1"})
    assert "etag" not in reply.headers
    patched = world.ask(
        "PATCH", f"{LABELS}/Label_1", body=b'{"name": "B"}', headers={"if-match": '"no"'}
    )
    assert patched.status == 200


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "patch", "DELETE"])
def test_overridden_post_is_the_other_verb(world, verb):
    reply = world.post(
        f"{LABELS}/Label_1",
        {"name": "B"},
        headers={"x-http-method-override": verb, "content-type": "application/json"},
    )
    assert reply.status == (204 if verb == "DELETE" else 200)


def test_override_counts_for_post_only(world):
    reply = world.get(PROFILE, headers={"x-http-method-override": "DELETE"})
    assert reply.status == 200


def test_oddity_33_a_long_get_comes_as_a_form_with_all_its_parameters(world):
    query = "a" * 3_000
    reply = world.ask(
        "POST",
        f"{MESSAGES}?alt=json",
        body=f"q={query}&maxResults=3&fields=nextPageToken&prettyPrint=false".encode(),
        headers={
            "x-http-method-override": "GET",
            "content-type": "application/x-www-form-urlencoded",
        },
    )
    assert reply.body == b'{"nextPageToken":"%b"}' % query.encode()


# --- parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "alt=json", "alt=JSON", "alt=", "$alt=json", "quotaUser=" + "u" * 40,
        "quotaUser=" + "u" * 41, "quota_user=u", "userip=192.0.2.1", "trace=token:1", "pp=1",
        "strict=true", "key=k", "prettyPrint=true", "$prettyPrint=1", "access_token=full",
        "oauth_token=full", "fields=", "callback=", "$.xgafv=1", "$.xgafv=2", "uploadType=media",
        "upload_protocol=raw", "",
    ],
)  # fmt: skip
def test_system_parameter_is_taken(world, query):
    assert world.get(f"{PROFILE}?{query}").json == {"historyId": "1"}


@pytest.mark.parametrize(
    ("query", "estimate"),
    [("maxResults=3&maxResults=4", 4), ("maxResults=3&max_results=4", 4), ("max_results=3", 3)],
)
def test_last_of_a_methods_own_parameters_counts_in_both_spellings(world, query, estimate):
    assert world.get(f"{MESSAGES}?{query}").json["resultSizeEstimate"] == estimate


@pytest.mark.parametrize("text", ["true", "True", "1", "false", "0"])
def test_truths_may_be_words_or_digits(world, text):
    assert world.get(f"{MESSAGES}?includeSpamTrash={text}").status == 200


def test_of_repeated_system_parameters_the_first_counts(world):
    reply = world.get(
        f"{PROFILE}?callback=a&callback=b&alt=json&alt=zzz&prettyPrint=false&prettyPrint=true"
        "&fields=historyId&fields=nope"
    )
    assert reply.body == b'// API callback\na({"historyId":"1"});'


def test_callback_is_for_get(world):
    reply = world.post(f"{LABELS}?callback=cb", {"name": "A"})
    assert reply.json == {"name": "A"}


def test_errors_are_indented_whatever_was_asked(world):
    reply = world.get(f"{PROFILE}?prettyPrint=false", token=None)
    assert reply.body.startswith(b'{\n  "error": {\n    "code": 401,')
    assert reply.body.endswith(b"}\n")


# --- fields -------------------------------------------------------------------------------------

FULL = Message(
    id="1",
    thread_id="2",
    label_ids=["A"],
    internal_date="3",
    payload=MessagePart(
        mime_type="text/plain",
        headers=[MessagePartHeader(name="To", value="a")],
        parts=[MessagePart(part_id="0", body=MessagePartBody(size=1))],
    ),
)


@pytest.mark.parametrize(
    ("mask", "kept"),
    [
        ("id,labelIds,internalDate,raw", {"id": "1", "labelIds": ["A"], "internalDate": "3"}),
        ("id, threadId", {"id": "1", "threadId": "2"}),
        ("payload/headers", {"payload": {"headers": [{"name": "To", "value": "a"}]}}),
        ("payload(headers/name,mimeType)",
         {"payload": {"headers": [{"name": "To"}], "mimeType": "text/plain"}}),
        ("payload/parts/body", {"payload": {"parts": [{"body": {"size": 1}}]}}),
        ("payload/parts(*)", {"payload": {"parts": [{"partId": "0", "body": {"size": 1}}]}}),
        ("label_ids", {"labelIds": ["A"]}),
        ("snippet", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["fields", "$fields", "header"])
def test_oddity_35_mask_keeps_what_it_names(make_world, mask, kept, how):
    world = make_world({"gmail.users.messages.get": lambda call, box: FULL})
    if how == "header":
        reply = world.get(f"{MESSAGES}/1", headers={"x-goog-fieldmask": mask})
    else:
        reply = world.get(f"{MESSAGES}/1?{how}={mask.replace(' ', '%20')}")
    assert reply.json == kept


@pytest.mark.parametrize("mask", ["", "*", "%20"])
def test_oddity_35_an_empty_mask_keeps_everything(world, mask):
    reply = world.post(f"{LABELS}?fields={mask}", {"name": "A"})
    assert reply.json == {"name": "A"}


def test_next_page_token_must_be_asked_for(world):
    assert world.get(f"{MESSAGES}?q=x&fields=messages(id)").json == {"messages": [{"id": "1"}]}
    wanted = "messages(id,threadId),nextPageToken"
    assert world.get(f"{MESSAGES}?q=x&fields={wanted}").json == {
        "messages": [{"id": "1", "threadId": "2"}],
        "nextPageToken": "x",
    }
    spaced = world.get(f"{LABELS}?fields=labels(id,name,%20type)")
    assert spaced.json == {"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}]}


def test_mask_does_not_touch_errors_and_204(world):
    assert world.get(f"{PROFILE}?fields=historyId", token=None).error["code"] == 401
    assert world.ask("DELETE", f"{LABELS}/Label_1?fields=id").status == 204


# --- PATCH --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "name"), [("PATCH", {"name": "", "id": "L"}), ("PUT", {"id": "L"})]
)
def test_null_clears_in_a_patch_and_is_absent_elsewhere(world, verb, name):
    reply = world.ask(verb, f"{LABELS}/Label_1", body=b'{"name": null, "id": "L"}')
    assert reply.json == name
