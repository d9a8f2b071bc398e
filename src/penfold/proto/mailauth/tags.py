"""Tag lists (RFC 6376 §3.2), `name=value; name=value`: read strictly, written folded.

Signature fields and key records are such lists. Of two readings of a doubtful list none is taken:
it is refused. Reading is linear.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Final

from penfold.base.errors import ParseError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
#: RFC 6376 §3.2, tval: printable without `;`; RFC 8616 §4 adds what is beyond ASCII.
_UNFIT = re.compile(r"[\x00-\x08\n-\x1f;\x7f-\x9f]")
_BLANKS = re.compile(r"[ \t]+")
_NUMBER = re.compile(r"[0-9]{1,12}")

#: RFC 5322 §2.1.1: lines should have 78 characters at most.
_LINE: Final = 76
_BASE64_PIECE: Final = 64


def parse_tags(octets: bytes) -> dict[str, str]:
    """Return the tags of a list. ParseError where it breaks the grammar or repeats a name."""
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise ParseError("not UTF-8") from error
    pieces = text.replace("\r\n", "").replace("\n", "").split(";")
    if not pieces[-1].strip(" \t"):
        pieces.pop()  # a semicolon may end the list
    tags: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if not equals or not _NAME.fullmatch(name) or _UNFIT.search(value):
            raise ParseError("not a list of tags")
        if name in tags:
            raise ParseError(f"two tags {name}=")
        tags[name] = value
    return tags


def parse_base64(text: str) -> bytes:
    """Return the octets; blanks between the characters are nothing (RFC 6376 §2.10)."""
    try:
        return base64.b64decode(_BLANKS.sub("", text), validate=True)
    except ValueError as error:
        raise ParseError("not base64") from error


def parse_number(text: str) -> int:
    """Return a count or a time in seconds; RFC 6376 §3.5 has 12 digits for a time."""
    if not _NUMBER.fullmatch(text):
        raise ParseError("not a number")
    return int(text)


def parse_list(text: str) -> list[str]:
    """Return the items of a list with colons, without blanks around them."""
    return [item.strip(" \t") for item in text.split(":")]


def write_field(name: str, tags: Iterable[tuple[str, str]]) -> str:
    """Return a folded field that ends with `b=`: what is signed, before the signature is known."""
    return _fold(name, _iter_pieces(tags))


def fold_text(name: str, text: str) -> str:
    """Return a folded field, without its line end."""
    return _fold(name, (f" {word}" for word in text.split(" ") if word))


def _fold(name: str, pieces: Iterable[str]) -> str:
    lines = [f"{name}:"]
    for piece in pieces:
        if len(lines[-1]) + len(piece) > _LINE and len(lines[-1]) > 1:
            lines.append(piece if piece[0] == " " else f" {piece}")
        else:
            lines[-1] += piece
    return "\r\n".join(lines)


def _iter_pieces(tags: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield what may begin a line: tags, and the items of lists (RFC 6376 §3.5, h=)."""
    for name, value in tags:
        first, *rest = f" {name}={value};".split(":")
        yield first + ":" * bool(rest)
        yield from (f"{item}:" for item in rest[:-1])
        yield from rest[-1:]
    yield " b="


def write_signature(unsigned: str, signature: bytes) -> bytes:
    """Return the field of write_field with its signature, and a line end."""
    text = base64.b64encode(signature).decode("ascii")
    lines = [text[at : at + _BASE64_PIECE] for at in range(0, len(text), _BASE64_PIECE)]
    return "\r\n ".join([unsigned, *lines]).encode() + b"\r\n"
