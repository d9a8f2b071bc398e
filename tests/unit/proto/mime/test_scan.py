"""The part tree, as Gmail shows it."""

import pytest

from penfold.base.limits import (
    MIME_MAX_ALL_HEADER_BYTES,
    MIME_MAX_DEPTH,
    MIME_MAX_HEADERS,
    MIME_MAX_PARTS,
)
from penfold.proto.mime.body import decode_body, part_ids
from penfold.proto.mime.scan import _Scanner, scan


def mail(text):
    """Octets of a message written with LF in a test and CRLF on the wire."""
    return text.replace("\n", "\r\n").encode()


def tree(raw):
    """{part id: (type, body)} with the body of leaves only."""
    return {
        part_id: (part.mime_type, None if part.parts else decode_body(raw, part))
        for part_id, part in part_ids(scan(raw))
    }


MIXED = """\
Content-Type: multipart/mixed; boundary="b"

preamble
--b

one
--b
Content-Type: Text/HTML; charset=UTF-8

<p>two
--b--
epilogue
"""


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(mail(MIXED), id="crlf"),
        pytest.param(MIXED.encode(), id="lf"),
        pytest.param(mail(MIXED).replace(b"--b\r\n", b"--b\n"), id="mixed"),
        pytest.param(mail(MIXED).replace(b"--b\r\n", b"--b \t\r\n"), id="blanks-after-delimiter"),
        pytest.param(
            mail(MIXED).replace(b"--b--\r\nepilogue\r\n", b"--b--"), id="no-last-line-end"
        ),
        pytest.param(mail(MIXED).replace(b"b--\r\nepilogue\r\n", b"b-- "), id="blank-at-the-end"),
    ],
)
def test_multipart_is_cut_at_its_delimiters_whatever_the_line_ends(raw):
    assert tree(raw) == {
        "": ("multipart/mixed", None),
        "0": ("text/plain", b"one"),
        "1": ("text/html", b"<p>two"),
    }


def test_container_has_no_size_and_no_encoding():
    root = scan(mail(MIXED))
    assert (root.size, root.encoding, root.attachment, root.nested) == (0, "", False, False)


def test_last_part_without_closing_delimiter_runs_to_the_end():
    raw = mail(MIXED)[: mail(MIXED).index(b"\r\n--b--")]
    assert tree(raw)["1"] == ("text/html", b"<p>two")


def test_message_without_header_is_text():
    assert tree(b"no header here\r\n\r\nat all") == {
        "": ("text/plain", b"no header here\r\n\r\nat all")
    }


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n", b"\0", b":", b"--", b"a:"], ids=repr)
def test_next_to_nothing_is_a_text_message(raw):
    assert scan(raw).mime_type == "text/plain"


def test_line_that_is_no_field_begins_the_body():
    raw = mail("Subject: s\nthis is text\nTo: a@b\n\nmore\n")
    assert scan(raw).headers == (("Subject", "s"),)
    assert tree(raw)[""][1] == mail("this is text\nTo: a@b\n\nmore\n")


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"From alice Thu Jan  1 00:00:00 1970\n", id="mbox-line"),
        pytest.param(b">From alice Thu Jan  1 00:00:00 1970\n", id="quoted-mbox-line"),
        pytest.param(b"\xef\xbb\xbf", id="byte-order-mark"),
    ],
)
def test_what_stands_before_the_first_field_is_skipped(before):
    assert scan(before + b"Subject: s\n\nx").headers == (("Subject", "s"),)


# --- types -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "mime_type"),
    [
        ("TEXT/Html; charset=x", "text/html"),
        ("text/html charset=utf-8", "text/html"),
        ("text/html(comment); a=b", "text/html"),
        ("text", "text/plain"),
        ("", "text/plain"),
        ("/plain", "text/plain"),
        ("; charset=utf-8", "text/plain"),
        ("application/vnd.x+json", "application/vnd.x+json"),
    ],
)
def test_type_is_lower_case_without_parameters_and_text_when_unreadable(value, mime_type):
    assert scan(mail(f"Content-Type: {value}\n\nx")).mime_type == mime_type


def test_of_two_content_types_the_first_counts():
    raw = mail("Content-Type: text/html\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n")
    assert tree(raw)[""][0] == "text/html"


