"""Mutate Office, RTF, HTML, text and mail files: they give text or a reason, within bounded time.

python tests/fuzz/fuzz_extract.py --seconds 10 [--seed N]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from looping import run
from tests.files import KINDS, archive

from penfold.proto.extract.read import read_file
from penfold.proto.extract.text import UnreadableError

LIMIT = 20_000
SECONDS_MAX = 5.0
SEEDS = {
    "letter.docx": "office", "sheet.xlsx": "office", "talk.pptx": "office", "letter.odt": "office",
    "flat.fodt": "office", "letter.rtf": "rtf", "page.html": "html", "note.txt": "text",
    "mail.eml": "message",
}  # fmt: skip
PIECES = [
    b"<w:t>", b"</w:t>", b"<!DOCTYPE a>", b"<!ENTITY a 'b'>", b"&a;", b"&#0;", b"&#x110000;", b"<v>",
    b"<c t='s'>", b"<text:p>", b"</", b"<![CDATA[", b"]]>", b"<?x?>", b"\xff\xfe", b"\0", b"PK\x01\x02",
    b"PK\x05\x06", b"{\\pict\\bin99 ", b"\\'", b"\\u-9", b"{{{{", b"}}", b"\\fonttbl",
]  # fmt: skip


def mutate(chance, data):
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(PIECES) + data[at:]
            case 1:
                data = data[:at] + data[at + chance.randint(1, 30) :]
            case 2:
                data = data[:at] + chance.choice(PIECES) * chance.randint(1, 300) + data[at:]
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data


def make_case(chance):
    """Return a kind and octets: a file changed outside, or inside its archive."""
    name = chance.choice(sorted(SEEDS))
    data = KINDS[name][1]("quokka word")
    if SEEDS[name] == "office" and chance.random() < 0.6:
        inner = KINDS["flat.fodt"][1]("quokka word")
        place = chance.choice(["content.xml", "word/document.xml", "xl/worksheets/a.xml"])
        return "office", archive({place: mutate(chance, inner)})
    return SEEDS[name], mutate(chance, data)


def try_case(case):
    kind, data = case
    began = time.monotonic()
    try:
        text = read_file(kind, data, limit=LIMIT)
    except UnreadableError:
        text = ""
    assert len(text.encode()) <= LIMIT, "more text than asked for"
    assert "\0" not in text, "an index would end there"
    assert time.monotonic() - began < SECONDS_MAX, "slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
