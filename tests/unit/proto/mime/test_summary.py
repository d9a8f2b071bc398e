"""Snippet, index text, subject key, message ids: what a mailbox keeps of a message."""

import pytest

from penfold.base.limits import MIME_MAX_REFERENCES, SEARCH_TEXT_MAX_BYTES, SNIPPET_CHARS
from penfold.proto.mime.model import Address
from penfold.proto.mime.scan import scan
from penfold.proto.mime.summary import read_message, subject_key, summarize


def summary(header="", body=""):
    raw = f"{header}\n\n{body}".lstrip("\n").replace("\n", "\r\n").encode()
    return read_message(raw if header else b"\r\n" + raw)[1]


def alternative(plain, html):
    return summary(
        "Content-Type: multipart/alternative; boundary=b",
        f"--b\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n",
    )


def test_fields_are_summarised():
    result = summary(
        'From: =?utf-8?q?Jos=C3=A9?= <j@x>\nTo: a@b, "B, C" <c@d>\nCC: e@f\nBcc: g@h\n'
        "Subject: Re: Hi\nDate: Thu, 01 Jan 1970 00:00:01 +0000\nMessage-ID: <1@x>\n"
        "References: <0@x>\nIn-Reply-To: <0@x>\nList-Id: A list <l.x>\n"
        "Delivered-To: a@b\nDelivered-To: c@d",
        "text\n",
    )
    assert result.sender == (Address("José", "j@x"),)
    assert result.to == (Address("", "a@b"), Address("B, C", "c@d"))
    assert (result.cc, result.bcc) == ((Address("", "e@f"),), (Address("", "g@h"),))
    assert (result.subject, result.subject_key, result.date_ms) == ("Re: Hi", "hi", 1000)
    assert (result.message_id, result.references) == ("1@x", ("0@x",))
    assert (result.list_id, result.delivered_to) == ("A list <l.x>", ("a@b", "c@d"))
    assert (result.snippet, result.body, result.filenames) == ("text", "text\r\n", ())


def test_of_fields_that_may_stand_once_the_first_counts():
    result = summary("From: a@b\nFrom: c@d\nSubject: one\nSubject: two")
    assert (result.sender, result.subject) == ((Address("", "a@b"),), "one")


def test_decoded_name_is_no_second_address():
    result = summary("From: =?utf-8?q?a@good=2C_=22=3Cb@good=3E?= <evil@x>")
    assert result.sender == (Address('a@good, "<b@good>', "evil@x"),)


def test_name_that_decodes_to_an_encoded_word_is_not_decoded_twice():
    result = summary("From: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <a@b>")
    assert result.sender == (Address("=?utf-8?q?x?=", "a@b"),)


def test_empty_message_has_an_empty_summary():
    result = read_message(b"")[1]
    assert (result.subject, result.snippet, result.body, result.date_ms) == ("", "", "", None)
    assert result.references == result.sender == result.filenames == ()


def test_summary_of_a_stored_tree_is_that_of_the_message():
    raw = b"Subject: s\r\n\r\nx"
    assert summarize(raw, scan(raw)) == read_message(raw)[1]


# --- snippet and text ------------------------------------------------------------------


