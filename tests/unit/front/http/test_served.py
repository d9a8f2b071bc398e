"""The real handlers behind the real pipeline: whatever is asked, the answer is one of Gmail's."""

import asyncio
import base64
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.front.http.conftest import ask_app

from penfold.front.http.pipeline import GmailApi
from penfold.front.http.registration import find_checks, find_handlers
from penfold.ports.identity import Credential
from penfold.spec.members import list_members
from penfold.spec.registry import BY_ID
from penfold.spec.scopes import GMAIL_SCOPES

USER = "/gmail/v1/users/me"
MAIL = b"From: Bob <bob@penfold.test>\r\nTo: alice@penfold.test\r\nSubject: Hi\r\n\r\nHello\r\n"
RAW = base64.urlsafe_b64encode(MAIL).decode()


class OneToken:
    def __init__(self, account):
        # A metadata scope narrows what the others allow.
        scopes = {scope.url for scope in GMAIL_SCOPES if "metadata" not in scope.url}
        self._credential = Credential(account, frozenset(scopes), "client", "1", service=True)

    def find_credential(self, token):
        return self._credential if token == "t" else None


@pytest.fixture
def product(world):
    """The API over a product in memory; it notes the facts of every request."""
    facts = []
    api = GmailApi(
        handlers=find_handlers(),
        checks=find_checks(),
        authenticator=OneToken(world.alice),
        mailboxes=world.mailboxes,
        services=world.services,
        clock=world.clock,
        observe=facts.append,
        strict=True,
    )

    def ask(verb, target, value=None, **kwargs):
        if value is not None:
            kwargs["body"] = json.dumps(value).encode()
            kwargs["headers"] = {"content-type": "application/json"}
        reply = loop.run(ask_app(api, verb, target, token="t", **kwargs))
        assert facts[-1].error is None, facts[-1].error
        return reply

    with asyncio.Runner() as loop:
        yield ask
    api.close()


def test_a_message_goes_in_is_found_labelled_and_deleted(product):
    added = product("POST", f"{USER}/messages", {"raw": RAW, "labelIds": ["INBOX"]}).json
    listed = product("GET", f"{USER}/messages?q=hello&fields=messages/id").json
    assert listed == {"messages": [{"id": added["id"]}]}
    got = product("GET", f"{USER}/messages/{added['id']}?format=raw").json
    assert base64.urlsafe_b64decode(got["raw"]) == MAIL
    changed = product(
        "POST", f"{USER}/messages/{added['id']}/modify", {"addLabelIds": ["STARRED"]}
    ).json
    assert set(changed["labelIds"]) == {"INBOX", "STARRED"}
    assert product("DELETE", f"{USER}/messages/{added['id']}").status == 204
    assert product("GET", f"{USER}/messages/{added['id']}").status == 404


def test_mail_to_oneself_is_there_when_the_answer_comes(product):
    sent = product("POST", f"{USER}/messages/send", {"raw": RAW}).json
    assert "SENT" in sent["labelIds"]
    assert product("GET", f"{USER}/profile").json["messagesTotal"] == 1


@pytest.mark.parametrize(
    ("verb", "target", "value", "status", "text"),
    [
        ("GET", "/messages/xyz", None, 400, "Invalid id value"),
        ("GET", "/messages/8000000000000000", None, 400, "Invalid id value"),
        ("GET", "/messages/7fffffffffffffff", None, 404, "Requested entity was not found."),
        ("GET", "/messages?maxResults=0", None, 400, "Invalid maxResults"),
        ("GET", "/messages?pageToken=zzz", None, 400, "Invalid pageToken"),
        ("GET", "/history", None, 400, "Missing startHistoryId"),
        ("POST", "/messages/batchModify", {"ids": ["1"]}, 400, "No label add or removes specified"),
        ("POST", "/labels", {"name": "inbox"}, 400, "Invalid label name"),
        ("DELETE", "/labels/INBOX", None, 400, "Invalid delete request"),
    ],
)
def test_mistake_has_gmails_words(product, verb, target, value, status, text):
    reply = product(verb, USER + target, value)
    assert (reply.status, reply.error["message"]) == (status, text)


words = st.sampled_from(["", "me", "0", "1", "INBOX", "Label_1", "r1", "full", "true", "501", "x"])
texts = words | st.text(alphabet=string.printable + "é\u2028", max_size=12)


def bodies(request):
    """Bodies with the right names and anything in them."""
    names = [member.name for member in list_members(request)] if request else []
    values = texts | st.integers() | st.none() | st.booleans() | st.just(RAW)
    inner = values | st.lists(values, max_size=3)
    message = st.dictionaries(st.sampled_from(["raw", "threadId", "labelIds", "id"]), inner)
    return st.dictionaries(st.sampled_from(names or ["x"]), inner | message, max_size=5)


@pytest.mark.parametrize("method_id", sorted(find_handlers()))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_asked_is_answered(product, method_id, data):
    method = BY_ID[method_id]
    path = "/" + method.path.replace("{userId}", "me")
    for name in method.path_names[1:]:
        path = path.replace(f"{{{name}}}", quote(data.draw(texts, name), safe="") or "x")
    names = [m.name for m in list_members(method.params) if m.name not in method.path_names]
    query = data.draw(st.lists(st.tuples(st.sampled_from([*names, "fields"]), texts), max_size=3))
    target = path + "?" + "&".join(f"{n}={quote(v, safe='')}" for n, v in query)
    value = data.draw(bodies(method.request)) if method.verb != "GET" else None
    reply = product(method.verb, target, value)
    assert reply.status in (200, 204, 400, 404, 409, 429)
    assert reply.status == 204 or reply.json is not None
