"""A newer document of Google's is compared thing by thing, and nothing in it can do harm."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.spec.comparison import compare_documents, parse_document
from penfold.spec.discovery import make_document

OURS = make_document("http://x/")
USERS = ("resources", "users")


def at(document, *path):
    for name in path:
        document = document[name]
    return document


def change(document, *path, to):
    *place, name = path
    at(document, *place)[name] = to


def remove(document, *path):
    *place, name = path
    del at(document, *place)[name]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(
            lambda d: change(d, *USERS, "methods", "nap", to={"id": "gmail.users.nap"}),
            ("missing", "method gmail.users.nap"),
            id="method",
        ),
        pytest.param(
            lambda d: remove(d, *USERS, "methods", "watch"),
            ("extra", "method gmail.users.watch"),
            id="method-gone",
        ),
        pytest.param(
            lambda d: change(
                d, *USERS, "methods", "stop", "parameters", "why", to={"type": "string"}
            ),
            ("missing", "parameter gmail.users.stop why"),
            id="parameter",
        ),
        pytest.param(
            lambda d: change(
                d, *USERS, "resources", "messages", "methods", "get", "parameters", "format",
                "enum", to=["minimal", "full", "raw", "tiny"],
            ),
            (
                "changed",
                "parameter gmail.users.messages.get format: enum adds tiny, lacks metadata",
            ),
            id="values",
        ),
        pytest.param(
            lambda d: at(d, *USERS, "methods", "stop", "scopes").append("https://x/nap"),
            ("changed", "method gmail.users.stop: scopes adds https://x/nap"),
            id="scopes",
        ),
        pytest.param(
            lambda d: change(d, "schemas", "Nap", to={"id": "Nap"}),
            ("missing", "schema Nap"),
            id="schema",
        ),
        pytest.param(
            lambda d: change(d, "schemas", "Message", "properties", "mood", to={}),
            ("missing", "member Message.mood"),
            id="member",
        ),
        pytest.param(
            lambda d: change(
                d, "schemas", "Message", "properties", "raw", "format", to="base32"
            ),
            ("changed", 'member Message.raw: format is "base32" there, "byte" here'),
            id="format",
        ),
        pytest.param(
            lambda d: change(d, "auth", "oauth2", "scopes", "https://x/nap", to={}),
            ("missing", "scope https://x/nap"),
            id="scope",
        ),
        pytest.param(
            lambda d: change(d, *USERS, "resources", "naps", to={}),
            ("missing", "resource gmail.users.naps"),
            id="resource",
        ),
        pytest.param(
            lambda d: change(d, "batchPath", to="b"),
            ("changed", 'document batchPath is "b" there, "batch" here'),
            id="document",
        ),
    ],
)  # fmt: skip
def test_one_change_is_one_line(edit, expected):
    theirs = copy.deepcopy(OURS)
    edit(theirs)
    assert [(gap.side, str(gap)) for gap in compare_documents(OURS, theirs)] == [expected]


def test_what_is_listed_is_no_difference():
    theirs = copy.deepcopy(OURS) | {"rootUrl": "https://y/", "revision": "20990101"}
    change(theirs, "schemas", "Message", "description", to="Other words.")
    assert compare_documents(OURS, theirs) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"\xff\xfe", id="not-text"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"kind": "discovery#restDescription", "name": "drive"}', id="drive"),
    ],
)
def test_what_is_no_document_of_gmail_is_refused(text):
    with pytest.raises(ParseError):
        parse_document(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.data())
def test_a_document_with_anything_anywhere_is_compared(data):
    theirs = copy.deepcopy(OURS)
    node, path = theirs, []
    while isinstance(node, dict) and node and data.draw(st.booleans()):
        path.append(data.draw(st.sampled_from(sorted(node))))
        node = node[path[-1]]
    if path:
        change(theirs, *path, to=data.draw(VALUES))
    for gap in compare_documents(OURS, parse_document_or_skip(theirs)):
        assert str(gap)


def parse_document_or_skip(document):
    try:
        return parse_document(json.dumps(document).encode())
    except ParseError:
        return OURS
