"""The fields that Google Takeout puts before a message, and one of our own.

    X-GM-THRID        the thread, a decimal number: what the API calls threadId, there in hex
    X-Gmail-Labels    the labels, separated by commas, perhaps as encoded words (RFC 2047);
                      a label in double quotes is a user's, whatever its name
    X-Penfold-Message date=<internalDate, epoch ms>; octets=<length of the message that follows>

They are no part of the message and are taken off. Gmail (observed in its exports of 2019 to
2025): they stand first. Ours is written last and says how long the message is, so one that
itself begins with such fields, or has no end of line at its end, comes back octet for octet.

Never raises. Names of labels in other languages are those of Gmail's own pages (assumed for
exports).
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from penfold.base.ids import MAX_ID
from penfold.base.labels import (
    CATEGORY_FORUMS,
    CATEGORY_PERSONAL,
    CATEGORY_PROMOTIONS,
    CATEGORY_SOCIAL,
    CATEGORY_UPDATES,
    CHAT,
    DRAFT,
    IMPORTANT,
    INBOX,
    SENT,
    SPAM,
    STARRED,
    TRASH,
    UNREAD,
)
from penfold.base.limits import MIME_MAX_HEADER_BYTES
from penfold.proto.mime.compose import encode_header_value
from penfold.proto.mime.words import decode_words, strip_controls

#: What is written, by label.
NAMES: Final = {
    INBOX: "Inbox", SENT: "Sent", STARRED: "Starred", IMPORTANT: "Important", UNREAD: "Unread",
    DRAFT: "Drafts", SPAM: "Spam", TRASH: "Trash", CHAT: "Chat",
    CATEGORY_PERSONAL: "Category Personal", CATEGORY_SOCIAL: "Category Social",
    CATEGORY_UPDATES: "Category Updates", CATEGORY_PROMOTIONS: "Category Promotions",
    CATEGORY_FORUMS: "Category Forums",
}  # fmt: skip
#: Says that UNREAD is not there; and that nothing is said.
_OPENED: Final = "Opened"
_ARCHIVED: Final = "Archived"
_SAYS_NOTHING: Final = frozenset(
    "opened archived geöffnet archiviert ouvert archivés archivé abiertos archivados".split()
)
_NUMBER_OF: Final = {name.casefold(): number for number, name in NAMES.items()} | {
    "draft": DRAFT, "chats": CHAT,
    # German, French, Spanish
    "posteingang": INBOX, "gesendet": SENT, "markiert": STARRED, "wichtig": IMPORTANT,
    "ungelesen": UNREAD, "entwürfe": DRAFT, "papierkorb": TRASH,
    "boîte de réception": INBOX, "messages envoyés": SENT, "suivis": STARRED, "non lus": UNREAD,
    "brouillons": DRAFT, "corbeille": TRASH,
    "recibidos": INBOX, "enviados": SENT, "destacados": STARRED, "importantes": IMPORTANT,
    "no leídos": UNREAD, "borradores": DRAFT, "papelera": TRASH,
}  # fmt: skip

_KNOWN: Final = frozenset({b"x-gm-thrid", b"x-gmail-labels", b"x-penfold-message"})
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n")
_THEIRS = re.compile(rb"(?im)^(x-gm-thrid|x-gmail-labels)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n")
_EXACT = re.compile(rb" *date=(\d{1,13}); octets=(\d{1,10})\r?")
_BLANK = re.compile(rb"\n\r?\n")
#: Characters of labels in one field; a long list is written as several fields, read as one.
_FIELD_CHARS: Final = 2_000


class Marks(Struct, frozen=True, gc=False):
    """What the fields said. labels: None when there was no such field.

    labels are numbers of system labels, names those of user labels. internal_ms: only of ours.
    """

    labels: frozenset[int] | None = None
    names: tuple[str, ...] = ()
    thread_id: int | None = None
    internal_ms: int | None = None


_NOTHING: Final = Marks()


def take_marks(raw: bytes) -> tuple[Marks, bytes]:
    """Return what the fields say, and the message without them."""
    fields, rest = _take_leading(raw)
    if not fields:
        fields, rest = _take_scattered(raw)
    if not fields:
        return _NOTHING, raw
    exact = _EXACT.fullmatch(fields.get(b"x-penfold-message", b""))
    if exact and 0 <= len(rest) - int(exact[2]) <= 2:
        rest = rest[: int(exact[2])]
    value = fields.get(b"x-gmail-labels")
    labels, names = (None, ()) if value is None else parse_labels(value)
    internal_ms = int(exact[1]) if exact else None
    return Marks(labels, names, _parse_thread(fields.get(b"x-gm-thrid", b"")), internal_ms), rest


def _take_leading(raw: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Return the fields at the top, and what follows them."""
    fields: dict[bytes, bytes] = {}
    at = 0
    while (match := _FIELD.match(raw, at)) and (name := match[1].lower()) in _KNOWN:
        if name == b"x-penfold-message":
            # Written last and on one line: whatever follows is the message, also a blank.
            line, _, _ = match[2].partition(b"\n")
            fields[name] = line
            return fields, raw[match.start(2) + len(line) + 1 :]
        value = match[2]
        fields[name] = fields[name] + b"," + value if name in fields else value
        at = match.end()
    return fields, raw[at:]


