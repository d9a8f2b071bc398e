"""The order of checks, what handlers get, and what comes of what they return and raise."""

import json
import threading

import pytest

from penfold.base.errors import (
    MailboxBusyError,
    MailboxDamagedError,
    OutcomeUnknownError,
    StorageFullError,
)
from penfold.front.http.call import TooSlowInline
from penfold.front.http.plan import UndeclaredProblemError
from penfold.spec import problems
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import (
    Delegate,
    Label,
    ListDelegatesResponse,
    ListMessagesResponse,
    Message,
    Profile,
)

PROFILE = "/gmail/v1/users/me/profile"
MESSAGES = "/gmail/v1/users/me/messages"
BOBS = "/gmail/v1/users/bob%40x.test/messages"


def raiser(error):
    def handler(call, box):
        raise error

    return handler


def recorder(result):
    """Return a handler and the list of (call, box, thread) it fills."""
    seen = []

    def handler(call, box):
        seen.append((call, box, threading.current_thread()))
        return result

    return handler, seen


# --- precedence: each request is wrong in every later way too -------------------------------


@pytest.mark.parametrize(
    ("target", "token", "status", "text"),
    [
        pytest.param(
            f"{MESSAGES}?$.xgafv=9&callback=a%20b", None, 400,
            "Invalid query parameters. Invalid value '9' for system query parameter : $.xgafv",
            id="xgafv-first",
        ),
        pytest.param(
            f"{MESSAGES}?callback=a%20b&nope=1", None, 400,
            "Invalid JSONP callback name: 'a b'; only alphabet, number, '_', '$', '.', '[' and "
            "']' are allowed.",
            id="then-callback",
        ),
        pytest.param(
            f"{MESSAGES}?maxResults=x", None, 401, "Request is missing required", id="then-no-token"
        ),
        pytest.param(
            f"{MESSAGES}?maxResults=x", "bad", 401, "Request had invalid", id="then-bad-token"
        ),
        pytest.param(
            f"{BOBS}?maxResults=x", "send", 400,
            "Invalid value at 'max_results' (TYPE_UINT32), \"x\"",
            id="then-parameters",
        ),
        pytest.param(
            BOBS, "send", 403,
            "Request had insufficient authentication scopes.",
            id="then-scope",
        ),
        pytest.param(
            BOBS, "full", 403,
            "Delegation denied for alice@penfold.test",
            id="then-delegation",
        ),
        pytest.param(
            MESSAGES, "full", 501, "Operation is not implemented, or supported, or enabled.",
            id="then-whether-served",
        ),
    ],
)  # fmt: skip
def test_checks_come_in_gmails_order(make_world, target, token, status, text):
    reply = make_world().get(target, token=token)
    assert reply.status == status
    assert reply.error["message"].startswith(text)


def test_last_xgafv_counts_and_2_leaves_out_errors(make_world):
    world = make_world()
    assert "errors" in world.get(f"{PROFILE}?$.xgafv=2&$.xgafv=1").error
    assert "errors" not in world.get(f"{PROFILE}?$.xgafv=1&$.xgafv=2").error


# --- credentials and scopes ------------------------------------------------------------------


def test_missing_credential_is_gmails_401(make_world):
    reply = make_world().get(f"{PROFILE}?key=abc", token=None)
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="https://accounts.google.com/"'
    assert reply.error["errors"] == [
        {
            "message": "Login Required.",
            "domain": "global",
            "reason": "required",
            "location": "Authorization",
            "locationType": "header",
        }
    ]
    assert reply.error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "CREDENTIALS_MISSING",
            "domain": "googleapis.com",
            "metadata": {
                "method": "caribou.api.proto.MailboxService.GetProfile",
                "service": "gmail.googleapis.com",
            },
        }
    ]


def test_dead_credential_is_gmails_401_without_details(make_world):
    reply = make_world().get(PROFILE, token="revoked")
    assert reply.status == 401
    assert reply.headers["www-authenticate"].endswith('error="invalid_token"')
    assert reply.error["errors"][0]["message"] == "Invalid Credentials"
    assert reply.error["errors"][0]["reason"] == "authError"
    assert list(reply.error) == ["code", "message", "errors", "status"]


def test_authorization_that_is_no_bearer_is_an_invalid_credential(make_world):
    reply = make_world().get(PROFILE, token=None, headers={"authorization": "Basic YTpi"})
    assert reply.error["errors"][0]["reason"] == "authError"


@pytest.mark.parametrize("name", ["access_token", "oauth_token"])
def test_token_may_come_in_the_query(make_world, name):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile(history_id="7")})
    assert world.get(f"{PROFILE}?{name}=full", token=None).json == {"historyId": "7"}


