"""W3C Trace Context: who called, in the `traceparent` header of a request.

W3C Trace Context §3.2: version "-" trace-id "-" parent-id "-" trace-flags, in lower-case hex. A
later version may go on after the flags; ff is none. What is not well-formed is as good as absent.
"""

import re
from typing import Final

from msgspec import Struct

_HEADER: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
#: Characters that are looked at: what is longer is none of version 00, and no need of ours.
_HEADER_MAX: Final = 512
_SAMPLED: Final = 1


class TraceParent(Struct, frozen=True, gc=False):
    """trace_id: 32 hex digits, span_id: 16, neither all zero. sampled: the caller records it."""

    trace_id: str
    span_id: str
    sampled: bool


def parse_traceparent(text: str) -> TraceParent | None:
    """Return what the header says, None when it says nothing that can be used."""
    if len(text) > _HEADER_MAX:
        return None
    found = _HEADER.fullmatch(text.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest):
        return None
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))