def test_of_two_boundaries_the_first_counts():
    raw = mail("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--b\n\n--a\n\nx\n--a--")
    assert tree(raw)["0"] == ("text/plain", b"x")


def test_parts_of_a_digest_are_messages_unless_they_say_otherwise():
    raw = mail(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n"
        "--b\nContent-Type: text/plain\n\ny\n--b--\n"
    )
    assert tree(raw) == {
        "": ("multipart/digest", None),
        "0": ("message/rfc822", None),
        "0.0": ("text/plain", b"x"),
        "1": ("text/plain", b"y"),
    }


# --- boundaries ------------------------------------------------------------------------


def two_levels(outer, inner, body):
    return mail(
        f"Content-Type: multipart/mixed; boundary={outer}\n\n--{outer}\n"
        f"Content-Type: multipart/alternative; boundary={inner}\n\n{body}"
    )


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        pytest.param("b", "bb", id="outer-is-prefix-of-inner"),
        pytest.param("bb", "b", id="inner-is-prefix-of-outer"),
        pytest.param('"b"', '"b c"', id="blank-inside"),
        pytest.param("b", '"b--"', id="inner-looks-like-close-of-outer"),
        pytest.param('"=_x:y"', '"=_x:z"', id="colon-looks-like-a-field"),
    ],
)
def test_longer_boundary_is_another_boundary(outer, inner):
    o, i = outer.strip('"'), inner.strip('"')
    raw = mail(
        f"Content-Type: multipart/mixed; boundary={outer}\n\n--{o}\n"
        f"Content-Type: multipart/alternative; boundary={inner}\n\n"
        f"--{i}\n\none\n--{i}\n\ntwo\n--{i}--\n--{o}\n\nthree\n--{o}--\n"
    )
    if inner == '"b--"':  # `--b--` closes the outer container: the outer one always wins
        assert tree(raw) == {"": ("multipart/mixed", None), "0": ("multipart/alternative", b"")}
        return
    assert tree(raw) == {
        "": ("multipart/mixed", None),
        "0": ("multipart/alternative", None),
        "0.0": ("text/plain", b"one"),
        "0.1": ("text/plain", b"two"),
        "1": ("text/plain", b"three"),
    }


def test_outer_delimiter_closes_inner_containers():
    raw = two_levels("o", "i", "--i\n\none\n--o\n\ntwo\n--i\nstill two\n--o--\n")
    assert tree(raw) == {
        "": ("multipart/mixed", None),
        "0": ("multipart/alternative", None),
        "0.0": ("text/plain", b"one"),
        "1": ("text/plain", b"two\r\n--i\r\nstill two"),
    }


def test_boundary_of_an_open_container_belongs_to_the_outer_one():
    raw = two_levels("b", "b", "--b\n\none\n--b--\n")
    assert tree(raw) == {
        "": ("multipart/mixed", None),
        "0": ("multipart/alternative", b""),
        "1": ("text/plain", b"one"),
    }


def test_line_that_opens_an_inner_and_closes_an_outer_container_does_the_latter():
    raw = two_levels("b", '"b--"', "--b--\n\none\n--b\n\ntwo\n--b--\n")
    assert tree(raw) == {"": ("multipart/mixed", None), "0": ("multipart/alternative", b"")}


def test_delimiter_that_looks_like_a_field_ends_a_header():
    raw = mail('Content-Type: multipart/mixed; boundary="x:y"\n\n--x:y\nX-A: 1\n--x:y\n\ntwo\n')
    assert scan(raw).parts[0].headers == (("X-A", "1"),)
    assert tree(raw)["1"] == ("text/plain", b"two\r\n")


def test_message_whose_header_runs_into_a_delimiter_lies_inside_its_container():
    raw = mail("Content-Type: multipart/digest; boundary=b\n\n--b\n\nX-A: 1\n--b--\n")
    container = scan(raw).parts[0]
    (inner,) = container.parts
    assert container.start <= inner.start == inner.end <= container.end