def test_wrong_scope_is_gmails_403_and_names_the_scopes(make_world):
    reply = make_world().get(PROFILE, token="send")
    assert reply.status == 403
    assert reply.error["errors"] == [
        {
            "message": "Insufficient Permission",
            "domain": "global",
            "reason": "insufficientPermissions",
        }
    ]
    info = reply.error["details"][0]
    assert info["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert info["metadata"]["method"] == "caribou.api.proto.MailboxService.GetProfile"
    challenge = reply.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert "https://mail.google.com/ " in challenge


@pytest.mark.parametrize(
    "user", ["me", "alice@penfold.test", "ALICE@penfold.test", "alice%40penfold.test"]
)
def test_own_mailbox_goes_by_me_or_address(make_world, user):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    assert world.get(f"/gmail/v1/users/{user}/profile").status == 200


def test_some_methods_are_for_service_accounts_only(make_world):
    def delegates_list(call, _box):
        return ListDelegatesResponse(delegates=[Delegate(delegate_email=call.account.address)])

    method_id = "gmail.users.settings.delegates.list"
    world = make_world({method_id: delegates_list})
    address = "/gmail/v1/users/me/settings/delegates"
    refused = world.get(address, token="full")
    assert (refused.status, refused.error["errors"][0]["reason"]) == (403, "forbidden")
    assert refused.error["message"].startswith("Access restricted to service accounts")
    assert world.get(address, token="service").json["delegates"] == [
        {"delegateEmail": "alice@penfold.test"}
    ]


def test_suspended_account_has_no_mail_service(make_world):
    reply = make_world().get(PROFILE, token="suspended")
    assert (reply.status, reply.error["message"]) == (400, "Mail service not enabled")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        pytest.param(f"{MESSAGES}?q=", "Metadata scope does not support 'q' parameter", id="q"),
        pytest.param(
            f"{MESSAGES}/1", "Metadata scope doesn't allow format FULL", id="default-format"
        ),
        pytest.param(
            f"{MESSAGES}/1?format=raw", "Metadata scope doesn't allow format RAW", id="raw"
        ),
    ],
)
def test_metadata_token_is_restricted_whatever_else_it_holds(make_world, target, text):
    reply = make_world().get(target, token="metadata")
    assert (reply.status, reply.error["message"]) == (403, text)


@pytest.mark.parametrize("target", [f"{MESSAGES}?maxResults=3", f"{MESSAGES}/1?format=metadata"])
def test_metadata_token_may_do_the_rest(make_world, target):
    assert make_world().get(target, token="metadata").status == 501


# --- what a handler gets -----------------------------------------------------------------------


def test_reader_runs_inline_with_checked_parameters(make_world):
    handler, seen = recorder(ListMessagesResponse(result_size_estimate=0))
    world = make_world({"gmail.users.messages.list": handler})
    reply = world.get(f"{MESSAGES}?maxResults=1&max_results=7&labelIds=A&label_ids=B&alt=json")
    assert reply.json == {"resultSizeEstimate": 0}
    [(call, box, thread)] = seen
    assert (call.params.max_results, call.params.label_ids) == (7, ("A", "B"))
    assert (call.account.address, call.inline, call.body) == ("alice@penfold.test", True, None)
    assert box == "reader of m1"
    assert thread is threading.main_thread()


def test_reader_that_finds_it_too_slow_runs_again_in_a_thread(make_world):
    seen = []

    def handler(call, box):
        seen.append((call.inline, threading.current_thread() is threading.main_thread()))
        if call.inline:
            raise TooSlowInline
        return Message(id="1")

    world = make_world({"gmail.users.messages.get": handler})
    assert world.get(f"{MESSAGES}/1").json == {"id": "1"}
    assert seen == [(True, True), (False, False)]


def test_unbounded_reader_runs_in_a_thread(make_world):
    handler, seen = recorder(Profile())
    world = make_world({"gmail.users.history.list": handler})
    assert world.get("/gmail/v1/users/me/history?startHistoryId=9").status == 200
    [(call, box, thread)] = seen
    assert call.params.start_history_id == 9
    assert box == "reader of m1"
    assert thread is not threading.main_thread()


def test_writer_gets_the_body_and_runs_in_the_commit(make_world):
    handler, seen = recorder(Label(id="Label_1"))
    world = make_world({"gmail.users.labels.create": handler})
    reply = world.post("/gmail/v1/users/me/labels", {"name": "A", "label_list_visibility": None})
    assert reply.json == {"id": "Label_1"}
    [(call, box, _)] = seen
    assert (call.body, box) == (Label(name="A"), "writer of m1")


