"""The third part of a notification: the message it is about, or its header.

RFC 6522 §3 and §4; RFC 6533 §6 for a header in UTF-8. The message comes from whoever sent it, so
what goes back has no NUL, no lone CR or LF and no line longer than RFC 5322 §2.1.1 allows, and
DSN_RETURN_MAX_BYTES at most: a message that is larger or would have to be changed comes back as its
header.
"""

import re
from typing import Final

from penfold.base.limits import DSN_RETURN_MAX_BYTES
from penfold.proto.mime.compose import normalize_crlf
from penfold.proto.mime.fields import find_block

#: RFC 5322 §2.1.1: octets of a line without its end.
_LINE_MAX: Final = 998
_LONG_LINE = re.compile(rb"([^\r\n]{998})[^\r\n]+")


def make_returned(raw: bytes, *, full: bool) -> bytes:
    """Return the part, its own fields in front; full: the whole message is wanted."""
    whole = raw if full and len(raw) <= DSN_RETURN_MAX_BYTES else b""
    if whole and b"\0" not in whole and not _LONG_LINE.search(whole):
        kind = "global" if _is_utf8(whole[: find_block(whole, 0, len(whole))[1]]) else "rfc822"
        return _head_part(f"message/{kind}", whole) + normalize_crlf(whole)
    header = _cut_header(raw)
    kind = "message/global-headers" if _is_utf8(header) else "text/rfc822-headers"
    return _head_part(kind, header) + header


def _head_part(mime_type: str, data: bytes) -> bytes:
    encoding = "" if data.isascii() else "Content-Transfer-Encoding: 8bit\r\n"
    return f"Content-Type: {mime_type}\r\n{encoding}\r\n".encode()


def _is_utf8(header: bytes) -> bool:
    """Return whether a header is an internationalized one (RFC 6532)."""
    return not header.isascii() and header.decode("utf-8", "ignore").encode() == header


def _cut_header(raw: bytes) -> bytes:
    """Return the header without what SMTP may not carry and beyond what is returned."""
    start, stop, _ = find_block(raw, 0, len(raw))
    if stop - start > DSN_RETURN_MAX_BYTES:
        stop = raw.rfind(b"\n", start, start + DSN_RETURN_MAX_BYTES) + 1 or start
    header = normalize_crlf(raw[start:stop] + b"\r\n")
    return _LONG_LINE.sub(rb"\1", header.replace(b"\0", b"?")).rstrip(b"\r\n") + b"\r\n"
