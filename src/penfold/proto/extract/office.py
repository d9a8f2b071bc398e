"""The text of Office Open XML (ECMA-376) and OpenDocument files: a zip with a few XML files.

Only those that hold what people wrote are unpacked, in steps, and read by expat, which is no
recursion and keeps nothing. A document type is refused, so there are no entities to expand and
nothing outside to fetch. What is unpacked, how deep it nests and the text are bounded, whatever the
zip says of itself.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Final
from xml.parsers import expat

from penfold.base.limits import EXTRACT_UNPACKED_MAX_BYTES, EXTRACT_XML_DEPTH_MAX
from penfold.proto.extract.text import Gathered, UnreadableError

#: Files inside that hold text, in the order they are read.
_WANTED: Final = tuple(
    map(
        re.compile,
        (
            r"word/document\d*\.xml",
            r"word/(?:footnotes|endnotes|comments|header\d*|footer\d*)\.xml",
            r"xl/sharedStrings\.xml",
            r"xl/worksheets/[^/]+\.xml",
            r"xl/(?:comments\d*|comments/[^/]+)\.xml",
            r"ppt/slides/[^/]+\.xml",
            r"ppt/notesSlides/[^/]+\.xml",
            r"content\.xml",
        ),
    )
)
_STEP: Final = 65_536
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 1  # APPNOTE.TXT 4.4.4, bit 0

#: Elements whose characters are text, by local name: OOXML t; OpenDocument p and h, and what
#: stands in them.
_TEXT: Final = frozenset({"t"})
_PARAGRAPHS: Final = frozenset({"p", "h"})
#: Elements after which a new word begins.
_BREAKS: Final = frozenset({"p", "h", "si", "is", "br", "tab", "tr", "line-break", "s", "cr"})
#: Notes about notes: who wrote them and when, inside a paragraph.
_ASIDE: Final = frozenset({"creator", "date", "date-string", "creator-initials"})


def read_office(
    data: bytes, gathered: Gathered, *, unpacked_max: int = EXTRACT_UNPACKED_MAX_BYTES
) -> None:
    """Gather the text of a file; UnreadableError when it is none or is encrypted."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            left = unpacked_max
            for info in _choose(archive):
                if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
                    raise UnreadableError("encrypted")
                with archive.open(info) as file:
                    left = _read_file(file, info.filename, gathered, left)
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError,
    ) as error:  # fmt: skip
        raise UnreadableError("damaged") from error


def read_flat(data: bytes, gathered: Gathered) -> None:
    """Gather the text of an OpenDocument file that is one XML file."""
    _read_file(BytesIO(data), "content.xml", gathered, EXTRACT_UNPACKED_MAX_BYTES)


def _choose(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [(rank, info) for info in archive.infolist() for rank in _ranks(info.filename)]
    if not found:
        raise UnreadableError("no text inside")
    return [info for _, info in sorted(found, key=lambda pair: pair[0])]


def _ranks(name: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a file stands in the order: slide2 before slide10."""
    for rank, pattern in enumerate(_WANTED):
        if pattern.fullmatch(name):
            yield rank, len(name), name
            return


def _read_file(file: IO[bytes], name: str, gathered: Gathered, left: int) -> int:
    """Read one XML file and return how much more may be unpacked."""
    reader = _Reader(gathered, flat=name == "content.xml")
    try:
        while piece := file.read(_STEP):
            left -= len(piece)
            if left < 0:
                raise UnreadableError("unpacks to too much")
            reader.parse(piece, last=False)
        reader.parse(b"", last=True)
    except expat.ExpatError as error:
        raise UnreadableError("damaged") from error
    gathered.add("\n")
    return left


class _Reader:
    """One XML file. flat: of OpenDocument, where text stands in paragraphs."""

    def __init__(self, gathered: Gathered, *, flat: bool) -> None:
        self._gathered = gathered
        self._flat = flat
        self._depth = 0
        self._inside = 0  # depth of the paragraph or text we are in, 0: none
        self._aside = 0
        self._cell = ""  # type of a spreadsheet's cell
        self._number = False  # in a cell's value that is no text
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._parser = parser

    def parse(self, piece: bytes, *, last: bool) -> None:
        self._parser.Parse(piece, last)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > EXTRACT_XML_DEPTH_MAX:
            raise UnreadableError("nests too deep")
        local = name.rpartition(":")[2]
        if local == "c":
            self._cell = attributes.get("t", "n")
        elif local == "v":
            self._number = self._cell == "n"
            if self._number or self._cell == "str":
                self._enter()
        elif local in (_PARAGRAPHS if self._flat else _TEXT):
            self._enter()
        elif local in _ASIDE and self._inside and not self._aside:
            self._aside = self._depth

    def _enter(self) -> None:
        self._inside = self._inside or self._depth

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local in _BREAKS or local == "v":
            self._gathered.add("\n")
        if self._depth == self._inside:
            self._inside = 0
        if self._depth == self._aside:
            self._aside = 0
        self._depth -= 1
        self._number = False

    def _characters(self, text: str) -> None:
        if not self._inside or self._aside:
            return
        # Whole numbers may be of an invoice or a customer; fractions are measurements.
        if not self._number or text.isdigit():
            self._gathered.add(text)


def _refuse_doctype(*_: object) -> None:
    raise UnreadableError("has a document type")
