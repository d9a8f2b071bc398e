"""The text of PDF files, through PDFium. Imported by the first PDF: it costs 0.07 s and 10 MB.

PDFium ends the process when memory runs out, and sets itself no bound on time.
"""

import pypdfium2

from penfold.base.limits import EXTRACT_PAGES_MAX
from penfold.proto.extract.text import Gathered, UnreadableError


def read_pdf(data: bytes, gathered: Gathered) -> None:
    """Gather the text of all pages; UnreadableError when there is a password, or no PDF."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise UnreadableError("encrypted" if locked else "damaged") from error
    try:
        for number in range(min(len(document), EXTRACT_PAGES_MAX)):
            gathered.add(_read_page(document, number))
    finally:
        document.close()


def _read_page(document: pypdfium2.PdfDocument, number: int) -> str:
    """Return a page's text; a page that is damaged has none, the others live."""
    try:
        page = document[number]
        try:
            text: str = page.get_textpage().get_text_range()
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        return ""
    # PDFium (observed): U+FFFE or U+0002 stands for the hyphen of a word that a line's end divides.
    for hyphen in ("\ufffe", "\x02"):
        text = text.replace(f"{hyphen}\r\n", "").replace(hyphen, "")
    return f"{text}\n"
