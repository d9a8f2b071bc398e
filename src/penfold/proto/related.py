"""multipart/related bodies of uploads: JSON first, then the media, read as they arrive.

    --B                                          lines end with CRLF or LF
    Content-Type: application/json

    {…}
    --B
    Content-Type: message/rfc822
    Content-Transfer-Encoding: base64            identity when missing

    <media>
    --B--

Holds the head, the JSON and as much media as could be the start of a delimiter, never the whole.
Refuses (ParseError) a body without two parts, heads and JSON that are too long, and base64 that is
none. What follows the second part is passed over.
"""

import binascii
import re
from collections.abc import Callable
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import JSON_BODY_MAX_BYTES, PART_HEAD_MAX_BYTES
from penfold.proto.boundary import parse_boundary

#: A head without fields is an empty line; that is looked for first, wherever the body is cut.
_HEAD_END: Final = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
#: Blanks that may follow a delimiter on its line; more is no delimiter.
_BLANKS_MAX: Final = 64
_WHITE: Final = b" \t\r\n"

Step = Callable[..., bytes | None]


class RelatedParser:
    """One body. Feed it pieces, write away what comes back, close it at the end.

    metadata: the JSON; media_type, in lower case without parameters, of the second part. Both are
    there before the first media comes back.
    """

    def __init__(self, content_type: str) -> None:
        boundary = parse_boundary(content_type)
        line = rb"--" + re.escape(boundary)
        end = rb"(?:--|[ \t]{0,%d}\r?\n)" % _BLANKS_MAX
        self._first = re.compile(rb"(?:\A|\n)" + line + end)
        self._next = re.compile(rb"\r?\n" + line + end)
        self._keep = len(boundary) + _BLANKS_MAX + 8
        self._held = bytearray()
        self._step: Step = self._read_preamble
        self._digits = bytearray()
        self._is_base64 = False
        self.metadata = b""
        self.media_type = ""

    def feed(self, data: bytes) -> bytes:
        """Return the media that is known to be media by now, decoded."""
        self._held += data
        media = bytearray()
        while (found := self._step(last=False)) is not None:
            media += found
        return bytes(media)

    def close(self) -> bytes:
        """Return the last of the media; ParseError when the body was cut off or malformed."""
        media = bytearray()
        while (found := self._step(last=True)) is not None:
            media += found
        if self._step != self._pass_over:
            raise ParseError("the body ends before its second part does")
        if self._digits:
            media += _decode(bytes(self._digits) + b"=" * (-len(self._digits) % 4))
        return bytes(media)

    # Each step returns what it found and moves on, or None when it needs more.

    def _read_preamble(self, *, last: bool) -> bytes | None:
        del last
        match = self._first.search(self._held)
        if match is None:
            self._check_length(PART_HEAD_MAX_BYTES)
            return None
        del self._held[: match.end()]
        self._step = self._read_json_head
        return b""

    def _read_json_head(self, *, last: bool) -> bytes | None:
        return self._read_head(self._read_json, last=last)

    def _read_json(self, *, last: bool) -> bytes | None:
        del last
        match = self._next.search(self._held)
        if match is None:
            self._check_length(JSON_BODY_MAX_BYTES)
            return None
        if match[0].endswith(b"--"):
            raise ParseError("there is no second part")
        self.metadata = bytes(self._held[: match.start()])
        del self._held[: match.end()]
        self._step = self._read_media_head
        return b""

    def _read_media_head(self, *, last: bool) -> bytes | None:
        return self._read_head(self._read_media, last=last)

    def _read_head(self, following: Step, *, last: bool) -> bytes | None:
        del last
        match = _HEAD_END.search(self._held)
        if match is None:
            self._check_length(PART_HEAD_MAX_BYTES)
            return None
        head = _FOLD.sub(b" ", bytes(self._held[: match.start()]))
        del self._held[: match.end()]
        fields = dict(_split_field(line) for line in head.split(b"\n") if b":" in line)
        self.media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
        self._is_base64 = fields.get("content-transfer-encoding", "").lower() == "base64"
        self._step = following
        return b""

    def _read_media(self, *, last: bool) -> bytes | None:
        match = self._next.search(self._held)
        if match is not None:
            end = match.start()
        elif last or len(self._held) <= self._keep:
            return None
        else:
            end = len(self._held) - self._keep
        media = bytes(self._held[:end])
        del self._held[:end]
        if match is not None:
            self._step = self._pass_over
        return self._undo(media)

    def _pass_over(self, *, last: bool) -> bytes | None:
        del last
        self._held.clear()
        return None

    def _undo(self, media: bytes) -> bytes:
        if not self._is_base64:
            return media
        self._digits += media.translate(None, _WHITE)
        whole = len(self._digits) // 4 * 4
        ready = bytes(self._digits[:whole])
        del self._digits[:whole]
        return _decode(ready)

    def _check_length(self, limit: int) -> None:
        if len(self._held) > limit:
            raise ParseError("a part is too long", limit=limit)


def _split_field(line: bytes) -> tuple[str, str]:
    name, _, value = line.partition(b":")
    return name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")


def _decode(digits: bytes) -> bytes:
    try:
        return binascii.a2b_base64(digits, strict_mode=True)
    except ValueError as error:
        raise ParseError("the media is not base64") from error
