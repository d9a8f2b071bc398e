"""MIME entities from what shall be in them: texts, files, multiparts (RFC 2045, RFC 2046).

Every octet is 7bit and no line has more than 998 (RFC 5321 §4.5.3.1.6), so that no server on the
way converts anything and breaks a signature. Nothing here is random: the same parts make the same
octets. Header values are written by proto.mime.compose, which refuses control characters.
"""

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final
from urllib.parse import quote as percent

from msgspec import Struct

from penfold.proto.mime.compose import prepend_headers
from penfold.proto.mime.words import quote, strip_controls

#: What is sent most; anything else is octets. (The library's table is the machine's as well.)
_KINDS: Final = MappingProxyType({
    "avif": "image/avif", "bmp": "image/bmp", "csv": "text/csv", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eml": "application/octet-stream", "gif": "image/gif", "gz": "application/gzip",
    "htm": "text/html", "html": "text/html", "ics": "text/calendar", "jpeg": "image/jpeg",
    "jpg": "image/jpeg", "json": "application/json", "md": "text/markdown", "mp3": "audio/mpeg",
    "mp4": "video/mp4", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text", "pdf": "application/pdf",
    "png": "image/png", "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf", "svg": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff",
    "txt": "text/plain", "vcf": "text/vcard", "wav": "audio/wav", "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml", "zip": "application/zip",
})  # fmt: skip
_OCTETS: Final = "application/octet-stream"
#: RFC 2045 §5.1, without parameters.
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
#: RFC 5321 §4.5.3.1.6, without CRLF.
_LINE_MAX: Final = 998
#: RFC 2045 §6.8: 76 characters of base64 a line.
_BASE64_LINE: Final = 76
#: Octets of a file's name in one piece of RFC 2231 §3: three characters each, in a line of 76.
_NAME_PIECE: Final = 16
_PLAIN_NAME: Final = re.compile(r"[ -~]{1,60}")


class Entity(Struct, frozen=True, gc=False):
    """A part: its own header fields, and its body as it travels."""

    fields: tuple[tuple[str, str], ...]
    body: bytes


def make_text(subtype: str, text: str) -> Entity:
    """Return a text part. Lines end where the text ends them, with CRLF."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    data = plain.encode("utf-8", "replace")
    encoding, body = _encode_text(data)
    return Entity(
        (
            ("Content-Type", f"text/{subtype}; charset=utf-8"),
            ("Content-Transfer-Encoding", encoding),
        ),
        body,
    )


def make_file(name: str, data: bytes, *, mime_type: str = "", content_id: str = "") -> Entity:
    """Return a file; mime_type: "" is told from the name. content_id: shown inside of others."""
    kind = mime_type or _KINDS.get(name.lower().rpartition(".")[2], _OCTETS)
    # RFC 2046 §5: the composite types must not be encoded, so nobody would read one.
    if not _TYPE.fullmatch(kind) or kind.lower().startswith(("multipart/", "message/")):
        kind = _OCTETS
    shown = "inline" if content_id else "attachment"
    fields = [
        ("Content-Type", kind),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", "; ".join((shown, *_write_name(name)))),
    ]
    if content_id:
        fields.append(("Content-ID", f"<{content_id}>"))
    return Entity(tuple(fields), _encode_base64(data))


def join(subtype: str, parts: Sequence[Entity], *, boundary: str, more: str = "") -> Entity:
    """Return a multipart of the parts. boundary: in none of them. more: further parameters."""
    mark = f"--{boundary}\r\n".encode()
    body = b"".join(piece for part in parts for piece in (mark, write(part), b"\r\n"))
    return Entity(
        (("Content-Type", f'multipart/{subtype}; boundary="{boundary}"{more}'),),
        body + f"--{boundary}--\r\n".encode(),
    )


def write(part: Entity, *, before: Sequence[tuple[str, str]] = (), utf8: bool = False) -> bytes:
    """Return header and body. before: fields above the part's own; utf8: as prepend_headers."""
    return prepend_headers(b"", [*before, *part.fields], utf8=utf8) + part.body


def _encode_text(data: bytes) -> tuple[str, bytes]:
    """Return how the text travels: as it is if it may, else as what is shorter."""
    longest = max(map(len, data.split(b"\r\n")))
    if data.isascii() and b"\0" not in data and longest <= _LINE_MAX:
        return "7bit", data
    foreign = len(data) - len(data.decode("utf-8").encode("ascii", "ignore"))
    if 3 * foreign > len(data):
        return "base64", _encode_base64(data)
    packed = b2a_qp(data, istext=True)
    # Its soft line ends are as the first line end of the data, and LF when that has none.
    return "quoted-printable", packed if b"\r\n" in data else packed.replace(b"\n", b"\r\n")


def _encode_base64(data: bytes) -> bytes:
    text = b64encode(data)
    lines = [text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE)]
    return b"\r\n".join(lines)


def _write_name(name: str) -> list[str]:
    """Return the parameters that say a file's name (RFC 2183 §2.3, RFC 2231 §3, §4)."""
    name = " ".join(strip_controls(name).split())
    if not name:
        return []
    if _PLAIN_NAME.fullmatch(name):
        return [f"filename={quote(name)}"]
    data = name.encode("utf-8", "replace")
    pieces = [
        percent(data[at : at + _NAME_PIECE], safe="") for at in range(0, len(data), _NAME_PIECE)
    ]
    if len(pieces) == 1:
        return [f"filename*=utf-8''{pieces[0]}"]
    first = f"filename*0*=utf-8''{pieces[0]}"
    return [first, *(f"filename*{at}*={piece}" for at, piece in enumerate(pieces[1:], 1))]
