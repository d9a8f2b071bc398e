"""Gmail's error catalogue, row by row, over the real pipeline: the whole answer is compared.

Rows of settings, push and quota stand with their own tests.
"""

import asyncio
import base64
import json
from dataclasses import dataclass, field

import pytest
from tests.unit.front.http.conftest import ask_app
from tests.unit.world import mail

from penfold.base.errors import MailboxBusyError
from penfold.base.limits import JSON_BODY_MAX_BYTES
from penfold.front.http.pipeline import GmailApi
from penfold.front.http.registration import find_handlers
from penfold.ports.directory import Account
from penfold.ports.identity import Credential
from penfold.spec.schemas import Draft, Label, Message
from penfold.spec.scopes import FULL, METADATA, READONLY

USER = "/gmail/v1/users/me"
RPC = "caribou.api.proto.MailboxService."
TAIL = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
REALM = 'Bearer realm="https://accounts.google.com/"'
NEVER_THERE = "7fffffffffffffff"


def raw(text):
    return base64.urlsafe_b64encode(text).decode()


@dataclass(frozen=True)
class Row:
    """What is asked, and the error it must get."""

    verb: str
    target: str
    message: str
    code: int = 400
    status: str = "INVALID_ARGUMENT"
    reason: str = "invalidArgument"
    domain: str | None = "global"
    value: object = None
    body: bytes = b""
    token: str | None = "full"
    short: str = ""
    located: bool = False
    details: list = field(default_factory=list)
    challenge: str = ""

    @property
    def answer(self):
        """The body, member by member in Gmail's order."""
        entry = {"message": self.short or self.message}
        if self.domain:
            entry["domain"] = self.domain
        entry["reason"] = self.reason
        if self.located:
            entry |= {"location": "Authorization", "locationType": "header"}
        error = {"code": self.code, "message": self.message, "errors": [entry],
                 "status": self.status}  # fmt: skip
        if self.details:
            error["details"] = self.details
        return {"error": error}


def row(name, *args, **kwargs):
    return pytest.param(Row(*args, **kwargs), id=name)


def violation(text, path=None):
    """Return the details of a request with one violation."""
    return [
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{**({"field": path} if path else {}), "description": text}],
        }
    ]


def typed(name, verb, target, path, rest, **kwargs):
    """Return a row: a value that is not of its type."""
    text = f"Invalid value at '{path}' {rest}"
    return row(name, verb, target, text, reason="invalid", domain=None,
               details=violation(text, path), **kwargs)  # fmt: skip


def unknown(name, verb, target, what, **kwargs):
    text = f"Invalid JSON payload received. Unknown name {what}"
    return row(name, verb, target, text, reason="badRequest", details=violation(text), **kwargs)


def forbidden(name, target, message, **kwargs):
    return row(name, "GET", target, message, code=403, status="PERMISSION_DENIED",
               reason="forbidden", **kwargs)  # fmt: skip


def missing(name, verb, target, **kwargs):
    return row(name, verb, target, "Requested entity was not found.", code=404,
               status="NOT_FOUND", reason="notFound", **kwargs)  # fmt: skip


def precondition(name, target, message, token):
    return row(name, "GET", target, message, status="FAILED_PRECONDITION",
               reason="failedPrecondition", token=token)  # fmt: skip


FIELDS = "Error expanding 'fields' parameter. Cannot find matching fields for path 'nope'."
LABEL = {"name": "A", "color": {"backgroundColor": "#ABCDEF", "textColor": "#000000"}}

