"""A folder of templates and a server's are made alike, by the calls of the API."""

import json

import pytest
from tests.unit.front.http.sending.desk import Desk

from penfold.domain.sending.template_sync import load_remote, push, show_difference
from penfold.ports.api_client import RefusedError
from penfold.proto.templates.folder import parse_folder, print_folder

FILES = {
    "bill/template.toml": b'subject = "Bill {{ name }}"\nalias = "invoice"\nlayout = "base"\n',
    "bill/body.html": b"<p>{% render 'bye' %} {{ name }}</p>",
    "bill/schema.json": json.dumps(
        {"type": "object", "properties": {"name": {"type": "string"}}}
    ).encode(),
    "hello/template.toml": b'subject = "Hello"\non_missing = "blank"\nstreams = ["otp"]\n',
    "hello/body.txt": b"Hello {{ name }}\n",
    "hello/sample.json": b'{"name": "Kim"}',
    "_layouts/base.html": b"<html>{{ content }}</html>",
    "_partials/bye.html": b"Bye",
}


class DeskApi:
    """An ApiClient of a desk. calls: those that change something."""

    def __init__(self, desk):
        self.desk = desk
        self.calls = []

    def ask(self, verb, path, value=None):
        if verb != "GET":
            self.calls.append(path)
        reply = self.desk.ask(verb, path, value)
        if reply.status != 200:
            raise RefusedError(reply.json["message"])
        return reply.json


@pytest.fixture
def api():
    return DeskApi(Desk())


def pushed(api, files, *, publish=True):
    said = []
    push(api, parse_folder(files), publish=publish, say=said.append)
    return said


def test_what_was_pushed_is_pulled_as_it_was(api):
    pushed(api, FILES)
    pulled = print_folder(load_remote(api).library)
    assert parse_folder(pulled) == parse_folder(FILES)


def test_what_is_the_same_makes_no_version_and_shows_no_difference(api):
    pushed(api, FILES)
    api.calls.clear()
    assert pushed(api, FILES) == ["invoice: version 1, unchanged", "hello: version 1, unchanged"]
    assert api.calls == ["/templates/invoice/versions", "/templates/hello/versions"]


def test_a_changed_partial_is_a_new_version_of_what_uses_it_alone(api):
    pushed(api, FILES)
    said = pushed(api, FILES | {"_partials/bye.html": b"Goodbye"})
    assert said[-4:] == [
        "-Bye", "+Goodbye", "invoice: version 2, published", "hello: version 1, unchanged",
    ]  # fmt: skip


def test_without_publishing_it_is_said_what_is_published_still(api):
    assert pushed(api, FILES, publish=False)[-1] == "hello: version 1, not published"
    pushed(api, FILES)
    changed = FILES | {"hello/body.txt": b"Hi {{ name }}\n"}
    assert pushed(api, changed, publish=False)[-1] == (
        "hello: version 2, not published (version 1 is)"
    )


def test_a_file_that_was_removed_is_shown_and_what_only_the_server_has_is_not(api):
    pushed(api, FILES)
    mine = {name: text for name, text in FILES.items() if name.startswith("hello/")}
    del mine["hello/sample.json"]
    said = pushed(api, mine)
    assert said[:2] == ["--- a/hello/sample.json", "+++ b/hello/sample.json"]
    assert not any("bill" in line or "_layouts" in line for line in said)
    assert "invoice" in load_remote(api).templates


def test_more_than_a_page_of_templates_is_listed(api):
    for n in range(101):
        api.ask("POST", "/templates", {"name": "x", "alias": f"a{n}"})
    assert len(load_remote(api).templates) == 101


def test_templates_of_one_name_are_pulled_into_folders_of_their_aliases(api):
    mine = {name: text for name, text in FILES.items() if name.startswith("hello/")}
    pushed(api, mine)
    api.ask("PATCH", "/templates/hello", {"alias": "second"})
    pushed(api, mine)
    found = load_remote(api).library.templates
    assert {name: entry.alias for name, entry in found.items()} == {"hello": None, "second": None}


def test_a_long_difference_is_cut():
    long = parse_folder(FILES | {"_partials/bye.html": b"x\n" * 500})
    lines = list(show_difference(parse_folder(FILES), long))
    assert lines[-1] == "(304 more lines)"
    assert len(lines) == 201
