"""What markup and CSS hide from who reads an HTML message.

Works on HTML cut into pieces (see html.py): text, then again and again a name, its attributes and
the text behind. Only `style` and `hidden` of the elements themselves count: style sheets are not
read, and programs that show mail leave most of them out. Linear; never raises.
"""

import re
from collections import Counter
from typing import Any, Final, NamedTuple

#: Elements without content: one that is hidden hides nothing else.
_VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())

#: Elements that end where the next of their kind begins.
_ENDING: Final = frozenset("dd dt li option p td th tr".split())

#: Of all attributes of a page, in lower case: whether something may be hidden. One by one, because
#: looking for a word is much faster than looking for one of several.
_MAY_HIDE: Final = tuple(
    re.compile(each)
    for each in (
        "hidden", r"display\s*+:\s*+none", r"opacity\s*+:\s*+[0.]", r"font-size\s*+:\s*+[0.]",
    )
)  # fmt: skip
_ATTRIBUTE = re.compile(r"""([^\s=/"']++)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"']++)))?""")
_ZERO = re.compile(r"(?:0+(?:\.0*)?|\.0+)[a-z%]*")
_EXTENTS: Final = ("height", "max-height", "width", "max-width")


def may_hide(attributes: str) -> bool:
    """Say whether one of the elements with these attributes, in lower case, may be hidden."""
    return any(each.search(attributes) for each in _MAY_HIDE)


def read_attributes(source: str) -> dict[str, str]:
    """Return attributes by name in lower case; HTML §13.2.5.33: the first of a name counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(source):
        found.setdefault(name.lower(), double or single or bare)
    return found


def find_value(source: str, name: str) -> tuple[int, int] | None:
    """Return where an attribute's value stands, by its name in lower case; None without one."""
    for found in _ATTRIBUTE.finditer(source):
        if found[1].lower() == name:
            group = found.lastindex or 1
            return found.span(group) if group > 1 else None
    return None


class _Sight(NamedTuple):
    """Why text is not seen. What CSS lets an element inside undo (CSS 2.2 §11.2) stands apart."""

    gone: bool = False
    invisible: bool = False
    tiny: bool = False

    @property
    def sees(self) -> bool:
        return not (self.gone or self.invisible or self.tiny)

    def within(self, attributes: str | None) -> "_Sight":
        """Return what is seen within an element with these attributes.

        mso-hide:all is for Outlook alone, which gets the same in a conditional comment.
        """
        if not attributes or ("=" not in attributes and "hidden" not in attributes.lower()):
            return self
        found = read_attributes(attributes)
        if "hidden" in found:
            return self._replace(gone=True)
        return self._styled(found["style"]) if "style" in found else self

    def _styled(self, style: str) -> "_Sight":
        css: dict[str, str] = {}
        for declaration in style.lower().split(";"):
            name, _, value = declaration.partition(":")
            css[name.strip()] = value.replace("!important", "").strip()
        clips = css.get("overflow") == "hidden" and any(_is_zero(css.get(n)) for n in _EXTENTS)
        gone = css.get("display") == "none" or _is_zero(css.get("opacity")) or clips
        shows = css.get("visibility")
        size = css.get("font-size")
        return _Sight(
            self.gone or gone,
            shows in {"hidden", "collapse"} if shows else self.invisible,
            _is_zero(size) if size else self.tiny,
        )


def _is_zero(value: str | None) -> bool:
    return value is not None and _ZERO.fullmatch(value) is not None


def drop_hidden(pieces: list[str | Any]) -> list[str | Any]:
    """Return the pieces with nothing in place of what is not seen.

    A hidden element that is never closed hides the rest.
    """
    kept = [pieces[0]]
    seen = _Sight()
    opened: list[tuple[str, _Sight]] = []  # names, with what is seen around them
    count: Counter[str] = Counter()
    for at in range(1, len(pieces), 3):
        name, attributes, text = pieces[at : at + 3]
        lower = name.lower() if name else ""
        within = seen
        if lower.startswith("/"):
            if count[lower[1:]]:
                within = seen = _close(lower[1:], opened, count)
        elif lower:
            if lower in _ENDING and opened and opened[-1][0] == lower:
                seen = _close(lower, opened, count)
            within = seen.within(attributes)
            if lower not in _VOID and not (attributes or "").endswith("/"):
                opened.append((lower, seen))
                count[lower] += 1
                seen = within
        kept += (name, attributes if within.sees else None, text if seen.sees else "")
    return kept


def _close(name: str, opened: list[tuple[str, _Sight]], count: Counter[str]) -> _Sight:
    """End the innermost element of this name and all within it; return what is seen around it."""
    while True:
        last, seen = opened.pop()
        count[last] -= 1
        if last == name:
            return seen
