"""What is composed is what was asked for, and nothing a caller writes becomes a field of its own."""

import email
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from penfold.domain.mailbox.messages import read_letter
from penfold.domain.sending.composing import NotComposedError, Unsubscribe, compose
from penfold.domain.sending.content import Content, File
from penfold.ports.sending.emails import Email
from penfold.proto.mime.body import decode_body
from penfold.proto.mime.compose import header_values
from penfold.proto.mime.scan import scan

NOW_MS = 1_790_000_000_000
ASKED = Email(
    7,
    "1f5b2c3d-0000-4000-8000-000000000007",
    "account",
    "key",
    "Shop <shop@penfold.test>",
    "Your bill",
    NOW_MS,
    to=("Kim <kim@x.example>", "lee@x.example"),
    cc=("pat@x.example",),
    bcc=("secret@x.example",),
    reply_to=("help@penfold.test",),
    message_id="1f5b2c3d@penfold.test",
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


def types_of(part):
    return (part.mime_type, *map(types_of, part.parts)) if part.parts else part.mime_type


def test_a_message_has_its_fields_and_no_blind_recipient():
    raw = compose(ASKED, Content(text="Hello"))
    wanted = {
        "From": "Shop <shop@penfold.test>",
        "To": "Kim <kim@x.example>, lee@x.example",
        "Cc": "pat@x.example",
        "Reply-To": "help@penfold.test",
        "Subject": "Your bill",
        "Date": "Mon, 21 Sep 2026 14:13:20 +0000",
        "Message-ID": "<1f5b2c3d@penfold.test>",
        "MIME-Version": "1.0",
    }
    assert {name: header_values(raw, name) for name in wanted} == {
        name: [value] for name, value in wanted.items()
    }
    assert b"secret" not in raw
    assert b"Bcc" not in raw


@pytest.mark.parametrize(
    ("content", "types"),
    [
        pytest.param(Content(text="a"), "text/plain", id="text"),
        pytest.param(Content(html="<p>"), "text/html", id="html"),
        pytest.param(
            Content(html="<p>", text="a"),
            ("multipart/alternative", "text/plain", "text/html"),
            id="both",
        ),
        pytest.param(
            Content(
                html="<p>",
                text="a",
                files=(File("a.png", b"png", content_id="a"), File("b.pdf", b"pdf")),
            ),
            (
                "multipart/mixed",
                (
                    "multipart/alternative",
                    "text/plain",
                    ("multipart/related", "text/html", "image/png"),
                ),
                "application/pdf",
            ),
            id="everything",
        ),
        pytest.param(
            Content(text="a", files=(File("a.png", b"png", content_id="a"),)),
            ("multipart/mixed", "text/plain", "image/png"),
            id="a-picture-of-no-html-is-a-file",
        ),
    ],
)
def test_parts_stand_as_people_read_them(content, types):
    assert types_of(scan(compose(ASKED, content))) == types


def test_a_picture_has_the_id_that_html_names():
    content = Content(html='<img src="cid:logo">', files=(File("l.png", b"x", "", "logo"),))
    assert b"\r\nContent-ID: <logo>\r\n" in compose(ASKED, content)


def test_the_same_email_makes_the_same_octets():
    content = Content(html="<p>", text="a", files=(File("a.bin", b"1"),))
    assert compose(ASKED, content) == compose(ASKED, content)


def test_an_email_that_was_scheduled_has_the_date_it_was_for():
    raw = compose(structs.replace(ASKED, scheduled_ms=NOW_MS + 60_000), Content(text="a"))
    assert header_values(raw, "Date") == ["Mon, 21 Sep 2026 14:14:20 +0000"]


def test_a_name_and_a_subject_beyond_ascii_are_encoded():
    asked = structs.replace(ASKED, sender="Käthe <shop@bücher.example>", subject="Grüße =?x?")
    raw = compose(asked, Content(text="a"))
    assert raw.isascii()
    read = email.message_from_bytes(raw, policy=policy.default)
    assert read["Subject"] == "Grüße =?x?"
    assert read["From"].addresses[0].display_name == "Käthe"
    assert read["From"].addresses[0].addr_spec == "shop@xn--bcher-kva.example"


def test_an_address_beyond_ascii_makes_a_header_in_utf8():
    raw = compose(structs.replace(ASKED, to=('"K\\"ä" <ä@x.example>',)), Content(text="a"))
    assert 'To: "K\\"ä" <ä@x.example>'.encode() in raw
    assert read_letter(raw).summary.to[0].address == "ä@x.example"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(structs.replace(ASKED, subject="a\r\nBcc: x@x.example"), id="subject"),
        pytest.param(structs.replace(ASKED, sender="nobody"), id="sender"),
        pytest.param(structs.replace(ASKED, message_id="a>\r\nBcc: x@x.example"), id="message-id"),
    ],
)
def test_what_would_be_a_second_field_makes_no_message(asked):
    with pytest.raises(NotComposedError):
        compose(asked, Content(text="a"))


@pytest.mark.parametrize("pair", [("X-A", "a\r\nBcc: x@x.example"), ("X A", "a"), ("X:A", "a")])
def test_a_field_that_would_be_two_makes_no_message(pair):
    with pytest.raises(NotComposedError):
        compose(ASKED, Content(text="a", headers=dict([pair])))


@given(subject=LINES, text=TEXTS, html=TEXTS, name=LINES, value=LINES)
def test_what_is_composed_is_read_back_by_two_readers(subject, text, html, name, value):
    asked = structs.replace(ASKED, subject=subject)
    content = Content(html, text, {"X-Own": value}, (File(name, b"\0\xff"),))
    raw = compose(asked, content)
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    both, file = scan(raw).parts
    plain, markup = both.parts
    read = email.message_from_bytes(raw, policy=policy.default)
    bodies = [part.get_payload(decode=True) for part in read.walk() if not part.is_multipart()]
    assert bodies == [decode_body(raw, part) for part in (plain, markup, file)]
    assert [lines(body.decode()) for body in bodies[:2]] == [lines(text), lines(html)]
    assert read_letter(raw).summary.subject.split() == subject.split()
    assert len(header_values(raw, "Bcc")) == 0


def lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_who_does_not_want_such_mail_finds_where_to_say_so():
    raw = compose(
        ASKED, Content(text="a"), unsubscribe=Unsubscribe("https://u.example/x", "u@penfold.test")
    )
    assert header_values(raw, "List-Unsubscribe") == [
        "<https://u.example/x>, <mailto:u@penfold.test?subject=unsubscribe>"
    ]
    assert header_values(raw, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


def test_an_own_way_to_unsubscribe_is_left_alone():
    content = Content(text="a", headers={"list-unsubscribe": "<https://own.example/>"})
    raw = compose(ASKED, content, unsubscribe=Unsubscribe("https://u.example/x"))
    assert header_values(raw, "List-Unsubscribe") == ["<https://own.example/>"]
    assert not header_values(raw, "List-Unsubscribe-Post")


def test_a_message_that_was_given_whole_gets_what_it_lacks():
    raw = b"From: shop@penfold.test\r\nDate: Mon, 21 Sep 2026 00:00:00 +0000\r\n\r\nbody\r\n"
    made = compose(ASKED, Content(raw=raw), unsubscribe=Unsubscribe("https://u.example/x"))
    assert made.endswith(raw)
    assert header_values(made, "Message-ID") == ["<1f5b2c3d@penfold.test>"]
    assert header_values(made, "Date") == ["Mon, 21 Sep 2026 00:00:00 +0000"]
    assert header_values(made, "List-Unsubscribe") == ["<https://u.example/x>"]