def _take_scattered(raw: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Return Takeout's fields from anywhere in the header, the first of each, and the rest."""
    end = _BLANK.search(raw, 0, MIME_MAX_HEADER_BYTES)
    stop = end.start() + 1 if end else min(len(raw), MIME_MAX_HEADER_BYTES)
    fields: dict[bytes, bytes] = {}
    kept = []
    at = 0
    for match in _THEIRS.finditer(raw, 0, stop):
        name = match[1].lower()
        if name not in fields:
            fields[name] = match[2]
            kept.append(raw[at : match.start()])
            at = match.end()
    kept.append(raw[at:])
    return fields, b"".join(kept)


def _parse_thread(value: bytes) -> int | None:
    text = value.strip()
    if not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= MAX_ID else None


def parse_labels(value: bytes) -> tuple[frozenset[int], tuple[str, ...]]:
    """Return the system labels and the names of user labels in a field's value."""
    value = value[:MIME_MAX_HEADER_BYTES]
    text = decode_words(value.decode("utf-8", "replace").replace("\r", "").replace("\n", ""))
    numbers = set()
    names: dict[str, None] = {}
    for name, quoted in _split(strip_controls(text)):
        number = None if quoted else _NUMBER_OF.get(name.casefold())
        if number is not None:
            numbers.add(number)
        elif quoted or name.casefold() not in _SAYS_NOTHING:
            names[name] = None
    return frozenset(numbers), tuple(names)


def find_system_label(name: str) -> int | None:
    """Return the system label that is called so in an export, None for any other name."""
    return _NUMBER_OF.get(name.casefold())


def _split(text: str) -> Iterable[tuple[str, bool]]:
    """Yield the names between commas, and whether each stood in double quotes."""
    at = 0
    while at < len(text):
        match = _NAME.match(text, at)
        assert match is not None, "the pattern matches the empty string"
        at = match.end() + 1
        quoted = match[1] is not None
        name = (match[1].replace('""', '"') if quoted else match[2]).strip()
        if name:
            yield name, quoted


#: A name in quotes, or all up to the next comma.
_NAME = re.compile(r'\s*"((?:[^"]|"")*+)"\s*(?=,|\Z)|([^,]*)')


def format_marks(
    labels: frozenset[int], names: Iterable[str], *, thread_id: int, internal_ms: int, octets: int
) -> bytes:
    """Return the fields to put before a message; `take_marks` gives back what they say."""
    words = [NAMES[number] for number in sorted(labels) if number in NAMES]
    words.extend(map(_quote, names))
    if UNREAD not in labels:
        words.append(_OPENED)
    if not labels & {INBOX, SENT, DRAFT, SPAM, TRASH, CHAT}:
        words.append(_ARCHIVED)
    lines = [f"X-GM-THRID: {thread_id}"]
    group: list[str] = []
    for word in words:
        if group and sum(map(len, group)) + len(word) > _FIELD_CHARS:
            lines.append("X-Gmail-Labels: " + _encode(",".join(group)))
            group = []
        group.append(word)
    lines.append("X-Gmail-Labels: " + _encode(",".join(group)))
    lines.append(f"X-Penfold-Message: date={internal_ms}; octets={octets}\n")
    return "\n".join(lines).encode()


def _quote(name: str) -> str:
    """Return a user label's name; in quotes when it would be read as something else."""
    plain = not (set(name) & set(',"\\'))
    if plain and name == name.strip() and name.casefold() not in _NUMBER_OF.keys() | _SAYS_NOTHING:
        return name
    return '"' + name.replace('"', '""') + '"'


def _encode(value: str) -> str:
    if value.isascii() and value.isprintable() and "=?" not in value and len(value) < 900:
        return value
    return encode_header_value(value).replace("?= =?", "?=\n =?")
