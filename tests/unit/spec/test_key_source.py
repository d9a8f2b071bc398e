"""Where the master key is, as people write it."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.spec.key_source import KeySource, parse_key, parse_key_source

KEY = bytes(range(224, 256))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("file:master.key", KeySource("file", "master.key")),
        (" file:/etc/penfold/key ", KeySource("file", "/etc/penfold/key")),
        ("env:PENFOLD_KEY", KeySource("env", "PENFOLD_KEY")),
        ("command:/bin/cat '/a b/key'", KeySource("command", "/bin/cat '/a b/key'")),
    ],
)
def test_a_source_is_read_and_printed_as_it_was_written(text, source):
    assert parse_key_source(text) == source
    assert parse_key_source(str(source)) == source


@pytest.mark.parametrize("value", ["5318008a" * 8, "env:5318008a", "vault:5318008a"])
def test_a_key_in_the_place_of_its_source_is_not_repeated(value):
    with pytest.raises(ParseError) as caught:
        parse_key_source(value)
    assert "5318008a" not in str(caught.value)


def test_a_command_is_split_into_words_once():
    assert parse_key_source("command:/bin/cat '/a b/key' $HOME;").words == [
        "/bin/cat",
        "/a b/key",
        "$HOME;",
    ]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (7, "must be text"),
        ("file:a\nb", "must be text"),
        ("master.key", "must be file:PATH"),
        ("file:", "must be file:PATH"),
        ("vault:x", "must be file:PATH"),
        ("env:A-B", "name of a variable"),
        ("env:A=B", "name of a variable"),
        ("command:cat key", "whole path"),
        ("command:''", "whole path"),
        ("command:/bin/cat 'key", "cannot be split"),
    ],
)
def test_a_mistake_is_explained(value, why):
    with pytest.raises(ParseError, match=why):
        parse_key_source(value)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(KEY, id="as-it-is"),
        pytest.param(KEY.hex().encode() + b"\n", id="hex"),
        pytest.param(KEY.hex().upper().encode(), id="upper-hex"),
        pytest.param(base64.b64encode(KEY), id="base64"),
        pytest.param(base64.urlsafe_b64encode(KEY) + b"\r\n", id="url-safe"),
    ],
)
def test_a_key_is_read_in_each_of_its_forms(octets):
    assert parse_key(octets) == KEY


@pytest.mark.parametrize("octets", [b"", b"x" * 31, b"x" * 33, KEY.hex().encode()[1:], b"=" * 44])
def test_what_is_no_key_is_refused_and_not_repeated(octets):
    with pytest.raises(ParseError, match=r"^it is not 32 octets in hex or base64$"):
        parse_key(octets)


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_octets_are_a_key_or_refused(octets):
    with contextlib.suppress(ParseError):
        assert len(parse_key(octets)) == 32


@given(st.text(max_size=60) | st.text(max_size=60).map("command:/".__add__))
def test_text_is_a_source_that_prints_itself_or_refused(text):
    try:
        source = parse_key_source(text)
    except ParseError:
        return
    assert parse_key_source(str(source)) == source
    assert source.kind != "command" or source.words[0].startswith("/")
