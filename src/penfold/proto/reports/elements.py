"""A reader of small XML documents from strangers, element by element.

Built on expat, which is no recursion. A document type is refused, so no entity is ever declared:
nothing is expanded and nothing outside is fetched. Depth, the number of elements held at a time and
the length of their text are bounded; encodings are those expat knows itself, so that no codec is
looked up by a stranger's name. Namespaces are ignored: what counts is the local name.
"""

import re
from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from penfold.base.errors import ParseError
from penfold.base.limits import REPORT_VALUE_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX
from penfold.proto.mime.words import strip_controls

_ENCODING = re.compile(rb"\A<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
_LATIN1: Final = frozenset({"iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252"})
_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class Element:
    """An element: its local name, its own text, and what is in it."""

    __slots__ = ("children", "name", "pieces", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list[Element] = []
        self.pieces: list[str] = []
        self.size = 0

    @property
    def text(self) -> str:
        """The text, blanks collapsed, without control characters."""
        return " ".join(strip_controls("".join(self.pieces)).split())

    def find(self, *path: str) -> "Element | None":
        """Return the first element at a path below this one."""
        found: Element | None = self
        for name in path:
            if found is None:
                return None
            found = next((child for child in found.children if child.name == name), None)
        return found

    def find_text(self, *path: str) -> str:
        """Return the text at a path, "" when there is none."""
        found = self.find(*path)
        return found.text if found is not None else ""

    def list(self, *path: str) -> "list[Element]":
        """Return all elements at a path whose last name may be there many times."""
        parent = self.find(*path[:-1])
        return [child for child in parent.children if child.name == path[-1]] if parent else []


def read_document(data: bytes, *, repeated: str, take: Callable[[Element], None]) -> Element:
    """Return the document's root; ParseError when it is not well-formed, or too large.

    repeated: name of the root's children that may be many; each is given to `take` when it is
    complete, and not kept.
    """
    builder = _Builder(repeated, take)
    parser = expat.ParserCreate(_choose_encoding(data))
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.add_text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ParseError("not well-formed XML") from error
    assert builder.root is not None, "expat refuses a document without elements"
    return builder.root


def _choose_encoding(data: bytes) -> str:
    if data[:2] in _BOMS:
        return "utf-16"
    match = _ENCODING.match(data)
    name = match[1].decode("ascii").lower() if match else ""
    return "iso-8859-1" if name in _LATIN1 else "utf-8"


class _Builder:
    """Elements as they come, the open ones in a stack."""

    def __init__(self, repeated: str, take: Callable[[Element], None]) -> None:
        self.root: Element | None = None
        self._repeated = repeated
        self._take = take
        self._open: list[Element] = []
        self._count = 0  # elements held
        self._kept = 0  # of them those that stay

    def start(self, name: str, _: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= XML_DEPTH_MAX or self._count > XML_ELEMENTS_MAX:
            raise ParseError("XML nests too deep, or has too many elements")
        element = Element(name.rpartition(":")[2])
        if self._open and not self._is_repeated(element):
            self._open[-1].children.append(element)
        self.root = self.root or element
        self._open.append(element)

    def _is_repeated(self, element: Element) -> bool:
        return len(self._open) == 1 and element.name == self._repeated

    def end(self, _: str) -> None:
        element = self._open.pop()
        if self._is_repeated(element):
            self._take(element)
            self._count = self._kept
        elif len(self._open) <= 1:
            self._kept = self._count

    def add_text(self, text: str) -> None:
        element = self._open[-1]
        room = REPORT_VALUE_MAX - element.size
        if room > 0:
            element.pieces.append(text[:room])
            element.size += len(text)


def _refuse_doctype(*_: object) -> None:
    raise ParseError("XML with a document type")
