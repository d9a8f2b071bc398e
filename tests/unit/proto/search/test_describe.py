"""A search said in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.search.describe import describe
from penfold.proto.search.parse import parse_query
from penfold.proto.search.tree import And, Or


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("dinner", ["the word dinner"]),
        ('subject:"big dinner"', ["the words big dinner side by side in the subject"]),
        ("from:ann@x.example", ["the address ann@x.example in the sender"]),
        ("to:me", ["an address of the account's own in To, Cc or Bcc"]),
        ("a -b", ["all of", "  the word a", "  not the word b"]),
        ("a OR -(b c)", ["any of", "  the word a", "  not", "    all of", "      the word b",
                         "      the word c"]),
        ("a AROUND 3 b", ["the word a within 3 words of the word b"]),
        ('"a AROUND 3 b"', ["the word a within 3 words of the word b, in this order"]),
        ("filename:pdf", ["the word pdf in the name of an attachment, where the last word may go on"]),
        ("rfc822msgid:<a@b>", ["the Message-ID a@b"]),
        ("in:inbox", ["label INBOX"]),
        ("label:Work/Deep", ["label work-deep"]),
        ("has:attachment", ["an attachment"]),
        ("has:userlabels", ["a label of the user's"]),
        ("has:youtube", ["a link to a video"]),
        ("after:1700000000", ["from 2023-11-14 22:13:20 UTC on"]),
        ("before:1700000000", ["before 2023-11-14 22:13:21 UTC"]),
        ("after:999999999999999", ["from second 999999999999999 on"]),
        ("after:2026/01/31", ["from 2026-01-31 00:00 Pacific time on"]),
        ("before:2026/07/01", ["before 2026-07-01 00:00 Pacific time"]),
        ("after:0001/01/01", ["from 0001-01-01 00:00 Pacific time on"]),
        ("after:9999/12/31", ["from 9999-12-31 00:00 Pacific time on"]),
        ("larger:1M", ["at least 1,048,576 bytes"]),
        ("smaller:2000", ["less than 2,000 bytes"]),
        ("in:snoozed", ["in:snoozed, which no message here ever is"]),
        ("in:anywhere", ["anything, spam and trash too"]),
        ("in:all", ["anything"]),
    ],
)  # fmt: skip
def test_search_in_words(q, said):
    assert describe(parse_query(q, now_ms=0)) == said


def test_groups_without_members_say_what_they_match():
    assert describe(And(())) == ["anything"]
    assert describe(Or(())) == ["nothing"]


def test_labels_are_said_as_the_reader_knows_them():
    tree = parse_query("a -label:work OR in:inbox", now_ms=0)
    said = describe(tree, lambda node: f"<{type(node).__name__}>")
    assert said == ["all of", "  the word a", "  any of", "    not <Label>", "    <System>"]


@given(st.text(max_size=60))
def test_every_search_can_be_said(q):
    assert all(describe(parse_query(q, now_ms=10**12)))
