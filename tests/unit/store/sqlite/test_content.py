"""What is packed comes back; what does not unpack is damage and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import MailboxDamagedError
from penfold.base.labels import ALL_MAIL, INBOX, SPAM, TRASH, USER_LABELLED
from penfold.proto.mime.model import Part
from penfold.store.sqlite.content import (
    format_labels,
    list_postings,
    make_storable,
    pack_parsed,
    pack_raw,
    parse_labels,
    unpack_parsed,
    unpack_raw,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.builds(
    Part,
    mime_type=TEXT,
    filename=TEXT,
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    start=st.integers(0, 2**40),
    end=st.integers(0, 2**40),
    encoding=st.sampled_from(["", "base64"]),
    charset=TEXT,
    size=st.integers(0, 2**40),
    attachment=st.booleans(),
    nested=st.booleans(),
    parts=st.just(()),
)


@given(LEAVES, st.lists(LEAVES, max_size=3), TEXT)
def test_part_tree_comes_back(root, parts, subject_key):
    from msgspec import structs

    root = structs.replace(root, parts=tuple(parts))
    assert unpack_parsed(pack_parsed(root, subject_key)) == (root, subject_key)


@given(st.binary(max_size=5000))
def test_octets_come_back(raw):
    assert unpack_raw(pack_raw(raw)) == raw


@given(st.binary(max_size=200))
def test_any_octets_unpack_or_are_damage(octets):
    for unpack in (unpack_raw, unpack_parsed):
        try:
            unpack(octets)
        except MailboxDamagedError:
            continue


@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_cut_octets_are_damage(cut):
    packed = pack_raw(b"some octets of a message " * 10)
    with pytest.raises(MailboxDamagedError):
        unpack_raw(packed[:cut])


@given(st.frozensets(st.integers(1, 2**62), max_size=8))
def test_labels_come_back(labels):
    assert parse_labels(format_labels(labels)) == labels


@pytest.mark.parametrize(
    ("labels", "postings"),
    [
        (set(), (ALL_MAIL,)),
        ({INBOX, 100}, (ALL_MAIL, INBOX, USER_LABELLED, 100)),
        ({TRASH, 100}, (TRASH, USER_LABELLED, 100)),
        ({SPAM}, (SPAM,)),
    ],
    ids=["none", "visible", "trash", "spam"],
)
def test_message_is_listed_under_its_labels_and_what_follows_from_them(labels, postings):
    assert list_postings(frozenset(labels)) == postings


def test_lone_surrogates_are_replaced_and_nothing_else_changes():
    assert make_storable("a\udc80é") == "a?é"
    assert make_storable("ü\0𝄞") == "ü\0𝄞"
