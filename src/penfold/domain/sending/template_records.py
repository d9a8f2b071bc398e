"""A template's records as one looks them up, and what a version is made of."""

from typing import Final

import msgspec
from msgspec import Struct

from penfold.base.errors import NotFoundError
from penfold.ports.sending.book import SendingReader
from penfold.ports.sending.records import Template, TemplateBody, TemplateVersion, version_id
from penfold.proto.templates.model import Compiled, TemplateSource


class Stored(Struct, frozen=True):
    """What a version is made of: as it was written, and what rendering needs."""

    source: TemplateSource
    compiled: Compiled
    streams: tuple[str, ...] = ()


pack_stored: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Stored).decode


class Whole(Struct, frozen=True):
    """A version with its template. is_new: False for one that was there already."""

    template: Template
    version: TemplateVersion
    stored: Stored
    is_new: bool = False


def find_template(reader: SendingReader, account_id: str, word: str) -> Template | None:
    """Return an account's template by its id, or else by its alias."""
    return reader.find(Template, word, account_id) or reader.find_word(Template, word, account_id)


def get_template(reader: SendingReader, account_id: str, word: str) -> Template:
    found = find_template(reader, account_id, word)
    if found is None:
        raise NotFoundError("there is no such template")
    return found


def find_whole(reader: SendingReader, template: Template, number: int) -> Whole | None:
    """Return a version with all it is made of."""
    key = version_id(template.id, number)
    version = reader.find(TemplateVersion, key, template.account_id)
    body = reader.find(TemplateBody, key, template.account_id)
    return Whole(template, version, _unpack(body.packed)) if version and body else None


def find_compiled(reader: SendingReader, key: str, account_id: str) -> Compiled | None:
    """Return what a version was compiled to. key: its `version_id`."""
    body = reader.find(TemplateBody, key, account_id)
    return None if body is None else _unpack(body.packed).compiled
