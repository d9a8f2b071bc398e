"""Addresses: every method is found at its own, and nothing else is anywhere."""

import dataclasses
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.routes import Routes
from penfold.spec.registry import BY_ID, REGISTRY

ROUTES = Routes(REGISTRY)
USER = "/gmail/v1/users"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def fill(path, value):
    return re.sub(r"\{\w+\}", value, path)


@pytest.mark.parametrize("method", REGISTRY, ids=lambda m: m.id)
def test_method_is_found_at_its_address_with_its_values(method):
    match = ROUTES.find(method.verb, "/" + fill(method.path, "x%2Fy%40z"))
    assert match.leaf.method is method
    assert not match.leaf.upload
    assert match.values == ["x/y@z"] * len(method.path_names)


@pytest.mark.parametrize("method", [m for m in REGISTRY if m.media], ids=lambda m: m.id)
def test_uploads_are_found_at_both_addresses(method):
    for path in (method.upload_path, method.resumable_path):
        match = ROUTES.find(method.verb, "/" + fill(path, "me"))
        assert (match.leaf.method, match.leaf.upload) == (method, True)


@pytest.mark.parametrize("method", REGISTRY, ids=lambda m: m.id)
def test_no_two_methods_answer_the_same_address(method):
    path = "/" + fill(method.path, "x")
    same = [m.id for m in REGISTRY if m.verb == method.verb and "/" + fill(m.path, "x") == path]
    assert same == [method.id]


@pytest.mark.parametrize(
    ("verb", "path", "method_id", "values"),
    [
        pytest.param("POST", f"{USER}/me/drafts/send", "drafts.send", ["me"], id="literal-first"),
        pytest.param("GET", f"{USER}/me/drafts/send", "drafts.get", ["me", "send"],
                     id="parameter-where-the-literal-has-no-such-verb"),
        pytest.param("POST", f"{USER}/me/settings/cse/keypairs/a:enable",
                     "settings.cse.keypairs.enable", ["me", "a"], id="custom-verb"),
        pytest.param("POST", f"{USER}/me/settings/cse/keypairs/a:b:disable",
                     "settings.cse.keypairs.disable", ["me", "a:b"], id="colon-in-the-value"),
        pytest.param("POST", f"{USER}/me/settings/cse/keypairs/a%3Aenable",
                     "settings.cse.keypairs.enable", ["me", "a"], id="encoded-colon"),
        pytest.param("GET", f"{USER}/me/settings/cse/keypairs/a:enable",
                     "settings.cse.keypairs.get", ["me", "a:enable"], id="colon-with-another-verb"),
        pytest.param("GET", f"{USER}/a%2Bb%40c.d/labels/%C3%A9%2F", "labels.get",
                     ["a+b@c.d", "é/"], id="encoded"),
        pytest.param("GET", f"{USER}/me/%6Dessages", "messages.list", ["me"], id="encoded-literal"),
    ],
)  # fmt: skip
def test_address_means(verb, path, method_id, values):
    match = ROUTES.find(verb, path)
    assert (match.leaf.method.id, match.values) == (f"gmail.users.{method_id}", values)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("GET", "/"),
        ("GET", "gmail/v1/users/me/profile"),
        ("GET", "//gmail/v1/users/me/profile"),
        ("GET", f"{USER}/me"),
        ("GET", f"{USER}/me/profile/"),
        ("GET", f"{USER}//profile"),
        ("GET", f"{USER}/me/messages/"),
        ("PUT", f"{USER}/me/profile"),
        ("HEAD", f"{USER}/me/profile"),
        ("POST", f"{USER}/me/settings/cse/keypairs/:enable"),
        ("POST", f"{USER}/me/settings/cse/keypairs/a:burn"),
        ("POST", "/upload/gmail/v1/users/me/labels"),
        ("GET", "/" + "a/" * 100_000),
    ],
    ids=lambda text: text[:60] or "empty",
)
def test_anything_else_means_nothing(verb, path):
    assert ROUTES.find(verb, path) is None


def test_two_methods_at_one_address_are_refused():
    twin = dataclasses.replace(BY_ID["gmail.users.getProfile"], id="gmail.users.twin")
    with pytest.raises(ValueError, match="share"):
        Routes([*REGISTRY, twin])


def test_custom_verb_goes_before_a_parameter_that_would_take_it_whole():
    plain = dataclasses.replace(
        BY_ID["gmail.users.settings.cse.keypairs.get"], id="gmail.users.burn", verb="POST"
    )
    match = Routes([*REGISTRY, plain]).find("POST", f"{USER}/me/settings/cse/keypairs/a:enable")
    assert match.leaf.method.name == "enable"


def test_address_is_known_for_any_verb():
    assert ROUTES.knows(f"{USER}/me/drafts/send")
    assert not ROUTES.knows(f"{USER}/me/nothing")


@given(
    st.sampled_from(REGISTRY),
    st.lists(st.text(min_size=1, max_size=8), min_size=5, max_size=5),
)
def test_values_come_back_as_they_were_encoded(method, texts):
    path, kept = "/" + method.path, []
    for name, text in zip(method.path_names, texts, strict=False):
        text = text.encode("utf-8", "replace").decode()  # noqa: PLW2901 - no lone surrogates in URLs
        path = path.replace(f"{{{name}}}", quote(text, safe=""))
        kept.append(text)
    match = ROUTES.find(method.verb, path)
    if match.leaf.method is method:  # a literal may have gone first
        assert match.values == kept


@given(st.sampled_from(VERBS), st.text(alphabet="/gmailv1users%20:{}", max_size=60))
def test_any_path_is_looked_up_without_trouble(verb, path):
    ROUTES.find(verb, path)
