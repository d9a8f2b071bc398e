"""HTML of a mail cut into pieces, and how deep it is. Linear; never raises."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from penfold.proto.mime.html import split_markup

VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())


#: Elements that end by themselves where the next begins: as deep as the lists and tables around
#: them.
_SELF_ENDING: Final = frozenset(
    "p li dd dt option optgroup tr td th tbody thead tfoot colgroup caption rp rt".split()
)


class Element(NamedTuple):
    """A start (`a`) or end (`/a`) of an element in lower case, and the text behind it.

    name: empty for what is no element, such as a comment.
    """

    name: str
    attributes: str
    text: str


def iter_elements(source: str) -> Iterator[Element]:
    """Yield the text before the first element with no name, then each element."""
    pieces = split_markup(source)
    yield Element("", "", pieces[0] or "")
    for name, attributes, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        yield Element((name or "").lower(), attributes or "", text or "")


class Depth(NamedTuple):
    """How many elements are open at once at most, and how many there are."""

    depth: int
    elements: int


def measure_depth(source: str, *, xml: bool = False) -> Depth:
    """Return the depth a parser makes of it, without elements that end by themselves.

    An end counts for its own name only, so that one too many hides nothing. xml: whether `<a/>` has
    no content, and every element needs its end, as in MJML.
    """
    opened: Counter[str] = Counter()
    now = most = elements = 0
    pieces = split_markup(source)
    for given, attributes in zip(pieces[1::3], pieces[2::3], strict=True):
        if not given:
            continue
        name = given.lower()
        if name[0] == "/":
            if opened[name[1:]]:
                opened[name[1:]] -= 1
                now -= 1
        elif name not in VOID and not (xml and (attributes or "").endswith("/")):
            elements += 1
            if name in _SELF_ENDING and not xml:
                continue
            opened[name] += 1
            now += 1
            most = max(most, now)
    return Depth(most, elements)
