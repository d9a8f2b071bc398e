"""The schema of variables, and variables that are checked against it."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from penfold.base.limits import TEMPLATE_FINDINGS_MAX, VARIABLES_MAX_BYTES
from penfold.proto.templates.model import TemplateError
from penfold.proto.templates.schema import fill_defaults, find_secrets, parse_schema
from penfold.proto.templates.variables import check_variables

ORDER = {
    "type": "object",
    "required": ["name", "order"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 10},
        "mail": {"type": "string", "format": "email"},
        "link": {"type": "string", "format": "uri"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "code": {"type": "string", "writeOnly": True},
        "kind": {"enum": ["a", 1, None]},
        "greeting": {"type": "string", "default": "Hello"},
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10},
        "order": {
            "type": "object",
            "required": ["items"],
            "properties": {
                "currency": {"type": ["string", "null"], "default": "EUR"},
                "items": {
                    "type": "array",
                    "maxItems": 3,
                    "items": {"type": "object", "properties": {"price": {"type": "number"}}},
                },
            },
        },
        "any": {},
        "words": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
GOOD = {"name": "Kim", "order": {"items": [{"price": 1}, {"price": 2.5}]}}


def check(changes, **options):
    found = check_variables(parse_schema(ORDER), {**GOOD, **changes}, **options)
    return [(each.code, each.name) for each in found]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({}, [], id="good"),
        pytest.param({"nmae": 1}, [("unknown", "nmae")], id="unknown"),
        pytest.param({"name": ""}, [("value", "name")], id="short"),
        pytest.param({"name": "x" * 11}, [("value", "name")], id="long"),
        pytest.param({"name": 3}, [("type", "name")], id="type"),
        pytest.param({"name": None}, [("type", "name")], id="null"),
        pytest.param({"count": True}, [("type", "count")], id="true-is-no-number"),
        pytest.param({"count": 2.0}, [], id="2.0-is-an-integer"),
        pytest.param({"count": 2.5}, [("type", "count")], id="2.5-is-none"),
        pytest.param({"count": 0}, [("value", "count")], id="minimum"),
        pytest.param({"count": 10}, [("value", "count")], id="exclusive-maximum"),
        pytest.param({"kind": 1}, [], id="enum"),
        pytest.param({"kind": True}, [("value", "kind")], id="enum-true-is-not-1"),
        pytest.param({"order": {}}, [("missing", "order.items")], id="missing-below"),
        pytest.param(
            {"order": {"items": [{"price": "1"}, {"prise": 1}]}},
            [("type", "order.items[0].price"), ("unknown", "order.items[1].prise")],
            id="in-items",
        ),
        pytest.param({"order": {"items": [{}] * 4}}, [("value", "order.items")], id="max-items"),
        pytest.param({"any": {"x": [1, {"y": None}]}}, [], id="any"),
        pytest.param({"words": {"x": "y", "z": 1}}, [("type", "words.z")], id="other-properties"),
        pytest.param({"mail": "kim@example.org"}, [], id="email"),
        pytest.param({"mail": "kim"}, [("value", "mail")], id="no-email"),
        pytest.param({"mail": "a@b.example\r\nBcc: x@y.example"}, [("value", "mail")], id="crlf"),
        pytest.param({"link": "https://x.example/a?b"}, [], id="uri"),
        pytest.param({"link": "javascript:alert(1)"}, [("value", "link")], id="javascript"),
        pytest.param({"link": "https://x.example/\n"}, [("value", "link")], id="uri-line-end"),
        pytest.param({"day": "2026-11-28"}, [], id="date"),
        pytest.param({"day": "2026-11-31"}, [("value", "day")], id="no-such-day"),
        pytest.param({"at": "2026-11-28T10:00:00Z"}, [], id="moment"),
        pytest.param({"at": "2026-11-28T10:00:00"}, [("value", "at")], id="without-offset"),
    ],
)
def test_every_wrong_variable_is_named(changes, wrong):
    assert check(changes) == wrong


def test_a_mismatch_has_a_pointer_and_says_what_was_meant():
    (found,) = check_variables(parse_schema(ORDER), {**GOOD, "greetign": "x"})
    assert found.pointer == "/greetign"
    assert found.message == "greetign is not declared; did you mean greeting?"
    (found,) = check_variables(parse_schema(ORDER), {**GOOD, "a/b~c": 1})
    assert found.pointer == "/a~1b~0c"


def test_missing_ones_may_be_blank_but_unknown_ones_are_still_wrong():
    schema = parse_schema(ORDER)
    assert check_variables(schema, {}, missing_is_blank=True) == []
    found = check_variables(schema, {"nmae": 1}, missing_is_blank=True)
    assert [each.code for each in found] == ["unknown"]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({**GOOD, "any": "x" * VARIABLES_MAX_BYTES}, id="large"),
        pytest.param({**GOOD, "name": "\ud800"}, id="half-a-character"),
        pytest.param({**GOOD, "any": object()}, id="no-json"),
        pytest.param({**GOOD, "any": json.loads("[" * 500 + "]" * 500)}, id="deep"),
    ],
)
def test_what_is_no_json_of_bounded_size_is_one_mismatch_at_most(variables):
    assert len(check_variables(parse_schema(ORDER), variables)) <= 1


def test_no_more_mismatches_are_told_than_somebody_reads():
    found = check_variables(parse_schema(ORDER), {str(n): n for n in range(1000)})
    assert len(found) == TEMPLATE_FINDINGS_MAX


def test_defaults_fill_what_is_missing_at_every_level():
    schema = parse_schema(ORDER)
    filled = fill_defaults(schema, GOOD)
    assert filled["greeting"] == "Hello"
    assert filled["order"]["currency"] == "EUR"
    assert "currency" not in GOOD["order"]
    assert fill_defaults(schema, {"greeting": "Hi"})["greeting"] == "Hi"


def test_what_shall_not_be_kept_is_found():
    assert list(find_secrets(parse_schema(ORDER))) == [("code",)]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        pytest.param({"type": "string"}, "object", id="no-object"),
        pytest.param([], "must be an object", id="list"),
        pytest.param({"type": "object", "$ref": "http://127.0.0.1/"}, "not followed", id="ref"),
        pytest.param({"type": "object", "pattern": "(a+)+$"}, "exponential", id="pattern"),
        pytest.param({"type": "object", "anyOf": []}, "/anyOf is not supported", id="any-of"),
        pytest.param({"type": "thing"}, "/type must be one of", id="type"),
        pytest.param({"type": "object", "required": "a"}, "/required", id="required"),
        pytest.param({"type": "object", "properties": []}, "/properties", id="properties"),
        pytest.param(
            {"type": "object", "properties": {"a": {"format": "regex"}}},
            "/properties/a/format must be one of email, uri, date, date-time",
            id="format",
        ),
        pytest.param({"type": "object", "minItems": "1"}, "/minItems must be a number", id="bound"),
        pytest.param({"type": "object", "enum": []}, "/enum", id="enum"),
        pytest.param({"type": "object", "title": "x" * 70_000}, "larger", id="large"),
        pytest.param(json.loads('{"items":' * 20 + "{}" + "}" * 20), "too deep", id="deep"),
    ],
)
def test_a_schema_that_promises_more_than_is_checked_is_refused(schema, said):
    with pytest.raises(TemplateError) as caught:
        parse_schema(schema)
    assert any(said in str(each) for each in caught.value.findings)


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 2.0, "", "x", "xyz"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BOUND = st.integers(-1, 3)


def objects(inner):
    return st.fixed_dictionaries(
        {"type": st.just("object"), "additionalProperties": st.booleans() | inner},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, unique=True, max_size=2),
        },
    )


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["string", "number", "integer", "boolean", "null", ["string", "null"]]
            ),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "minimum": BOUND,
            "maximum": BOUND,
            "exclusiveMinimum": BOUND,
            "exclusiveMaximum": BOUND,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
        },
    ),
    lambda inner: (
        objects(inner)
        | st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={"items": inner, "minItems": st.integers(0, 2), "maxItems": st.integers(0, 2)},
        )
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(objects(SCHEMAS), st.dictionaries(NAMES, VALUES, max_size=3))
def test_variables_are_right_where_json_schema_says_so(schema, variables):
    right = Draft202012Validator(schema).is_valid(variables)
    assert (check_variables(parse_schema(schema), variables) == []) == right


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "properties", "required", "items", "enum", "const", "x",
                                 "minLength", "format", "additionalProperties", "default"]),
                inner, max_size=4,
            )
        ),
        max_leaves=15,
    ),
    VALUES,
)  # fmt: skip
def test_any_document_is_a_schema_or_refused_and_any_value_is_checked(document, value):
    with contextlib.suppress(TemplateError):
        schema = parse_schema(document)
        check_variables(schema, {"a": value, "x": value})
        fill_defaults(schema, {"a": value, "x": value})
