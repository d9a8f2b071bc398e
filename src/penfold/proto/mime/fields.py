"""The header block of a message or part: where it ends, and its fields as text.

RFC 5322 §2.2, tolerant: LF and CRLF may mix; blanks before the colon are accepted (§4.5.2); an mbox
`From ` line and a byte order mark at the very top are skipped; the first line that is neither a
field nor a continuation begins the body, as if a blank line stood before it.

A name consists of printable ASCII, so it needs no cleaning. A line that begins with `--` is never a
field: delimiters end a header block. Octets above ASCII are UTF-8 (RFC 6532) or else Windows-1252.

Never raises; linear. Of a block MIME_MAX_HEADER_BYTES and MIME_MAX_HEADERS are read; a field that
does not fit whole is not read at all.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from penfold.base.limits import MIME_HEADER_STEP_BYTES, MIME_MAX_HEADER_BYTES, MIME_MAX_HEADERS
from penfold.proto.mime.charset import guess_text

_FIELDS = rb"((?:(?!--)[!-9;-~]++[ \t]*+:.*+(?:\n[ \t].*+)*+(?:\n|\Z))*+)"
_BLOCK = re.compile(rb"(?:\xef\xbb\xbf)?(?:>?From .*+\n)?" + _FIELDS)  # 1: fields
#: What goes on a block: lines of the field at hand first, if there is one.
_MORE = (re.compile(_FIELDS), re.compile(rb"(?:[ \t].*+(?:\n|\Z))*+" + _FIELDS))
_BREAK = re.compile(rb"\r?\n")
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:(.*+(?:\n[ \t].*+)*+)(?:\n|\Z)")

#: What a block of plain ASCII without surprises has not: C0 but tab and LF, DEL.
_UNUSUAL: Final = bytes(set(range(32)) - {9, 10}) + b"\x7f"


def find_block(
    raw: bytes, start: int, end: int, *, step: int = MIME_HEADER_STEP_BYTES
) -> tuple[int, int, int]:
    """Return where the fields start, where they end, and where the body starts.

    step: octets that are looked at in one go, on to the end of the line.
    """
    until = _end_of_lines(raw, start + step, end)
    block = _BLOCK.match(raw, start, until)
    assert block is not None, "the pattern matches the empty string"
    first, stop = block.start(1), block.end()
    while stop == until < end:
        until = _end_of_lines(raw, stop + step, end)
        more = _MORE[stop > first].match(raw, stop, until)
        assert more is not None, "the patterns match the empty string"
        stop = more.end()
    blank = _BREAK.match(raw, stop, end)
    return first, stop, blank.end() if blank is not None else stop


def _end_of_lines(raw: bytes, at: int, end: int) -> int:
    """Return where the line ends that has octet `at`, but no more than `end`."""
    return raw.find(b"\n", at, end) + 1 or end


def iter_fields(raw: bytes, start: int, stop: int) -> Iterator[re.Match[bytes]]:
    """Yield every field between start and stop of find_block, in wire order.

    A match is a whole field with its line end; group 1 is its name, group 2 its value as it
    stands, folds included, without the last LF.
    """
    while match := _FIELD.match(raw, start, stop):
        yield match
        start = match.end()


def iter_named(raw: bytes, name: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the fields of this name in the header of a message, in wire order.

    A match is as in iter_fields, with the value as group 1. Found by one search of the header,
    however many other fields there are.
    """
    start, stop, _ = find_block(raw, 0, len(raw))
    first, further = _patterns(name)
    # What a byte order mark stands before begins no line, but a field.
    if match := first.match(raw, start, stop):
        yield match
        start = match.end()
    yield from further.finditer(raw, start, stop)


@cache
def _patterns(name: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    field = rb"%b[ \t]*+:(.*+(?:\n[ \t].*+)*+)(?:\n|\Z)" % re.escape(name)
    # A continued line begins with a blank, so the name at the start of a line begins a field.
    return re.compile(b"(?i)" + field), re.compile(b"(?im)^" + field)


def unfold(value: bytes) -> str:
    """Return a value as text without its line breaks (RFC 5322 §2.2.3)."""
    return guess_text(value.replace(b"\r\n", b"").replace(b"\n", b""))


def read_fields(
    raw: bytes, start: int, stop: int, *, limit: int = MIME_MAX_HEADER_BYTES
) -> tuple[list[tuple[str, str]], bool]:
    """Return (name, unfolded value) in wire order, and whether they can be shown as they are.

    They can when there is nothing but printable ASCII and no encoded word among them.

    RFC 5322 §2.2.3: unfolding removes the line break only, the white space stays.
    """
    if start == stop:
        return [], True
    if stop - start > limit:
        stop = max(raw.rfind(b"\n", start, start + limit), start)
    block = raw[start:stop].replace(b"\r\n", b"\n")
    unusual = len(block.translate(None, _UNUSUAL)) != len(block)
    fix = False
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("latin_1")
        fix = True
    text = text.replace("\n ", " ").replace("\n\t", " ").replace("\t", " ")
    fields = []
    for line in text.split("\n", MIME_MAX_HEADERS)[:MIME_MAX_HEADERS]:
        name, colon, value = line.partition(":")
        if colon:
            value = value.strip(" \r")
            if fix and not value.isascii():
                value = guess_text(value.encode("latin_1"))
            fields.append((name.rstrip(" "), value))
    return fields, not unusual and "=?" not in text and text.isascii()
