"""HTML of a mail with its links led elsewhere and a picture that is loaded when it is shown.

Only values of `href` change, and the picture is added; everything else stays as it was written,
character for character. Linear; never raises.
"""

from collections.abc import Callable
from html import escape
from typing import Final

from penfold.base.limits import TRACKED_LINKS_MAX
from penfold.proto.mime.html import decode_references, find_tags
from penfold.proto.mime.unseen import find_value, read_attributes

#: HTML §4.6.1: elements that are links.
_LINKS: Final = frozenset({"a", "area"})
#: HTML §2.4.6: what an address may stand in.
_BLANKS: Final = " \t\n\f\r"


def track(html: str, find_way: Callable[[str], str | None], picture: str = "") -> str:
    """Return HTML whose links lead where find_way says, the first TRACKED_LINKS_MAX of them.

    find_way: is given an address and returns another, or None for one that stays. A link with
    `data-track="off"` stays. picture: the address of one at the end of what is shown, "" for none.
    """
    changes: list[tuple[int, int, str]] = []  # (from, to, what stands there then)
    end = len(html)
    for given, attributes, start in find_tags(html):
        name = given.lower()
        if name == "/body":
            end = start - len("</body")
        elif name in _LINKS and len(changes) < TRACKED_LINKS_MAX:
            first, last = _find_link(attributes)
            target = decode_references(attributes[first:last]).strip(_BLANKS)
            way = find_way(target) if target else None
            if way is not None:
                changes.append((start + first, start + last, escape(way)))
    if picture:
        shown = f'<img src="{escape(picture)}" width="1" height="1" alt="">'
        changes.append((end, end, shown))
    pieces: list[str] = []
    at = 0
    for first, last, text in sorted(changes):
        pieces += (html[at:first], text)
        at = last
    return "".join((*pieces, html[at:]))


def _find_link(attributes: str) -> tuple[int, int]:
    """Return where the address of a link stands that may be tracked; (0, 0) for none."""
    if read_attributes(attributes).get("data-track", "").lower() == "off":
        return 0, 0
    return find_value(attributes, "href") or (0, 0)