ROWS = [
    # --- 400 invalidArgument
    row("id-not-hex", "GET", f"{USER}/messages/xyz", "Invalid id value"),
    row("id-too-large", "GET", f"{USER}/threads/8000000000000000", "Invalid id value"),
    row("thread-id", "POST", f"{USER}/messages/send", "Invalid thread_id value",
        value={"raw": raw(mail()), "threadId": "no"}),
    row("thread-id-in-import", "POST", f"{USER}/messages/import", "threadId not allowed",
        value={"raw": raw(mail()), "threadId": "1"}),
    row("oddity-13-label-name-for-id", "POST", f"{USER}/messages/MESSAGE/modify",
        "Invalid label: Dianne", value={"addLabelIds": ["Dianne"]}),
    row("label-id-unknown", "POST", f"{USER}/messages/MESSAGE/modify", "labelId not found",
        value={"removeLabelIds": ["Label_77"]}),
    row("no-label-change", "POST", f"{USER}/messages/MESSAGE/modify",
        "No label add or removes specified", value={}),
    row("oddity-9-reserved-label", "POST", f"{USER}/labels", "Invalid label name",
        value={"name": "Inbox"}),
    row("empty-label", "POST", f"{USER}/labels", "Invalid label name", value={"name": ""}),
    row("oddity-10-color", "POST", f"{USER}/labels",
        "Label color #ABCDEF is not on the allowed color palette", value=LABEL),
    row("page-token", "GET", f"{USER}/messages?pageToken=zzz", "Invalid pageToken"),
    row("max-results-0", "GET", f"{USER}/threads?maxResults=0", "Invalid maxResults"),
    row("max-results-2^31", "GET", f"{USER}/drafts?maxResults=2147483648", "Invalid maxResults"),
    row("attachment", "GET", f"{USER}/messages/MESSAGE/attachments/x", "Invalid attachment token"),
    row("no-raw", "POST", f"{USER}/messages",
        "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
        value={}),
    row("no-recipient", "POST", f"{USER}/messages/send", "Recipient address required",
        value={"raw": raw(b"Subject: x\r\n\r\n")}),
    *(row(f"bad-{name}", "POST", f"{USER}/messages/send", f"Invalid {name} header",
          value={"raw": raw(f"To: a@b.test\r\n{name}: <<>\r\n\r\n".encode())})
      for name in ("Cc", "Bcc")),
    row("bad-To", "POST", f"{USER}/messages/send", "Invalid To header",
        value={"raw": raw(b"To: <<>\r\n\r\n")}),
    row("draft-empty", "POST", f"{USER}/drafts", "Missing draft message", value={}),
    row("draft-nobody-named", "POST", f"{USER}/drafts/send", "Invalid draft", value={}),
    row("system-label-deleted", "DELETE", f"{USER}/labels/INBOX", "Invalid delete request"),
    row("system-label-changed", "PUT", f"{USER}/labels/INBOX", "Invalid update request",
        value={"name": "Other"}),
    # --- 400 values of the wrong type
    typed("query-uint32", "GET", f"{USER}/messages?maxResults=x", "max_results",
          '(TYPE_UINT32), "x"'),
    typed("query-uint64", "GET", f"{USER}/history?startHistoryId=abc", "start_history_id",
          '(TYPE_UINT64), "abc"'),
    typed("query-enum", "GET", f"{USER}/messages/1?format=x", "format",
          '(type.googleapis.com/caribou.api.proto.Format), "x"'),
    typed("body-bytes", "POST", f"{USER}/messages", "message.raw",
          '(TYPE_BYTES), Base64 decoding failed for "!"', value={"raw": "!"}),
    # --- 400 badRequest
    unknown("body-name", "POST", f"{USER}/messages/MESSAGE/modify", '"x": Cannot find field.',
            value={"x": 1}),
    unknown("query-name", "GET", f"{USER}/profile?x=1",
            "\"x\": Cannot bind query parameter. Field 'x' could not be found in request message."),
    row("broken-json", "POST", f"{USER}/labels",
        'Invalid JSON payload received. Unexpected token.\n{"name": nope}\n         ^',
        reason="parseError", body=b'{"name": nope}',
        details=violation(
            'Invalid JSON payload received. Unexpected token.\n{"name": nope}\n         ^')),
    row("fields", "GET", f"{USER}/labels?fields=nope", "Request contains an invalid argument.",
        reason="badRequest", details=violation(FIELDS, "fields")),
    row("callback", "GET", f"{USER}/profile?callback=a%20b",
        "Invalid JSONP callback name: 'a b'; only alphabet, number, '_', '$', '.', '[' and ']' "
        "are allowed.", reason="badRequest", token=None),
    row("xgafv", "GET", f"{USER}/profile?$.xgafv=9",
        "Invalid query parameters. Invalid value '9' for system query parameter : $.xgafv",
        reason="badRequest", token=None),
    row("alt-media", "GET", f"{USER}/profile?alt=media", 'Unsupported alt type "media"',
        reason="badRequest"),
    row("alt-unknown", "GET", f"{USER}/profile?alt=ZZZ", 'Invalid value "ZZZ" for alt',
        reason="badRequest"),
    # --- 400 failedPrecondition
    precondition("oddity-21-service-account-alone", f"{USER}/profile",
                 "Precondition check failed.", "robot"),
    precondition("suspended", f"{USER}/labels", "Mail service not enabled", "suspended"),
    # --- 401
    row("dead-token", "GET", f"{USER}/profile",
        f"Request had invalid authentication credentials. {TAIL}", code=401,
        status="UNAUTHENTICATED", reason="authError", short="Invalid Credentials", located=True,
        token="revoked", challenge=f'{REALM}, error="invalid_token"'),
    row("no-token", "GET", f"{USER}/profile",
        f"Request is missing required authentication credential. {TAIL}", code=401,
        status="UNAUTHENTICATED", reason="required", short="Login Required.", located=True,
        token=None, challenge=REALM,
        details=[{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CREDENTIALS_MISSING",
            "domain": "googleapis.com",
            "metadata": {"method": f"{RPC}GetProfile", "service": "gmail.googleapis.com"},
        }]),
    # --- 403
    row("scope", "POST", f"{USER}/drafts", "Request had insufficient authentication scopes.",
        code=403, status="PERMISSION_DENIED", reason="insufficientPermissions",
        short="Insufficient Permission", token="readonly", value={},
        challenge=f'{REALM}, error="insufficient_scope", scope="https://mail.google.com/ '
        "https://www.googleapis.com/auth/gmail.addons.current.action.compose "
        "https://www.googleapis.com/auth/gmail.compose "
        'https://www.googleapis.com/auth/gmail.modify"',
        details=[{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domain": "googleapis.com",
            "metadata": {"service": "gmail.googleapis.com", "method": f"{RPC}CreateDraft"},
        }]),
    forbidden("oddity-1-metadata-q", f"{USER}/messages?q=",
              "Metadata scope does not support 'q' parameter", token="metadata"),
    *(forbidden(f"oddity-1-metadata-{kind}", f"{USER}/messages/MESSAGE?format={kind}",
                f"Metadata scope doesn't allow format {kind.upper()}", token="metadata")
      for kind in ("full", "raw")),
    forbidden("oddity-20-somebody-else", "/gmail/v1/users/bob%40penfold.test/profile",
              "Delegation denied for alice@penfold.test"),
    forbidden("oddity-20-service-account-alone", "/gmail/v1/users/alice%40penfold.test/profile",
              "Delegation denied for robot@p.iam.penfold", token="robot"),
    # --- 404
    missing("message", "GET", f"{USER}/messages/{NEVER_THERE}"),
    missing("thread", "DELETE", f"{USER}/threads/{NEVER_THERE}"),
    missing("draft", "GET", f"{USER}/drafts/r1"),
    missing("label", "GET", f"{USER}/labels/Label_77"),
    missing("oddity-6-history", "GET", f"{USER}/history?startHistoryId=999999999"),
    missing("oddity-19-message-of-a-changed-draft", "GET", f"{USER}/messages/OLD"),
    # --- 409, 413
    row("oddity-7-label-exists", "POST", f"{USER}/labels", "Label name exists or conflicts",
        code=409, status="ABORTED", reason="aborted", value={"name": "FINANCE/bill"}),
    row("oddity-37-renamed-to-one-that-exists", "PUT", f"{USER}/labels/LABEL",
        "Label name exists or conflicts", code=409, status="ABORTED", reason="aborted",
        value={"name": "finance bill"}),
    row("too-large", "POST", f"{USER}/labels", "Request Entity Too Large", code=413,
        reason="uploadTooLarge", body=b" " * (JSON_BODY_MAX_BYTES + 1)),
]  # fmt: skip


