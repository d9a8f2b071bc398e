"""Where messages begin and end in one file, whoever wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.mbox import Entry, Oversize, Splitter, format_entry, parse_postmark_ms, unquote

MARK = b"From a@b.example Thu Mar 21 12:44:28 2019"
LATER = 1_553_172_268_000


def split(data, *, step=None, limit=1_000_000, start=0, lengths=True):
    splitter = Splitter(limit=limit, start=start, lengths=lengths)
    found = []
    for at in range(0, len(data), step or max(len(data), 1)):
        found.extend(splitter.feed(data[at : at + (step or len(data))]))
    return [*found, *splitter.finish()]


def messages(data, **options):
    return [each.raw for each in split(data, **options)]


def join(*raws, mark=MARK, newline=b"\n"):
    return b"".join(mark + newline + raw + newline for raw in raws)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_messages_are_parted_at_postmarks_and_the_blank_line_is_nobody_s(newline):
    raws = [newline.join((b"Subject: %d" % n, b"", b"text", b"")) for n in range(3)]
    assert messages(join(*raws, newline=newline)) == raws


def test_a_line_that_only_begins_like_a_postmark_is_text():
    raw = b"Subject: x\n\nbefore\n\nFrom here on, at 10:30 we walk\nFrom: a@b\n"
    assert messages(join(raw, raw)) == [raw, raw]


def test_a_postmark_needs_no_blank_line_before_it():
    assert messages(join(b"A: 1\n\nx\n")[:-1] + join(b"B: 2\n\ny\n")) == [
        b"A: 1\n\nx\n",
        b"B: 2\n\ny\n",
    ]


def test_where_the_first_postmark_has_no_date_a_blank_line_is_what_counts():
    data = join(b"A: 1\n\nx\nFrom nobody\n", b"B: 2\n\ny\n", mark=b"From someone")
    assert messages(data) == [b"A: 1\n\nx\nFrom nobody\n", b"B: 2\n\ny\n"]


def test_a_length_that_ends_at_a_postmark_is_believed_and_nothing_was_quoted():
    body = b"\n" + MARK + b"\n>From inside\n"
    raw = b"Content-Length: %d\nSubject: x\n\n" % len(body) + body
    [first, second] = split(join(raw, b"B: 2\n\ny\n"))
    assert (first.raw, first.quoted, second.raw) == (raw, False, b"B: 2\n\ny\n")


def test_a_length_that_ends_elsewhere_is_not_believed():
    raws = [b"Content-Length: 3\n\nlonger than three\n", b"Content-Length: 99\n\nshorter\n"]
    assert messages(join(*raws, raws[0])) == [*raws, raws[0]]


def test_a_message_above_the_limit_is_told_with_its_place_and_the_next_one_is_read():
    small, large = b"A: 1\n\nx\n", b"B: 2\n\n" + b"long line\n" * 200_000
    data = join(small, large, small)
    for step in (None, 65_536):
        [first, second, third] = split(data, step=step, limit=1_000)
        assert isinstance(second, Oversize)
        assert (first.raw, third.raw) == (small, small)
        assert data[second.offset :].startswith(MARK)
        assert (first.end, second.end) == (second.offset, third.offset)


def test_reading_goes_on_where_an_entry_ended():
    data = join(b"A: 1\n\nx\n", b"B: 2\n\ny\n", b"C: 3\n\nz\n")
    everything = split(data)
    for done, entry in enumerate(everything):
        rest = split(data[entry.end :], start=entry.end)
        assert rest == everything[done + 1 :]


@pytest.mark.parametrize(
    ("quoting", "there", "meant"),
    [
        (
            "mboxrd",
            b">From a\n>>From b\n>>>From c\n> From d\n",
            b"From a\n>From b\n>>From c\n> From d\n",
        ),
        ("mboxo", b">From a\n>>From b\n", b"From a\n>>From b\n"),
        ("mboxcl2", b">From a\n", b">From a\n"),
    ],
)
def test_quoting_is_undone_as_its_writer_did_it(quoting, there, meant):
    assert unquote(b"S: x\n\n" + there, quoting) == b"S: x\n\n" + meant


@pytest.mark.parametrize(
    ("postmark", "ms"),
    [
        (b"From 1628938402846271826@xxx Thu Mar 21 12:44:28 +0000 2019", LATER),
        (b"From a@b.example Thu Mar 21 13:44:28 +0100 2019", LATER),
        (b"From - Thu Mar 21 12:44:28 2019", LATER),
        (b'From "A B" at example  Thu Mar 21 12:44:28 2019', LATER),
        (b"From somebody", None),
    ],
)
def test_a_postmark_tells_its_time(postmark, ms):
    assert parse_postmark_ms(postmark) == ms


WORDS = (b"From ", b">From x", MARK, b"", b"\r", b"text", b">>")
LENGTHS = (b"Content-Length: 5", b"Content-Length: 0")
LINES = st.sampled_from(WORDS)
RAWS = st.lists(LINES, max_size=8).map(b"\n".join) | st.binary(max_size=60)


@given(st.lists(RAWS, max_size=5))
def test_what_is_written_is_read_back_but_for_an_end_of_line(raws):
    data = b"".join(format_entry(raw, sender="a@b", date_ms=LATER) for raw in raws)
    found = [unquote(each.raw) if each.quoted else each.raw for each in split(data)]
    assert len(found) == len(raws)
    for raw, read in zip(raws, found, strict=True):
        assert read in {raw, raw + b"\n"}


@given(
    st.lists(LINES | st.sampled_from(LENGTHS), max_size=30).map(b"\n".join),
    st.integers(1, 40),
    st.integers(1, 200),
)
def test_how_the_octets_come_makes_no_difference(data, step, limit):
    whole = split(data, limit=limit)
    pieces = split(data, step=step, limit=limit)
    assert pieces == whole
    assert [each.end for each in whole[:-1]] == [each.offset for each in whole[1:]]
    assert not whole or whole[-1].end == len(data)
    assert all(len(each.raw) <= limit for each in whole if isinstance(each, Entry))
