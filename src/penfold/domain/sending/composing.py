"""From an email that was accepted to the one MIME message it is; pure, and the same every time.

The same email makes the same octets, so that what a crash cut off can be done again: its id is in
the Message-ID, its time in Date, and boundaries are made from the id. What the author wrote stands
in the order people read it: text and HTML as alternatives, pictures of the HTML with it, files
behind them.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from penfold.base.errors import ParseError, PenfoldError
from penfold.domain.sending.content import Content, File
from penfold.ports.sending.emails import Email
from penfold.proto.address import parse_address_list, parse_mailbox
from penfold.proto.mime.build import Entity, join, make_file, make_text, write
from penfold.proto.mime.compose import (
    encode_header_value,
    format_address,
    format_date,
    header_values,
    prepend_headers,
)
from penfold.proto.mime.model import Address


class NotComposedError(PenfoldError):
    """No message can be made of an email: something in it would not be one header field."""

    public = "The email cannot be made into a message"


class Unsubscribe(Struct, frozen=True, gc=False):
    """Where who does not want such mail says so. url: https. mailto: an address, "" for none."""

    url: str
    mailto: str = ""


#: RFC 2369 §3.2, RFC 8058 §3.1.
_UNSUBSCRIBE: Final = "List-Unsubscribe"
_ONE_CLICK: Final = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def compose(email: Email, content: Content, *, unsubscribe: Unsubscribe | None = None) -> bytes:
    """Return the message; blind recipients are not in it. NotComposedError."""
    try:
        if content.raw is not None:
            return _complete(email, content.raw, unsubscribe)
        return _compose(email, content, unsubscribe)
    except (ParseError, ValueError) as error:
        raise NotComposedError("an email is no message", email=email.id) from error


def _compose(email: Email, content: Content, unsubscribe: Unsubscribe | None) -> bytes:
    people = {
        "From": _read([email.sender]),
        "To": _read(email.to),
        "Cc": _read(email.cc),
        "Reply-To": _read(email.reply_to),
    }
    # RFC 6532 §3.2: only a header in UTF-8 can name an address that is not ASCII.
    utf8 = not all(one.address.isascii() for group in people.values() for one in group)
    fields = [
        (name, ", ".join(_show(one, utf8=utf8) for one in group))
        for name, group in people.items()
        if group
    ]
    said = choose_subject(email, content)
    subject = said if utf8 else encode_header_value(said)
    fields += [("Subject", subject), *_list_ours(email)]
    fields += content.headers.items()
    given = {name.lower() for name in content.headers}
    fields += _list_unsubscribe(unsubscribe, given)
    fields.append(("MIME-Version", "1.0"))
    return write(_make_body(email, content), before=fields, utf8=utf8)


def choose_subject(email: Email, content: Content) -> str:
    """Return what the call said, or else what the template makes."""
    return email.subject or content.subject or ""


def _complete(email: Email, raw: bytes, unsubscribe: Unsubscribe | None) -> bytes:
    """Return a message that was given whole, with what RFC 5322 §3.6 wants of it."""
    missing = [field for field in _list_ours(email) if not header_values(raw, field[0])]
    given = {_UNSUBSCRIBE.lower()} if header_values(raw, _UNSUBSCRIBE) else set()
    return prepend_headers(raw, [*missing, *_list_unsubscribe(unsubscribe, given)])


def _list_ours(email: Email) -> list[tuple[str, str]]:
    # RFC 5322 §3.6.1: when its creator says it is ready to go out.
    date = format_date(email.scheduled_ms or email.created_ms)
    return [("Date", date), ("Message-ID", f"<{email.message_id}>")]


def _list_unsubscribe(unsubscribe: Unsubscribe | None, given: set[str]) -> list[tuple[str, str]]:
    """Return how to unsubscribe, unless the author says so in own fields."""
    if unsubscribe is None or _UNSUBSCRIBE.lower() in given:
        return []
    ways = [f"<{unsubscribe.url}>"]
    if unsubscribe.mailto:
        ways.append(f"<mailto:{unsubscribe.mailto}?subject=unsubscribe>")
    return [(_UNSUBSCRIBE, ", ".join(ways)), _ONE_CLICK]


def _read(written: Sequence[str]) -> list[Address]:
    """Return addresses as callers write them, their domains in A-labels."""
    found = [one for text in written for one in parse_address_list(text, strict=True)]
    return [Address(one.name, parse_mailbox(one.address)) for one in found]


def _show(one: Address, *, utf8: bool) -> str:
    if not utf8 or not one.name:
        return format_address(one)
    shown = one.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}" <{one.address}>'


def _make_body(email: Email, content: Content) -> Entity:
    inside = [one for one in content.files if one.content_id and content.html is not None]
    beside = [one for one in content.files if one not in inside]
    texts = [] if content.text is None else [make_text("plain", content.text)]
    if content.html is not None:
        texts.append(_make_html(email, content.html, inside))
    body = texts[0] if texts else make_text("plain", "")
    if len(texts) > 1:
        body = join("alternative", texts, boundary=_mark(email, 2))
    if not beside:
        return body
    files = [make_file(one.filename, one.content, mime_type=one.content_type) for one in beside]
    return join("mixed", [body, *files], boundary=_mark(email, 1))


def _make_html(email: Email, text: str, inside: Sequence[File]) -> Entity:
    html = make_text("html", text)
    if not inside:
        return html
    pictures = [
        make_file(one.filename, one.content, mime_type=one.content_type, content_id=one.content_id)
        for one in inside
    ]
    # RFC 2387 §3.1: `type` is that of the part all begins with.
    kind = '; type="text/html"'
    return join("related", [html, *pictures], boundary=_mark(email, 3), more=kind)


def _mark(email: Email, level: int) -> str:
    """Return a boundary nobody can have written into a part: ids are made after the text was."""
    return hashlib.sha256(f"{email.id} {level}".encode()).hexdigest()[:32]
