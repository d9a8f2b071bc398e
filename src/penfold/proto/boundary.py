"""Multipart bodies as HTTP clients write them: the boundary, the parts, the head of each."""

import re
from typing import Final

from penfold.base.errors import ParseError

Header = tuple[bytes, bytes]

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
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


def split_parts(body: bytes, boundary: bytes) -> list[bytes]:
    """Return what stands between the boundary lines; preamble and epilogue are dropped."""
    # RFC 2046 §5.1.1: the line end before a delimiter belongs to it; blanks may follow it. A
    # missing closing delimiter is forgiven: the octets have all arrived.
    line = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)")
    if body.startswith(b"--"):
        body = b"\n" + body
    pieces: list[bytes] = []
    start = None
    match = line.search(body)
    while match:
        if start is not None:
            pieces.append(body[start : match.start()].removesuffix(b"\r"))
        start = None if match[1] else match.end()
        # The line feed that ends this delimiter may begin the next one.
        match = None if start is None else line.search(body, start - 1)
    if start is not None:
        pieces.append(body[start:])
    if not pieces:
        raise ParseError("no boundary line")
    return pieces


def split_head(text: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and after the first empty line."""
    for empty in (b"\r\n", b"\n"):
        if text.startswith(empty):
            return b"", text[len(empty) :]
    match = _HEAD_END.search(text)
    return (text[: match.start()], text[match.end() :]) if match else (text, b"")


def parse_fields(head: bytes) -> tuple[Header, ...]:
    """Return the fields, names in lower case; a line that is none is passed over."""
    headers = []
    for line in _FOLD.sub(b" ", head).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return tuple(headers)