def test_lines_that_are_nearly_delimiters_are_counted():
    raw = mail("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--bb\n--bb\n--b--\n")
    scanner = _Scanner(raw)
    scanner.false_left = 1
    root = scanner.read_entity(0, 0, "text/plain")
    assert decode_body(raw, root.parts[0]) == b"one\r\n--bb\r\n--bb\r\n--b--\r\n"


def test_delimiter_ends_a_header_without_blank_line():
    raw = mail("Content-Type: multipart/mixed; boundary=b\n\n--b\nX-A: 1\n--b\n\ntwo\n--b--\n")
    assert tree(raw)["0"] == ("text/plain", b"")
    assert scan(raw).parts[0].headers == (("X-A", "1"),)
    assert tree(raw)["1"] == ("text/plain", b"two")


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param("", id="no-boundary"),
        pytest.param('; boundary=""', id="empty-boundary"),
        pytest.param("; boundary=x", id="boundary-that-never-comes"),
    ],
)
def test_container_without_delimiters_is_shown_as_text(parameter):
    raw = mail(f"Content-Type: multipart/mixed{parameter}\n\nreadable\n")
    part = scan(raw)
    assert (decode_body(raw, part), part.attachment, part.size) == (b"readable\r\n", False, 10)


def test_container_that_only_closes_is_shown_as_its_preamble():
    raw = mail("Content-Type: multipart/mixed; boundary=b\n\nreadable\n--b--\nepilogue")
    assert tree(raw) == {"": ("multipart/mixed", b"readable")}


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param("boundary*=us-ascii''b%20c", id="rfc2231"),
        pytest.param('boundary*0="b "; boundary*1=c', id="rfc2231-continued"),
        pytest.param('boundary="b c  "', id="blanks-at-the-end"),
        pytest.param('charset=x;; ;boundary = "b c"', id="blanks-around-and-empty-ones"),
        pytest.param('\n boundary="b c"', id="folded"),
    ],
)
def test_boundary_is_found_however_it_is_written(parameter):
    raw = mail(f"Content-Type: multipart/mixed; {parameter}\n\n--b c\n\nx\n--b c--")
    assert tree(raw)["0"] == ("text/plain", b"x")


def test_very_long_boundary_works():
    long = "x" * 3000
    raw = mail(f"Content-Type: multipart/mixed; boundary={long}\n\n--{long}\n\nx\n--{long}--")
    assert tree(raw)["0"] == ("text/plain", b"x")


# --- messages inside -------------------------------------------------------------------

FORWARD = """\
Content-Type: multipart/mixed; boundary=b

--b

see below
--b
Content-Type: message/rfc822{more}

Subject: =?utf-8?q?=C3=A9?=
Content-Type: multipart/alternative; boundary=c

--c

inner
--c--
--b--
"""


def test_inner_message_is_expanded_to_one_child():
    raw = mail(FORWARD.format(more=""))
    assert {key: value[0] for key, value in tree(raw).items()} == {
        "": "multipart/mixed",
        "0": "text/plain",
        "1": "message/rfc822",
        "1.0": "multipart/alternative",
        "1.0.0": "text/plain",
    }
    container = scan(raw).parts[1]
    assert (container.nested, container.size, container.attachment) == (True, 0, False)
    assert container.parts[0].headers[0] == ("Subject", "é")
    assert container.start <= container.parts[0].start <= container.parts[0].end <= container.end


