"""What the mailbox wants to know of a message beside its tree: see `model.Summary`.

Works on the scanned tree, so it sees the same fields and parts as everyone else; of fields that may
stand once the first counts. Only as much text is decoded as the snippet and the index can use.

Never raises; linear.
"""

import re
from typing import Final

from penfold.base.limits import (
    HTML_SCAN_MAX_BYTES,
    LINKS_MAX,
    MIME_MAX_ADDRESSES,
    MIME_MAX_REFERENCES,
    MIME_MESSAGE_ID_MAX,
    SEARCH_TEXT_MAX_BYTES,
    SNIPPET_CHARS,
)
from penfold.proto.address import parse_address_list
from penfold.proto.mime.charset import decode_text
from penfold.proto.mime.dates import parse_date_ms
from penfold.proto.mime.html import html_texts, list_links
from penfold.proto.mime.model import Address, Part, Summary
from penfold.proto.mime.scan import scan
from penfold.proto.mime.transfer import decode_transfer
from penfold.proto.mime.words import strip_controls

#: Fields the summary is made from.
_WANTED: Final = frozenset(
    "from to cc bcc subject date message-id in-reply-to references list-id delivered-to"
    " x-original-to".split()
)
_LENGTHS: Final = frozenset(map(len, _WANTED))

_BRACKETED = re.compile(r"<([^<>]++)>")

#: Marks of replies and forwards that mail programs put before a subject, by language:
#: en, de, sv/da/no, nl, fi, fr, it, es/pt, pl, tr, el, ru, zh.
_PREFIXES = re.compile(
    r"(?:(?:re|fwd?|aw|wg|sv|vs|vb|antw|betr|doorst|vl|réf?|tr|rif|r|i|rv|res|enc|odp|pd|"
    r"yn[tı]|ilt|απ|πρθ|отв|ha|пересл|回复|回覆|答复|转发|轉寄)"
    r"\s?(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4}|\d{1,4})?\s?[:\uff1a]\s?)++"
)
#: Markup for machines, and text nobody reads.
_UNREADABLE: Final = frozenset({"text/x-amp-html", "text/css", "text/rtf", "text/calendar"})


#: Characters of a plain text that only says "your program shows no HTML", generously.
_STUB_CHARS: Final = 400
#: Octets of HTML that commonly make one character of text.
_MARKUP_RATIO: Final = 10


def read_message(raw: bytes) -> tuple[Part, Summary]:
    """Return the part tree and the summary of a message; any octets are a message."""
    root = scan(raw)
    return root, summarize(raw, root)


def summarize(raw: bytes, root: Part) -> Summary:
    """Return the summary of a scanned message."""
    fields = _collect(root.headers)
    snippet, body, links, filenames = _read_content(raw, root)
    subject = _first(fields, "subject")
    return Summary(
        date_ms=parse_date_ms(_first(fields, "date")),
        message_id=bare_message_id(_first(fields, "message-id")),
        references=_references(_first(fields, "references"), _first(fields, "in-reply-to")),
        subject=subject,
        subject_key=subject_key(subject),
        sender=_addresses(fields, "from"),
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        bcc=_addresses(fields, "bcc"),
        snippet=snippet,
        body=body,
        filenames=filenames,
        has_attachment=bool(filenames),
        list_id=_first(fields, "list-id"),
        delivered_to=tuple(
            address.address
            for name in ("delivered-to", "x-original-to")
            for value in fields.get(name, ())[:MIME_MAX_ADDRESSES]
            for address in parse_address_list(value, decoded=True)[:1]
        ),
        links=links,
    )


