"""The fields Takeout puts before a message, and the one of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.ids import MAX_ID
from penfold.base.labels import (
    CATEGORY_UPDATES,
    CHAT,
    DRAFT,
    IMPORTANT,
    INBOX,
    SENT,
    SPAM,
    STARRED,
    TRASH,
    UNREAD,
)
from penfold.proto.takeout import NAMES, format_marks, parse_labels, take_marks


@pytest.mark.parametrize(
    ("value", "labels", "names"),
    [
        (b" Inbox,Important,Unread", {INBOX, IMPORTANT, UNREAD}, ()),
        (b"Sent,Opened,Archived", {SENT}, ()),
        (b"Draft,Starred,Chat,Spam,Trash", {DRAFT, STARRED, CHAT, SPAM, TRASH}, ()),
        (b"Drafts,Category Updates,Work/2024", {DRAFT, CATEGORY_UPDATES}, ("Work/2024",)),
        (b'"Bills, open","say ""hi""",Opened', set(), ("Bills, open", 'say "hi"')),
        (b'"Opened","Inbox"', set(), ("Opened", "Inbox")),
        (b"=?UTF-8?Q?Archiv=C3=A9s,_Caf=C3=A9,Non_lus?=", {UNREAD}, ("Café",)),
        (
            b"=?UTF-8?Q?Posteingang,Ge=C3=B6ffnet,?=\r\n =?UTF-8?Q?Entw=C3=BCrfe?=",
            {INBOX, DRAFT},
            (),
        ),
        (b"Inbox,\r\n  Folded name,Inbox", {INBOX}, ("Folded name",)),
        (b" , ,", set(), ()),
        (b'"not closed, Inbox', {INBOX}, ('"not closed',)),
    ],
)
def test_labels_are_read_as_takeout_writes_them(value, labels, names):
    assert parse_labels(value) == (frozenset(labels), names)


def test_the_fields_are_taken_off_and_the_rest_is_as_it_was():
    raw = b"Subject: x\r\n\r\nX-GM-THRID: 5\r\n"
    marks, rest = take_marks(b"X-GM-THRID: 1628938402846271826\r\nX-Gmail-Labels: Inbox\r\n" + raw)
    assert rest == raw
    assert (marks.thread_id, marks.labels) == (1628938402846271826, {INBOX})


def test_the_fields_are_found_further_down_and_only_the_first_of_each_goes():
    raw = b"Received: a\n b\nx-gmail-labels: Inbox,\n Work\nSubject: x\nX-GM-THRID: 7\nX-GM-THRID: 8\n\nX-GM-THRID: 9\n"
    marks, rest = take_marks(raw)
    assert rest == b"Received: a\n b\nSubject: x\nX-GM-THRID: 8\n\nX-GM-THRID: 9\n"
    assert (marks.labels, marks.names, marks.thread_id) == ({INBOX}, ("Work",), 7)


@pytest.mark.parametrize("value", ["0", "-1", "x", "", str(MAX_ID + 1), "9" * 30, "1.5"])
def test_what_is_no_thread_number_is_none(value):
    marks, _ = take_marks(f"X-GM-THRID: {value}\n\n".encode())
    assert marks.thread_id is None


def test_a_message_without_the_fields_is_left_alone():
    raw = b"Subject: x\n\nX-Gmail-Labels: Inbox\n"
    marks, rest = take_marks(raw)
    assert rest == raw
    assert marks.labels is None


NAME = (
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=30
    )
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
STARTS = st.sampled_from(
    [b"", b"X-GM-THRID: 4\n", b"X-Penfold-Message: date=1; octets=2\n", b"\n", b" ", b"From "]
)


@given(
    st.frozensets(st.sampled_from(sorted(NAMES))),
    st.lists(
        NAME | st.sampled_from(["Opened", "Inbox", '"', ",", "=?x?q?y?="]), max_size=80, unique=True
    ),
    st.integers(1, MAX_ID),
    st.integers(0, 2**43 - 1),
    STARTS,
    st.binary(max_size=40),
    st.sampled_from([b"", b"\n", b"\r\n"]),
)
def test_what_is_written_before_any_message_is_read_back(
    labels, names, thread, ms, start, rest, more
):
    raw = start + rest
    fields = format_marks(labels, names, thread_id=thread, internal_ms=ms, octets=len(raw))
    assert fields.isascii()
    marks, found = take_marks(fields + raw + more)
    assert found == raw
    assert (marks.labels, marks.names) == (labels, tuple(names))
    assert (marks.thread_id, marks.internal_ms) == (thread, ms)


@given(st.binary(max_size=200))
def test_any_octets_are_read(raw):
    take_marks(b"X-Gmail-Labels:" + raw)
    take_marks(raw)
