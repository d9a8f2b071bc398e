"""multipart/form-data bodies (RFC 7578), held whole: fields with text, and files.

Refuses (ParseError) a body without boundary lines, a part without a name, and more fields than
there may be. Transfer encodings are not decoded (RFC 7578 §4.7: senders write none). Names come as
browsers write them: `%22` stands for a quotation mark (§2).
"""

import re
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError
from penfold.base.limits import FORM_FIELDS_MAX
from penfold.proto.boundary import parse_boundary, parse_fields, split_head, split_parts

#: A parameter of Content-Disposition, quoted or not.
_PARAM: Final = re.compile(
    rb';\s*([A-Za-z*]{1,20})\s*=\s*(?:"([^"\r\n]{0,1000})"|([^\s;"]{1,1000}))'
)


class FormField(Struct, frozen=True, gc=False):
    """filename: "" for a text. content_type: as it was written."""

    name: str
    value: bytes
    filename: str = ""
    content_type: str = ""


def parse_form_data(content_type: str, body: bytes | bytearray) -> list[FormField]:
    """Return the fields in order."""
    pieces = split_parts(bytes(body), parse_boundary(content_type))
    if len(pieces) > FORM_FIELDS_MAX:
        raise ParseError("too many fields", fields=len(pieces))
    return [_parse_field(piece) for piece in pieces]


def _parse_field(piece: bytes) -> FormField:
    head, value = split_head(piece)
    fields = dict(parse_fields(head))
    disposition = fields.get(b"content-disposition", b"")
    params = {
        found[1].lower(): found[2] if found[2] is not None else found[3]
        for found in _PARAM.finditer(disposition)
    }
    if not disposition.lower().startswith(b"form-data") or b"name" not in params:
        raise ParseError("a part without a name")
    return FormField(
        _read_text(params[b"name"]),
        value,
        _read_text(params.get(b"filename", b"")),
        fields.get(b"content-type", b"").decode("latin-1"),
    )


def _read_text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").replace("%22", '"')