def _collect(headers: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        if len(name) in _LENGTHS:
            lower = name.lower()
            if lower in _WANTED:
                fields.setdefault(lower, []).append(value)
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str:
    values = fields.get(name)
    return values[0] if values else ""


def _addresses(fields: dict[str, list[str]], name: str) -> tuple[Address, ...]:
    value = _first(fields, name)
    return tuple(parse_address_list(value, decoded=True)) if value else ()


def bare_message_id(value: str) -> str:
    """Return a Message-ID without brackets and blanks, the spelling under which it is looked up."""
    match = _BRACKETED.search(value)
    return "".join((match[1] if match else value.strip("<>")).split())[:MIME_MESSAGE_ID_MAX]


def _references(references: str, in_reply_to: str) -> tuple[str, ...]:
    """Return the ids of both fields, oldest first, the newest MIME_MAX_REFERENCES of them.

    RFC 5322 §3.6.4: References is oldest first and ends with the parent, which In-Reply-To names.
    """
    if not references and not in_reply_to:
        return ()
    found: dict[str, None] = dict.fromkeys(_ids(references))
    found.update(dict.fromkeys(_ids(in_reply_to)))
    return tuple(found)[-MIME_MAX_REFERENCES:]


def _ids(value: str) -> list[str]:
    if "<" in value:
        ids = ["".join(text.split()) for text in _BRACKETED.findall(value)]
    else:
        ids = [word for word in value.split() if "@" in word]
    return [text for text in ids if text and len(text) <= MIME_MESSAGE_ID_MAX]


def subject_key(subject: str) -> str:
    """Return what two subjects of one conversation have in common."""
    text = " ".join(subject.split()).casefold()
    match = _PREFIXES.match(text)
    return text[match.end() :] if match else text


# --- content ---------------------------------------------------------------------------


def _read_content(raw: bytes, root: Part) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Return snippet, text for the index, links, and attachment names."""
    filenames: list[str] = []
    readable: list[tuple[Part, Part | None]] = []
    _gather(root, readable, filenames)
    texts: list[str] = []
    links: dict[str, None] = {}
    snippet = ""
    left = SEARCH_TEXT_MAX_BYTES
    for part, other in readable:
        text, shown = _read_text(raw, part, left, links)
        if other is not None and not _says_enough(text, other):
            text, shown = _choose(text, shown, *_read_text(raw, other, left, links))
        snippet = snippet or _snip(shown)
        text, size = _cut(text, left)
        texts.append(text)
        left -= size + 1
        if left <= 0:
            break
    return snippet, "\n".join(texts), tuple(links)[:LINKS_MAX], tuple(filenames)


def _gather(part: Part, readable: list[tuple[Part, Part | None]], filenames: list[str]) -> None:
    """Collect leaves to read, (leaf, its HTML alternative), and names, in document order."""
    if part.filename:
        filenames.append(part.filename)
    if not part.parts:
        if not part.attachment and part.mime_type not in _UNREADABLE:
            readable.append((part, None))
        return
    first = len(readable)
    for child in part.parts:
        _gather(child, readable, filenames)
    if part.mime_type == "multipart/alternative":
        readable[first:] = _pair(readable[first:])


def _pair(leaves: list[tuple[Part, Part | None]]) -> list[tuple[Part, Part | None]]:
    """Return the leaves of an alternative with its HTML put beside its plain text."""
    plain = [pair for pair in leaves if pair[0].mime_type != "text/html"]
    html = [pair for pair in leaves if pair[0].mime_type == "text/html"]
    if not plain or not html:
        return leaves
    return [(plain[0][0], html[0][0]), *plain[1:]]


def _says_enough(plain: str, html: Part) -> bool:
    """Say whether plain text is surely no stub beside its HTML, so that need not be read."""
    return len(plain) > _STUB_CHARS and len(plain) * _MARKUP_RATIO > html.size


def _choose(plain: str, shown: str, html: str, html_shown: str) -> tuple[str, str]:
    """Return text and snippet source: the plain text, unless it is a stub (`see the HTML`)."""
    return (
        html if len(html) > 2 * len(plain) else plain,
        shown if shown.strip() else html_shown,
    )


def _read_text(raw: bytes, part: Part, limit: int, links: dict[str, None]) -> tuple[str, str]:
    """Return a leaf's text for the index, and for the snippet (there what CSS hides counts).

    Its links are added to `links`.

    Gmail (assumed): senders hide a preview line in HTML for the very purpose of the snippet.
    """
    is_html = part.mime_type == "text/html"
    limit = HTML_SCAN_MAX_BYTES if is_html else limit
    span = limit if not part.encoding else 4 * limit  # quoted-printable writes 3 for 1
    data = decode_transfer(raw[part.start : min(part.end, part.start + span)], part.encoding)
    text = decode_text(data[:limit], part.charset)
    if "\0" in text:
        text = text.replace("\0", " ")  # the index would end there
    if not is_html:
        return text, text
    links.update(dict.fromkeys(list_links(text)))
    return html_texts(text)


def _cut(text: str, limit: int) -> tuple[str, int]:
    """Return text of at most so many octets, and how many."""
    data = text.encode()
    if len(data) <= limit:
        return text, len(data)
    return data[:limit].decode("utf-8", "ignore"), limit


def _snip(text: str) -> str:
    """Return the beginning with white space collapsed, cut between words where there are some."""
    head = text[: 8 * SNIPPET_CHARS].lstrip() or text.lstrip()
    words = " ".join(head[: 2 * SNIPPET_CHARS].split())
    if len(words) <= SNIPPET_CHARS:
        words = " ".join(head[: 8 * SNIPPET_CHARS].split())
    if len(words) > SNIPPET_CHARS:
        whole = words[: SNIPPET_CHARS + 1].rpartition(" ")[0]
        words = whole if 2 * len(whole) > SNIPPET_CHARS else words[:SNIPPET_CHARS]
    return strip_controls(words).strip()
