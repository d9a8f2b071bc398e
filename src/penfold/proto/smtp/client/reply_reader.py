"""Replies of a server we are the client of: octets in, values out.

Owns where a reply ends (RFC 5321 §4.2.1) and what its codes are (RFC 2034, RFC 3463). Nothing a
server sends raises here or makes us keep more than the bounds in base.limits; what is no reply is
a ReplyFault, after which the stream cannot be trusted and nothing is read from it any more.

Invariant: the result does not depend on how the stream was cut.
"""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from penfold.base.limits import (
    SMTP_OUT_REPLY_LINE_MAX_BYTES,
    SMTP_OUT_REPLY_LINES_MAX,
    SMTP_OUT_REPLY_MAX_BYTES,
)

#: RFC 5321 §4.2: first digit 2 to 5 (1 is of no use to SMTP); the text, and even the space before
#: it, may be missing (§4.2: a client must accept a bare code).
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
#: RFC 3463 §2. RFC 2034 §4: at the start of the text, its class is that of the reply code.
_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: +|$)")


class ReplyFault(StrEnum):
    SYNTAX = "not a reply of SMTP"
    MIXED = "a reply with two codes"
    TOO_LONG = "a reply line without end"
    ENDLESS = "a reply without end"


class ServerReply(Struct, frozen=True, gc=False):
    """code: three digits. lines: the texts of its lines, printable, without the codes.

    enhanced: "" when there is none, or one of another class than the code.
    """

    code: int
    enhanced: str = ""
    lines: tuple[str, ...] = ("",)

    @property
    def kind(self) -> int:
        """Return the first digit, all that a client should act on (RFC 5321 §4.3.2)."""
        return self.code // 100

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class ReplyReader:
    """Collects replies; `take` returns them one by one."""

    __slots__ = ("_buffer", "_code", "_fault", "_position", "_size", "_texts")

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0
        self._fault: ReplyFault | None = None
        self._begin()

    def _begin(self) -> None:
        self._code = b""
        self._texts: list[str] = []
        self._size = 0

    @property
    def has_octets(self) -> bool:
        """Return whether anything came in that no whole reply was made of yet."""
        return bool(self._texts) or self._position < len(self._buffer)

    @property
    def held_bytes(self) -> int:
        return len(self._buffer) - self._position + self._size

    def feed(self, octets: bytes) -> None:
        if self._fault is None:
            self._buffer = self._buffer[self._position :] + octets
            self._position = 0

    def take(self) -> ServerReply | ReplyFault | None:
        """Return the next reply, what is wrong with it, or None: not all of it is there."""
        while self._fault is None:
            line = self._take_line()
            if line is None:
                break
            reply = self._read_line(line)
            if reply is not None:
                return reply
        return self._fault

    def _take_line(self) -> bytes | None:
        start = self._position
        end = self._buffer.find(b"\n", start, start + SMTP_OUT_REPLY_LINE_MAX_BYTES)
        if end < 0:
            if len(self._buffer) - start >= SMTP_OUT_REPLY_LINE_MAX_BYTES:
                self._fail(ReplyFault.TOO_LONG)
            return None
        self._position = end + 1
        # Deviates: RFC 5321 §2.3.8 knows no line end but CR LF. Servers that end replies with LF
        # exist, and their mail would be undeliverable; nothing of a reply is ever passed on as
        # a command or a message, so there is nothing to smuggle.
        return self._buffer[start:end].removesuffix(b"\r")

    def _read_line(self, line: bytes) -> ServerReply | None:
        match = _LINE.fullmatch(line)
        if not match:
            self._fail(ReplyFault.SYNTAX)
            return None
        code, dash, text = match.groups()
        if self._texts and code != self._code:
            # RFC 5321 §4.2.1: the same code on every line.
            self._fail(ReplyFault.MIXED)
            return None
        self._code = code
        self._texts.append(_printable(text or b""))
        self._size += len(line)
        if dash != b"-":
            return self._finish()
        if len(self._texts) >= SMTP_OUT_REPLY_LINES_MAX or self._size > SMTP_OUT_REPLY_MAX_BYTES:
            self._fail(ReplyFault.ENDLESS)
        return None

    def _finish(self) -> ServerReply:
        reply = make_server_reply(int(self._code), self._texts)
        self._begin()
        return reply

    def _fail(self, fault: ReplyFault) -> None:
        self._fault = fault
        self._buffer = b""
        self._position = 0
        self._begin()


def make_server_reply(code: int, texts: list[str]) -> ServerReply:
    """Return the reply with its enhanced code, if it has one, taken off the texts."""
    match = _ENHANCED.match(texts[0])
    if not match or int(match[1][0]) != code // 100:
        return ServerReply(code, "", tuple(texts))
    enhanced = match[1]
    # RFC 2034 §4: on every line. Not all servers do, and one text may begin like a code.
    lines = (text.removeprefix(enhanced).lstrip(" ") for text in texts)
    return ServerReply(code, enhanced, tuple(lines))


def _printable(text: bytes) -> str:
    """Return the text with "?" for what could fool a log or a terminal."""
    decoded = text.decode("utf-8", "replace")
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else "?" for c in decoded)