@pytest.mark.parametrize(
    "more",
    [
        pytest.param('; name="m.eml"', id="named"),
        pytest.param("\nContent-Disposition: attachment", id="disposition"),
    ],
)
def test_attached_message_is_an_attachment_and_expanded(more):
    raw = mail(FORWARD.format(more=more))
    container = scan(raw).parts[1]
    assert (container.attachment, container.nested) == (True, True)
    assert container.size == container.end - container.start
    assert raw[container.start : container.end].startswith(b"Subject: =?utf-8")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_encoded_inner_message_is_a_plain_attachment(encoding):
    raw = mail(f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\nQUJD\n")
    part = scan(raw)
    assert (part.nested, part.attachment, part.parts) == (False, True, ())


# --- leaves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "filename", "attachment"),
    [
        ("Content-Type: text/plain", "", False),
        ("Content-Type: text/calendar; method=REQUEST", "", False),
        ("Content-Type: text/plain; name=a.txt", "a.txt", True),
        ("Content-Disposition: inline; filename=a.txt", "a.txt", True),
        ("Content-Disposition: attachment", "", False),
        ("Content-Type: image/png", "", True),
        ("Content-Type: application/pdf; name=a.pdf", "a.pdf", True),
    ],
)
def test_leaf_with_a_name_and_leaf_that_is_no_text_are_attachments(header, filename, attachment):
    part = scan(mail(f"{header}\n\nx"))
    assert (part.filename, part.attachment) == (filename, attachment)


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("base64", "base64"),
        ("BASE64", "base64"),
        ("base64 (really)", "base64"),
        ("base64; x", "base64"),
        ("Quoted-Printable", "quoted-printable"),
        ("7bit", ""),
        ("x-uuencode", ""),
        ("", ""),
    ],
)
def test_transfer_encoding_is_one_of_three(value, encoding):
    raw = mail(f"Content-Transfer-Encoding: {value}\n\nQUJD")
    assert scan(raw).encoding == encoding


def test_size_counts_octets_in_the_original_charset():
    raw = (
        b"Content-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe"
    )
    assert (scan(raw).size, scan(raw).charset) == (5, "iso-8859-1")


def test_transfer_encoding_of_a_container_is_ignored():
    raw = b"Content-Transfer-Encoding: base64\r\n" + mail(MIXED)
    assert tree(raw)["0"] == ("text/plain", b"one")


def test_calendar_without_a_name_borrows_that_of_the_file_beside_it():
    raw = mail(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        "Content-Type: multipart/alternative; boundary=c\n\n--c\n\nhi\n--c\n"
        "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--c--\n--b\n"
        'Content-Type: application/ics; name="invite.ics"\n\nBEGIN:VCALENDAR\n--b--\n'
    )
    calendar = scan(raw).parts[0].parts[1]
    assert (calendar.filename, calendar.attachment) == ("invite.ics", True)
    assert scan(raw).parts[0].parts[0].filename == ""


# --- fields ----------------------------------------------------------------------------


def value(raw_value, name="Subject"):
    ((_, shown),) = scan(name.encode() + b": " + raw_value + b"\r\n\r\n").headers
    return shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param(b"a\r\n b\r\n\tc", "a b c", id="unfolded"),
        pytest.param(b"by x;\r\n        date", "by x;        date", id="blanks-of-folding-stay"),
        pytest.param(b"  a  ", "a", id="trimmed"),
        pytest.param(b"=?utf-8?B?w6k=?= =?UTF-8?q?_=C3=A9?=", "é é", id="joined"),
        pytest.param(b"=?x-none?q?=E9?=", "é", id="unknown-charset-guessed"),
        pytest.param(b"caf\xc3\xa9", "café", id="utf8"),
        pytest.param(b"caf\xe9 \x80", "café €", id="windows-1252"),
        pytest.param(b"a\0b\x07c\x7f", "abc", id="controls"),
        pytest.param(b"a\rb", "a b", id="lone-cr"),
        pytest.param(b"a\tb", "a b", id="tab"),
        pytest.param(b"=?utf-8?q?a=0D=0ABcc:_x@evil?=", "a  Bcc: x@evil", id="encoded-line-end"),
        pytest.param(b"=?utf-8?q?a=E2=80=AEtxt.exe?=", "atxt.exe", id="encoded-bidi"),
        pytest.param("\u202eabc\u2066".encode(), "abc", id="raw-bidi"),
        pytest.param(b"=?utf-8?q?=C2=85=E2=80=A8x?=", "x", id="unicode-line-ends"),
    ],
)
def test_value_is_decoded_unfolded_and_clean(raw, shown):
    assert value(raw) == shown


