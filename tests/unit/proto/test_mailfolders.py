"""Flags and folders of other mail stores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.labels import DRAFT, INBOX, SENT, SPAM, STARRED, TRASH, UNREAD
from penfold.proto.mailfolders import (
    decode_utf7,
    folder_name,
    label_of,
    read_letters,
    read_status,
)


@pytest.mark.parametrize(
    ("letters", "labels"),
    [
        ("", {UNREAD}),
        ("S", set()),
        ("FRS", {STARRED}),
        ("DF", {DRAFT, STARRED, UNREAD}),
        ("PST", {TRASH}),
    ],
)
def test_letters_of_a_maildir_file(letters, labels):
    assert read_letters(letters).labels == labels


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        (b"", set()),
        (b"Status: RO\n", set()),
        (b"Status: O\nX-Status: F\n", {UNREAD, STARRED}),
        (b"status: r\nx-status: adt\r\n", {TRASH, DRAFT}),
        (b"X-Mozilla-Status: 0005\n", {STARRED}),
        (b"X-Mozilla-Status: 0000\n", {UNREAD}),
        (b"X-Mozilla-Status: what\n", {UNREAD}),
    ],
)
def test_status_fields_of_an_mbox(fields, labels):
    state = read_status(fields + b"Subject: x\n\nStatus: F\n")
    assert (state.labels, state.deleted) == (labels, False)


def test_what_thunderbird_deleted_but_has_not_yet_removed_is_told():
    assert read_status(b"X-Mozilla-Status: 0009\n\n").deleted


@pytest.mark.parametrize(
    ("folder", "system", "names"),
    [
        ("INBOX", {INBOX}, ()), ("Sent Items", {SENT}, ()), ("Junk", {SPAM}, ()),
        ("Trash", {TRASH}, ()), ("Archive", set(), ()), ("", set(), ()),
        ("Work/2024", set(), ("Work/2024",)), ("INBOX/Work", set(), ("Work",)),
    ],
)  # fmt: skip
def test_folders_become_labels(folder, system, names):
    assert label_of(folder) == (system, names)


@pytest.mark.parametrize(
    ("directory", "name"),
    [(".Work.2024", "Work/2024"), (".Entw&APw-rfe", "Entwürfe"), (".R&-D", "R&D"), (".A&B", "A&B"),
     (".&ZeVnLIqe-", "日本語"), ("plain", "plain"), (".Über", "Über")],
)  # fmt: skip
def test_directories_of_a_maildir_have_names(directory, name):
    assert folder_name(directory) == name


@given(st.text(max_size=30))
def test_any_name_is_decoded(text):
    decode_utf7(text)
    assert isinstance(decode_utf7(f"&{text}-"), str)
