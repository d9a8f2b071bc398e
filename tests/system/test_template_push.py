"""A designer's folder becomes mail: pushed to a real server, sent, changed, taken back."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
from tests.sending import Shop
from tests.until import until

from penfold.app.mail.sending import make_keys
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
    "bill/template.toml": 'subject = "{{ name }}"\nlayout = "base"\n',
    "bill/body.html": "<p>Dear {{ name }}</p>{% for a in lines %}<p>{{ a }}</p>{% endfor %}",
    "bill/schema.json": json.dumps(SCHEMA),
    "bill/sample.json": json.dumps({"name": "Sample", "lines": ["Tea"]}),
    "_layouts/base.html": "<html><body>{{ content }}</body></html>",
}
#: 400 times 400 turns are more steps than a mail may take.
LOOP = {
    "loop/template.toml": 'subject = "{{ name }}"\n',
    "loop/body.html": (
        "{% for a in lines %}{% for b in lines %}{{ a }}{{ b }}{% endfor %}{% endfor %}"
    ),
    "loop/schema.json": json.dumps(SCHEMA),
}


@pytest.fixture
def shop(tmp_path_factory):
    with ExitStack() as stack:
        shop = Shop(stack, tmp_path_factory.mktemp("shop"))
        scopes = ("emails:send", "emails:read", "templates:*")
        key = ApiKey("", shop.account.id, "designer", 0, scopes=scopes)
        shop.secret = make_keys(shop.stores).add(key).secret
        shop.key = {"authorization": f"Bearer {shop.secret}"}
        yield shop


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(shop, *arguments, code=0):
    """Run `penfold template …` with a key, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "penfold.app.main", "template", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PENFOLD_URL": shop.server.http, "PENFOLD_API_KEY": shop.secret},
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def ask(shop, to, alias="bill", **variables):
    body = {"from": "al@home.example", "to": to, "template": {"alias": alias}}
    return shop.http.post("/v1/emails", json=body | {"variables": variables}, headers=shop.key)


def accept(shop, to, alias="bill", **variables):
    answer = ask(shop, to, alias, **variables)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def arrive(shop, name):
    """Send a bill and return the message that arrives; its subject is the name."""
    accept(shop, "kim@sink.example", name=name, lines=["Tea"])
    [taken] = until(lambda: shop.sink.taken.get(name), what=name)
    return taken.data.decode()


def test_a_folder_becomes_mail_and_what_the_designer_changes_changes_it(shop, tmp_path):
    write(tmp_path, FILES)
    said = run(shop, "push", tmp_path)
    assert "+<p>Dear {{ name }}</p>" in said
    assert "bill: version 1, not published" in said
    refused = ask(shop, "kim@sink.example", name="A", lines=[])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "template")
    assert "bill: version 1, unchanged, published" in run(shop, "push", tmp_path, "--publish")
    assert "<html><body><p>Dear One</p><p>Tea</p>" in arrive(shop, "One")

    write(tmp_path, {"_layouts/base.html": "<html><body><h1>Shop</h1>{{ content }}</body></html>"})
    said = run(shop, "push", tmp_path, "--publish")
    assert "+<html><body><h1>Shop</h1>{{ content }}</body></html>" in said
    assert "bill: version 2, published" in said
    assert "<h1>Shop</h1><p>Dear Two</p>" in arrive(shop, "Two")

    answer = shop.http.post("/v1/templates/bill/publish", json={"version": 1}, headers=shop.key)
    assert answer.status_code == 200
    assert "<html><body><p>Dear Three</p>" in arrive(shop, "Three")

    refused = ask(shop, "kim@sink.example", nmae="Kim", lines=[])
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [
        ("variables.name", "missing"), ("variables.nmae", "unknown"),
    ]  # fmt: skip

    pulled = tmp_path.parent / "pulled"
    assert "1 templates" in run(shop, "pull", pulled)
    assert (pulled / "_layouts/base.html").read_text() == (
        tmp_path / "_layouts/base.html"
    ).read_text()


def test_a_mistake_is_told_before_anything_is_pushed(shop, tmp_path):
    write(tmp_path, {name.replace("bill", "wrong"): text for name, text in FILES.items()})
    write(tmp_path, {"wrong/body.html": "<p>{{ nmae }}</p>", "_partials/new.html": "x"})
    said = run(shop, "push", tmp_path, code=1)
    assert "wrong: html line 1" in said
    assert "nmae" in said
    assert shop.http.get("/v1/templates/wrong", headers=shop.key).status_code == 404


def test_a_hostile_template_fails_alone_and_mail_beside_it_is_sent(shop, tmp_path):
    write(tmp_path, {**FILES, **LOOP})
    run(shop, "push", tmp_path, "--publish")
    lines = ["x"] * 400
    names = [f"Beside{n}" for n in range(4)]
    bad = [accept(shop, "kim@sink.example", "loop", name="Loop", lines=lines) for _ in names]
    good = [accept(shop, "kim@sink.example", name=name, lines=[]) for name in names]
    for one in bad:
        assert "too much work" in shop.wait_for(one, "failed")["response"]
    for one in good:
        shop.wait_for(one, "delivered")
    assert "Loop" not in shop.sink.taken