def test_octets_above_ascii_in_one_field_do_not_hurt_another():
    raw = b"Subject: caf\xe9\r\nTo: caf\xc3\xa9 <a@b>\r\n\r\n"
    assert scan(raw).headers == (("Subject", "café"), ("To", "café <a@b>"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param(
            b"=?utf-8?q?Jos=C3=A9_M=C3=BCller?= <j@x>", '"José Müller" <j@x>', id="name-is-quoted"
        ),
        pytest.param(
            b"=?utf-8?q?Jos=C3=A9?= Smith <j@x>, k@x", '"José Smith" <j@x>, k@x', id="mixed-words"
        ),
        pytest.param(b'"=?utf-8?q?=C3=A9?=" <j@x>', '"é" <j@x>', id="wrongly-inside-quotes"),
        pytest.param(
            b"=?utf-8?q?=22_<evil@x>,?= <j@x>", '"\\" <evil@x>," <j@x>', id="syntax-in-the-name"
        ),
        pytest.param(b"j@x (=?utf-8?q?=C3=A9=29?=)", "j@x (é\\))", id="comment"),
        pytest.param(b"=?utf-8?q?evil@x?=", '"evil@x"', id="word-is-never-an-address"),
        pytest.param(b"=?utf-8?q?a?= b@c", '"a" b@c', id="address-beside-a-word"),
        pytest.param(b"<=?utf-8?q?a?=@x>", "<=?utf-8?q?a?=@x>", id="not-inside-an-address"),
        pytest.param(b'"plain, name" <j@x>', '"plain, name" <j@x>', id="left-alone"),
        pytest.param(b"=?utf-8?q?a?=: b@c;", '"a": b@c;', id="group"),
        pytest.param(b'"=?utf-8?q?=2C<e@x>?=', '",<e@x>"', id="lone-quote-pairs-with-nothing"),
        pytest.param(b"[=?utf-8?q?=5D<e@x>?=", '"]<e@x>"', id="lone-bracket"),
        pytest.param(b"(=?utf-8?q?=29<e@x>?=", '")<e@x>"', id="lone-parenthesis"),
        pytest.param(b"=?utf-8?q?e?=@x", "=?utf-8?q?e?=@x", id="word-is-no-local-part"),
    ],
)
def test_decoded_display_name_comes_back_in_quotes(raw, shown):
    assert value(raw, "To") == shown


@pytest.mark.parametrize("name", ["Message-ID", "References", "Content-Type", "Received", "Date"])
def test_encoded_words_stay_where_they_are_forbidden(name):
    assert value(b"=?utf-8?q?=3B_name=3Devil?=", name) == "=?utf-8?q?=3B_name=3Devil?="


def test_field_names_keep_their_spelling_order_and_repetitions():
    raw = b"RECEIVED: 1\r\nX-a : 2\r\nReceived: 3\r\nEmpty:\r\n\r\n"
    assert scan(raw).headers == (
        ("RECEIVED", "1"),
        ("X-a", "2"),
        ("Received", "3"),
        ("Empty", ""),
    )


# --- bounds ----------------------------------------------------------------------------


def test_parts_are_counted_and_the_rest_left_in_the_raw_message():
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n\n" * (MIME_MAX_PARTS + 500)
    assert len(list(part_ids(scan(raw)))) == MIME_MAX_PARTS


def test_inner_messages_count_as_parts():
    raw = b"Content-Type: multipart/digest; boundary=b\n\n" + b"--b\n\na:b\n\n" * MIME_MAX_PARTS
    assert len(list(part_ids(scan(raw)))) == MIME_MAX_PARTS


def depth_of(part):
    return 1 + max(map(depth_of, part.parts), default=-1)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                for n in range(10_000)
            ),
            id="multiparts",
        ),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 10_000, id="messages"),
    ],
)
def test_depth_is_bounded_and_deeper_text_is_the_last_body(raw):
    root = scan(raw)
    assert depth_of(root) == MIME_MAX_DEPTH
    *_, (_, deepest) = part_ids(root)
    assert deepest.size == deepest.end - deepest.start > len(raw) * 0.98


def test_fields_beyond_the_limit_are_not_shown():
    assert len(scan(b"a: b\r\n" * 100_000).headers) == MIME_MAX_HEADERS


def test_header_octets_of_all_parts_together_are_bounded():
    read = MIME_MAX_ALL_HEADER_BYTES // 200_000 + 1  # the type of the next one still fits
    part = b"--b\nContent-Type: text/html\nX: " + b"x" * 200_000 + b"\n\nbody\n"
    root = scan(b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 40)
    assert [child.mime_type for child in root.parts].count("text/html") == read
    assert len(root.parts) == 40
