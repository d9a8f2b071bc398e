"""Files to text, and what is said of those that give none."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.files import (
    HOSTILE,
    KINDS,
    TYPES,
    archive,
    claims_2_gib,
    docx,
    flat_document,
    open_document,
    page_pdf,
    pdf,
    xlsx,
)

from penfold.base.limits import EXTRACT_FILES_MAX
from penfold.proto.extract.kinds import find_kind, has_files, iter_files
from penfold.proto.extract.office import read_office
from penfold.proto.extract.read import read_file
from penfold.proto.extract.text import Gathered, UnreadableError
from penfold.proto.mime.model import Part
from penfold.proto.mime.scan import scan

LIMIT = 100_000
WORDS = st.text(string.ascii_lowercase, min_size=6, max_size=20)


def part_of(name, media_type="application/octet-stream"):
    head = f'Content-Type: {media_type}; name="{name}"\r\nContent-Disposition: attachment\r\n\r\nx'
    return scan(head.encode())


def read(name, data, *, limit=LIMIT):
    media_type = KINDS[name][0] if name in KINDS else "application/octet-stream"
    kind = find_kind(part_of(name, media_type))
    return read_file(kind, data, limit=limit)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_gives_its_text_in_one_piece(name):
    assert "wallabyword" in read(name, KINDS[name][1]("wallabyword"))


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"bomb.pdf", "zip-bomb.docx"}))
def test_a_hostile_file_is_refused_in_a_few_words(name):
    with pytest.raises(UnreadableError) as refused:
        read(name, HOSTILE[name]())
    assert 0 < len(str(refused.value)) < 40


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("xml-bomb.docx", "has a document type"),
        ("fetching.docx", "has a document type"),
        ("deep.docx", "nests too deep"),
        ("locked.docx", "encrypted"),
        ("locked.pdf", "encrypted"),
        ("old.doc.docx", "encrypted or of an old format"),
        ("cut.docx", "damaged"),
        ("empty.xlsx", "no text inside"),
        ("binary.txt", "no text"),
    ],
)
def test_the_reason_is_the_true_one(name, why):
    with pytest.raises(UnreadableError, match=f"^{why}$"):
        read(name, HOSTILE[name]())


def test_what_a_zip_unpacks_to_is_bounded_even_where_there_is_no_text():
    data = archive({"word/document.xml": b"<d>" + b" " * 200_000})
    for most in (0, 70_000, 190_000):
        with pytest.raises(UnreadableError, match="unpacks to too much"):
            read_office(data, Gathered(LIMIT), unpacked_max=most)


def test_what_a_zip_says_of_its_sizes_is_not_believed():
    assert read("claim.docx", claims_2_gib()).strip() == ""


def test_text_ends_at_the_limit_and_between_characters():
    for name in ("note.txt", "letter.docx", "letter.odt", "paper.pdf", "letter.rtf", "page.html"):
        text = read(name, KINDS[name][1]("a" * 500), limit=100)
        assert "a" * 90 in text
        assert len(text) <= 100
    assert read("note.txt", "ä".encode() * 100, limit=101) == "ä" * 50


def test_what_the_octets_are_counts_and_not_what_the_name_says():
    assert "koala" in read("note.txt", pdf("koala"))
    assert "koala" in read("paper.pdf", docx("koala"))
    assert "koala" in read("letter.docx", b"{\\rtf1 koala}")


def test_a_damaged_page_does_not_hide_the_others():
    kids = b"9 0 R 3 0 R"
    stream = b"<</Length 40>>stream\nBT /F 12 Tf 72 700 Td (numbat) Tj ET    \nendstream"
    assert "numbat" in read("a.pdf", page_pdf(stream, kids=kids, count=2))


def test_notes_and_headers_of_a_document_are_read_and_settings_are_not():
    text = read(
        "a.docx",
        archive(
            {
                "word/settings.xml": "<d><t>secret</t></d>",
                "word/footnotes.xml": "<d><p><t>foot</t></p></d>",
                "word/document.xml": "<d><p><t>body</t></p></d>",
            }
        ),
    )
    assert text.split() == ["body", "foot"]


def test_words_of_neighbouring_cells_and_paragraphs_stay_apart():
    text = read("a.docx", archive({"word/document.xml": "<d><p><t>a</t></p><p><t>b</t></p></d>"}))
    assert text.split() == ["a", "b"]
    assert read("a.xlsx", xlsx("one", 42)).split() == ["one", "42"]


def test_who_made_a_note_in_a_document_is_not_its_text():
    note = b"<o><p>seen<annotation><creator>Kim</creator><p>fine</p></annotation></p></o>"
    text = read("a.odt", archive({"content.xml": note, "[Content_Types].xml": TYPES}))
    assert text.split() == ["seenfine"] or text.split() == ["seen", "fine"]
    assert "Kim" not in text


def test_halves_of_characters_in_rtf_are_joined_or_replaced():
    assert read("letter.rtf", b"{\\rtf1 a\\u-10179?\\u-8704?b}") == "a\U0001f600b"
    assert read("letter.rtf", b"{\\rtf1 a\\u-10179?b}") == "a\ufffdb"


def test_a_nul_in_a_text_does_not_end_it():
    text = read("note.txt", b"x" * 5000 + b"\0 wombat")
    assert "wombat" in text
    assert "\0" not in text


@given(WORDS)
def test_a_word_that_was_put_in_is_found(word):
    for make in (docx, open_document, flat_document, xlsx):
        assert word in read("a.docx", make(word)).split()


@given(st.binary(max_size=400), st.sampled_from(["office", "rtf", "text", "html", "message"]))
def test_any_octets_give_text_or_a_reason(data, kind):
    try:
        text = read_file(kind, data, limit=LIMIT)
    except UnreadableError:
        return
    text.encode()
    assert "\0" not in text


@given(st.binary(max_size=200), st.integers(0, 300))
def test_a_changed_document_gives_text_or_a_reason(junk, at):
    data = bytearray(docx("quoll"))
    data[at : at + len(junk)] = junk
    with suppress(UnreadableError):
        read_file("office", bytes(data), limit=LIMIT)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"Subject: plain\r\n\r\nbody", []),
        (b"Content-Type: image/png; name=a.png\r\n\r\nx", []),
        (b"Content-Type: application/zip; name=a.zip\r\n\r\nx", []),
        (b"Content-Type: application/msword; name=a.doc\r\n\r\nx", []),
        (b"Content-Type: text/calendar\r\n\r\nx", ["text"]),
        (b"Content-Type: APPLICATION/PDF\r\n\r\nx", ["pdf"]),
        (b"Content-Type: application/octet-stream; name=A.PDF\r\n\r\nx", ["pdf"]),
        (b"Content-Type: text/x-python; name=a.py\r\n\r\nx", ["text"]),
        (b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nx",
         ["message"]),
        (b"Content-Type: message/rfc822\r\n\r\nContent-Type: application/pdf\r\n\r\nx", ["pdf"]),
    ],
)  # fmt: skip
def test_which_parts_are_files(raw, wanted):
    root = scan(raw)
    assert [kind for _, kind in iter_files(root)] == wanted
    assert has_files(root) == bool(wanted)


def test_the_files_of_a_message_are_bounded():
    leaf = part_of("a.txt", "text/plain")
    root = Part("multipart/mixed", "", (), 0, 0, "", "", 0, False, False, (leaf,) * 100)
    assert len(list(iter_files(root))) == EXTRACT_FILES_MAX
