"""HTML to readable text, for snippets and the index. Not a sanitiser: the result is plain text.

One regular expression that always finds an end (an unclosed tag, quote, comment or script runs to
the end of the input, as in a browser), so time is linear; the standard library's html.parser is
quadratic on `<a ` repeated. Character references are decoded once, after the markup is gone.

Never raises.
"""

import re
from collections.abc import Iterator
from html.entities import html5
from itertools import chain
from typing import Any, Final

from penfold.base.limits import LINKS_MAX
from penfold.proto.mime.unseen import drop_hidden, may_hide, read_attributes

#: A link's host and the beginning of its path.
_LINK = re.compile(r"""(?i:href)\s{0,9}=\s{0,9}["']?\s{0,9}(?i:https?)://([^\s"'<>?#]{1,200})""")

#: Elements whose content nobody reads.
_UNREAD: Final = "|".join(
    rf"{name}(?=[\s/>]).*?(?:</{name}\s*+>|\Z)"
    for name in ("script", "style", "title", "iframe", "object", "template")
)

_MARKUP = re.compile(
    r"<(?:"
    r"!--(?:>|.*?(?:-->|\Z))"  # comment
    r"|[!?][^>]*+(?:>|\Z)"  # doctype, conditional, processing instruction
    rf"|(?i:{_UNREAD})"
    r"|(/?[A-Za-z][^\s/>]*+)"  # 1: name
    # 2: attributes; a quote counts only after `=`
    r"""(?:>|((?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+)(?:>|\Z)))""",
    re.DOTALL,
)

#: Elements that do not interrupt a word. All others separate.
_INLINE: Final = {
    name: ""
    for element in (
        "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr o:p "
        "q s samp small span strike strong sub sup time tt u var wbr"
    ).split()
    for name in (element, f"/{element}", element.upper(), f"/{element.upper()}")
}
_REFERENCE = re.compile(
    r"&(?:#([0-9]{1,7});?|#[xX]([0-9A-Fa-f]{1,6});?|([A-Za-z][A-Za-z0-9]{1,31};?))"
)


def html_to_text(source: str) -> str:
    """Return the text a reader sees, white space collapsed."""
    return html_texts(source)[0]


def html_texts(source: str) -> tuple[str, str]:
    """Return the text a reader sees, and all text, with what CSS hides.

    A reader sees what images say instead of themselves (alt), too; it is no text of the page.
    """
    pieces = split_markup(source)
    everything = _join(pieces, [_INLINE.get(name, " ") for name in pieces[1::3]])
    attributes = "".join(filter(None, pieces[2::3])).lower()
    hides = may_hide(attributes)
    if not hides and "alt" not in attributes:
        return everything, everything
    if hides:
        pieces = drop_hidden(pieces)
    return _join(pieces, list(map(_between, pieces[1::3], pieces[2::3]))), everything


def split_markup(source: str) -> list[str | Any]:
    """Return text, then again and again: name (`a`, `/a`), attributes, text.

    Name and attributes are None where markup has none: a comment, or an element nobody reads.
    """
    return _MARKUP.split(source)


def find_tags(source: str) -> Iterator[tuple[str, str, int]]:
    """Yield name (`a`, `/a`), attributes and where these begin, of each piece of split_markup."""
    for found in _MARKUP.finditer(source):
        if found[1]:
            yield found[1], found[2] or "", found.end(1)


def list_links(source: str) -> list[str]:
    """Return where links lead, the first LINKS_MAX of them, as `docs.example/document/d/1`."""
    return _LINK.findall(source)[:LINKS_MAX]


def _between(name: str | None, attributes: str | None) -> str:
    """Return what an element puts between the texts before and after it."""
    if name is None:
        return " "
    if attributes and name.lower() == "img":
        return f" {read_attributes(attributes).get('alt', '')} "
    return _INLINE.get(name, " ")


def _join(pieces: list[str | Any], between: list[str]) -> str:
    text = pieces[0] + "".join(chain.from_iterable(zip(between, pieces[3::3], strict=True)))
    return " ".join(decode_references(text).split())


def decode_references(text: str) -> str:
    """Return text with character references (&amp; &#8364;) decoded; unknown ones stay."""
    if "&" not in text:
        return text
    return _REFERENCE.sub(_decode_reference, text)


def _decode_reference(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return html5.get(name, match[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if 0x80 <= code <= 0x9F:
        # HTML §13.2.5.80: these numbers mean Windows-1252.
        return bytes((code,)).decode("cp1252", "replace")
    if not code or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return "\ufffd"
    return chr(code)
