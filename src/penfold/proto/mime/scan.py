"""A message to its part tree, in one pass over the octets.

The tree is the one Gmail shows: containers with their parts, message/rfc822 expanded to one child,
preamble and epilogue left out. Bodies are spans of the raw message and never copied.

One rule for every doubt, so that all readers see the same message:
* of two fields or parameters with one name the first counts;
* of two open containers with one boundary the outer one owns the delimiters, and a delimiter of an
  outer container closes the inner ones (RFC 2046 §5.1.2);
* a delimiter line is `--` boundary, perhaps `--`, and blanks; a longer boundary is another one;
* a container in which no delimiter is found, or that lies too deep, is a leaf: its text is shown;
* message/rfc822 under base64 or quoted-printable (forbidden by RFC 2046 §5.2.1) is a plain leaf.

Never raises. Each line is looked at once however deep the tree is. Depth, parts, headers and false
delimiters are bounded by base.limits; what lies beyond stays in the raw message.
"""

import re
from typing import Final

from msgspec.structs import replace

from penfold.base.limits import (
    MIME_MAX_ALL_HEADER_BYTES,
    MIME_MAX_DEPTH,
    MIME_MAX_FALSE_DELIMITERS,
    MIME_MAX_HEADER_BYTES,
    MIME_MAX_PARTS,
)
from penfold.proto.mime.fields import find_block, read_fields
from penfold.proto.mime.model import Part
from penfold.proto.mime.params import file_name, parse_params, parse_type
from penfold.proto.mime.transfer import decoded_size
from penfold.proto.mime.words import decode_names, decode_words, strip_controls

_ENCODINGS: Final = {"base64": "base64", "quoted-printable": "quoted-printable"}
_ENCODING = re.compile(r"[A-Za-z0-9-]+")

#: RFC 2047 §5 (3): words inside a phrase; decoded ones come back in quotes.
_PHRASE_FIELDS: Final = frozenset(
    "from to cc bcc reply-to sender resent-from resent-to resent-cc resent-bcc resent-sender "
    "resent-reply-to disposition-notification-to return-receipt-to mail-followup-to "
    "mail-reply-to x-original-from x-google-original-from list-id".split()
)
#: RFC 2047 §5: no encoded words in ids, dates, traces and MIME parameters; decoding these
#: would turn text into syntax.
_VERBATIM_FIELDS: Final = frozenset(
    "message-id in-reply-to references content-type content-disposition content-id "
    "content-transfer-encoding mime-version date received return-path resent-message-id "
    "resent-date dkim-signature authentication-results arc-seal arc-message-signature "
    "arc-authentication-results received-spf delivered-to list-unsubscribe".split()
)


def scan(raw: bytes) -> Part:
    """Return the part tree of any octets."""
    return _Scanner(raw).read_entity(0, 0, "text/plain")


class _Scanner:
    """One message. The `next_` values describe the delimiter the last entity stopped at."""

    __slots__ = (
        "boundaries", "end", "false_left", "header_left", "needle", "next_at", "next_closes",
        "next_end", "next_level", "parts_left", "raw",
    )  # fmt: skip

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.end = len(raw)
        self.parts_left = MIME_MAX_PARTS - 1
        self.false_left = MIME_MAX_FALSE_DELIMITERS
        self.header_left = MIME_MAX_ALL_HEADER_BYTES
        self.boundaries: dict[bytes, int] = {}  # of the open containers → their depth
        self.needle = b""  # how every delimiter of an open container begins
        self.next_at = self.next_end = self.end  # where the text before ends; the line after
        self.next_level = -1  # depth of the container it belongs to; -1: the message ends
        self.next_closes = False

    def read_entity(self, start: int, depth: int, default_type: str) -> Part:
        """Return the entity that starts here; stop at the delimiter that ends it."""
        first, stop, body = find_block(self.raw, start, self.end)
        limit = min(MIME_MAX_HEADER_BYTES, self.header_left)
        fields, plain = read_fields(self.raw, first, stop, limit=limit)
        self.header_left -= min(stop - first, limit)
        entity = _Entity(fields, default_type)
        parts: tuple[Part, ...] = ()
        end = 0
        if entity.boundary and depth < MIME_MAX_DEPTH and entity.boundary not in self.boundaries:
            parts, end = self._read_parts(body, depth, entity)
        elif entity.nested and depth < MIME_MAX_DEPTH and self.parts_left:
            self.parts_left -= 1
            parts = (self.read_entity(body, depth + 1, "text/plain"),)
        else:
            self._find_delimiter(body)
        # A part whose header runs into a delimiter is empty and begins at that line.
        end = max(body, end or self.next_at, parts[-1].end if parts else 0)
        return entity.make_part(
            self.raw, body, end, tuple(fields) if plain else show_fields(fields), parts
        )

    def _read_parts(self, body: int, depth: int, entity: "_Entity") -> tuple[tuple[Part, ...], int]:
        """Return the parts, and where the preamble ends if there are none."""
        default_type = _DIGEST_DEFAULT if entity.mime_type == _DIGEST else "text/plain"
        outer_needle = self.needle
        self.boundaries[entity.boundary] = depth
        self.needle = _common_start(outer_needle, b"\n--" + entity.boundary)
        self._find_delimiter(body)
        preamble_end = self.next_at
        parts: list[Part] = []
        while self.next_level == depth and not self.next_closes and self.parts_left:
            self.parts_left -= 1
            parts.append(self.read_entity(self.next_end, depth + 1, default_type))
        del self.boundaries[entity.boundary]
        self.needle = outer_needle
        if self.next_level == depth:
            self._find_delimiter(self.next_end)  # the epilogue belongs to nobody
        if parts:
            return borrow_calendar_name(tuple(parts)), 0
        return (), preamble_end

    def _find_delimiter(self, start: int) -> None:
        """Move to the first delimiter of an open container at or after the line at `start`."""
        raw, end = self.raw, self.end
        at = start - 1 if self.boundaries else end
        while self.false_left and (at := raw.find(self.needle, at, end)) >= 0:
            if not self.boundaries:
                break
            line_end = raw.find(b"\n", at + 1, end)
            if line_end < 0:
                line_end = end
            # RFC 2046 §5.1.1: blanks may follow on the line.
            text = raw[at + 3 : line_end].rstrip(b" \t\r")
            level = self.boundaries.get(text, _NO_LEVEL)
            closing = _NO_LEVEL
            if text.endswith(b"--"):
                closing = self.boundaries.get(text[:-2].rstrip(), _NO_LEVEL)
            if level != closing:
                self.next_at = at - 1 if raw[at - 1 : at] == b"\r" else at
                self.next_end = min(line_end + 1, end)
                self.next_level = min(level, closing)
                self.next_closes = closing < level
                return
            self.false_left -= 1
            at = line_end
        self.next_at = self.next_end = end
        self.next_level = -1


