"""The text part of a mail that has none, made of its HTML. Linear; never raises.

What a reader of the HTML does not see is not there (preheaders, style sheets, comments for
Outlook); links have their address behind them, pictures their `alt`, list items a dash, cells of a
row a blank.
"""

import re
from typing import Final

from penfold.proto.mime.html import decode_references
from penfold.proto.mime.unseen import drop_hidden, may_hide, read_attributes

_PARAGRAPHS: Final = frozenset(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr section article header footer".split()
)
_LINES: Final = frozenset("div tr li dt dd br caption center body address form".split())
_CELLS: Final = frozenset(("td", "th"))
_BLANKS: Final = re.compile(r"[ \t\r\f\v\n\u00a0]+")
_AROUND_LINES: Final = re.compile(r" ?\n ?")
_MANY_LINES: Final = re.compile(r"\n{3,}")
#: Characters that take no room, which preheaders are filled with.
_NOTHING: Final = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]")


def make_text(pieces: list[str]) -> str:
    """Return the text of HTML that was cut by split_markup."""
    attributes = "".join(filter(None, pieces[2::3])).lower()
    if may_hide(attributes):
        pieces = drop_hidden(pieces)
    writer = _Writer()
    writer.write(pieces[0])
    for name, given, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if name:
            writer.element(name.lower(), given or "")
        writer.write(text)
    return writer.finish()


class _Writer:
    def __init__(self) -> None:
        self._pieces: list[str] = []
        #: Where the link that is open leads, and how many pieces there were before its text.
        self._link = ""
        self._link_at = 0

    def write(self, text: str | None) -> None:
        if text:
            self._pieces.append(_BLANKS.sub(" ", text))

    def element(self, name: str, attributes: str) -> None:
        plain = name.removeprefix("/")
        if plain in _PARAGRAPHS:
            self._pieces.append("\n\n")
        elif plain in _LINES:
            if name != "/br" and not (name.startswith("/") and plain in {"li", "tr"}):
                self._pieces.append("\n- " if name == "li" else "\n")
        elif plain in _CELLS:
            self._pieces.append(" ")
        elif name == "img":
            self.write(f" {read_attributes(attributes).get('alt', '')} ")
        elif plain == "a":
            self._end_link()
            if name == "a":
                self._link = read_attributes(attributes).get("href", "").strip()
                self._link_at = len(self._pieces)

    def _end_link(self) -> None:
        link, self._link = self._link, ""
        if link.lower().startswith(("http:", "https:")):
            shown = "".join(self._pieces[self._link_at :]).strip()
            self._pieces.append(f" ({link})" if shown and shown != link else link * (not shown))

    def finish(self) -> str:
        self._end_link()
        text = _NOTHING.sub("", decode_references("".join(self._pieces)))
        text = _AROUND_LINES.sub("\n", re.sub(r"[ \u00a0]{2,}", " ", text))
        return _MANY_LINES.sub("\n\n", text).strip() + "\n"
