"""System parameters and query strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.errors import RefusedError
from penfold.front.http.system import check_alt, check_early, parse_query, split_system
from penfold.spec.discovery import make_document


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        ("q=a%20b+c%2B&x", [("q", "a b c+"), ("x", "")]),
        ("&&a=b=c&", [("a", "b=c")]),
        ("a=%ff%zz", [("a", "\ufffd%zz")]),
    ],
)
def test_query_is_split_and_decoded(text, pairs):
    assert parse_query(text) == pairs


@given(st.text(max_size=60))
def test_any_query_is_split(text):
    parse_query(text)


def test_every_parameter_of_the_document_is_a_systems():
    pairs = [(name, "1") for name in make_document("http://h/")["parameters"]]
    _, own, xgafv = split_system(pairs)
    assert (own, xgafv) == ([], "1")


@pytest.mark.parametrize(
    "name", ["trace", "pp", "userip", "strict", "$alt", "$fields", "upload_id"]
)
def test_what_clients_add_is_tolerated(name):
    assert split_system([(name, "1"), ("q", "x")])[1] == [("q", "x")]


@pytest.mark.parametrize(
    ("query", "check"),
    [
        ("$.xgafv=", lambda system, xgafv: check_early(system, xgafv, get=True)),
        ("callback=-", lambda system, xgafv: check_early(system, xgafv, get=True)),
        ("alt=", lambda system, xgafv: check_alt(system)),
    ],
)
def test_long_values_are_not_repeated_whole(query, check):
    system, _, xgafv = split_system(parse_query(query + "x" * 10_000))
    with pytest.raises(RefusedError) as caught:
        check(system, xgafv)
    assert len(caught.value.text) < 600


def test_first_of_repeats_counts():
    system, _, _ = split_system([("alt", "json"), ("alt", "media"), ("prettyPrint", "false")])
    assert system.values["alt"] == "json"
    assert not system.pretty


@pytest.mark.parametrize("text", ["true", "", "1", "yes"])
def test_pretty_is_the_default(text):
    assert split_system([("prettyPrint", text)])[0].pretty


@pytest.mark.parametrize(("get", "callback"), [(True, "a.b[0]"), (False, "")])
def test_callback_counts_for_get_only(get, callback):
    system, _, xgafv = split_system([("callback", "a.b[0]")])
    check_early(system, xgafv, get=get)
    assert system.callback == callback
