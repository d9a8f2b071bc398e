"""Mailboxes in one file (mbox, RFC 4155): where messages begin and end, and what was altered.

A message begins after a postmark line `From sender date`. What else begins so in a message has
been quoted by its writer, and that is undone here:

    mboxrd     `>*From ` got one `>` more; reading takes one away
    mboxo      `From ` got a `>`; `>From ` did not, so reading cannot tell the two apart
    mboxcl2    nothing is quoted; Content-Length tells where the message ends

A line is a postmark when a time of day and a year stand in it; where the first one has no date,
any `From ` line after an empty line is one. A Content-Length counts only when a postmark or the
end stands where it points.

The Splitter does no I/O, holds one message at a time, and never raises: any octets are some
number of messages. A message above its limit is passed over and told of.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from penfold.proto.mime.dates import format_date, parse_date_ms

Quoting = Literal["mboxrd", "mboxo", "mboxcl2"]

_DATED = re.compile(rb"From [^\n]{0,200}\d:\d\d[^\n]{0,60}(?<!\d)\d{4}(?!\d)[^\n]{0,60}\r?\n")
_LENGTH = re.compile(rb"(?i)\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r?\n")
_HEAD_END = re.compile(rb"\n\r?\n")
_AFTER_LENGTH = re.compile(rb"(?:\r?\n){0,2}(?=From |\Z)")
_QUOTED = re.compile(rb"(?m)^>(?=>*From )")
_QUOTED_ONCE = re.compile(rb"(?m)^>(?=From )")
_TO_QUOTE = re.compile(rb"(?m)^(?=>*From )")
_DATE_IN_MARK = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\Z")

#: A message of our own export: a Content-Length in it is a part of it, and says nothing here.
OWN_FIELD: Final = b"\nX-Penfold-Message: "
#: Octets of a header in which a Content-Length is looked for; real headers have 2 to 20 kB.
_HEAD_MAX_BYTES: Final = 262_144
#: Octets of a postmark line that are waited for; a longer line is none.
_MARK_MAX_BYTES: Final = 512


class Entry(Struct, frozen=True, gc=False):
    """One message of the file. raw: as it stands there, without the blank line that ends it.

    offset: of its postmark; end: of what follows, so where reading may go on. quoted: False
    when its length was told, and a line in it shows that nothing was quoted.
    """

    offset: int
    end: int
    postmark: bytes
    raw: bytes
    quoted: bool


class Oversize(Struct, frozen=True, gc=False):
    """A message that was passed over: more than the limit."""

    offset: int
    end: int


class Splitter:
    """Octets in, messages out. start: the offset of the first octet that will be fed."""

    def __init__(self, *, limit: int, start: int = 0, lengths: bool = True) -> None:
        self._limit = limit
        self._lengths = lengths
        self._buffer = bytearray()
        self._base = start  # offset of buffer[0]
        self._at = 0  # where the current message's postmark begins in the buffer
        self._body = 0  # where its text begins; 0: its postmark is not whole yet
        self._seek = 0  # up to here no next postmark begins
        self._known_end = -1  # by Content-Length: -1 not looked at, 0 there is none
        self._dated: bool | None = None
        self._skipped_from = -1  # offset of a message that is being passed over

    def feed(self, data: bytes) -> Iterator[Entry | Oversize]:
        """Take more octets; yields what is whole now. Exhaust it before feeding again."""
        self._buffer += data
        yield from self._drain(final=False)

    def finish(self) -> Iterator[Entry | Oversize]:
        """Yield what was held back for more to come."""
        yield from self._drain(final=True)

    def _drain(self, *, final: bool) -> Iterator[Entry | Oversize]:
        while self._body or self._open(final=final):
            found = self._find_end(final=final)
            if found is None:
                break
            yield self._take(*found)
        self._shorten()

    def _open(self, *, final: bool) -> bool:
        """Take the postmark of the next message; returns whether it is there."""
        buffer = self._buffer
        line_end = buffer.find(b"\n", self._at)
        if line_end < 0:
            if not final or self._at >= len(buffer):
                return False
            line_end = len(buffer) - 1
        if self._dated is None:
            self._dated = _DATED.match(buffer, self._at) is not None
        self._body = line_end + 1
        self._seek = line_end
        self._known_end = -1 if self._lengths else 0
        return True

    def _find_end(self, *, final: bool) -> tuple[int, int] | None:
        """Return where the current message ends and the next begins; None: more is needed."""
        if self._known_end < 0 and not self._look_for_length(final=final):
            return None
        if self._known_end > 0:
            match = _AFTER_LENGTH.match(self._buffer, self._known_end)
            assert match is not None, "the length was checked"
            return self._known_end, match.end()
        buffer = self._buffer
        while (at := buffer.find(b"\nFrom ", self._seek)) >= 0:
            line_end = buffer.find(b"\n", at + 1, at + 1 + _MARK_MAX_BYTES)
            if line_end < 0 and not final and len(buffer) - at <= _MARK_MAX_BYTES:
                self._seek = at
                return None
            if self._is_mark(at + 1):
                return at + 1, at + 1
            self._seek = at + 1
        if final:
            return len(buffer), len(buffer)
        self._seek = max(self._seek, len(buffer) - 5)
        return None

    def _is_mark(self, at: int) -> bool:
        if self._dated:
            return _DATED.match(self._buffer, at) is not None
        return self._buffer[at - 2 : at] == b"\n\n" or self._buffer[at - 3 : at] == b"\n\r\n"

    def _look_for_length(self, *, final: bool) -> bool:
        """Find out whether Content-Length tells the end; returns False when more is needed."""
        buffer = self._buffer
        head = _HEAD_END.search(buffer, self._body - 1, self._body + _HEAD_MAX_BYTES)
        if head is None:
            if not final and len(buffer) - self._body < _HEAD_MAX_BYTES:
                return False
            self._known_end = 0
            return True
        ours = buffer.find(OWN_FIELD, self._body - 1, head.end()) >= 0
        match = None if ours else _LENGTH.search(buffer, self._body - 1, head.end())
        end = head.end() + int(match[1]) if match else 0
        if not match or end - self._body > self._limit:
            self._known_end = 0
            return True
        if not final and len(buffer) < end + _MARK_MAX_BYTES:
            return False
        after = _AFTER_LENGTH.match(buffer, end) if end <= len(buffer) else None
        told = after is not None and (after.end() == len(buffer) or self._is_told(after.end()))
        self._known_end = end if told else 0
        return True

    def _is_told(self, at: int) -> bool:
        return not self._dated or _DATED.match(self._buffer, at) is not None

    def _take(self, end: int, after: int) -> Entry | Oversize:
        exact = self._known_end > 0
        offset = self._base + self._at
        if self._skipped_from >= 0 or end - self._body > self._limit:
            offset = self._skipped_from if self._skipped_from >= 0 else offset
            found: Entry | Oversize = Oversize(offset, self._base + after)
        else:
            mark = bytes(self._buffer[self._at : self._body])
            raw = bytes(self._buffer[self._body : end])
            if not exact:
                raw = _strip_blank_line(raw)
            quoted = not (exact and (b"\nFrom " in raw or raw.startswith(b"From ")))
            found = Entry(offset, self._base + after, mark.rstrip(b"\r\n"), raw, quoted)
        self._skipped_from = -1
        self._at = after
        self._body = 0
        return found

    def _shorten(self) -> None:
        """Let go of what was taken, and of a message that has grown beyond the limit."""
        gone = self._at
        held = len(self._buffer) - self._body
        if self._body and held > self._limit + _HEAD_MAX_BYTES and self._known_end <= 0:
            if self._skipped_from < 0:
                self._skipped_from = self._base + self._at
            self._known_end = 0
            gone = self._seek = max(self._seek - 3, self._body)
            self._at, self._body = gone, gone
        if gone:
            del self._buffer[:gone]
            self._base += gone
            self._at -= gone
            self._seek = max(self._seek - gone, 0)
            if self._body:
                self._body = max(self._body - gone, 1)


def _strip_blank_line(raw: bytes) -> bytes:
    """Return a message without the empty line that parts it from the next."""
    if raw.endswith(b"\n\n") or raw == b"\n":
        return raw[:-1]
    if raw.endswith(b"\n\r\n") or raw == b"\r\n":
        return raw[:-2]
    return raw


def unquote(raw: bytes, quoting: Quoting = "mboxrd") -> bytes:
    """Return the message as it was before it was put into the file."""
    if quoting == "mboxcl2" or b">From " not in raw:
        return raw
    return (_QUOTED_ONCE if quoting == "mboxo" else _QUOTED).sub(b"", raw)


def format_entry(raw: bytes, *, sender: str, date_ms: int) -> bytes:
    """Return a message as an entry of an mboxrd file; `unquote` of what is read gives it back.

    But for one thing that this form cannot hold: whether the last line had an end.
    """
    date = format_date(date_ms)  # Thu, 21 Mar 2019 12:44:28 +0000
    day, number, month, year, clock, zone = date.replace(",", "").split()
    mark = f"From {sender} {day} {month} {number} {clock} {zone} {year}\n".encode()
    end = b"\n" if raw.endswith(b"\n") else b"\n\n"
    return mark + _TO_QUOTE.sub(b">", raw) + end


def parse_postmark_ms(postmark: bytes) -> int | None:
    """Return the time in a postmark, epoch ms; without a zone it counts as UTC."""
    text = postmark[5:].decode("latin_1")
    match = _DATE_IN_MARK.search(text)
    return parse_date_ms(match[0] if match else text.partition(" ")[2].strip())
