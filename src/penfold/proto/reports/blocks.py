"""What reports have in common: blocks of fields in a part, and the message that comes back.

RFC 3464 §2.1 and RFC 5965 §3.1 write values like a message's header, in blocks with blank lines
between. Many senders do it a little wrong, so a line that is no field is passed over, charset and
line ends do not matter, and the parts are found wherever they stand, but not inside a message that
is attached. Never raises; linear; REPORT_TEXT_MAX_BYTES of a part are read.
"""

import re
from collections.abc import Iterator
from typing import Final

from penfold.base.limits import REPORT_TEXT_MAX_BYTES, REPORT_VALUE_MAX
from penfold.proto.mime.charset import guess_text
from penfold.proto.mime.fields import find_block, read_fields
from penfold.proto.mime.model import Part
from penfold.proto.mime.scan import show_fields
from penfold.proto.mime.transfer import decode_transfer
from penfold.proto.mime.words import strip_controls

Field = tuple[str, str]

#: Octets of base64 that make those we read.
_PACKED_MAX: Final = REPORT_TEXT_MAX_BYTES * 2
_FOLD = re.compile(r"\n[ \t]+")
_BLANK = re.compile(r"\n[ \t]*\n")
_FIELD = re.compile(r"[ \t]*([!-9;-~]{1,80})[ \t]*:(.*)")
_ID = re.compile(r"<([^<>\s]{1,998})>")
#: What brings a message or its header back: RFC 6522 §3 and 4, RFC 6532 §3.7, RFC 6533 §6.
_RETURNED: Final = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
     "message/global-headers"}
)  # fmt: skip


def iter_parts(root: Part) -> Iterator[Part]:
    """Yield the parts of a message in document order, but none of messages attached to it."""
    stack = [root]
    while stack:
        part = stack.pop()
        yield part
        if not part.nested:
            stack.extend(reversed(part.parts))


def find_by_type(root: Part, types: frozenset[str]) -> Part | None:
    """Return the first part of one of these types; the message itself is none."""
    return next(
        (part for part in iter_parts(root) if part.mime_type in types and part is not root), None
    )


def decode_start(raw: bytes, part: Part, most: int = REPORT_TEXT_MAX_BYTES) -> bytes:
    """Return as much of a part's decoded body as is read."""
    end = min(part.end, part.start + (_PACKED_MAX if part.encoding else most))
    return decode_transfer(raw[part.start : end], part.encoding)[:most]


def read_blocks(data: bytes) -> list[list[Field]]:
    """Return blocks of (name in lower case, clean value); no block is empty."""
    text = guess_text(data).replace("\r\n", "\n").replace("\r", "\n")
    blocks = []
    for block in _BLANK.split(text):
        fields = []
        for line in _FOLD.sub(" ", block).split("\n"):
            if match := _FIELD.match(line):
                value = " ".join(strip_controls(match[2]).split())
                fields.append((match[1].lower(), value[:REPORT_VALUE_MAX]))
        if fields:
            blocks.append(fields)
    return blocks


def find_value(fields: list[Field], name: str) -> str:
    """Return the first value of that name, "" when there is none."""
    return next((value for key, value in fields if key == name), "")


def read_header(data: bytes) -> tuple[Field, ...]:
    """Return the fields that octets begin with, as the API shows those of a message."""
    start, stop, _ = find_block(data, 0, len(data))
    return show_fields(read_fields(data, start, stop)[0])


def read_returned(raw: bytes, root: Part) -> tuple[Field, ...]:
    """Return the header of the message that came back with a report, () when none did."""
    part = find_by_type(root, _RETURNED)
    if part is None:
        return ()
    if part.nested and part.parts:
        return part.parts[0].headers
    return read_header(decode_start(raw, part))


def find_message_id(fields: tuple[Field, ...] | list[Field], *names: str) -> str:
    """Return the first Message-ID in fields of these names, without brackets; "" if none."""
    for name, value in fields:
        if name.lower() in names and (match := _ID.search(value)):
            return match[1]
    return ""
