"""What is wrong with a mail though it can be rendered: as it was written, and as it became.

Refused is only what is dangerous to who reads it. The rest are warnings: what well-known mail
clients drop, clip or distrust (caniemail.com and the clients' own pages). Linear; never raises.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from penfold.base.limits import GMAIL_CLIPS_BYTES, MAIL_WIDTH_MAX_PX, TEMPLATE_FINDINGS_MAX
from penfold.proto.mime.html import decode_references
from penfold.proto.mime.unseen import read_attributes
from penfold.proto.templates.markup import iter_elements
from penfold.proto.templates.model import Finding
from penfold.proto.templates.scan import line_of, list_marks, mark_tags, scan_part

_LINKING: Final = ("href", "src", "action", "formaction", "background", "poster")
_MAY_LINK: Final = re.compile("|".join(_LINKING), re.IGNORECASE)
#: URL standard §4.4: tabs and line ends within an address do not count.
_IGNORED: Final = re.compile(r"[\t\r\n]")
_CONTROLS: Final = "".join(map(chr, range(33)))
_DANGEROUS: Final = ("javascript:", "vbscript:", "data:text/html", "file:")
_UNQUOTED: Final = (
    "{output} stands in a tag and not within quotes, where it could add attributes; write"
    ' name="{output}"'
)
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_DROPPED: Final = {
    "script": "mail clients drop scripts",
    "form": "many mail clients drop forms; link to a page that has it",
    "iframe": "mail clients drop frames",
    "object": "mail clients drop embedded objects",
    "embed": "mail clients drop embedded objects",
    "video": "most mail clients drop videos; show a picture that links to it",
    "link": "style sheets behind links are not loaded, here or by mail clients; use <style>",
}
_CSS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), message)
    for pattern, message in (
        (r"display\s*:\s*(?:inline-)?flex", "display: flex: Outlook ignores it; use a table"),
        (r"display\s*:\s*(?:inline-)?grid", "display: grid: Outlook ignores it; use a table"),
        (r"position\s*:\s*(?:absolute|fixed|sticky)", "position: Gmail drops it; use a table"),
        (r"var\s*\(\s*--", "CSS variables: Gmail drops them; write the value"),
        (r"@import\b", "@import: mail clients do not load it; put the rules into <style>"),
    )
)
_WIDTH: Final = re.compile(r"(?<![\w-])width\s*:\s*([0-9]{3,5})px")
_UNSUBSCRIBE: Final = re.compile(r"unsubscri|opt-?out|abmeld|abbestell|d[ée]sabonn", re.IGNORECASE)


def check_source(html: str) -> list[Finding]:
    """Return warnings about HTML with Liquid in it, as a template is compiled."""
    tags, wrong = scan_part(html, "html")
    if wrong:
        return []
    marked, _ = mark_tags(html, tags)
    found: list[Finding] = []
    for pattern, message in _CSS:
        if pattern.search(marked):
            found.append(Finding("css", message, "html"))
    names = {name for name, _, _ in iter_elements(marked)}
    # script is among the elements that are cut away whole.
    if re.search(r"<script\b", marked, re.IGNORECASE):
        names.add("script")
    found += [Finding("dropped", why, "html") for name, why in _DROPPED.items() if name in names]
    return found


def list_unquoted(source: str, where: str) -> list[Finding]:
    """Return outputs within a tag and not within quotes: escaping is not enough there."""
    tags, wrong = scan_part(source, where)
    if wrong:
        return []
    marked, words = mark_tags(source, tags)
    found = []
    for name, attributes, _ in iter_elements(marked):
        for word in list_marks(f"{name} {_QUOTED.sub('', attributes)}", words):
            if words[word].startswith("{{"):
                line = line_of(source, source.find(words[word]))
                found.append(Finding("unquoted", _UNQUOTED.format(output=words[word]), where, line))
    return found


def find_dangerous(pieces: list[str | Any]) -> Finding | None:
    """Return why HTML must not be sent: a link that runs something or opens a file."""
    given = list(filter(None, pieces[2::3]))
    # Nearly always none of these words is there, and finding that out takes a moment.
    said = _IGNORED.sub("", decode_references("\0".join(given))).lower()
    if not any(each in said for each in _DANGEROUS):
        return None
    for attributes in given:
        if _MAY_LINK.search(attributes):
            found = read_attributes(attributes)
            for name in _LINKING:
                link = _IGNORED.sub("", decode_references(found.get(name, ""))).lstrip(_CONTROLS)
                if link.lower().startswith(_DANGEROUS):
                    why = f"a link begins with {link.split(':')[0][:20].lower()}:, which is refused"
                    return Finding("refused-link", why, "html")
    return None


def list_warnings(html: str | None, text: str, *, unsubscribe: bool = False) -> list[Finding]:
    """Return warnings about a rendered mail.

    unsubscribe: whether it must have a link to unsubscribe by, as mail to many does.
    """
    found = list(_warn_html(html)) if html is not None else []
    if not text.strip():
        found.append(Finding("no-text", "there is no text part, or nothing in it", "text"))
    if unsubscribe and not _UNSUBSCRIBE.search(html or text):
        found.append(Finding("no-unsubscribe", "there is no link to unsubscribe by", "html"))
    return found[:TEMPLATE_FINDINGS_MAX]


def _warn_html(html: str) -> Iterator[Finding]:
    size = len(html.encode("utf-8", "replace"))
    if size > GMAIL_CLIPS_BYTES:
        why = f"is {size // 1000} kB; Gmail shows the first {GMAIL_CLIPS_BYTES // 1000} kB only"
        yield Finding("clipped", why, "html")
    without_alt = plain = widest = data = 0
    example = ""
    for name, attributes, _ in iter_elements(html):
        if not attributes:
            continue
        found = read_attributes(attributes)
        if name == "img":
            without_alt += "alt" not in found
            data += found.get("src", "").lower().startswith("data:")
        elif name == "a" and found.get("href", "").lower().startswith("http:"):
            plain += 1
            example = example or found["href"][:60]
        if name in {"img", "table", "td", "div"}:
            widest = max(widest, _width(found))
    if without_alt:
        yield Finding("no-alt", f"{without_alt} images have no alt; say what they show", "html")
    if data:
        yield Finding("data-image", "Gmail and Outlook show no data: images; attach them", "html")
    if plain:
        yield Finding("http-link", f"{plain} links are not https, such as {example}", "html")
    if widest > MAIL_WIDTH_MAX_PX:
        yield Finding("too-wide", f"an element is {widest} px wide; 600 fits everywhere", "html")


def _width(found: dict[str, str]) -> int:
    given = found.get("width", "")
    styled = _WIDTH.search(found.get("style", ""))
    return max(
        int(given) if given.isdecimal() and len(given) < 6 else 0, int(styled[1]) if styled else 0
    )
