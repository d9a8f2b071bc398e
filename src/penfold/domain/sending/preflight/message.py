"""What counts against a message by itself: size, parts, links, how to unsubscribe. Asks nobody."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from penfold.base.limits import (
    GMAIL_MESSAGE_MAX_BYTES,
    PREFLIGHT_LINKS_READ_MAX,
    PREFLIGHT_READ_MAX_BYTES,
)
from penfold.domain.sending.preflight.remarks import Remark, Severity
from penfold.proto.mime.body import body_as_utf8, part_ids
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.links import Doubt, Link, iter_links, judge_link
from penfold.proto.mime.scan import scan
from penfold.proto.templates.lint import list_warnings
from penfold.proto.templates.model import Finding

#: An address written out in a text; what ends a sentence is none of it.
_WRITTEN: Final = re.compile(r"\bhttps?://[^\s\"'<>]{1,2000}(?<![.,;:!?)])", re.IGNORECASE)
#: How many links a mail to one person has at most, by what filters score (assumed).
_LINKS_MANY: Final = 50
#: RFC 8058 §3.1.
_ONE_CLICK: Final = "list-unsubscribe=one-click"

#: What is said of links, by what is doubted: code, and words behind their number.
_DOUBTS: Final = {
    Doubt.PLAIN: ("http-link", "without TLS: begin with https://"),
    Doubt.ADDRESS: ("ip-link", "to an IP address, as links of spam are: name a host"),
    Doubt.SHORT: (
        "short-link",
        "of a service that shortens, whose links blocklists name: link to the page itself",
    ),
    Doubt.OTHER_HOST: (
        "other-host",
        "on a text that names another host, as in phishing: have the text say something else",
    ),
}
_DOES: Final = {
    "no-text": "there is no text part, or nothing in it: add one that says the same",
    "no-unsubscribe": "no link to unsubscribe: have one lead to {{ unsubscribe_url }}",
}


class Bodies(Struct, frozen=True, gc=False):
    """What is shown of a message: its first HTML and its first text that are no files.

    links: of the HTML. written: addresses in the text.
    """

    html: str | None
    text: str
    links: tuple[Link, ...] = ()
    written: tuple[Link, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where links lead, each once."""
        return tuple(dict.fromkeys(one.href for one in (*self.links, *self.written)))


def read_bodies(raw: bytes) -> Bodies:
    """Return what is shown, PREFLIGHT_READ_MAX_BYTES of each, and the first of its links."""
    found: dict[str, str] = {}
    for _, part in part_ids(scan(raw)):
        if part.mime_type in ("text/html", "text/plain") and not part.filename:
            body = body_as_utf8(raw, part)[:PREFLIGHT_READ_MAX_BYTES]
            found.setdefault(part.mime_type, body.decode("utf-8", "replace"))
    html, text = found.get("text/html"), found.get("text/plain", "")
    written = (Link(one[0]) for one in _WRITTEN.finditer(text))
    most = PREFLIGHT_LINKS_READ_MAX
    return Bodies(
        html, text, tuple(islice(iter_links(html or ""), most)), tuple(islice(written, most))
    )


def review_message(raw: bytes, bodies: Bodies, *, many: bool) -> list[Remark]:
    """Return what counts against a message. many: it goes to people who may want no more of it."""
    return [
        *_review_size(raw),
        *_review_parts(raw, bodies, many=many),
        *_review_links(bodies),
    ]


def _review_size(raw: bytes) -> Iterator[Remark]:
    if len(raw) > GMAIL_MESSAGE_MAX_BYTES:
        size, most = (n / 1_000_000 for n in (len(raw), GMAIL_MESSAGE_MAX_BYTES))
        message = f"is {size:.1f} MB, and Gmail takes {most:.0f} MB: link to files, or leave some"
        yield Remark("too-large", Severity.ERROR, "attachments", message)


def _review_parts(raw: bytes, bodies: Bodies, *, many: bool) -> Iterator[Remark]:
    for one in list_warnings(bodies.html, bodies.text, unsubscribe=many):
        if one.code != "http-link":  # told with what else is doubted of links
            yield show_warning(one)
    fields = header_values(raw, "List-Unsubscribe")
    posts = [each.strip().lower() for each in header_values(raw, "List-Unsubscribe-Post")]
    if many and not (posts == [_ONE_CLICK] and any("<https:" in each.lower() for each in fields)):
        # Gmail, Yahoo (documented): wanted of mail to many, beside the link in the text.
        message = (
            "its List-Unsubscribe is none of one click (RFC 8058), which Gmail and Yahoo want of "
            "mail to many: leave out your own, and have this server answer at an https address"
        )
        yield Remark("no-one-click", Severity.WARNING, "headers", message)


def show_warning(one: Finding) -> Remark:
    """Return what was found wrong with HTML as a remark."""
    return Remark(one.code, Severity.WARNING, one.where, _DOES.get(one.code, one.message))


def _review_links(bodies: Bodies) -> Iterator[Remark]:
    yield from _review_group("html", bodies.links)
    yield from _review_group("text", bodies.written)
    count = len(bodies.addresses)
    if count > _LINKS_MANY:
        message = f"has {count} links, and filters count them: leave those nobody follows"
        yield Remark("many-links", Severity.WARNING, "html" if bodies.links else "text", message)


def _review_group(field: str, links: Sequence[Link]) -> Iterator[Remark]:
    doubts = [(doubt, link) for link in dict.fromkeys(links) for doubt in judge_link(link)]
    for doubt, (code, words) in _DOUBTS.items():
        found = [link for each, link in doubts if each is doubt]
        if found:
            example = found[0].href[:60]
            many = f"{len(found)} links" if len(found) > 1 else "a link"
            message = f"{many} {words} ({example})"
            yield Remark(code, Severity.WARNING, field, message)
