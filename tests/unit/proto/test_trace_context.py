"""The traceparent header: read as W3C Trace Context says, printed as version 00."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.proto.trace_context import TraceParent, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEX = "0123456789abcdef"


def ids(length):
    return st.text(HEX, min_size=length, max_size=length).filter(lambda text: set(text) != {"0"})


@given(ids(32), ids(16), st.booleans())
def test_what_is_written_as_the_standard_says_is_read(trace_id, span_id, sampled):
    text = f"00-{trace_id}-{span_id}-{int(sampled):02x}"
    assert parse_traceparent(text) == TraceParent(trace_id, span_id, sampled)


@given(st.text())
def test_anything_else_is_read_or_none(text):
    found = parse_traceparent(text)
    assert found is None or found.trace_id in text


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", True, id="sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", False, id="not-sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-03", True, id="more-flags"),
        pytest.param(f" 00-{TRACE}-{SPAN}-01\t", True, id="blanks-around"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-comes", True, id="a-later-version"),
    ],
)
def test_a_good_header_is_read(text, sampled):
    assert parse_traceparent(text) == TraceParent(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", id="version-ff"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", id="version-00-with-more"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", id="no-trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="no-span"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", id="upper-case"),
        pytest.param(f"00-{TRACE}-{SPAN}", id="no-flags"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-{'x' * 1000}", id="endless"),
    ],
)
def test_a_bad_header_is_as_good_as_none(text):
    assert parse_traceparent(text) is None
