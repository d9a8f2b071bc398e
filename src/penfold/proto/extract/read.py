"""A file to its text: by what its first octets say, and by what it was sent as where they do not.

For a process of its own with bounds on memory and time (app/process/extract_process.py): the
libraries behind this have neither. UnreadableError is the only error of our own; a library may
still end the process.
"""

from contextlib import suppress
from typing import Final

from penfold.base.limits import EXTRACT_RTF_MAX_BYTES
from penfold.proto.extract.kinds import Kind
from penfold.proto.extract.office import read_flat, read_office
from penfold.proto.extract.text import EnoughError, Gathered, UnreadableError
from penfold.proto.mime.charset import decode_text
from penfold.proto.mime.html import html_to_text
from penfold.proto.mime.summary import read_message

#: Where a PDF file's header may stand: Acrobat looks that far (ISO 32000-1, annex H, note 13).
_PDF_HEAD_BYTES: Final = 1_024
#: An OLE file: Office before 2007, or a newer one behind a password ([MS-OFFCRYPTO]).
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
#: Octets looked at to tell text from anything else.
_LOOK_BYTES: Final = 4_096
#: Octets of markup that are read for one octet of text at most.
_MARKUP_RATIO: Final = 10


def read_file(kind: Kind, data: bytes, *, charset: str = "", limit: int) -> str:
    """Return the text of a file, at most `limit` octets of it in UTF-8."""
    gathered = Gathered(limit)
    with suppress(EnoughError):
        _read(_recognise(kind, data), data, charset, gathered, limit)
    return gathered.get()


def _recognise(kind: Kind, data: bytes) -> Kind:
    if data.startswith(_OLE):
        raise UnreadableError("encrypted or of an old format")
    if data.startswith(b"PK\x03\x04"):
        return "office"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if b"%PDF-" in data[:_PDF_HEAD_BYTES]:
        return "pdf"
    return kind


def _read(kind: Kind, data: bytes, charset: str, gathered: Gathered, limit: int) -> None:
    match kind:
        case "pdf":
            from penfold.proto.extract.pdf import read_pdf  # noqa: PLC0415 - see there

            read_pdf(data, gathered)
        case "office" if data.lstrip()[:5] == b"<?xml":
            read_flat(data, gathered)
        case "office":
            read_office(data, gathered)
        case "rtf":
            _read_rtf(data, gathered)
        case "html":
            text = _decode(data[: limit * _MARKUP_RATIO], charset)
            gathered.add(html_to_text(text))
        case "message":
            _, summary = read_message(data)
            names = " ".join(f"{each.name} {each.address}" for each in summary.sender)
            gathered.add(f"{summary.subject}\n{names}\n{summary.body}")
        case "text":
            gathered.add(_decode(data[: 4 * limit], charset))


def _decode(data: bytes, charset: str) -> str:
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return data[2:].decode(codec, "replace")
    text = decode_text(data, charset)
    if "\0" in text[:_LOOK_BYTES]:
        raise UnreadableError("no text")
    return text


def _read_rtf(data: bytes, gathered: Gathered) -> None:
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415 - few messages have one

    if len(data) > EXTRACT_RTF_MAX_BYTES:
        raise UnreadableError("too large")
    try:
        text: str = rtf_to_text(data.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call]  # untyped library
        gathered.add(text)
    except (ValueError, LookupError, IndexError) as error:
        raise UnreadableError("damaged") from error