def test_raw_arrives_as_octets(make_world):
    handler, seen = recorder(Message(id="1"))
    world = make_world({"gmail.users.messages.insert": handler})
    assert world.post(MESSAGES, {"raw": "_-8", "labelIds": "INBOX"}).status == 200
    assert seen[0][0].body == Message(raw=b"\xff\xef", label_ids=["INBOX"])


def test_body_in_many_chunks_is_put_together(make_world):
    handler, seen = recorder(Label(id="Label_1"))
    world = make_world({"gmail.users.labels.create": handler})
    reply = world.ask("POST", "/gmail/v1/users/me/labels", chunks=[b'{"na', b'me":'], body=b'"A"}')
    assert reply.status == 200
    assert seen[0][0].body == Label(name="A")


def test_large_body_is_read_beside_the_loop(make_world):
    handler, seen = recorder(Message(id="1"))
    world = make_world({"gmail.users.messages.insert": handler})
    assert world.post(MESSAGES, {"raw": "AAAA" * 100_000}).status == 200
    assert len(seen[0][0].body.raw) == 300_000


def test_body_of_a_method_that_takes_none_is_ignored(make_world):
    world = make_world({"gmail.users.messages.trash": lambda call, box: Message(id="1")})
    assert world.post(f"{MESSAGES}/1/trash", {"anything": 1}).status == 200


def test_method_without_response_answers_204(make_world):
    world = make_world({"gmail.users.messages.delete": lambda call, box: None})
    reply = world.ask("DELETE", f"{MESSAGES}/1")
    assert (reply.status, reply.body) == (204, b"")
    assert "content-type" not in reply.headers
    assert reply.headers["x-request-id"]


def test_sending_waits_for_the_hand_over(make_world):
    world = make_world({"gmail.users.messages.send": lambda call, box: Message(id="1")})
    assert world.post(f"{MESSAGES}/send", {"raw": "AA"}).status == 200
    assert world.outbound.seen == ["m1"]


def test_failed_hand_over_does_not_change_the_answer(make_world):
    world = make_world({"gmail.users.messages.send": lambda call, box: Message(id="1")})
    world.outbound.fails = MailboxBusyError()
    assert world.post(f"{MESSAGES}/send", {"raw": "AA"}).json == {"id": "1"}


def test_other_writers_do_not_hand_over(make_world):
    world = make_world({"gmail.users.messages.insert": lambda call, box: Message(id="1")})
    world.post(MESSAGES, {"raw": "AA"})
    assert world.outbound.seen == []


# --- bodies that are refused -------------------------------------------------------------------


def test_body_over_the_limit_is_413_by_its_length_alone(make_world):
    world = make_world({"gmail.users.labels.create": raiser(AssertionError)})
    headers = {"content-length": str(2 << 20), "content-type": "application/json"}
    reply = world.ask("POST", "/gmail/v1/users/me/labels", headers=headers, body=b"{}")
    assert (reply.status, reply.error["message"]) == (413, "Request Entity Too Large")


def test_body_over_the_limit_is_413_while_it_streams(make_world):
    world = make_world({"gmail.users.labels.create": raiser(AssertionError)})
    reply = world.ask("POST", "/gmail/v1/users/me/labels", chunks=[b" " * 300_000] * 5)
    assert reply.status == 413


def test_body_that_is_no_json_by_its_own_word_is_refused(make_world):
    world = make_world({"gmail.users.messages.insert": raiser(AssertionError)})
    reply = world.ask("POST", MESSAGES, body=b"From: a", headers={"content-type": "message/rfc822"})
    assert reply.status == 400
    assert "Media type 'message/rfc822' is not supported" in reply.error["message"]


def test_client_that_leaves_during_its_body_gets_no_answer(make_world):
    world = make_world({"gmail.users.labels.create": raiser(AssertionError)})

    reply = world.ask("POST", "/gmail/v1/users/me/labels", chunks=[b"{"], leaves=True)
    assert reply is None
    assert world.facts == []


# --- method override -----------------------------------------------------------------------------


def test_long_get_comes_as_a_form(make_world):
    handler, seen = recorder(ListMessagesResponse())
    world = make_world({"gmail.users.messages.list": handler})
    reply = world.ask(
        "POST",
        MESSAGES,
        body=b"q=caf%C3%A9+au+lait&maxResults=5&alt=json",
        headers={
            "x-http-method-override": "GET",
            "content-type": "application/x-www-form-urlencoded",
        },
    )
    assert reply.status == 200
    assert (seen[0][0].params.q, seen[0][0].params.max_results) == ("café au lait", 5)


