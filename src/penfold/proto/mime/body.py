"""Bodies of parts as octets, and parts by Gmail's part ids.

A part is looked up in the tree that was stored when the message arrived; nothing is parsed again.
"""

from collections.abc import Iterator

from penfold.base.errors import NotFoundError
from penfold.proto.mime.charset import decode_text, find_codec
from penfold.proto.mime.model import Part
from penfold.proto.mime.transfer import decode_transfer


def decode_body(raw: bytes, part: Part) -> bytes:
    """Return the body's octets with the transfer encoding undone; len() is part.size for leaves."""
    return decode_transfer(raw[part.start : part.end], part.encoding)


def body_as_utf8(raw: bytes, part: Part) -> bytes:
    """Return the body for `data` in an answer: text in UTF-8 whatever its charset was.

    Gmail (observed 2026-09): text is transcoded, an unknown charset guessed, anything else
    left alone.
    """
    data = decode_body(raw, part)
    if not part.mime_type.startswith("text/"):
        return data
    codec = find_codec(part.charset)
    if data.isascii() and (codec is None or codec in _ASCII_SUPERSETS):
        return data
    return decode_text(data, part.charset).encode("utf-8", "replace")


#: Codecs under which octets below 128 are what they are in UTF-8.
_ASCII_SUPERSETS = frozenset({"utf_8", "cp1252", "latin_1", "iso8859_2", "iso8859_15", "cp1251"})


def part_ids(root: Part) -> Iterator[tuple[str, Part]]:
    """Yield (Gmail's part id, part) in document order; the root's id is "".

    Children are "0", "1", …, theirs "0.0"; the inner message of container "1" is "1.0".
    """
    yield "", root
    for number, child in enumerate(root.parts):
        yield from _child_ids(str(number), child)


def _child_ids(part_id: str, part: Part) -> Iterator[tuple[str, Part]]:
    yield part_id, part
    for number, child in enumerate(part.parts):
        yield from _child_ids(f"{part_id}.{number}", child)


def get_part(root: Part, index: int) -> Part:
    """Return the part at a position of that walk; NotFoundError when there are fewer."""
    part = find_part(root, index)
    if part is None:
        raise NotFoundError("no such part")
    return part


def find_part(root: Part, index: int) -> Part | None:
    """Return the part at a position of that walk, None when there are fewer."""
    if index < 0:
        return None
    stack = [root]
    while stack:
        part = stack.pop()
        if not index:
            return part
        index -= 1
        stack.extend(reversed(part.parts))
    return None
