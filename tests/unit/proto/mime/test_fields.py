"""Where a header block begins and ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import MIME_HEADER_STEP_BYTES
from penfold.proto.mime.fields import find_block, iter_fields, iter_named

PIECES = [
    b"a:", b"bc", b" ", b"\t", b"\n", b"\r\n", b"\r", b"--", b":", b"From ", b">From ",
    b"\xef\xbb\xbf", b"x" * 9, b"\xff",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.integers(0, 12), st.data())
def test_where_a_block_ends_does_not_depend_on_the_steps_in_which_it_is_looked_at(raw, step, data):
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    assert find_block(raw, start, end, step=step) == find_block(raw, start, end, step=len(raw) + 1)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"a:\r\n", id="empty-fields"),
        pytest.param(b"\ta b: c\r\n", id="one-field"),
        pytest.param(b"Subject: hello\n", id="fields"),
    ],
)
def test_a_block_of_many_steps_is_found_whole(line):
    block = b"Subject: x\r\n" + line * (3 * MIME_HEADER_STEP_BYTES // len(line))
    raw = b"From a@b.example\r\n" + block + b"\r\nHello\r\n"
    first, stop, body = find_block(raw, 0, len(raw))
    assert (raw[first:stop], raw[body:]) == (block, b"Hello\r\n")


@given(st.lists(st.sampled_from([*PIECES, b"A:", b"\na:"]), max_size=30).map(b"".join))
def test_fields_found_by_their_name_are_those_of_all_that_have_it(raw):
    start, stop, _ = find_block(raw, 0, len(raw))
    fields = [each for each in iter_fields(raw, start, stop) if each[1].lower() == b"a"]
    named = [(each.span(), each[1]) for each in iter_named(raw, b"a")]
    assert named == [(each.span(), each[2]) for each in fields]
