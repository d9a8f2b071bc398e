"""Octets to lines and messages, and nothing that could be read two ways.

Owns the two questions every mail server must answer the same way: where a command ends and where
a message ends. RFC 5321 §2.3.8: only CR LF ends a line. RFC 5321 §4.1.1.4: only CR LF "." CR LF
ends the data. Being lenient here is how one message becomes two (CVE-2023-51764, -51765, -51766).

Refuses nothing by itself beyond saying what is wrong (`Fault`); the state machine replies.

Invariants: the result never depends on how the stream was cut into reads; memory is bounded by
the limits given; the work is linear in the octets, and per line only in the command phase.
"""

import re
from enum import Enum
from io import BytesIO
from typing import Final

END_OF_DATA: Final = b"\r\n.\r\n"

_UNREMARKABLE: Final = bytes(octet for octet in range(256) if octet not in b"\0\r\n")
_CR_ALONE: Final = re.compile(rb"\r[^\n]")
#: RFC 5322 §2.2.3: a line end before white space only folds a field.
_FIELD_END: Final = re.compile(rb"\r\n(?![ \t])")
_FAULT: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")


#: Octets of a faulty line that are kept: the longest verb that matters.
_CULPRIT: Final = 4


class Fault(Enum):
    """What is wrong with a line or with message data."""

    BARE_LF = "bare-lf"
    BARE_CR = "bare-cr"
    NUL = "nul"
    TOO_LONG = "too-long"
    ENDLESS = "endless"


_FAULT_OF: Final = {b"\n": Fault.BARE_LF, b"\r": Fault.BARE_CR, b"\0": Fault.NUL}


class LineReader:
    """Octets that came in and were not read yet.

    A line that ends with a bare LF is reported at once, so that a person at a terminal is not
    left waiting, but nothing up to the next CR LF is ever handed out as a line: RFC 5321
    §2.3.8 makes it all one line.
    """

    __slots__ = ("_broken", "_held", "_skip_max", "_skipped", "buffer", "culprit", "position")

    def __init__(self, *, skip_max: int) -> None:
        """skip_max: octets of an overlong line that are skipped before it counts as endless."""
        self.buffer = b""
        self.position = 0
        self._skip_max = skip_max
        self._skipped = 0
        self._broken = False
        self._held = b""
        #: How the line began that the last fault was found in.
        self.culprit = b""

    def feed(self, octets: bytes) -> None:
        if self.position < len(self.buffer):
            self.buffer = self.buffer[self.position :] + octets
        else:
            self.buffer = octets
        self.position = 0

    @property
    def has_octets(self) -> bool:
        return self.position < len(self.buffer)

    def clear(self) -> None:
        self.buffer = b""
        self.position = self._skipped = 0
        self._broken = False

    def take_line(self, limit: int) -> bytes | Fault | None:
        """Return the next line without its end, what is wrong with it, or None: not there yet.

        limit counts the line end (RFC 5321 §4.5.3.1.4).
        """
        buffer, start = self.buffer, self.position
        end = buffer.find(b"\n", start)
        if end < 0:
            return self._hold(limit)
        self.position = end + 1
        length = end + 1 - start + self._skipped
        if length > self._skip_max:
            return Fault.ENDLESS
        line = buffer[start : end - 1] if end > start else b""
        is_crlf = end > start and buffer[end - 1] == 13
        is_sound = is_crlf and length <= limit and not self._broken
        if is_sound and b"\r" not in line and b"\0" not in line:
            return line
        return self._judge(line, is_crlf=is_crlf, is_long=length > limit)

    def _hold(self, limit: int) -> Fault | None:
        """Keep the start of a line; of one that is too long already, only its last octet."""
        held = len(self.buffer) - self.position
        if held + self._skipped > self._skip_max:
            return Fault.ENDLESS
        if held > limit:
            if not self._skipped:
                self._held = self.buffer[self.position : self.position + _CULPRIT]
            self._skipped += held - 1
            self.buffer = self.buffer[-1:]
            self.position = 0
        return None

    def _judge(self, line: bytes, *, is_crlf: bool, is_long: bool) -> Fault:
        was_broken = self._broken
        self.culprit = self._held if self._skipped else line[:_CULPRIT]
        self._skipped = 0
        self._broken = not is_crlf
        if is_long:
            return Fault.TOO_LONG
        if was_broken or not is_crlf:
            return Fault.BARE_LF
        return Fault.BARE_CR if b"\r" in line else Fault.NUL


class Inspector:
    """Looks at a message read by read for what it may not hold; the readers of messages are one."""

    __slots__ = ("_carry", "fault")

    def __init__(self) -> None:
        #: A CR at the end of a read, which the next read has to explain.
        self._carry = b""
        #: The first thing found.
        self.fault: Fault | None = None

    def inspect(self, taken: bytes) -> None:
        """Look at the next octets; not needed any more when there is a fault."""
        piece = self._carry + taken if self._carry else taken
        if piece.endswith(b"\r"):
            self._carry = b"\r"
            piece = piece[:-1]
        else:
            self._carry = b""
        self.fault = find_fault(piece)

    def final_fault(self) -> Fault | None:
        """Return what was found, now that no further read explains a CR at the end."""
        return self.fault or (Fault.BARE_CR if self._carry else None)


