"""Whatever an administrator's program sends is served or refused in words, never a failure."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.front.http.admin.world import AdminWorld

from penfold.base.clock import FixedClock
from penfold.spec.admin.registry import REGISTRY
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.testing.directory import MemoryDirectory

TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["0", "-1", "9" * 19, "1e9", "kim@penfold.test", "x" * 3_000, "%", "_", "'"]),
)
NAMES = ["pageToken", "maxResults", "userKey", "alias", "fields", "alt", "prettyPrint", "x"]
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
MEMBERS = [
    "primaryEmail", "password", "name", "suspended", "role", "alias", "domainName", "kind",
    "displayText", "redirectUris", "public", "domain", "scopes", "fullName",
]  # fmt: skip
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5).map(json.dumps),
    VALUES.map(json.dumps),
    st.sampled_from(['{"password":"\\ud800","primaryEmail":"\\udfff@penfold.test"}', "[" * 999]),
).map(str.encode) | st.binary(max_size=60)


class Book(SqliteDirectory):
    seed_account = MemoryDirectory.seed_account
    seed_token = MemoryDirectory.seed_token


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world over a real directory, which goes on through all examples."""
    clock = FixedClock()
    book = Book(tmp_path_factory.mktemp("any") / "directory.db", clock=clock)
    world = AdminWorld(book)
    yield world
    assert book.check_audit()[0] == ""
    book.close()


@settings(max_examples=150)
@given(
    method=st.sampled_from(REGISTRY),
    values=st.lists(TEXT, min_size=2, max_size=2),
    query=st.lists(st.tuples(st.sampled_from(NAMES), TEXT), max_size=3),
    body=BODIES,
)
def test_any_request_is_answered_below_500(world, method, values, query, body):
    path = "/" + method.path
    for name, value in zip(("{userKey}", "{alias}"), values, strict=True):
        path = path.replace(name, quote(value, safe=""))
    status, answer = world.ask(method.verb, path, body, query=query)
    assert 200 <= status < 500
    if status >= 400:
        assert answer["error"]["code"] == status


@settings(max_examples=60)
@given(token=TEXT, size=st.integers(0, 2**32 - 1), path=st.sampled_from(["users", "activities"]))
def test_any_page_token_is_a_place_in_the_list_or_is_refused(world, token, size, path):
    query = {"pageToken": token, "maxResults": size}
    status, answer = world.ask("GET", f"/admin/v1/{path}", query=query)
    assert status in (200, 400)
    if status == 200 and path == "activities" and token.strip("0"):
        assert all(int(item["id"]) < int(token) for item in answer["items"])
