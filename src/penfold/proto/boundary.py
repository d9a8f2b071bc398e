"""The boundary of a multipart body, as its Content-Type names it."""

import re
from typing import Final

from penfold.base.errors import ParseError

#: RFC 2046 §5.1.1: a boundary has 1 to 70 characters and does not end with a blank.
_BOUNDARY: Final = re.compile(
    r';\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE
)


def parse_boundary(content_type: str) -> bytes:
    """Return the boundary, without the two hyphens that stand before it in the body."""
    match = _BOUNDARY.search(content_type)
    boundary = (match[1] or match[2]).rstrip() if match else ""
    if not boundary:
        raise ParseError("no boundary")
    return boundary.encode("latin-1", "replace")