class Tokens:
    def __init__(self, world):
        robot = Account("1" * 21, "robot@p.iam.penfold", "", 0)
        gone = Account("m2", "gone@penfold.test", "", 0, suspended=True)
        self._known = {
            "full": Credential(world.alice, frozenset({FULL.url}), "app", "1"),
            "readonly": Credential(world.alice, frozenset({READONLY.url}), "app", "1"),
            "metadata": Credential(
                world.alice, frozenset({METADATA.url, READONLY.url}), "app", "1"
            ),
            "suspended": Credential(gone, frozenset({FULL.url}), "app", "1"),
            "robot": Credential(robot, frozenset({FULL.url}), "1", "1", service=True, itself=True),
        }

    def find_credential(self, token):
        return self._known.get(token)


@pytest.fixture
def places(world):
    """What stands for ids that are not known beforehand."""
    [message] = world.receive(mail())
    world.api("labels_create", body=Label(name="Finance-Bill"))
    label = world.api("labels_create", body=Label(name="Other"))
    draft = world.api("drafts_create", body=Draft(message=Message(raw=mail())))
    world.api("drafts_update", id=draft.id, body=Draft(message=Message(raw=mail("b"))))
    return {"MESSAGE": f"{message:x}" if isinstance(message, int) else message,
            "LABEL": label.id, "OLD": draft.message.id}  # fmt: skip


@pytest.fixture
def api(world):
    api = make_api(world)
    yield api
    api.close()