_DIGEST: Final = "multipart/digest"
_DIGEST_DEFAULT: Final = "message/rfc822"  # RFC 2046 §5.1.5
_NO_LEVEL: Final = MIME_MAX_DEPTH + 1


def _common_start(left: bytes, right: bytes) -> bytes:
    if not left or right.startswith(left):
        return left or right
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return left[:length]


class _Entity:
    """What the header of one entity says about its body."""

    __slots__ = ("boundary", "charset", "disposed", "encoding", "filename", "mime_type", "nested")

    def __init__(self, fields: list[tuple[str, str]], default_type: str) -> None:
        content_type, encoding, disposition = _find_mime_fields(fields)
        self.mime_type = default_type
        params = parse_params(content_type)
        if content_type is not None:
            # RFC 2045 §5.2 and Gmail (assumed): what cannot be read is text/plain.
            self.mime_type = parse_type(content_type) or "text/plain"
        self.filename = file_name(parse_params(disposition), params)
        self.charset = params.find("charset").lower()
        self.disposed = (disposition or "").lower().startswith("attachment")
        word = _ENCODING.match(encoding) if encoding else None
        self.encoding = _ENCODINGS.get(word[0].lower(), "") if word else ""
        self.boundary = b""
        if self.mime_type.startswith("multipart/"):
            self.encoding = ""  # RFC 2045 §6.4: containers have none
            self.boundary = params.find("boundary").rstrip().encode("utf-8", "replace")
        self.nested = self.mime_type in _MESSAGE_TYPES and not self.encoding

    def make_part(
        self,
        raw: bytes,
        start: int,
        end: int,
        headers: tuple[tuple[str, str], ...],
        parts: tuple[Part, ...],
    ) -> Part:
        nested = self.nested and bool(parts)
        size = 0
        attachment = False
        # Gmail (observed 2026-09): a leaf with a name is an attachment, and so is any other
        # leaf but text; an attached message is one beside being expanded.
        if nested:
            attachment = bool(self.filename) or self.disposed
            size = end - start if attachment else 0
        elif not parts:
            shown = self.mime_type.startswith(("text/", "multipart/"))
            attachment = bool(self.filename) or not shown
            size = decoded_size(raw, start, end, self.encoding)
        return Part(
            self.mime_type, self.filename, headers, start, end, self.encoding, self.charset, size,
            attachment, nested, parts,
        )  # fmt: skip


_MESSAGE_TYPES: Final = frozenset({"message/rfc822", "message/global"})  # RFC 6532 §3.7


def _find_mime_fields(
    fields: list[tuple[str, str]],
) -> tuple[str | None, str | None, str | None]:
    """Return Content-Type, Content-Transfer-Encoding and Content-Disposition; the first counts."""
    content_type = encoding = disposition = None
    for name, value in fields:
        if name[:1] not in "Cc":
            continue
        lower = name.lower()
        if lower == "content-type":
            content_type = value if content_type is None else content_type
        elif lower == "content-transfer-encoding":
            encoding = value if encoding is None else encoding
        elif lower == "content-disposition":
            disposition = value if disposition is None else disposition
    return content_type, encoding, disposition


def show_fields(fields: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the fields as the API shows them: encoded words decoded, controls gone."""
    return tuple(
        (name, _show_value(name.lower(), value) if "=?" in value else strip_controls(value))
        for name, value in fields
    )


def _show_value(name: str, value: str) -> str:
    if name in _PHRASE_FIELDS:
        return decode_names(value).strip(" ")
    if name not in _VERBATIM_FIELDS:
        value = decode_words(value)
    return strip_controls(value).strip(" ")


def borrow_calendar_name(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts with nameless text/calendar ones named like their application/ics sibling.

    Gmail (observed 2026-09): the invitation inside multipart/alternative is shown as the
    attachment invite.ics, the name of the file beside it.
    """
    for part in parts:
        if part.mime_type == "application/ics" and part.filename:
            return tuple(_name_calendar(sibling, part.filename) for sibling in parts)
    return parts


def _name_calendar(part: Part, name: str) -> Part:
    if part.mime_type == "text/calendar" and not part.filename:
        return replace(part, filename=name, attachment=True)
    if part.mime_type == "multipart/alternative":
        return replace(part, parts=tuple(_name_calendar(child, name) for child in part.parts))
    return part
