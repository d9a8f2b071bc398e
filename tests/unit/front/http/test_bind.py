"""Parameters of methods, by both spellings, typed, and refused in Google's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.bind import Binder
from penfold.front.http.errors import RefusedError
from penfold.spec.members import list_members
from penfold.spec.method import snake_case
from penfold.spec.registry import BY_ID, REGISTRY

LIST = Binder(BY_ID["gmail.users.messages.list"])
GET = Binder(BY_ID["gmail.users.messages.get"])
HISTORY = Binder(BY_ID["gmail.users.history.list"])
IMPORT = Binder(BY_ID["gmail.users.messages.import"])
ENUM = "type.googleapis.com/caribou.api.proto."


def unknown(name):
    return (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )


@pytest.mark.parametrize("method", REGISTRY, ids=lambda m: m.id)
def test_parameters_left_out_have_their_defaults(method):
    params = Binder(method).bind(["x"] * len(method.path_names), [])
    for member in list_members(method.params):
        if member.name not in method.path_names:
            assert getattr(params, member.attribute) == member.default


def test_both_spellings_bind():
    pairs = [("maxResults", "3"), ("include_spam_trash", "true"), ("labelIds", "A")]
    params = LIST.bind(["me"], pairs)
    assert (params.max_results, params.include_spam_trash, params.label_ids) == (3, True, ("A",))


def test_last_of_repeats_counts_and_lists_gather():
    pairs = [("maxResults", "1"), ("maxResults", "3"), ("labelIds", "A"), ("label_ids", "B")]
    params = LIST.bind(["me"], pairs)
    assert (params.max_results, params.label_ids) == (3, ("A", "B"))


def test_header_names_are_taken_whole():
    params = GET.bind(["me", "1"], [("metadataHeaders", "To,Cc"), ("metadataHeaders", " Date")])
    assert params.metadata_headers == ("To,Cc", " Date")


@pytest.mark.parametrize(
    ("binder", "path", "pairs", "violations"),
    [
        pytest.param(
            LIST, ["me"], [("maxResults", "x")],
            [("max_results", "Invalid value at 'max_results' (TYPE_UINT32), \"x\"")],
            id="number",
        ),
        pytest.param(
            HISTORY, ["me"], [("startHistoryId", "abc")],
            [("start_history_id", "Invalid value at 'start_history_id' (TYPE_UINT64), \"abc\"")],
            id="history-id",
        ),
        pytest.param(
            GET, ["me", "1"], [("format", "x")],
            [("format", f"Invalid value at 'format' ({ENUM}Format), \"x\"")],
            id="enum",
        ),
        pytest.param(
            IMPORT, ["me"], [("neverMarkSpam", "maybe")],
            [("never_mark_spam", "Invalid value at 'never_mark_spam' (TYPE_BOOL), \"maybe\"")],
            id="boolean",
        ),
        pytest.param(
            LIST, ["me"], [("userid", "x")],
            [(None, unknown("userid"))],
            id="unknown",
        ),
        pytest.param(
            GET, ["me", "1"], [("id", "2"), ("maxResults", "1")],
            [(None, unknown("id")),
             (None, unknown("maxResults"))],
            id="several",
        ),
    ],
)  # fmt: skip
def test_wrong_parameters_are_told_in_googles_words(binder, path, pairs, violations):
    with pytest.raises(RefusedError) as caught:
        binder.bind(path, pairs)
    shown = caught.value.details[0]["fieldViolations"]
    assert [(item.get("field"), item["description"]) for item in shown] == violations
    assert caught.value.text == "\n".join(text for _, text in violations)


def test_type_errors_have_no_domain_and_unknown_names_have():
    with pytest.raises(RefusedError) as wrong:
        LIST.bind(["me"], [("maxResults", "x")])
    assert (wrong.value.problem.reason, wrong.value.problem.domain) == ("invalid", None)
    with pytest.raises(RefusedError) as unknown:
        LIST.bind(["me"], [("x", "x")])
    assert (unknown.value.problem.reason, unknown.value.problem.domain) == ("badRequest", "global")


@given(st.lists(st.tuples(st.sampled_from(["maxResults", "q", "labelIds", "x"]), st.text())))
def test_any_query_binds_or_is_refused(pairs):
    try:
        params = LIST.bind(["me"], pairs)
    except RefusedError:
        return
    assert params.label_ids == tuple(value for name, value in pairs if name == "labelIds")


@pytest.mark.parametrize("method", REGISTRY, ids=lambda m: m.id)
def test_every_query_parameter_binds_by_both_names(method):
    binder = Binder(method)
    path = ["x"] * len(method.path_names)
    for member in list_members(method.params):
        if member.name in method.path_names:
            continue
        kind = member.kind
        text = kind.values[0] if kind.values else "true" if kind.json_type == "boolean" else "7"
        by_camel = binder.bind(path, [(member.name, text)])
        assert by_camel == binder.bind(path, [(snake_case(member.name), text)])
        assert getattr(by_camel, member.attribute) != ()
