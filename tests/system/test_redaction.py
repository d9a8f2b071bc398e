"""Secrets pushed through every door of a server are in none of its logs, metrics or traces.

Each canary goes where a client, a browser or a person puts such a secret, in forms that are taken
and in forms that are refused; what a server really gave out is looked for as well.
"""

import base64
import http.client
import json
import re
import smtplib
import socket
import ssl
import urllib.parse
from contextlib import ExitStack, suppress
from html import unescape
from http.cookies import SimpleCookie

import pytest
from tests.collector import collect
from tests.until import until

from penfold.testing.server import configure, serve

KINDS = (
    "password", "token", "code", "verifier", "clientsecret", "refresh", "apppassword", "cookie",
    "body", "subject", "query", "header", "assertion", "metrics", "upload", "line",
)  # fmt: skip
CANARIES = {kind: f"CANARY{kind}7f3a9c" for kind in KINDS}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class World:
    def __init__(self, stack, folder):
        self.collector = stack.enter_context(collect())
        config = configure(
            folder / "data", otlp_endpoint=self.collector.endpoint, metrics_token="M"
        )
        self.log = folder / "log"
        self.server = stack.enter_context(serve(config, log=self.log))
        document = self.server.load_document("alice")
        passwords = self.server.load_document("passwords")["alice@penfold.test"]
        self.client = document["client_id"]
        self.real = {
            "token": document["token"],
            "refresh_token": document["refresh_token"],
            "client_secret": document["client_secret"],
            **passwords,
        }
        self.tls = ssl.create_default_context(cafile=config / "tls" / "ca.pem")

    def ask(self, verb, path, body=None, headers=()):
        """Make one request and return status, headers and body, whatever it is."""
        connection = http.client.HTTPConnection(
            self.server.http.removeprefix("http://"), timeout=20
        )
        try:
            connection.request(verb, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def submit(self):
        host, _, port = self.server.submissions.rpartition(":")
        return smtplib.SMTP_SSL(host, int(port), timeout=20, context=self.tls)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with ExitStack() as stack:
        yield World(stack, tmp_path_factory.mktemp("redaction"))


def through_the_api(world):
    c, bearer = CANARIES, {"Authorization": f"Bearer {world.real['token']}"}
    users = "/gmail/v1/users/me"
    mail = f"To: bob@penfold.test\r\nSubject: {c['subject']}\r\n\r\n{c['body']}\r\n".encode()
    raw = json.dumps({"raw": base64.urlsafe_b64encode(mail).decode()})
    assert world.ask("POST", f"{users}/messages/send", raw, bearer | JSON)[0] == 200
    assert world.ask("GET", f"{users}/messages?q={c['query']}", None, bearer)[0] == 200
    assert world.ask("GET", f"{users}/profile?access_token={world.real['token']}")[0] in (200, 401)
    for header in (f"Bearer {c['token']}", f"Basic {c['token']}", c["token"]):
        assert world.ask("GET", f"{users}/profile", None, {"Authorization": header})[0] == 401
    world.ask("GET", f"{users}/profile?access_token={c['token']}&key={c['header']}")
    world.ask("GET", f"{world.server.http}{users}/profile?access_token={c['token']}", None, bearer)
    odd = {
        "Referer": f"http://x/?t={c['header']}",
        "User-Agent": c["header"],
        "traceparent": c["header"],
    }
    world.ask("GET", f"{users}/labels", None, bearer | odd | {"tracestate": f"x={c['header']}"})
    world.ask("POST", f"{users}/messages/send", f'{{"raw": "{c["body"]}', bearer | JSON)
    world.ask("POST", f"{users}/messages/send", json.dumps({"raw": 5, c["body"]: 1}), bearer | JSON)
    upload = {"Content-Type": "message/rfc822"}
    world.ask(
        "POST", f"/upload{users}/messages/send?uploadType=media", c["upload"], bearer | upload
    )
    world.ask("POST", f"/upload{users}/messages?uploadType=multipart", c["upload"], bearer | upload)
    part = f"--b\r\nContent-Type: application/http\r\n\r\nGET {users}/profile?access_token={c['token']}\r\n\r\n--b--\r\n"
    world.ask("POST", "/batch", part, bearer | {"Content-Type": "multipart/mixed; boundary=b"})
    world.ask("POST", "/batch", c["body"], bearer | {"Content-Type": "multipart/mixed; boundary=b"})
    assert (
        world.ask("GET", "/metrics", None, {"Authorization": f"Bearer {c['metrics']}", "Via": "x"})[
            0
        ]
        == 403
    )


def through_oauth(world):
    c, ours = CANARIES, {"client_id": world.client}
    for grant in (
        {"grant_type": "authorization_code", "code": c["code"], "code_verifier": c["verifier"]},
        {"grant_type": "refresh_token", "refresh_token": c["refresh"]},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": c["assertion"]},
        {"grant_type": c["code"]},
    ):
        for secret in (c["clientsecret"], world.real["client_secret"]):
            form = urllib.parse.urlencode(grant | ours | {"client_secret": secret})
            assert world.ask("POST", "/token", form, FORM)[0] in (400, 401)
            world.ask("POST", f"/token?{form}", "", FORM)
    basic = base64.b64encode(f"{world.client}:{c['clientsecret']}".encode()).decode()
    world.ask("POST", "/token", "grant_type=x", FORM | {"Authorization": f"Basic {basic}"})
    form = urllib.parse.urlencode(
        ours
        | {"grant_type": "refresh_token", "refresh_token": world.real["refresh_token"]}
        | {"client_secret": world.real["client_secret"]}
    )
    status, _, answer = world.ask("POST", "/token", form, FORM)
    assert status == 200
    world.real["fresh_token"] = json.loads(answer)["access_token"]
    for path in ("/tokeninfo", "/oauth2/v3/tokeninfo", "/revoke", "/oauth2/v3/userinfo"):
        world.ask("GET", f"{path}?access_token={c['token']}&token={c['refresh']}")
        world.ask("POST", path, f"token={c['refresh']}&access_token={c['token']}", FORM)


def through_pages(world):
    c = CANARIES
    query = urllib.parse.urlencode(
        {"client_id": world.client, "redirect_uri": "http://127.0.0.1:1/", "response_type": "code"}
        | {"scope": "openid", "state": c["code"], "code_challenge": c["verifier"]}
    )
    world.ask("GET", f"/o/oauth2/v2/auth?{query}", None, {"Cookie": f"browser={c['cookie']}"})
    address = f"/o/oauth2/v2/auth?{query}"
    _, headers, page = world.ask("GET", address)
    for password in (c["password"], world.real["password"]):
        # As the page's own form does: its hidden fields and its cookie go back.
        jar = SimpleCookie("; ".join(headers.get_all("Set-Cookie") or []))
        world.real |= {f"cookie {name}": jar[name].value for name in jar}
        hidden = dict(re.findall(rb'type="hidden" name="([^"]*)" value="([^"]*)"', page))
        form = {unescape(k.decode()): unescape(v.decode()) for k, v in hidden.items()}
        form |= {"address": "alice@penfold.test", "password": password, "token": c["token"]}
        cookie = {"Cookie": "; ".join(f"{name}={jar[name].value}" for name in jar)}
        status, headers, page = world.ask(
            "POST", address, urllib.parse.urlencode(form), FORM | cookie
        )
        assert status < 500
    world.ask(
        "POST", "/account", f"password={c['password']}", FORM | {"Cookie": f"x={c['cookie']}"}
    )


def through_smtp(world):
    c = CANARIES
    with world.submit() as smtp:
        smtp.login("alice@penfold.test", world.real["app_password"])
        mail = f"From: alice@penfold.test\r\nSubject: {c['subject']}\r\n\r\n{c['body']}\r\n"
        smtp.sendmail("alice@penfold.test", ["bob@penfold.test", "x@away.example"], mail)
    for secret in (c["apppassword"], world.real["password"]):
        plain = base64.b64encode(f"\0alice@penfold.test\0{secret}".encode()).decode()
        with world.submit() as smtp, suppress(smtplib.SMTPServerDisconnected):
            smtp.ehlo()
            assert smtp.docmd("AUTH", f"PLAIN {plain}")[0] == 535
            smtp.docmd("AUTH", f"PLAIN {plain[:-3]}")
            smtp.docmd(plain)  # as a client does that has lost its place
            smtp.docmd("AUTH", f"LOGIN {c['line']}")
            smtp.docmd(c["line"], c["apppassword"])
    with world.submit() as smtp, suppress(smtplib.SMTPException):
        smtp.ehlo()
        bearer = f"user=alice@penfold.test\1auth=Bearer {c['token']}\1\1"
        smtp.docmd("AUTH", "XOAUTH2 " + base64.b64encode(bearer.encode()).decode())
        smtp.docmd("")
    host, _, port = world.server.smtp.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(f"EHLO x.example\r\nAUTH PLAIN {c['apppassword']}\r\nQUIT\r\n".encode())
        while line.recv(4096):
            pass


def spell(secret):
    """Return the forms in which a secret could stand somewhere."""
    octets = secret.encode()
    coded = [base64.b64encode(b"\0" * n + octets)[4 if n else 0 : -4].decode() for n in range(3)]
    return {secret, octets.hex(), urllib.parse.quote(secret), *(x for x in coded if len(x) > 11)}


@pytest.mark.parametrize(
    "door",
    [through_the_api, through_oauth, through_pages, through_smtp],
    ids=lambda door: door.__name__,
)
def test_secrets_leave_no_trace(world, door):
    door(world)
    _, _, answer = world.ask("GET", "/healthz")
    assert answer == b"ok\n"
    seen = world.collector.octets.decode()
    until(lambda: world.collector.octets.decode() != seen, what="a span of the last request")
    page = world.ask("GET", "/metrics")[2].decode()
    kept = [path.read_bytes().decode("latin-1") for path in (world.server.data / "run").iterdir()]
    places = {
        "log": world.log.read_text(),
        "metrics": page,
        "traces": world.collector.octets.decode(),
    }
    places |= {"run": "\n".join(kept)}
    assert '"event":"request"' in places["log"]
    for name, secret in (CANARIES | world.real).items():
        for form in spell(secret):
            found = [place for place, text in places.items() if form in text]
            assert not found, f"{name} is in {found} as {form}"
    assert "CANARY" not in places["traces"] + places["metrics"]
