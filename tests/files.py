"""Small real files of each kind that may be attached, and hostile ones, made from a few octets."""

import zipfile
import zlib
from io import BytesIO


def make_pdf(objects, *, trailer=b""):
    """Return a PDF file of these objects, numbered from 1; the first is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"trailer<</Size %d/Root 1 0 R%b>>\n" % (len(objects) + 1, trailer)
    return bytes(out + head + b"startxref\n%d\n%%%%EOF\n" % start)


def make_stream(data, *, extra=b""):
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (extra, len(data), data)


def page_pdf(content, *, trailer=b"", more=(), kids=b"3 0 R", count=1):
    """Return a PDF file with one page of this content stream (an object)."""
    fonts = b"<</Font<</F 5 0 R>>>>"
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, count),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources %b>>"
            % fonts,
            content,
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *more,
        ],
        trailer=trailer,
    )


def pdf(text):
    return page_pdf(make_stream(b"BT /F 12 Tf 72 700 Td (%b) Tj ET" % text.encode("latin-1")))


def packed_pdf(piece, times):
    """Return a PDF whose page is `piece` so many times, packed."""
    packer = zlib.compressobj(9)
    block = piece * (1 + (1 << 20) // len(piece))
    rounds = max(1, times * len(piece) // len(block))
    data = b"".join(packer.compress(block) for _ in range(rounds)) + packer.flush()
    return page_pdf(make_stream(data, extra=b"/Filter/FlateDecode"))


def encrypted_pdf():
    """Return a PDF that wants a password: its check values fit none we know."""
    lock = b"<</Filter/Standard/V 2/R 3/Length 128/P -3904/O<%b>/U<%b>>>" % (b"5a" * 32, b"a5" * 32)
    page = make_stream(b"BT /F 12 Tf 72 700 Td (x) Tj ET")
    name = (
        b"/Encrypt 6 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    )
    return page_pdf(page, trailer=name, more=(lock,))


def archive(files, *, method=zipfile.ZIP_DEFLATED):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return out.getvalue()


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_X = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_O = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)
TYPES = "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>"


def docx(text):
    """Return a document whose text is cut into two runs, as Word does."""
    cut = len(text) // 2
    runs = "".join(f"<w:r><w:t>{part}</w:t></w:r>" for part in (text[:cut], text[cut:]))
    body = f"<w:document {_W}><w:body><w:p>{runs}</w:p></w:body></w:document>"
    return archive({"[Content_Types].xml": TYPES, "word/document.xml": body})


def xlsx(text, number=0):
    shared = f"<sst {_X}><si><t>{text}</t></si></sst>"
    cells = f'<c r="A1" t="s"><v>0</v></c><c r="B1"><v>{number}</v></c><c r="C1"><v>0.5</v></c>'
    sheet = f"<worksheet {_X}><sheetData><row>{cells}</row></sheetData></worksheet>"
    return archive(
        {
            "[Content_Types].xml": TYPES,
            "xl/sharedStrings.xml": shared,
            "xl/worksheets/sheet1.xml": sheet,
        }
    )


def pptx(text):
    slide = f"<p:sld xmlns:p='urn:p' {_A}><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>"
    return archive({"[Content_Types].xml": TYPES, "ppt/slides/slide1.xml": slide})


def flat_document(text):
    paragraph = f"<text:p>{text[:2]}<text:span>{text[2:]}</text:span></text:p>"
    return f"<?xml version='1.0'?><office:document {_O}>{paragraph}</office:document>".encode()


def open_document(text):
    """Return an OpenDocument file; text, spreadsheet and presentation differ only in names."""
    return archive({"mimetype": "application/vnd.oasis", "content.xml": flat_document(text)})


def rtf(text):
    cut = len(text) // 2
    return f"{{\\rtf1\\ansi {{\\b {text[:cut]}}}{text[cut:]}\\par}}".encode("ascii")


def calendar(text):
    return f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{text}\r\nEND:VEVENT\r\n".encode()


def eml(text):
    return f"From: X <x@y.example>\r\nSubject: {text}\r\n\r\nhello\r\n".encode()


#: File name, media type, and what makes one with a text in it.
KINDS = {
    "note.txt": ("text/plain", str.encode),
    "table.csv": ("text/csv", lambda text: f"a,b\n1,{text}\n".encode()),
    "read.md": ("application/octet-stream", lambda text: f"# {text}\n".encode()),
    "server.log": ("text/x-log", str.encode),
    "data.json": ("application/json", lambda text: f'{{"a": "{text}"}}'.encode()),
    "event.ics": ("text/calendar", calendar),
    "card.vcf": ("text/vcard", lambda text: f"BEGIN:VCARD\nFN:{text}\n".encode()),
    "wide.txt": ("text/plain", lambda text: b"\xff\xfe" + text.encode("utf-16-le")),
    "page.html": ("text/html", lambda text: f"<p>{text[:3]}<b>{text[3:]}</b>".encode()),
    "paper.pdf": ("application/pdf", pdf),
    "mistyped.pdf": ("application/octet-stream", pdf),
    "letter.docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        docx,
    ),
    "sheet.xlsx": ("application/octet-stream", xlsx),
    "talk.pptx": ("application/octet-stream", pptx),
    "letter.odt": ("application/vnd.oasis.opendocument.text", open_document),
    "sheet.ods": ("application/octet-stream", open_document),
    "talk.odp": ("application/octet-stream", open_document),
    "flat.fodt": ("application/octet-stream", flat_document),
    "letter.rtf": ("application/rtf", rtf),
    "mail.eml": ("application/octet-stream", eml),
}


def _laughs(depth=9):
    """Return XML whose entities unfold to 10 to the power of `depth` words."""
    lines = ['<!ENTITY a0 "haha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, depth + 1)]
    return f"<?xml version='1.0'?><!DOCTYPE d [{''.join(lines)}]><d><t>&a{depth};</t></d>"


def _fetching():
    entity = '<!ENTITY a SYSTEM "file:///etc/passwd">'
    return f"<?xml version='1.0'?><!DOCTYPE d [{entity}]><d><t>&a;</t></d>"


def _word(document):
    return archive({"word/document.xml": document})


def claims_2_gib():
    """Return an archive that says its file unpacks to 2 GiB, with a few octets in it."""
    data = bytearray(_word("<d/>"))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (1 << 31).to_bytes(4, "little")
    return bytes(data)


def _encrypted_docx():
    """Return an archive whose file is marked as encrypted."""
    data = bytearray(_word("<d><t>x</t></d>"))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


#: File name and octets of what must leave no text and no harm; made when asked for.
HOSTILE = {
    "zip-bomb.docx": lambda: _word(b"<d>" + b" " * (140 << 20)),
    "xml-bomb.docx": lambda: _word(_laughs()),
    "fetching.docx": lambda: _word(_fetching()),
    "deep.docx": lambda: _word("<a>" * 100_000),
    "locked.docx": _encrypted_docx,
    "old.doc.docx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "empty.xlsx": lambda: archive({"nothing": b""}),
    "cut.docx": lambda: docx("whatever")[:-40],
    "locked.pdf": encrypted_pdf,
    "cut.pdf": lambda: b"%PDF-1.7\n1 0 obj\n<</Type/Catalog",
    "no.pdf": lambda: b"this is none",
    "bomb.pdf": lambda: packed_pdf(b" ", 900 << 20),
    "binary.txt": lambda: bytes(range(256)) * 10,
}
