"""Folders as an IMAP server lists them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.imap_list import Folder, parse_folder_line, quote


def folder(name, *uses):
    return Folder(name, frozenset(uses))


@pytest.mark.parametrize(
    ("line", "literal", "found"),
    [
        pytest.param(rb'(\HasNoChildren \Junk) "/" Spam', None, folder("Spam", "\\hasnochildren", "\\junk"), id="atom"),
        pytest.param(rb'() "." "My \"old\" \\ mail"', None, folder('My "old" \\ mail'), id="quoted"),
        pytest.param(rb'(\Noselect) NIL ""', None, None, id="no-name"),
        pytest.param(rb'(\X) "\\" INBOX', None, folder("INBOX", "\\x"), id="backslash-between"),
        pytest.param(rb'() "/" {5}', b"In{ox", folder("In{ox"), id="literal"),
        pytest.param(rb'() "/" {5}', None, None, id="literal-that-did-not-come"),
        pytest.param(b'() "/" "M\xc3\xbcll"', None, None, id="not-ascii"),
        pytest.param(rb'() "/" "a' + b'\0"', None, None, id="control"),
        pytest.param(rb'(\Junk "/" Spam', None, None, id="no-end"),
        pytest.param(b"", None, None, id="nothing"),
    ],
)  # fmt: skip
def test_a_line_is_a_folder_or_none(line, literal, found):
    assert parse_folder_line(line, literal) == found


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_name_comes_back_from_a_quoted_string(name):
    assert parse_folder_line(f'() "/" {quote(name)}'.encode()) == folder(name)


@given(st.binary(max_size=200), st.none() | st.binary(max_size=20))
def test_whatever_comes_a_name_can_be_said_to_the_server(line, literal):
    found = parse_folder_line(line, literal)
    assert found is None or (found.name.isascii() and found.name.isprintable())