def make_api(world, **options):
    return GmailApi(
        handlers=options.pop("handlers", None) or find_handlers(),
        authenticator=Tokens(world),
        mailboxes=world.mailboxes,
        services=world.services,
        clock=world.clock,
        strict=True,
        **options,
    )


def ask(api, row, places):
    target = row.target
    for name, text in places.items():
        target = target.replace(name, text)
    body = row.body or (b"" if row.value is None else json.dumps(row.value).encode())
    headers = {"content-type": "application/json"} if body else {}
    return asyncio.run(ask_app(api, row.verb, target, token=row.token, body=body, headers=headers))


def pretty(answer):
    return json.dumps(answer, indent=2, ensure_ascii=False).replace("<", "\\u003c") + "\n"


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_answered_as_gmail_does(api, places, row):
    reply = ask(api, row, places)
    assert reply.body.decode() == pretty(row.answer)
    assert reply.status == row.code
    assert reply.headers.get("www-authenticate", "") == row.challenge
    common = ("content-type", "vary", "server", "cache-control", "x-xss-protection",
              "x-frame-options", "x-content-type-options")  # fmt: skip
    assert [reply.headers[name] for name in common] == [
        "application/json; charset=UTF-8", "Origin, X-Origin, Referer", "ESF", "private", "0",
        "SAMEORIGIN", "nosniff",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (RuntimeError("secret"), 500, "INTERNAL", "Internal error encountered."),
        (MailboxBusyError("secret"), 503, "UNAVAILABLE", "The service is currently unavailable."),
    ],
)
def test_what_fails_inside_is_a_backend_error(world, error, code, status, message):
    def handler(call, box):
        raise error

    api = make_api(world, handlers={"gmail.users.getProfile": handler})
    row = Row("GET", f"{USER}/profile", message, code=code, status=status, reason="backendError")
    reply = ask(api, row, {})
    api.close()
    assert (reply.status, reply.body.decode()) == (code, pretty(row.answer))


def test_what_is_not_served_is_501(world):
    api = make_api(world, handlers={"none": None})
    message = "Operation is not implemented, or supported, or enabled."
    row = Row("GET", f"{USER}/profile", message, code=501, status="UNIMPLEMENTED",
              reason="notImplemented")  # fmt: skip
    reply = ask(api, row, {})
    api.close()
    assert (reply.status, reply.body.decode()) == (501, pretty(row.answer))


@pytest.mark.parametrize("verb", ["GET", "POST", "FOO"])
def test_addresses_and_verbs_nobody_knows_are_pages(api, verb):
    target = f"{USER}/nope" if verb == "GET" else f"{USER}/profile"
    reply = asyncio.run(ask_app(api, verb, target, token="full"))
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=UTF-8")
    assert b"Error 404 (Not Found)!!1" in reply.body


ORDER = [
    # Each question is wrong in this way and in all that follow.
    ("GET", "$.xgafv=9&callback=a%20b&nope=1", None, "Invalid query parameters."),
    ("GET", "callback=a%20b&nope=1", None, "Invalid JSONP callback name"),
    ("POST", "nope=1", None, "Request is missing required"),
    ("POST", "nope=1", "revoked", "Request had invalid"),
    ("POST", "nope=1", "metadata", "Invalid JSON payload received. Unknown name"),
    ("POST", "", "metadata", "Request had insufficient authentication scopes."),
]


@pytest.mark.parametrize(("verb", "query", "token", "begins"), ORDER)
def test_checks_come_in_gmails_order_until_the_scope(api, verb, query, token, begins):
    target = f"/gmail/v1/users/bob%40penfold.test/messages/send?{query}"
    if verb == "GET":
        target = target.replace("/send", "")
    row = Row(verb, target, "", token=token, value={"nope": 1} if verb == "POST" else None)
    assert ask(api, row, {}).error["message"].startswith(begins)


@pytest.mark.parametrize(
    ("target", "value", "text"),
    [
        (
            "bob%40penfold.test/messages/xyz",
            {"nope": 1},
            "Delegation denied for alice@penfold.test",
        ),
        ("me/messages/xyz", {"addLabelIds": ["nope"]}, "Invalid id value"),
        (
            f"me/messages/{NEVER_THERE}",
            {"addLabelIds": ["nope"]},
            "Requested entity was not found.",
        ),
        ("me/messages/MESSAGE", {"addLabelIds": ["nope"]}, "Invalid label: nope"),
    ],
)
def test_checks_come_in_gmails_order_from_the_delegation_on(api, places, target, value, text):
    row = Row("POST", f"/gmail/v1/users/{target}/modify", "", value=value)
    assert ask(api, row, places).error["message"] == text