def test_snippet_collapses_white_space_and_ends_between_words():
    snippet = summary(body="word  \n\t" * 100).snippet
    assert snippet == " ".join(["word"] * (SNIPPET_CHARS // 5))


def test_snippet_of_one_endless_word_is_cut_inside_it():
    assert summary(body="x" * 5000).snippet == "x" * SNIPPET_CHARS


def test_snippet_looks_past_a_screen_of_white_space():
    assert summary(body="\n" * 100_000 + "at last").snippet == "at last"


def test_snippet_is_plain_text_without_controls():
    assert summary(body="a <b> & \x07\u202ec").snippet == "a <b> & c"


def test_snippet_comes_from_the_first_text_that_has_any():
    assert alternative("first", "<p>second").snippet == "first"
    assert alternative(" \n ", "<p>second").snippet == "second"


def test_hidden_preview_line_is_in_the_snippet_and_not_in_the_index():
    result = summary(
        "Content-Type: text/html", "<div style='display:none'>preview</div><p>shown</p>"
    )
    assert (result.snippet, result.body) == ("preview shown", "shown")


def test_alternative_of_html_alone_is_read():
    result = summary(
        "Content-Type: multipart/alternative; boundary=b",
        "--b\nContent-Type: text/html\n\n<p>one\n--b\nContent-Type: text/html\n\n<p>two\n--b--",
    )
    assert result.body.split() == ["one", "two"]


def test_plain_text_stands_for_its_html():
    result = alternative("the whole text", "<p>the whole <b>text</b>")
    assert result.body == "the whole text"


def test_html_is_indexed_when_the_plain_text_is_a_stub():
    result = alternative("no HTML?", "<p>" + "budget meeting on friday " * 10)
    assert "budget meeting" in result.body
    assert result.snippet == "no HTML?"


def test_html_beside_a_long_plain_text_need_not_be_read():
    assert "z" not in alternative("word " * 200, "<p>" + "z" * 1_000).body


def test_every_readable_part_is_indexed_attachments_are_not():
    result = summary(
        "Content-Type: multipart/mixed; boundary=b",
        "--b\n\none\n--b\nContent-Type: text/html\n\n<p>two\n--b\n"
        "Content-Type: text/plain; name=n.txt\n\nthree\n--b\n"
        "Content-Type: message/rfc822\n\nSubject: s\n\nfour\n--b--\n",
    )
    assert result.body.split() == ["one", "two", "four"]
    assert (result.filenames, result.has_attachment) == (("n.txt",), True)


def test_unnamed_image_is_no_attachment_of_the_summary():
    result = summary("Content-Type: image/png", "PNG")
    assert (result.filenames, result.has_attachment, result.body) == ((), False, "")


@pytest.mark.parametrize("character", ["x", "é", "漢"])
def test_text_for_the_index_is_bounded_in_octets(character):
    body = summary(
        "Content-Type: text/plain; charset=utf-8", character * SEARCH_TEXT_MAX_BYTES
    ).body
    assert SEARCH_TEXT_MAX_BYTES - 4 < len(body.encode()) <= SEARCH_TEXT_MAX_BYTES


def test_text_of_many_parts_is_bounded_in_octets():
    part = "--b\n\n" + "x" * 1000 + "\n"
    body = summary("Content-Type: multipart/mixed; boundary=b", part * 1000).body
    assert len(body) <= SEARCH_TEXT_MAX_BYTES


def test_nul_does_not_reach_the_index():
    assert summary(body="a\0b").body == "a b"


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("base64", b"w6k="), ("quoted-printable", b"=C3=A9"), ("8bit", b"\xc3\xa9")],
)
def test_text_is_decoded(encoding, data):
    raw = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
    assert read_message(raw + encoding.encode() + b"\n\n" + data)[1].snippet == "é"


# --- threading -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        "Lunch today", "Re: Lunch today", "RE : lunch  today", "Fwd: Re: FW: Lunch Today",
        "AW: Lunch today", "Antw: Lunch today", "SV: VS: Lunch today", "Re[2]: Lunch today",
        "Re (3): Lunch today", "RE: RE: RE:Lunch today", "回复: Lunch today", "Réf : Lunch today",
        "R: I: Lunch today", "Re\uff1aLunch today",
    ],
)  # fmt: skip
def test_subjects_of_one_conversation_have_one_key(subject):
    assert subject_key(subject) == "lunch today"


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Regarding: x", "regarding: x"),
        ("Result: x", "result: x"),
        ("Re", "re"),
        ("Re:", ""),
        ("[list] Re: x", "[list] re: x"),
        ("GROẞE Straße", "grosse strasse"),
    ],
)
def test_other_words_stay_in_the_key(subject, key):
    assert subject_key(subject) == key


@pytest.mark.parametrize(
    ("header", "message_id"),
    [
        ("<a@b>", "a@b"),
        ("  < a@b >  ", "a@b"),
        ("a@b", "a@b"),
        ("<a@b", "a@b"),
        ("<a@\n b>", "a@b"),
        ("text <a@b> text", "a@b"),
        ("<>", ""),
        ("<", ""),
        ("", ""),
    ],
)
def test_message_id_has_no_brackets_and_no_blanks(header, message_id):
    assert summary(f"Message-ID: {header}").message_id == message_id


@pytest.mark.parametrize(
    ("header", "references"),
    [
        ("References: <1@x> <2@x>\nIn-Reply-To: <2@x>", ("1@x", "2@x")),
        ("References: <1@x>\n <2@x>\nIn-Reply-To: <3@x>", ("1@x", "2@x", "3@x")),
        ("References: <1@x><1@x>,<2@x>", ("1@x", "2@x")),
        ("In-Reply-To: Your message of Friday <1@x>", ("1@x",)),
        ("In-Reply-To: 1@x", ("1@x",)),
        ("In-Reply-To: your mail", ()),
        ("References: <> < >", ()),
    ],
)
def test_references_are_oldest_first_without_repetitions(header, references):
    assert summary(header).references == references


def test_of_many_references_the_newest_are_kept():
    header = "References:" + "".join(f"\n <{n}@x>" for n in range(1000))
    assert summary(header).references[0] == f"{1000 - MIME_MAX_REFERENCES}@x"
    assert summary(header).references[-1] == "999@x"
