"""Canonical header fields and bodies, and their hashes (RFC 6376 §3.4).

Fields are found by the rules of proto/mime/fields.py, so that what is verified is what is shown.
No octet of the message is altered. A lone LF is hashed as CRLF, which is what it was or will be on
the wire (RFC 6376 §5.3) and what all our readers take it for; a lone CR is text.

All of it is linear: a body is hashed once per canonicalization, whatever the number of signatures
and of lengths (l=) they want, a piece at a time.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from penfold.base.limits import (
    DKIM_BODY_CHUNK_BYTES,
    MIME_MAX_HEADER_BYTES,
    MIME_MAX_HEADERS,
)
from penfold.proto.mime.fields import find_block, iter_fields

_LONE_LF = re.compile(rb"(?<!\r)\n")
#: The tag b= of a field that is a tag list, up to its end: 1 stays, the rest is the signature.
_SIGNATURE_TAG = re.compile(rb"((?:\A[^:]*+:|;)[ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")


class Field(Struct, frozen=True, eq=False):
    """A header field. name: lower case. text: all of it as it stands, without its last line end,
    lines ended by CRLF. value: what follows the colon in text.
    """

    name: bytes
    text: bytes
    value: bytes


class Message(Struct, frozen=True, eq=False):
    """A message as signatures see it. fields: in wire order. body: where it starts.

    whole: all fields are read. Of a header beyond MIME_MAX_HEADER_BYTES or MIME_MAX_HEADERS nobody
    is shown the rest, so no signature can vouch for it.
    """

    raw: bytes
    fields: tuple[Field, ...]
    whole: bool
    body: int

    def named(self, name: bytes) -> list[Field]:
        """Return the fields of that name (lower case) in wire order."""
        return [field for field in self.fields if field.name == name]


def read_message(raw: bytes) -> Message:
    """Return any octets as a message."""
    start, stop, body = find_block(raw, 0, len(raw))
    whole = stop - start <= MIME_MAX_HEADER_BYTES
    if not whole:
        stop = max(raw.rfind(b"\n", start, start + MIME_MAX_HEADER_BYTES), start)
    matches = list(islice(iter_fields(raw, start, stop), MIME_MAX_HEADERS + 1))
    whole = whole and len(matches) <= MIME_MAX_HEADERS
    fields = tuple(_read_field(match) for match in matches[:MIME_MAX_HEADERS])
    return Message(raw, fields, whole, body)


def _read_field(match: re.Match[bytes]) -> Field:
    text = match[0].removesuffix(b"\n").removesuffix(b"\r")
    value = match[2].removesuffix(b"\r")
    if b"\n" in text:
        text, value = _LONE_LF.sub(b"\r\n", text), _LONE_LF.sub(b"\r\n", value)
    return Field(match[1].lower(), text, value)


def make_field(text: bytes) -> Field:
    """Return a field of our own making as a value; text has no last line end."""
    name, _, value = text.partition(b":")
    return Field(name.lower(), text, value)


# --- header ----------------------------------------------------------------------------


def relax_field(field: Field) -> bytes:
    """Return the field in relaxed form (RFC 6376 §3.4.2), without a line end."""
    value = field.value.replace(b"\r\n", b"").replace(b"\t", b" ")
    return field.name + b":" + b" ".join([word for word in value.split(b" ") if word])


def strip_signature(field: Field) -> Field:
    """Return the field with the tag b= empty, as it was when it was signed (RFC 6376 §3.7)."""
    text = _SIGNATURE_TAG.sub(rb"\1", field.text, count=1)
    return Field(field.name, text, text.partition(b":")[2])


def select_fields(message: Message, names: Iterable[bytes], own: Field | None) -> Iterator[Field]:
    """Yield the fields that h= names: of several with one name the lowest first.

    RFC 6376 §5.4.2. Names beyond what there is mean nothing; own, the signature itself, never
    counts as one of them.
    """
    left: dict[bytes, list[Field]] = {}
    for field in message.fields:
        if field is not own:
            left.setdefault(field.name, []).append(field)
    for name in names:
        if fields := left.get(name):
            yield fields.pop()


def hash_fields(fields: Iterable[Field], last: Field, *, relaxed: bool) -> bytes:
    """Return the SHA-256 of the fields, and of the signature field without its signature."""
    digest = hashlib.sha256()
    last = strip_signature(last)
    for field in fields:
        digest.update(relax_field(field) if relaxed else field.text)
        digest.update(b"\r\n")
    digest.update(relax_field(last) if relaxed else last.text)
    return digest.digest()


# --- body ------------------------------------------------------------------------------


class BodyHash(Struct, frozen=True):
    """SHA-256 of a canonical body. size: its octets. cut: hashes of its first octets, by number;
    only of lengths below size.
    """

    whole: bytes
    size: int
    cut: dict[int, bytes]


class Bodies:
    """The hashes that the signatures of one message want, made when first asked for."""

    def __init__(self, message: Message, wanted: Iterable[tuple[bool, int | None]]) -> None:
        """wanted: whether relaxed, and l=, of each signature."""
        self._message = message
        self._wanted = list(wanted)
        self._known: dict[bool, BodyHash] = {}

    def get(self, *, relaxed: bool) -> BodyHash:
        """Return the hash of the body in that form."""
        if relaxed not in self._known:
            lengths = {n for form, n in self._wanted if form == relaxed and n is not None}
            self._known[relaxed] = hash_body(
                self._message.raw, self._message.body, relaxed=relaxed, lengths=lengths
            )
        return self._known[relaxed]


def hash_body(
    raw: bytes,
    start: int,
    *,
    relaxed: bool,
    lengths: Iterable[int] = (),
    chunk: int = DKIM_BODY_CHUNK_BYTES,
) -> BodyHash:
    """Return the hash of the canonical body, and of its beginnings of these lengths."""
    digest = hashlib.sha256()
    waiting = sorted(set(lengths), reverse=True)
    cut: dict[int, bytes] = {}
    size = 0
    for piece in iter_body(raw, start, relaxed=relaxed, chunk=chunk):
        done = 0
        while waiting and waiting[-1] < size + len(piece):
            at = waiting.pop()
            digest.update(piece[done : at - size])
            done = at - size
            cut[at] = digest.digest()
        digest.update(piece[done:])
        size += len(piece)
    return BodyHash(digest.digest(), size, cut)


def iter_body(raw: bytes, start: int, *, relaxed: bool, chunk: int) -> Iterator[bytes]:
    """Yield the canonical body (RFC 6376 §3.4.3, §3.4.4) in pieces of about chunk octets."""
    at, end = start, len(raw)
    held = 0  # line ends that count only if more text follows
    some = False
    while at < end:
        stop = raw.find(b"\n", min(at + chunk, end) - 1) + 1 or end
        piece = _make_lines(raw[at:stop], relaxed=relaxed)
        at = stop
        text = piece[: _find_blank_lines(piece)]
        if text:
            yield b"\r\n" * held
            yield text
            held, some = 0, True
        held += (len(piece) - len(text)) // 2
    if some or not relaxed:
        yield b"\r\n"  # of the last line; RFC 6376 §3.4.3: an empty simple body is one line end


def _make_lines(piece: bytes, *, relaxed: bool) -> bytes:
    """Return whole lines with CRLF and, if relaxed, with single blanks and none at their ends."""
    if piece.count(b"\n") != piece.count(b"\r\n"):
        piece = _LONE_LF.sub(b"\r\n", piece)
    if relaxed:
        piece = piece.replace(b"\t", b" ")
        while b"  " in piece:  # halves every run of blanks
            piece = piece.replace(b"  ", b" ")
        piece = piece.replace(b" \r\n", b"\r\n")
        if not piece.endswith(b"\n"):
            piece = piece.rstrip(b" ")
    return piece


def _find_blank_lines(piece: bytes) -> int:
    """Return where the line ends at the end of piece begin. A lone CR is none."""
    if not piece.endswith(b"\n"):
        return len(piece)
    text = len(piece.rstrip(b"\r\n"))
    return max(text, piece.rfind(b"\r\r", text) + 1)
