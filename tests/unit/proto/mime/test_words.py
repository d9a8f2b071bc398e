"""Encoded words and safe text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import MIME_MAX_ENCODED_WORDS
from penfold.proto.mime.tokens import iter_tokens
from penfold.proto.mime.words import decode_names, decode_words, strip_controls


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        pytest.param("plain", "plain", id="nothing-to-do"),
        pytest.param("=?utf-8?q?a_b=5F?=", "a b_", id="underscore"),
        pytest.param("=?UTF-8?B?w6k=?=", "é", id="base64"),
        pytest.param("=?utf-8?b?w6k?=", "é", id="base64-without-padding"),
        pytest.param("x =?utf-8?q?a?= y", "x a y", id="blanks-beside-text-stay"),
        pytest.param("=?utf-8?q?a?= \t =?utf-8?q?b?=", "ab", id="blanks-between-words-go"),
        pytest.param("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é", id="character-split-between-words"),
        pytest.param("=?utf-8?q?=C3?= =?utf-8?b?qQ==?=", "é", id="split-between-encodings"),
        pytest.param("=?utf-8?q?=C3=A9?==?iso-8859-1?q?=E9?=", "éé", id="two-charsets-touching"),
        pytest.param("=?utf-8*de?q?=C3=A9?=", "é", id="language"),
        pytest.param("=?iso-8859-1?Q?a b?=", "a b", id="blank-inside-tolerated"),
        pytest.param("=?utf-8?q?What??=", "What?", id="question-mark-at-the-end"),
        pytest.param("=?utf-8?q?Hey?_you?=", "Hey? you", id="question-mark-inside"),
        pytest.param("=?utf-8?x?a?=", "=?utf-8?x?a?=", id="unknown-encoding"),
        pytest.param("=?utf-8?q?a", "=?utf-8?q?a", id="unfinished"),
        pytest.param("=??q?a?=", "=??q?a?=", id="no-charset"),
        pytest.param("=?unicode_escape?q?=5Cu0041?=", "\\u0041", id="python-codec"),
        pytest.param("=?utf-8?b?////?=", "\ufffd\ufffd\ufffd", id="damaged"),
        pytest.param("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?=", id="decoded-once"),
    ],
)
def test_encoded_words_are_decoded(text, decoded):
    assert decode_words(text) == decoded


def test_words_beyond_the_limit_stay_as_they_came():
    text = " ".join(["=?utf-8?q?a?="] * (MIME_MAX_ENCODED_WORDS + 3))
    assert decode_words(text).startswith("a" * MIME_MAX_ENCODED_WORDS + " =?utf-8?q?a?=")


HEADER_TEXT = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "=?utf-8?q?",
            "=?",
            "?=",
            "=C3=A9",
            "<",
            ">",
            '"',
            "\\",
            "(",
            ")",
            ",",
            "a@b",
            " ",
            "[",
            "é",
        ]
    ),
    max_size=30,
).map("".join)


@given(HEADER_TEXT)
def test_tokens_make_the_text_again(text):
    assert "".join(token for _, token in iter_tokens(text)) == text


@given(HEADER_TEXT)
def test_names_are_decoded_in_anything(text):
    assert "\n" not in strip_controls(decode_names(text))


@given(st.text())
def test_clean_text_has_no_controls(text):
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in strip_controls(text))
    assert not set(strip_controls(text)) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2069\u200f")
