"""Partial-response masks: grammar, names, and what is left of an answer."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import FIELDS_MAX_DEPTH, FIELDS_MAX_NAMES
from penfold.proto.fields import (
    UnknownFieldError,
    apply_fields,
    merge,
    parse_fields,
    resolve_fields,
)

PART = {"partId": None, "headers": {"name": None, "value": None}, "body": {"size": None}}
PART["parts"] = PART
SHAPE = {"id": None, "threadId": None, "labelIds": None, "payload": PART}
LIST = {"messages": SHAPE, "nextPageToken": None}


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("  ", None, id="blank"),
        pytest.param("*", None, id="star"),
        pytest.param("a,*", None, id="star-beside"),
        pytest.param("id", {"id": None}, id="one"),
        pytest.param(
            "messages(id,threadId),nextPageToken",
            {"messages": {"id": None, "threadId": None}, "nextPageToken": None},
            id="group",
        ),
        pytest.param("payload/headers", {"payload": {"headers": None}}, id="path"),
        pytest.param(
            "messages/payload/parts(body,headers/name)",
            {"messages": {"payload": {"parts": {"body": None, "headers": {"name": None}}}}},
            id="both",
        ),
        pytest.param(
            "labels(id,name, type)", {"labels": dict.fromkeys(["id", "name", "type"])}, id="blanks"
        ),
        pytest.param("items/*", {"items": {"*": None}}, id="star-below"),
        pytest.param("a/b,a/c", {"a": {"b": None, "c": None}}, id="repeats-add-up"),
        pytest.param("a/b,a", {"a": None}, id="whole-wins"),
        pytest.param("a,a/b", {"a": None}, id="whole-wins-first"),
    ],
)
def test_mask_is_read(text, mask):
    assert parse_fields(text) == mask


@pytest.mark.parametrize(
    "text",
    [
        "a,", ",a", "a,,b", "a/", "/a", "a//b", "a(", "a()", "a(b", "a)b", "a(b))", "(a)", "a b",
        "a(b)c", "a(b)/c", "ä", "a;b", "a/(b)",
        pytest.param("a/" * FIELDS_MAX_DEPTH + "a", id="too-deep"),
        pytest.param("a(" * 5000, id="far-too-deep"),
        pytest.param(",".join("a" * (FIELDS_MAX_NAMES + 1)), id="too-many"),
    ],
)  # fmt: skip
def test_mask_that_breaks_the_grammar_is_refused(text):
    with pytest.raises(ParseError):
        parse_fields(text)


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        pytest.param("thread_id", {"threadId": None}, id="snake-case"),
        pytest.param("payload/*", {"payload": dict.fromkeys(PART)}, id="star"),
        pytest.param(
            "payload/*/name", {"payload": {"headers": {"name": None}}}, id="star-drops-misfits"
        ),
        pytest.param(
            "payload/parts/parts/partId",
            {"payload": {"parts": {"parts": {"partId": None}}}},
            id="recursive-type",
        ),
        pytest.param("id,*", None, id="all"),
    ],
)
def test_names_are_those_of_the_answer(text, mask):
    parsed = parse_fields(text)
    assert (parsed and resolve_fields(parsed, SHAPE)) == mask


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("x", "x", id="top"),
        pytest.param("id,payload/x", "payload/x", id="below"),
        pytest.param("id/x", "id/x", id="below-a-leaf"),
        pytest.param("payload(partId,body(size,x))", "payload/body/x", id="group"),
        pytest.param("payload/*/nowhere", "payload/*/nowhere", id="star-that-fits-nothing"),
    ],
)
def test_unknown_member_is_named(text, path):
    with pytest.raises(UnknownFieldError) as caught:
        resolve_fields(parse_fields(text), SHAPE)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("nextPageToken", {"nextPageToken": "t"}, id="one"),
        pytest.param("messages/id", {"messages": [{"id": "1"}, {"id": "2"}]}, id="through-list"),
        pytest.param(
            "messages(payload/headers/name)",
            {"messages": [{"payload": {"headers": [{"name": "To"}]}}, {}]},
            id="missing-is-left-out",
        ),
        pytest.param(
            "messages/labelIds", {"messages": [{}, {"labelIds": ["A"]}]}, id="list-of-text"
        ),
    ],
)
def test_answer_keeps_what_the_mask_names(text, left):
    answer = {
        "messages": [
            {"id": "1", "payload": {"headers": [{"name": "To", "value": "a"}]}},
            {"id": "2", "labelIds": ["A"]},
        ],
        "nextPageToken": "t",
    }
    assert apply_fields(answer, resolve_fields(parse_fields(text), LIST)) == left


def test_order_is_the_answers():
    answer = {"id": "1", "threadId": "2"}
    assert list(apply_fields(answer, {"threadId": None, "id": None})) == ["id", "threadId"]


names = st.sampled_from(["a", "bc", "d-e", "f_g", "*"])
masks = st.recursive(
    st.none(),
    lambda below: st.dictionaries(names, below, min_size=1, max_size=4),
    max_leaves=12,
)


def print_mask(mask):
    return ",".join(
        name if below is None else f"{name}({print_mask(below)})" for name, below in mask.items()
    )


@given(masks.filter(lambda mask: mask is not None))
def test_print_then_parse_gives_the_same_mask(mask):
    whole = "*" in mask and mask["*"] is None
    assert parse_fields(print_mask(mask)) == (None if whole else mask)


@given(masks, masks)
def test_merging_keeps_what_either_keeps(one, other):
    both = merge(one, other)
    assert merge(one, both) == both
    assert merge(other, both) == both


@given(st.text(alphabet="ab*/(), \tä_", max_size=60) | st.text(max_size=60))
def test_mask_parses_or_says_why(text):
    with contextlib.suppress(ParseError):
        mask = parse_fields(text)
        if mask is not None:
            resolve_fields(mask, {"a": {"b": None, "ab": None}, "b": None})