def test_override_reaches_put_patch_and_delete(make_world):
    world = make_world({"gmail.users.labels.patch": lambda call, box: Label(name=call.body.name)})
    reply = world.post(
        "/gmail/v1/users/me/labels/Label_1",
        {"name": "B"},
        headers={"x-http-method-override": "PATCH", "content-type": "application/json"},
    )
    assert reply.json == {"name": "B"}


def test_form_without_override_is_read_as_parameters(make_world):
    world = make_world({"gmail.users.labels.create": raiser(AssertionError)})
    reply = world.ask(
        "POST",
        "/gmail/v1/users/me/labels",
        body=b'{"name":"A"}',
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert reply.status == 400
    assert "Cannot bind query parameter" in reply.error["message"]


# --- answers ---------------------------------------------------------------------------------------


def test_answer_is_indented_unless_told_otherwise(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile(history_id="1")})
    assert world.get(PROFILE).body == b'{\n  "historyId": "1"\n}\n'
    assert world.get(f"{PROFILE}?prettyPrint=false").body == b'{"historyId":"1"}'
    assert b"\n  " in world.get(f"{PROFILE}?prettyPrint=false&x=1").body  # errors always are


def test_answer_carries_gmails_headers_and_a_request_id(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    first, second = world.get(PROFILE), world.get(PROFILE)
    assert first.headers["content-type"] == "application/json; charset=UTF-8"
    assert first.headers["vary"] == "Origin, X-Origin, Referer"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["content-length"] == str(len(first.body))
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_mask_keeps_what_it_names(make_world):
    answer = Message(id="1", thread_id="2", snippet="x", label_ids=["A"])
    world = make_world({"gmail.users.messages.get": lambda call, box: answer})
    assert world.get(f"{MESSAGES}/1?fields=threadId,label_ids").json == {
        "threadId": "2",
        "labelIds": ["A"],
    }
    assert world.get(f"{MESSAGES}/1?fields=").json["id"] == "1"
    masked = world.get(f"{MESSAGES}/1", headers={"x-goog-fieldmask": "id"})
    assert masked.json == {"id": "1"}


def test_unknown_mask_member_is_refused_before_anything_happens(make_world):
    world = make_world({"gmail.users.labels.create": raiser(AssertionError)})
    reply = world.post("/gmail/v1/users/me/labels?fields=id,color/blue", {"name": "A"})
    assert reply.status == 400
    assert reply.error["message"] == "Request contains an invalid argument."
    [violation] = reply.error["details"][0]["fieldViolations"]
    assert violation["description"] == (
        "Error expanding 'fields' parameter. Cannot find matching fields for path 'color/blue'."
    )


@pytest.mark.parametrize("alt", ["media", "proto", "ZZZ"])
def test_answer_in_another_form_is_refused(make_world, alt):
    assert make_world().get(f"{PROFILE}?alt={alt}").status == 400


def test_jsonp_is_200_with_the_status_inside(make_world):
    world = make_world({"gmail.users.messages.get": raiser(ProblemError(problems.NOT_FOUND))})
    reply = world.get(f"{MESSAGES}/1?callback=cb")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/javascript; charset=UTF-8"
    assert reply.body.startswith(b"// API callback\ncb({")
    assert reply.body.endswith(b"});")
    inner = json.loads(reply.body.split(b"(", 1)[1][:-2])
    assert inner["error"]["code"] == 404
    assert world.facts[-1].status == 404


def test_browser_may_call_from_another_origin(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile()})
    origin = {"origin": "https://app.example"}
    assert (
        world.get(PROFILE, headers=origin).headers["access-control-allow-origin"]
        == "https://app.example"
    )
    reply = world.ask(
        "OPTIONS",
        PROFILE,
        token=None,
        headers={
            **origin,
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
        },
    )
    assert reply.status == 200
    assert reply.headers["access-control-allow-headers"] == "authorization"
    assert "GET" in reply.headers["access-control-allow-methods"]


# --- addresses nobody serves -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        pytest.param("GET", "/gmail/v1/users/me/nope", id="path"),
        pytest.param("GET", "/gmail/v1/users/me/messages/", id="empty-segment"),
        pytest.param("PATCH", PROFILE, id="verb"),
        pytest.param("OPTIONS", "/gmail/v1/nope", id="preflight"),
    ],
)
def test_unknown_address_is_a_page(make_world, verb, target):
    reply = make_world().ask(verb, target)
    assert reply.status == 404
    assert reply.headers["content-type"] == "text/html; charset=UTF-8"
    assert b"Error 404 (Not Found)!!1" in reply.body


