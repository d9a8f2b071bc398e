"""The fields of one name in the header of a message, by where they stand.

Looked for at the speed of one search over the header, however many others there are. What is a
field, and where the header ends, is proto/mime/fields.py's affair. Never raises; linear.
"""

import re
from collections.abc import Iterator
from functools import cache

from penfold.proto.mime.charset import guess_text
from penfold.proto.mime.fields import find_block


@cache
def _pattern(name: bytes) -> re.Pattern[bytes]:
    # A continued line begins with a blank, so the name at the start of a line begins a field.
    return re.compile(rb"(?im)^%b[ \t]*+:(.*+(?:\n[ \t].*+)*+)(?:\n|\Z)" % re.escape(name))


def iter_fields(raw: bytes, name: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the fields of this name with their line ends, in wire order; group 1 is the value."""
    start, stop, _ = find_block(raw, 0, len(raw))
    return _pattern(name).finditer(raw, start, stop)


def unfold(value: bytes) -> str:
    """Return a value as text without its line breaks (RFC 5322 §2.2.3)."""
    return guess_text(value.replace(b"\r\n", b"").replace(b"\n", b""))
