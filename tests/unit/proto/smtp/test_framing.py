"""Lines and messages, however the stream is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.smtp.framing import (
    DataReader,
    Fault,
    LineReader,
    count_hops,
    find_fault,
    normalize_line_ends,
    stuff,
    unstuff,
)

LIMIT = 20
SKIP_MAX = 50
#: Octets that matter to framing, and a few that do not.
OCTETS = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"\0", b"a", b"bcdefgh", b"\xff"]), max_size=40
).map(b"".join)


def cut(octets, cuts):
    """Return the octets in pieces, cut at these places."""
    edges = [0, *sorted(place % (len(octets) + 1) for place in cuts), len(octets)]
    return [octets[a:b] for a, b in pairwise(edges) if a < b]


def read_lines(pieces):
    reader = LineReader(skip_max=SKIP_MAX)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (line := reader.take_line(LIMIT)) is not None:
            found.append(line)
            if line is Fault.ENDLESS:
                return found, reader
    return found, reader


def read_data(pieces, limit=10_000):
    """Return the message and what follows it; None when the data has not ended."""
    reader = DataReader(limit=limit)
    for number, piece in enumerate(pieces):
        end = reader.feed(piece, 0)
        if end >= 0:
            rest = piece[end:] + b"".join(pieces[number + 1 :])
            return reader.finish(), rest, reader.fault
    return None


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"NOOP\r\n", [b"NOOP"], id="crlf"),
        pytest.param(b"\r\n", [b""], id="empty"),
        pytest.param(b"A\r\nB\r\n", [b"A", b"B"], id="two"),
        pytest.param(b"NOOP", [], id="unfinished"),
        pytest.param(b"NOOP\r", [], id="half-an-end"),
        pytest.param(b"NOOP\n", [Fault.BARE_LF], id="bare-lf"),
        pytest.param(b"\n", [Fault.BARE_LF], id="only-lf"),
        pytest.param(b"A\nB\r\nC\r\n", [Fault.BARE_LF, Fault.BARE_LF, b"C"], id="lf-within"),
        pytest.param(b"A\rB\r\nC\r\n", [Fault.BARE_CR, b"C"], id="cr-within"),
        pytest.param(b"A\r\r\nC\r\n", [Fault.BARE_CR, b"C"], id="cr-twice"),
        pytest.param(b"A\0\r\nC\r\n", [Fault.NUL, b"C"], id="nul"),
        pytest.param(b"x" * 18 + b"\r\n", [b"x" * 18], id="longest"),
        pytest.param(b"x" * 19 + b"\r\nC\r\n", [Fault.TOO_LONG, b"C"], id="too-long"),
        pytest.param(b"x" * 51, [Fault.ENDLESS], id="endless"),
        pytest.param(b"x" * 51 + b"\r\n", [Fault.ENDLESS], id="endless-with-end"),
    ],
)
def test_lines_end_at_crlf_only(octets, expected):
    assert read_lines([octets])[0] == expected
    assert read_lines([bytes([octet]) for octet in octets])[0] == expected


@given(OCTETS, st.lists(st.integers(0, 300), max_size=8))
def test_lines_do_not_depend_on_how_the_stream_is_cut(octets, cuts):
    assert read_lines(cut(octets, cuts))[0] == read_lines([octets])[0]


@given(OCTETS, st.lists(st.integers(0, 300), max_size=8))
def test_a_line_holds_no_line_end_and_the_reader_stays_small(octets, cuts):
    lines, reader = read_lines(cut(octets, cuts))
    for line in lines:
        assert isinstance(line, Fault) or not set(b"\r\n\0") & set(line)
    assert len(reader.buffer) <= len(octets)


def test_an_endless_line_is_not_kept():
    reader = LineReader(skip_max=1_000_000)
    for _ in range(1_000):
        reader.feed(b"x" * 900)
        assert reader.take_line(100) is None
        assert len(reader.buffer) < 2_000


@pytest.mark.parametrize(
    ("octets", "message", "rest"),
    [
        pytest.param(b".\r\nQUIT\r\n", b"", b"QUIT\r\n", id="empty"),
        pytest.param(b"\r\n.\r\n", b"\r\n", b"", id="empty-line"),
        pytest.param(b"a\r\n.\r\nb", b"a\r\n", b"b", id="one-line"),
        pytest.param(b"..\r\n.\r\n", b".\r\n", b"", id="dot"),
        pytest.param(b"...\r\n....\r\n.\r\n", b"..\r\n...\r\n", b"", id="dots"),
        pytest.param(b".x\r\n.\r\n", b"x\r\n", b"", id="dot-before-text"),
        pytest.param(b"a\r\n.b\r\n.\r\n", b"a\r\nb\r\n", b"", id="dot-before-text-later"),
        pytest.param(b"a\r\n..\r\n.\r\n.\r\n", b"a\r\n.\r\n", b".\r\n", id="second-end-is-rest"),
        pytest.param(b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n", b"", id="lf-dot"),
        pytest.param(b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n", b"", id="dot-lf"),
        pytest.param(b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n", b"", id="cr-dot"),
        pytest.param(b"a\r\n.\r\r\nb\r\n.\r\n", b"a\r\n\r\r\nb\r\n", b"", id="dot-cr-crlf"),
    ],
)
def test_data_ends_at_crlf_dot_crlf_only(octets, message, rest):
    assert read_data([octets])[:2] == (message, rest)
    assert read_data([bytes([octet]) for octet in octets])[:2] == (message, rest)


@pytest.mark.parametrize("split", range(1, 12))
def test_a_terminator_across_two_reads_is_found(split):
    octets = b"body" + b"\r\n.\r\n" + b"QUIT"
    assert read_data([octets[:split], octets[split:]]) == (b"body\r\n", b"QUIT", None)


@given(OCTETS, st.lists(st.integers(0, 300), max_size=8))
def test_data_does_not_depend_on_how_the_stream_is_cut(octets, cuts):
    octets += b"\r\n.\r\n"
    assert read_data(cut(octets, cuts)) == read_data([octets])


@given(OCTETS, st.lists(st.integers(0, 300), max_size=8))
def test_a_message_survives_stuffing_and_unstuffing(content, cuts):
    content = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert read_data(cut(stuff(content) + b"QUIT\r\n", cuts))[:2] == (content, b"QUIT\r\n")


@given(OCTETS)
def test_unstuffing_takes_back_what_stuffing_did(content):
    stuffed = stuff(content)
    assert stuffed.endswith(b".\r\n")
    assert unstuff(stuffed[:-3]).startswith(content)


def test_beyond_the_limit_octets_are_counted_but_not_kept():
    reader = DataReader(limit=1_000)
    for _ in range(100):
        assert reader.feed(b"x" * 998 + b"\r\n", 0) == -1
    assert reader.feed(b".\r\n", 0) == 3
    assert reader.is_over
    assert reader.size == 100_003
    assert reader.finish() == b""


def is_clean(content):
    rest = content.replace(b"\r\n", b"")
    return not set(b"\r\n\0") & set(rest)


@given(OCTETS)
def test_a_fault_is_found_exactly_when_there_is_one(content):
    assert (find_fault(content) is None) == is_clean(content)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"a\r\nb\r\n", None, id="clean"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"a\nb\r\n", Fault.BARE_LF, id="lf"),
        pytest.param(b"a\rb\r\n", Fault.BARE_CR, id="cr"),
        pytest.param(b"a\rb\nc\r\n", Fault.BARE_CR, id="cr-and-lf-apart"),
        pytest.param(b"a\r\r\n", Fault.BARE_CR, id="cr-crlf"),
        pytest.param(b"a\r\n\n", Fault.BARE_LF, id="crlf-lf"),
        pytest.param(b"a\r", Fault.BARE_CR, id="cr-at-the-end"),
        pytest.param(b"a\0\r\n", Fault.NUL, id="nul"),
        pytest.param(b"a\n\0\r", Fault.BARE_LF, id="the-first-counts"),
    ],
)
def test_faults_are_named(content, fault):
    assert find_fault(content) is fault


@given(OCTETS)
def test_normalizing_leaves_clean_line_ends_and_is_done_once(content):
    normal = normalize_line_ends(content)
    assert is_clean(normal.replace(b"\0", b""))
    assert normalize_line_ends(normal) == normal
    if is_clean(content):
        assert normal == content


@pytest.mark.parametrize(
    ("content", "hops"),
    [
        pytest.param(b"", 0, id="empty"),
        pytest.param(b"Received: a\r\nreceived: b\r\nRECEIVED:c\r\n\r\n", 3, id="any-case"),
        pytest.param(b"Received: a\r\n\r\nReceived: b\r\n", 1, id="not-the-body"),
        pytest.param(b"\r\nReceived: b\r\n\r\n", 0, id="no-header"),
        pytest.param(b"Subject: a\r\n Received: b\r\nX-Received: c\r\n\r\n", 0, id="not-the-name"),
    ],
)
def test_hops_are_counted_in_the_header(content, hops):
    assert count_hops(content, header_max=1_000) == hops


def test_hops_are_counted_in_a_bounded_part_of_the_header():
    assert count_hops(b"Received: a\r\n" * 10_000, header_max=25) == 2
