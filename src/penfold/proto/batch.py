"""Batch bodies: many HTTP requests in one multipart/mixed body, and their answers in another.

    --B                                             --batch_…
    Content-Type: application/http                  Content-Type: application/http
    Content-ID: <some id + 1>                       Content-ID: <response-some id + 1>

    GET /gmail/v1/users/me/labels HTTP/1.1          HTTP/1.1 200 OK
    accept: application/json                        Content-Type: application/json; charset=UTF-8

    <nothing, or a body>                            {…}

Lines of a request end with CRLF or LF (Google's Python client writes LF); ours end with CRLF,
which that client relies on. A part ends where the next boundary line begins, so its
Content-Length is not needed and not believed. Refuses a body without boundary lines or request
lines; what a request means is the caller's.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import BATCH_CONTENT_ID_MAX_BYTES, HTTP_HEAD_MAX_BYTES
from penfold.proto.boundary import Header, parse_boundary, parse_fields, split_head, split_parts

#: Gmail (documented): its own example of a batch leaves the version out.
_REQUEST_LINE: Final = re.compile(rb"([A-Za-z]{1,20})[ \t]+(\S+)(?:[ \t]+HTTP/\d(?:\.\d)?)?[ \t]*")
_ORIGIN: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class TooManyPartsError(ParseError):
    """More requests in one body than the caller allows; `received` says how many."""

    def __init__(self, received: int) -> None:
        super().__init__("too many parts", received=received)
        self.received = received


class Part(Struct, frozen=True, gc=False):
    """One request. content_id: as sent, with its angle brackets; b"" without one.

    target: path and query, still percent-encoded. headers: names in lower case.
    """

    content_id: bytes
    verb: str
    target: bytes
    headers: tuple[Header, ...]
    body: bytes


def parse_batch(content_type: str, body: bytes | bytearray, *, parts_max: int) -> list[Part]:
    """Return the requests in order."""
    pieces = split_parts(bytes(body), _parse_boundary(content_type))
    if len(pieces) > parts_max:
        raise TooManyPartsError(len(pieces))
    return [_parse_part(piece) for piece in pieces]


def _parse_boundary(content_type: str) -> bytes:
    if content_type.partition(";")[0].strip().lower() != "multipart/mixed":
        raise ParseError("not multipart/mixed")
    return parse_boundary(content_type)


def _parse_part(piece: bytes) -> Part:
    outer, request = split_head(piece)
    head, body = split_head(request.lstrip(b"\r\n"))
    if len(outer) + len(head) > HTTP_HEAD_MAX_BYTES:
        raise ParseError("head of a part too large")
    first, _, rest = head.partition(b"\n")
    match = _REQUEST_LINE.fullmatch(first.rstrip(b"\r"))
    if not match:
        raise ParseError("no request line")
    target = _ORIGIN.sub(b"", match[2], count=1).partition(b"#")[0]
    if not target.startswith(b"/"):
        target = b"/" + target
    content_id = b""
    for name, value in parse_fields(outer):
        if name == b"content-id":
            content_id = value
    if len(content_id) > BATCH_CONTENT_ID_MAX_BYTES:
        raise ParseError("Content-ID too long")
    verb = match[1].decode().upper()
    # RFC 9110 §9.3.1: a body of a GET means nothing.
    return Part(content_id, verb, target, parse_fields(rest), b"" if verb == "GET" else body)


def print_answer(
    boundary: bytes, content_id: bytes, status: int, headers: Sequence[Header], body: bytes
) -> bytes:
    """Return one part of the answer with its boundary line; names of headers stay as they are."""
    lines = [b"--" + boundary, b"Content-Type: application/http"]
    if content_id:
        lines.append(b"Content-ID: " + _response_id(content_id))
    lines += [b"", b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, "Unknown").encode())]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\r\n"


def print_end(boundary: bytes) -> bytes:
    """Return the line that ends the answer."""
    return b"--" + boundary + b"--\r\n"


def _response_id(content_id: bytes) -> bytes:
    if content_id.startswith(b"<"):
        return b"<response-" + content_id[1:]
    return b"response-" + content_id
