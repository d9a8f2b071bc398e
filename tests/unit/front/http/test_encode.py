"""JSON as Google's serializer prints it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.front.http.encode import encode_compact, encode_pretty, escape, wrap_jsonp

UNSAFE = [
    *"<>",
    *map(chr, range(0x7F, 0xA0)),
    "\xad",
    *map(chr, range(0x200B, 0x2010)),
    *map(chr, range(0x2028, 0x202F)),
    *map(chr, range(0x2060, 0x2065)),
    "\ufeff",
]
SAFE = ["&", "'", "=", "\xa0", "\xac", "\xae", "é", "‐", "—", "‧", "\u202f", "\u205f", "\u2065", "ﻼ", "\ufefe", "😀"]  # fmt: skip


@pytest.mark.parametrize("char", UNSAFE, ids=lambda c: f"U+{ord(c):04X}")
def test_unsafe_code_point_is_escaped(char):
    assert encode_compact([f"a{char}b"]) == f'["a\\u{ord(char):04x}b"]'.encode()


@pytest.mark.parametrize("char", SAFE, ids=lambda c: f"U+{ord(c):04X}")
def test_other_code_point_is_itself(char):
    assert encode_compact([char]) == f'["{char}"]'.encode()


def test_pretty_has_two_spaces_and_a_last_line_feed():
    assert encode_pretty({"a": [1, {"b": []}], "c": {}}) == (
        b'{\n  "a": [\n    1,\n    {\n      "b": []\n    }\n  ],\n  "c": {}\n}\n'
    )


@given(st.recursive(st.text() | st.integers(-100, 100), lambda inner: st.lists(inner, max_size=3)))
def test_both_forms_say_the_same(value):
    value = json.loads(json.dumps(value, ensure_ascii=True).replace("\\ud", "\\u0"))
    assert json.loads(encode_pretty(value)) == json.loads(encode_compact(value)) == value


@given(st.text())
def test_escaped_text_holds_nothing_unsafe(text):
    text = text.encode("utf-8", "ignore").decode()
    printed = escape(json.dumps(text, ensure_ascii=False).encode()).decode()
    assert not set(UNSAFE) & set(printed)
    assert json.loads(printed) == text


def test_jsonp_calls_the_function():
    assert wrap_jsonp("a.b", b'{\n  "x": 1\n}\n') == b'// API callback\na.b({\n  "x": 1\n});'
