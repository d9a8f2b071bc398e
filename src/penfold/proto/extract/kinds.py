"""Which parts of a message are files whose text can be read, told by type and name.

Both come from a stranger, so this only chooses what to look at; what a file really is, its first
octets say (`read.py`). Old binary Office files are not among them, nor are images and archives.
"""

from collections.abc import Iterator
from typing import Final, Literal

from penfold.base.limits import EXTRACT_FILES_MAX
from penfold.proto.mime.model import Part

Kind = Literal["text", "html", "pdf", "office", "rtf", "message"]

_TYPES: Final[dict[str, Kind]] = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/rtf": "rtf",
    "application/rtf": "rtf",
    "application/x-rtf": "rtf",
    "message/rfc822": "message",
    "application/json": "text",
    "application/xml": "text",
    "application/ics": "text",
    "application/csv": "text",
    "application/x-yaml": "text",
    "application/yaml": "text",
}
#: The beginnings of the types of Office files, with and without macros, and of their templates.
_OFFICE: Final = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.ms-word.document.macroenabled",
    "application/vnd.ms-excel.sheet.macroenabled",
    "application/vnd.ms-powerpoint.presentation.macroenabled",
)
_ENDINGS_OF: Final[dict[Kind, str]] = {
    "pdf": "pdf",
    "html": "html htm xhtml",
    "rtf": "rtf",
    "message": "eml",
    "office": "docx docm dotx xlsx xlsm xltx pptx pptm ppsx odt ott ods ots odp otp fodt fods fodp",
    "text": "txt text md rst csv tsv log json jsonl xml yaml yml toml ini ics vcf vcard tex",
}
_ENDINGS: Final = {
    ending: kind for kind, endings in _ENDINGS_OF.items() for ending in endings.split()
}
#: Text that is no part of the body even where it is not called an attachment.
_ASIDE: Final = frozenset({"text/rtf", "text/calendar"})


def find_kind(part: Part) -> Kind | None:
    """Return what a leaf is taken for, None when it holds no text to be read or is the body."""
    if part.parts or not (part.attachment or part.mime_type in _ASIDE):
        return None
    mime_type = part.mime_type.lower()
    if kind := _TYPES.get(mime_type):
        return kind
    if mime_type.startswith(_OFFICE):
        return "office"
    if kind := _ENDINGS.get(part.filename.rpartition(".")[2].lower()):
        return kind
    return "text" if mime_type.startswith("text/") else None


def iter_files(root: Part) -> Iterator[tuple[Part, Kind]]:
    """Yield the files to read in document order, EXTRACT_FILES_MAX at most."""
    stack = [root]
    left = EXTRACT_FILES_MAX
    while stack and left:
        part = stack.pop()
        if kind := find_kind(part):
            left -= 1
            yield part, kind
        stack.extend(reversed(part.parts))


def has_files(root: Part) -> bool:
    """Say whether there is any."""
    return next(iter_files(root), None) is not None
