"""JSON bodies: proto3's rules, Google's words."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import JSON_MAX_DEPTH
from penfold.front.http.body import body_path, read_body
from penfold.front.http.errors import RefusedError
from penfold.spec.registry import REGISTRY
from penfold.spec.schemas import (
    BatchModifyMessagesRequest,
    Draft,
    Filter,
    FilterCriteria,
    Label,
    LabelColor,
    Message,
    ModifyMessageRequest,
    VacationSettings,
)


def read(value, request=Message):
    return read_body(json.dumps(value).encode(), request)


def violations(value, request=Message):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    with pytest.raises(RefusedError) as caught:
        read_body(data, request)
    assert caught.value.problem.code == 400
    shown = caught.value.details[0]["fieldViolations"]
    assert caught.value.text == "\n".join(item["description"] for item in shown)
    return [(item.get("field"), item["description"]) for item in shown]


@pytest.mark.parametrize("data", [b"", b"  \r\n", b"{}"], ids=["nothing", "blank", "empty"])
def test_empty_body_is_an_empty_message(data):
    assert read_body(data, Message) == Message()


@pytest.mark.parametrize(
    ("value", "request_type", "result"),
    [
        pytest.param({"labelIds": ["A"], "thread_id": "1"}, Message,
                     Message(label_ids=["A"], thread_id="1"), id="both-spellings"),
        pytest.param({"name": None, "color": None}, Label, Label(), id="null-is-unset"),
        pytest.param({"ids": "1"}, BatchModifyMessagesRequest,
                     BatchModifyMessagesRequest(ids=["1"]), id="one-stands-for-a-list"),
        pytest.param({"message": {"raw": "AA"}}, Draft, Draft(message=Message(raw=b"\0")),
                     id="octets-below"),
        pytest.param({"startTime": 12, "endTime": "13"}, VacationSettings,
                     VacationSettings(start_time="12", end_time="13"), id="64-bit-both-ways"),
        pytest.param({"criteria": {"from": "a", "size": "7"}}, Filter,
                     Filter(criteria=FilterCriteria(from_="a", size=7)), id="keyword-name"),
        pytest.param({"color": {"textColor": "#000000"}}, Label,
                     Label(color=LabelColor(text_color="#000000")), id="object"),
        pytest.param({"labelListVisibility": "LABEL_SHOW"}, Label,
                     Label(label_list_visibility="labelShow"), id="enum-old-spelling"),
        pytest.param({"historyId": "5", "snippet": "x"}, Message,
                     Message(history_id="5", snippet="x"), id="output-members-are-let-in"),
    ],
)  # fmt: skip
def test_body_is_read(value, request_type, result):
    assert read(value, request_type) == result


@pytest.mark.parametrize(
    ("value", "request_type", "field", "text"),
    [
        pytest.param({"x": 1}, ModifyMessageRequest, None,
                     'Invalid JSON payload received. Unknown name "x": Cannot find field.',
                     id="unknown-at-the-root"),
        pytest.param({"x": 1}, Message, "message",
                     "Invalid JSON payload received. Unknown name \"x\" at 'message': "
                     "Cannot find field.", id="unknown"),
        pytest.param({"message": {"x": 1}}, Draft, "draft.message",
                     "Invalid JSON payload received. Unknown name \"x\" at 'draft.message': "
                     "Cannot find field.", id="unknown-below"),
        pytest.param({"name": 5}, Label, "label.name",
                     "Invalid value at 'label.name' (TYPE_STRING), 5", id="number-for-text"),
        pytest.param({"addLabelIds": ["A", 7]}, ModifyMessageRequest, "add_label_ids[1]",
                     "Invalid value at 'add_label_ids[1]' (TYPE_STRING), 7", id="in-a-list"),
        pytest.param({"raw": "a$"}, Message, "message.raw",
                     "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed for "
                     '"a$"', id="base64"),
        pytest.param({"name": ["A"]}, Label, "label",
                     "Invalid JSON payload received. Unknown name \"name\" at 'label': "
                     "Proto field is not repeating, cannot start list.", id="list-for-one"),
        pytest.param({"name": {}}, Label, "label.name",
                     "Invalid value at 'label.name' (TYPE_STRING), "
                     "Starting an object on a scalar field", id="object-for-text"),
        pytest.param({"color": "red"}, Label, "label.color",
                     "Invalid value at 'label.color' "
                     '(type.googleapis.com/caribou.api.proto.LabelColor), "red"',
                     id="text-for-object"),
        pytest.param({"addLabelIds": [None]}, ModifyMessageRequest, "add_label_ids[0]",
                     "Invalid value at 'add_label_ids[0]' (TYPE_STRING), null", id="null-in-list"),
        pytest.param([], Label, None,
                     'Invalid JSON payload received. Unknown name "": '
                     "Root element must be a message.", id="list-for-the-root"),
    ],
)  # fmt: skip
def test_wrong_member_is_named_and_repeated(value, request_type, field, text):
    assert violations(value, request_type) == [(field, text)]


def test_everything_wrong_is_told_at_once():
    found = violations({"x": 1, "name": 2, "color": {"y": 3}}, Label)
    assert [field for field, _ in found] == ["label", "label.name", "label.color"]


def test_thousands_of_wrong_members_make_a_short_answer():
    assert len(violations({f"x{n}": 1 for n in range(5000)}, Label)) == 50


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b'{"raw": abc}', 'Unexpected token.\n{"raw": abc}\n        ^', id="token"),
        pytest.param(
            b'{"raw": "abc', 'Unexpected end of string.\n{"raw": "abc\n            ^', id="end"
        ),
        pytest.param(b"nope", "Unexpected token.\nnope\n^", id="literal"),
        pytest.param(
            b'{"raw": nope}', 'Unexpected token.\n{"raw": nope}\n        ^', id="inner literal"
        ),
        pytest.param(b"\xff\xfe{}", "Unexpected token.", id="utf-16"),
    ],
)
def test_broken_json_is_shown_where_it_breaks(data, text):
    [(_, description)] = violations(data)
    assert description.startswith("Invalid JSON payload received. " + text)


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"parts": [value]}
    return {"payload": value}


def test_nesting_is_bounded():
    assert read(nested(JSON_MAX_DEPTH - 2))
    [(_, description)] = violations(nested(JSON_MAX_DEPTH + 1))
    assert description == "Invalid JSON payload received. Message too deep."
    [(_, description)] = violations(b'{"x":' + b"[" * 200_000)
    assert description.startswith("Invalid JSON payload received.")


@pytest.mark.parametrize(
    ("request_type", "path"),
    [(Message, "message"), (ModifyMessageRequest, ""), (VacationSettings, "vacation_settings")],
)
def test_paths_begin_at_the_member_the_body_fills(request_type, path):
    assert body_path(request_type) == path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["raw", "labelIds", "payload", "parts", "body", "size", "id", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_read_or_refused_in_words(value):
    for request_type in (Message, Label, BatchModifyMessagesRequest):
        with contextlib.suppress(RefusedError):
            read(value, request_type)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused_in_words(data):
    with contextlib.suppress(RefusedError):
        read_body(data, Message)


requests = sorted({m.request for m in REGISTRY if m.request}, key=lambda r: r.__name__)


@pytest.mark.parametrize("request_type", requests, ids=lambda r: r.__name__)
def test_what_we_print_we_can_read(request_type):
    empty = request_type()
    assert read_body(msgspec.json.encode(empty), request_type) == empty


@given(
    st.builds(
        Message,
        id=st.text(max_size=5),
        label_ids=st.lists(st.text(max_size=3), max_size=3),
        size_estimate=st.integers(-(2**31), 2**31 - 1),
        internal_date=st.integers(-(2**63), 2**63 - 1).map(str),
    )
)
def test_print_then_read_gives_the_same_message(message):
    assert read_body(msgspec.json.encode(message), Message) == message


# --- PATCH ---------------------------------------------------------------------------------


def test_null_is_absent_except_in_a_patch_where_it_clears():
    data = b'{"name": null, "color": null}'
    assert read_body(data, Label) == Label()
    assert read_body(data, Label, patch=True) == Label(
        name="", color=LabelColor(text_color="", background_color="")
    )
    assert read_body(b"{}", Label, patch=True) == Label()
    nested = read_body(b'{"color": {"text_color": null}}', Label, patch=True)
    assert nested == Label(color=LabelColor(text_color=""))


def test_null_of_a_member_nobody_knows_is_refused_in_a_patch_too():
    with pytest.raises(RefusedError, match="Unknown name"):
        read_body(b'{"nope": null}', Label, patch=True)
