"""What an email shall have in it, as it was asked for: packed until the message is composed."""

from typing import Any, Final

import msgspec
from msgspec import Struct


class File(Struct, frozen=True, gc=False):
    """content_type: "" to be told from the name. content_id: shown inside the HTML part."""

    filename: str
    content: bytes
    content_type: str = ""
    content_id: str = ""


class Content(Struct, frozen=True, omit_defaults=True):
    """raw: the message was given whole, and nothing else counts. headers: as they were given.

    template_id, template_version, variables: rendered when the email is due. subject: as it was
    rendered; None for that of the email.
    """

    html: str | None = None
    text: str | None = None
    headers: dict[str, str] = {}
    files: tuple[File, ...] = ()
    raw: bytes | None = None
    template_id: str = ""
    template_version: int = 0
    variables: dict[str, Any] = {}
    subject: str | None = None


_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Content).decode


def pack_content(content: Content) -> bytes:
    return _pack(content)


def unpack_content(octets: bytes) -> Content:
    """Return what pack_content was given."""
    return _unpack(octets)
