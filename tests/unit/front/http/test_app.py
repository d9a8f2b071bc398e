"""Who answers which address of the HTTP port."""

import asyncio
import json

import pytest

from penfold.front.http.app import HttpApp, Reply
from penfold.front.http.entry import Names, Proxies
from penfold.spec.schemas import Profile


async def web(scope, receive, send):
    if scope["path"] == "/broken":
        raise ZeroDivisionError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"web " + scope["path"].encode()})


@pytest.fixture
def app(make_world):
    world = make_world({"gmail.users.getProfile": lambda call, box: Profile(history_id="1")})
    operations = {
        "/healthz": lambda scope: Reply(200, b"ok\n"),
        "/readyz": lambda scope: Reply(503, scope["client"][0].encode()),
    }
    app = HttpApp(
        world.api,
        web,
        operations,
        observe=world.facts.append,
        find_answer={"t0ken": b"t0ken.answer"}.get,
    )
    app.facts = world.facts
    return app


@pytest.mark.parametrize(
    ("target", "expected", "route"),
    [
        ("/gmail/v1/users/me/profile", (200, b'{\n  "historyId": "1"'), "gmail.users.getProfile"),
        ("/gmail/nothing", (404, b"<!DOCTYPE html>"), "other"),
        ("/upload/gmail/v1/users/me/messages", (404, b"<!DOCTYPE html>"), "other"),
        ("/batch/gmail/v1", (404, b"<!DOCTYPE html>"), "other"),
        ("/healthz", (200, b"ok\n"), "operations"),
        ("/readyz", (503, b"192.0.2.1"), "operations"),
        ("/.well-known/acme-challenge/t0ken", (200, b"t0ken.answer"), "operations"),
        ("/.well-known/acme-challenge/other", (404, b"No such"), "operations"),
        ("/.well-known/acme-challenge/../t0ken", (404, b"No such"), "operations"),
        ("/$discovery/rest?version=v1", (200, b'{\n  "kind": "discovery#restD'), "discovery"),
        ("/$discovery/rest?version=v9", (200, b"web /$discovery/rest"), "web"),
        ("/discovery/v1/apis/gmail/v1/rest", (200, b'{\n  "kind": "discovery#restD'), "discovery"),
        ("/discovery/v1/apis/oauth2/v2/rest", (200, b'{\n  "kind": "discovery#rest'), "discovery"),
        ("/discovery/v1/apis", (200, b'{\n  "kind": "discovery#directoryList"'), "discovery"),
        ("/", (200, b"web /"), "web"),
        ("/token", (200, b"web /token"), "oauth"),
        ("/oauth2/v3/certs", (200, b"web /oauth2/v3/certs"), "oauth"),
        ("/.well-known/openid-configuration", (200, b"web /.well"), "oauth"),
        ("/gmailish", (200, b"web /gmailish"), "web"),
    ],
)
def test_address_is_answered_by_its_owner_and_observed_once(app, ask, target, expected, route):
    status, begins = expected
    reply = ask(app, "GET", target, token="full")
    assert reply.status == status
    assert reply.body.startswith(begins)
    [facts] = app.facts
    assert (facts.method_id, facts.status) == (route, status)
    assert facts.request_id == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("host", "root"),
    [
        ("mail.example:8025", "http://mail.example:8025/"),
        ("gmail.googleapis.com", "http://gmail.googleapis.com/"),
        ("[::1]:8025", "http://[::1]:8025/"),
        ('evil"/><script>', "http://127.0.0.1:8025/"),
        ("a b", "http://127.0.0.1:8025/"),
        (None, "http://127.0.0.1:8025/"),
    ],
)
def test_document_leads_back_to_where_it_was_asked_for(app, ask, host, root):
    headers = {"x-forwarded-host": "elsewhere.example"} | ({"host": host} if host else {})
    document = json.loads(ask(app, "GET", "/$discovery/rest", headers=headers).body)
    assert document["rootUrl"] == document["baseUrl"] == root
    listed = json.loads(ask(app, "GET", "/discovery/v1/apis", headers=headers).body)
    assert listed["items"][0]["discoveryRestUrl"].startswith(root)


def test_document_has_no_body_for_head(app, ask):
    reply = ask(app, "HEAD", "/discovery/v1/apis")
    assert reply.body == b""
    assert int(reply.headers["content-length"]) > 100


def test_failure_of_the_mounted_application_is_observed(app, ask):
    with pytest.raises(ZeroDivisionError):
        ask(app, "GET", "/broken")
    [facts] = app.facts
    assert facts.status == 500
    assert isinstance(facts.error, ZeroDivisionError)


def test_lifespan_starts_and_stops(make_world):
    noted = []
    app = HttpApp(
        make_world().api,
        web,
        {},
        start=lambda: noted.append("start"),
        stop=lambda: noted.append("stop"),
    )
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert noted == ["start", "stop"]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websocket_is_refused(app):
    with pytest.raises(NotImplementedError):
        asyncio.run(app({"type": "websocket"}, None, None))


@pytest.mark.parametrize(
    "target", ["/", "/token", "/healthz", "/$discovery/rest?version=v1", "/gmail/v1/users/me/profile",
               "/gmail/nothing", "/.well-known/acme-challenge/other"],
)  # fmt: skip
def test_every_answer_keeps_to_its_type_and_out_of_frames(app, ask, target):
    reply = ask(app, "GET", target, token="full")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] in ("DENY", "SAMEORIGIN")
    assert "strict-transport-security" not in reply.headers


def make_strict(app, **options):
    return HttpApp(app._gmail, web, {"/healthz": lambda _: Reply(200, b"ok\n")}, **options)


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 421), ("/token", 421), ("/gmail/v1/users/me/profile", 421), ("/healthz", 200)],
)
def test_in_production_a_name_that_is_not_ours_gets_nothing(app, ask, target, status):
    strict = make_strict(app, names=Names(["mail.example"], strict=True))
    evil = ask(strict, "GET", target, token="full", headers={"host": "evil.example"})
    assert evil.status == status
    assert b"evil" not in evil.body
    assert ask(strict, "GET", target, token="full", headers={"host": "mail.example"}).status == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 421), ("/o/oauth2/v2/auth", 421), ("/account", 421), ("/pubsub/v1/projects/p/topics", 421),
     ("/metrics", 421), ("/gmail/v1/users/me/profile", 200), ("/token", 200),
     ("/$discovery/rest?version=v1", 200)],
)  # fmt: skip
def test_a_name_that_was_pointed_at_this_machine_gets_no_page_in_local_mode(
    app, ask, target, status
):
    local = make_strict(app, names=Names([], strict=False))
    evil = ask(local, "GET", target, token="full", headers={"host": "evil.example:8025"})
    assert evil.status == status


def test_a_browser_that_came_through_a_proxy_with_tls_is_told_to_come_back_so(app, ask):
    behind = make_strict(app, hsts=True, proxies=Proxies(["192.0.2.1"]))
    forwarded = {"host": "x", "x-forwarded-proto": "https"}
    said = ask(behind, "GET", "/", headers=forwarded).headers
    assert said["strict-transport-security"] == "max-age=15552000"
    assert "strict-transport-security" not in ask(behind, "GET", "/", headers={"host": "x"}).headers