def test_unknown_address_is_shown_escaped(make_world):
    reply = make_world().get("/gmail/v1/<script>")
    assert b"<script>" not in reply.body


def test_what_is_not_served_answers_501(make_world):
    reply = make_world().post("/gmail/v1/users/me/watch", body=b"", headers={})
    assert reply.status == 501
    assert reply.error["status"] == "UNIMPLEMENTED"


# --- errors of handlers ----------------------------------------------------------------------------


def test_problem_of_a_handler_is_its_answer(make_world):
    world = make_world({"gmail.users.messages.get": raiser(ProblemError(problems.INVALID_ID))})
    reply = world.get(f"{MESSAGES}/x")
    assert reply.body == (
        b'{\n  "error": {\n    "code": 400,\n    "message": "Invalid id value",\n'
        b'    "errors": [\n      {\n        "message": "Invalid id value",\n'
        b'        "domain": "global",\n        "reason": "invalidArgument"\n      }\n    ],\n'
        b'    "status": "INVALID_ARGUMENT"\n  }\n}\n'
    )


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_problem_a_method_does_not_declare_is_our_error(make_world, verb):
    handlers = {
        "gmail.users.getProfile": raiser(ProblemError(problems.NO_IDS)),
        "gmail.users.labels.create": raiser(ProblemError(problems.NO_IDS)),
    }
    target = PROFILE if verb == "GET" else "/gmail/v1/users/me/labels"
    strict = make_world(handlers)
    assert strict.ask(verb, target, body=b"{}").status == 500
    assert isinstance(strict.facts[-1].error, UndeclaredProblemError)
    assert make_world(handlers, strict=False).ask(verb, target, body=b"{}").status == 400


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        pytest.param(
            MailboxBusyError("secret"), 503, "The service is currently unavailable.", id="busy"
        ),
        pytest.param(
            MailboxDamagedError("secret"), 503, "The service is currently unavailable.", id="damaged"
        ),
        pytest.param(
            StorageFullError("secret"), 507,
            "The server has no room to store this. Free some disk space and try again.",
            id="full",
        ),
        pytest.param(ZeroDivisionError("secret"), 500, "Internal error encountered.", id="bug"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["gmail.users.getProfile", "gmail.users.labels.create"])
def test_other_errors_tell_the_client_nothing_of_ours(make_world, method, error, status, message):
    world = make_world({method: raiser(error)})
    if method.endswith("getProfile"):
        reply = world.get(PROFILE)
    else:
        reply = world.post("/gmail/v1/users/me/labels", {})
    assert (reply.status, reply.error["message"]) == (status, message)
    assert b"secret" not in reply.body
    assert world.facts[-1].error is (error if status == 500 else None)


def test_unknown_outcome_stops_the_server_instead_of_answering(make_world):
    error = OutcomeUnknownError("commit failed half-way")
    world = make_world({"gmail.users.labels.create": raiser(error)})
    with pytest.raises(OutcomeUnknownError):
        world.post("/gmail/v1/users/me/labels", {})
    assert world.stopped == [error]


def test_missing_mailbox_is_404(make_world):
    world = make_world({"gmail.users.getProfile": raiser(AssertionError)})
    world.boxes.missing.add("m1")
    assert world.get(PROFILE).status == 404


# --- facts -----------------------------------------------------------------------------------------


def test_facts_of_a_request_name_everything_but_secrets(make_world):
    world = make_world({"gmail.users.labels.create": lambda call, box: Label(id="Label_1")})
    reply = world.post("/gmail/v1/users/me/labels?access_token=full", {"name": "A"}, token=None)
    [facts] = world.facts
    assert facts.request_id == reply.headers["x-request-id"]
    assert facts.method_id == "gmail.users.labels.create"
    assert (facts.verb, facts.path, facts.status) == ("POST", "/gmail/v1/users/me/labels", 200)
    assert (facts.account_id, facts.client, facts.app) == ("m1", "192.0.2.1", "app")
    assert (facts.received, facts.sent) == (len(b'{"name": "A"}'), len(reply.body))
    assert facts.seconds > 0
    assert facts.reason == ""


def test_facts_of_a_refusal_name_the_reason(make_world):
    world = make_world()
    world.get(PROFILE, token="revoked")
    world.get("/gmail/v1/nope")
    assert [(f.method_id, f.status, f.reason) for f in world.facts] == [
        ("gmail.users.getProfile", 401, "authError"),
        ("other", 404, ""),
    ]