class DataReader(Inspector):
    """Collects one message up to its end; counts on, but keeps nothing, beyond `limit`.

    Everything that costs time per octet is done read by read, so that a message of any size
    never holds up others at its end. The octets are held once: BytesIO grows in place and gives
    its buffer away, where reads joined at the end would be there twice.
    """

    __slots__ = ("_content", "_is_stuffed", "_limit", "_tail", "size")

    def __init__(self, *, limit: int) -> None:
        """limit: octets on the wire, dot stuffing and the final dot included."""
        super().__init__()
        self._content = BytesIO()
        self._limit = limit
        # RFC 5321 §4.1.1.4: the CR LF that ends the DATA command starts the terminator too.
        self._tail = b"\r\n"
        self._is_stuffed = False
        self.size = 0

    @property
    def is_over(self) -> bool:
        return self.size > self._limit

    @property
    def held_bytes(self) -> int:
        return 0 if self.is_over else self.size

    def feed(self, octets: bytes, start: int) -> int:
        """Take octets from `start`; return where the data ended, or -1 when it goes on."""
        end = self._find_end(octets, start)
        taken = octets[start:end] if end >= 0 else octets[start:]
        self.size += len(taken)
        if self.size > self._limit:
            self._content = BytesIO()
        else:
            self._content.write(taken)
            if self.fault is None:
                self.inspect(taken)
        if end < 0:
            self._tail = (self._tail + taken[-4:])[-4:]
        return end

    def _find_end(self, octets: bytes, start: int) -> int:
        # A terminator that began in an earlier read ends within the first four octets.
        border = self._tail + octets[start : start + 4]
        at = border.find(b"\r\n.")
        if at >= 0:
            if border.startswith(b"\r\n", at + 3):
                return start + at + 5 - len(self._tail)
            self._is_stuffed = True
        at = octets.find(b"\r\n.", start)
        if at >= 0 and not octets.startswith(b"\r\n", at + 3):
            self._is_stuffed = True
            at = octets.find(END_OF_DATA, at + 3)
        return at + 5 if at >= 0 else -1

    def finish(self) -> bytes:
        """Return the message as the client meant it, without the dots; for use once."""
        # The final dot and its line end go; the CR LF before them belongs to the text. Beyond the
        # limit there is nothing they could be taken from.
        self._content.truncate(max(self._content.tell() - len(b".\r\n"), 0))
        content = self._content.getvalue()
        return unstuff(content) if self._is_stuffed else content


def unstuff(content: bytes) -> bytes:
    """Remove the dot that RFC 5321 §4.5.2 puts before every line that starts with one."""
    if content.startswith(b"."):
        content = content[1:]
    return content.replace(b"\r\n.", b"\r\n")


def stuff(content: bytes) -> bytes:
    """Return the octets that follow DATA: dots doubled, the last line ended, the final dot."""
    if content.startswith(b"."):
        content = b"." + content
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed and not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def find_fault(content: bytes) -> Fault | None:
    """Return the first thing no message may hold: NUL, or a CR or LF that is no line end."""
    # Two passes at C speed: CR and LF alternate with nothing else of note, and every CR has its
    # LF right behind it. Counting CR, LF and CR LF says the same in twice the time.
    marks = content.translate(None, _UNREMARKABLE)
    if marks == b"\r\n" * (len(marks) // 2) and not _CR_ALONE.search(content):
        return None
    match = _FAULT.search(content)
    return _FAULT_OF[match[0]] if match else None


def normalize_line_ends(content: bytes) -> bytes:
    """Return the text with every CR, LF and CR LF as CR LF."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def take_header(content: bytes, *, header_max: int) -> bytes:
    """Return the header of a message without its last line end; no more than header_max octets."""
    if content.startswith(b"\r\n"):
        return b""  # RFC 5322 §3.5: the header is empty
    end = content.find(b"\r\n\r\n", 0, header_max)
    if end >= 0:
        return content[:end]
    header = content[:header_max]
    return header[:-1] if len(content) > header_max and header.endswith(b"\r") else header


def count_hops(content: bytes, *, header_max: int) -> int:
    """Return the number of Received fields in the header (RFC 5321 §6.3), and only there."""
    header = take_header(content, header_max=header_max).lower()
    return header.count(b"\r\nreceived:") + header.startswith(b"received:")


def count_own_hops(header: bytes, hostname: str) -> int:
    """Return the number of Received fields that say they were made by this host."""
    by_us = re.compile(rb"\sby\s+%s(?=[\s;(]|\Z)" % re.escape(hostname.lower().encode("ascii")))
    fields = _FIELD_END.split(header.lower())
    return sum(field.startswith(b"received:") and bool(by_us.search(field)) for field in fields)
