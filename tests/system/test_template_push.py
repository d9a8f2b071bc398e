"""A designer's folder becomes mail: pushed to a real server, sent, changed, taken back."""

import json
import os
from contextlib import ExitStack

import pytest
from tests.sending import Shop
from tests.until import until

from penfold.app.sending import make_keys
from penfold.ports.sending.records import ApiKey

SCHEMA = {
    "type": "object",
    "required": ["name", "lines"],
    "properties": {
        "name": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
}
FILES = {
    "bill/template.toml": 'subject = "Bill for {{ name }}"\nlayout = "base"\n',
    "bill/body.html": "<p>Dear {{ name }}</p>{% for line in lines %}<p>{{ line }}</p>{% endfor %}",
    "bill/schema.json": json.dumps(SCHEMA),
    "bill/sample.json": json.dumps({"name": "Kim", "lines": ["Tea"]}),
    "_layouts/base.html": "<html><body>{{ content }}</body></html>",
}
#: More steps than a mail may take: 300 turns within 400.
HOSTILE = {
    "loop/template.toml": 'subject = "{{ name }}"\n',
    "loop/body.html": "{% for a in lines %}{% for b in lines %}{{ a }}{{ b }}{% endfor %}{% endfor %}",
    "loop/schema.json": json.dumps(SCHEMA),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with ExitStack() as stack:
        shop = Shop(stack, tmp_path_factory.mktemp("shop"))
        scopes = ("emails:send", "emails:read", "templates:*")
        key = ApiKey("", shop.account.id, "designer", 0, scopes=scopes)
        secret = make_keys(shop.stores).add(key).secret
        shop.key = {"authorization": f"Bearer {secret}"}
        shop.secret = secret
        yield shop


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(shop, monkeypatch, *arguments, fails=False):
    """Run `penfold template …` and return what it printed, with its errors."""
    monkeypatch.setenv("PENFOLD_API_KEY", shop.secret)
    return shop.run_command("template", *arguments, "--url", shop.server.http, fails=fails)


def send(shop, to, alias="bill", **variables):
    body = {"from": "al@home.example", "to": to, "template": {"alias": alias}}
    return shop.http.post("/v1/emails", json=body | {"variables": variables}, headers=shop.key)


def sent(shop, to, alias="bill", **variables):
    answer = send(shop, to, alias, **variables)
    assert answer.status_code == 200, answer.text
    shop.wait_for(answer.json()["id"], "delivered")
    return answer.json()["id"]


def mail(shop, subject):
    return until(lambda: shop.sink.taken.get(subject), what=subject)[0].data.decode()
