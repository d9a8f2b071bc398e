"""HTML of a mail with its links led elsewhere and a picture that is loaded when it is shown.

Only values of `href` change; everything else stays as it was written, character for character.
Linear; never raises.
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


def lead_elsewhere(html: str, find_way: Callable[[str], str | None]) -> str:
    """Return HTML whose links lead where find_way says, the first TRACKED_LINKS_MAX of them.

    find_way: is given an address and returns another, or None for one that stays. A link with
    `data-track="off"` stays.
    """
    pieces: list[str] = []
    at = 0
    for name, attributes, start in find_tags(html):
        if name.lower() not in _LINKS or len(pieces) >= 2 * TRACKED_LINKS_MAX:
            continue
        place = find_value(attributes, "href")
        if place is None or read_attributes(attributes).get("data-track", "").lower() == "off":
            continue
        first, last = place
        way = find_way(decode_references(attributes[first:last]).strip(_BLANKS))
        if way is not None:
            pieces += (html[at : start + first], escape(way))
            at = start + last
    return "".join((*pieces, html[at:]))


def add_picture(html: str, source: str) -> str:
    """Return HTML with a picture nobody sees, at the end of what is shown."""
    ends = [start - len("</body") for name, _, start in find_tags(html) if name.lower() == "/body"]
    at = ends[-1] if ends else len(html)
    picture = f'<img src="{escape(source)}" width="1" height="1" alt="">'
    return html[:at] + picture + html[at:]
