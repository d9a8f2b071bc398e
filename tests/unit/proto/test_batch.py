"""Batch bodies as clients write them, and answers as clients read them."""

import contextlib
import string
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from penfold.base.errors import ParseError
from penfold.proto.batch import (
    Part,
    TooManyPartsError,
    parse_batch,
    print_answer,
    print_end,
)

#: googleapiclient: LF, a quoted boundary, blanks in Content-ID, Host, path and query.
PYTHON = b"""--===============7330845974216740156==
Content-Type: application/http
MIME-Version: 1.0
Content-Transfer-Encoding: binary
Content-ID: <b29c5de2-0db4-490b-b421-6a51b598bd22 + a%20b>

GET /gmail/v1/users/me/messages/17a?alt=json HTTP/1.1
Content-Type: application/json
MIME-Version: 1.0
accept: application/json
Host: gmail.googleapis.com



--===============7330845974216740156==
Content-Type: application/http
MIME-Version: 1.0
Content-Transfer-Encoding: binary
Content-ID: <b29c5de2-0db4-490b-b421-6a51b598bd22 + 2>

POST /gmail/v1/users/me/labels?alt=json HTTP/1.1
Content-Type: application/json
MIME-Version: 1.0
Host: gmail.googleapis.com
content-length: 13

{"name": "A"}
--===============7330845974216740156==--
"""
#: Node's programs write CRLF, an unquoted boundary, no version of MIME and no lengths.
NODE = (
    b"--batch_foobar\r\nContent-Type: application/http\r\nContent-ID: <item1:12930812@x>\r\n\r\n"
    b"GET https://www.googleapis.com/gmail/v1/users/me/labels?fields=a%2Fb HTTP/1.1\r\n\r\n"
    b"--batch_foobar\r\nContent-Type: application/http\r\n\r\n"
    b"POST /gmail/v1/users/me/labels\tHTTP/1.1\r\nContent-Type: application/json\r\n"
    b'Authorization: Bearer other\r\n\r\n{"name":\r\n"B"}\r\n--batch_foobar--'
)
#: Java writes header names in small letters, `content-id` as a number and absolute addresses.
JAVA = (
    b"preamble\r\n--__END_OF_PART__a-b__\r\nContent-Length: 99999\r\n"
    b"Content-Type: application/http\r\ncontent-id: 1\r\ncontent-transfer-encoding: binary\r\n\r\n"
    b"DELETE http://localhost:8025/gmail/v1/users/me/labels/Label_1 HTTP/1.1\r\n"
    b"Accept-Encoding: gzip\r\n\r\n\r\n--__END_OF_PART__a-b__--\r\nepilogue\r\n--x"
)


def one(body, content_type="multipart/mixed; boundary=B"):
    [part] = parse_batch(content_type, body, parts_max=100)
    return part


def test_pythons_batch_is_read():
    kind = 'multipart/mixed; boundary="===============7330845974216740156=="'
    first, second = parse_batch(kind, PYTHON, parts_max=100)
    assert first.content_id == b"<b29c5de2-0db4-490b-b421-6a51b598bd22 + a%20b>"
    assert (first.verb, first.target) == ("GET", b"/gmail/v1/users/me/messages/17a?alt=json")
    assert dict(first.headers)[b"host"] == b"gmail.googleapis.com"
    assert not first.body.strip()
    assert second.body == b'{"name": "A"}'


def test_nodes_batch_is_read():
    first, second = parse_batch("multipart/mixed; boundary=batch_foobar", NODE, parts_max=100)
    assert first == Part(
        b"<item1:12930812@x>", "GET", b"/gmail/v1/users/me/labels?fields=a%2Fb", (), b""
    )
    assert second.content_id == b""
    assert dict(second.headers)[b"authorization"] == b"Bearer other"
    assert second.body == b'{"name":\r\n"B"}'


def test_javas_batch_is_read_whatever_its_lengths_say():
    part = one(JAVA, "multipart/mixed; boundary=__END_OF_PART__a-b__")
    assert (part.content_id, part.verb) == (b"1", "DELETE")
    assert part.target == b"/gmail/v1/users/me/labels/Label_1"
    assert part.headers == ((b"accept-encoding", b"gzip"),)
    assert part.body == b""


def test_a_folded_content_id_is_unfolded():
    part = one(b"--B\nContent-ID: <abc\n + 1>\n\nGET /a HTTP/1.1\n\n--B--")
    assert part.content_id == b"<abc + 1>"


@pytest.mark.parametrize(
    ("body", "target"),
    [
        pytest.param(b"--B\n\nGET /a HTTP/1.1\n--B--", b"/a", id="nothing-but-the-line"),
        pytest.param(b"--B \t\r\n\r\nget a HTTP/1.1\r\n\r\n", b"/a", id="padding-and-no-end"),
        pytest.param(b"--B\n\n\n\nGET /a#b HTTP/1.1\n\n--B--", b"/a", id="more-empty-lines"),
        pytest.param(b"--B\n\nGET https://x HTTP/1.1\n\n--B--", b"/", id="no-path"),
        pytest.param(b"--B\n\nGET http://x?a HTTP/2\n\n--B--", b"/?a", id="query-alone"),
        pytest.param(b"--B\n\nGET /a?b=c\n\n--B--", b"/a?b=c", id="no-version-as-in-googles-guide"),
    ],
)
def test_looser_forms_are_read(body, target):
    assert one(body).target == target


def test_a_boundary_inside_a_line_ends_nothing():
    part = one(b"--B\n\nPOST /a HTTP/1.1\n\nx --B--\n--Bx\n--B--")
    assert part.body == b"x --B--\n--Bx"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b"{}", id="not-multipart"),
        pytest.param("multipart/mixed", b"--B--", id="no-boundary"),
        pytest.param("multipart/mixed; boundary=", b"--B--", id="empty-boundary"),
        pytest.param("multipart/mixed; boundary=B", b"", id="empty-body"),
        pytest.param("multipart/mixed; boundary=B", b"--C\n\nGET / HTTP/1.1\n", id="another"),
        pytest.param(
            "multipart/mixed; boundary=B", b"--B\n\nGET / x\n\n--B--", id="no-version-but-a-word"
        ),
        pytest.param("multipart/mixed; boundary=B", b"--B\n--B--", id="empty-part"),
        pytest.param("multipart/mixed; boundary=B", b"--B--", id="no-part"),
        pytest.param(
            "multipart/mixed; boundary=B",
            b"--B\nContent-ID: " + b"x" * 999 + b"\n\nGET / HTTP/1.1\n\n--B--",
            id="long-id",
        ),
        pytest.param(
            "multipart/mixed; boundary=B",
            b"--B\n\nGET / HTTP/1.1\na: " + b"x" * 65_536 + b"\n\n--B--",
            id="large-head",
        ),
    ],
)
def test_what_is_no_batch_is_refused(content_type, body):
    with pytest.raises(ParseError):
        parse_batch(content_type, body, parts_max=100)


def test_parts_are_counted_before_they_are_read():
    with pytest.raises(TooManyPartsError) as caught:
        parse_batch("multipart/mixed; boundary=B", b"--B\n" * 250 + b"--B--", parts_max=100)
    assert caught.value.received == 250


def test_an_answer_is_what_googles_python_client_expects():
    body = print_answer(
        b"batch_x", b"<b29c + 1>", 404, [(b"Content-Type", b"application/json")], b"{\n}\n"
    )
    assert body == (
        b"--batch_x\r\nContent-Type: application/http\r\nContent-ID: <response-b29c + 1>\r\n\r\n"
        b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{\n}\n\r\n"
    )
    assert print_end(b"batch_x") == b"--batch_x--\r\n"


def test_an_answer_without_id_and_body_has_neither():
    assert print_answer(b"x", b"", 204, [], b"") == (
        b"--x\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n"
    )
    assert b"Content-ID: response-7\r\n" in print_answer(b"x", b"7", 200, [], b"")


# --- properties -----------------------------------------------------------------------------

TOKENS = st.text(string.ascii_letters + string.digits + "-_.:@+%", min_size=1, max_size=20)
PARTS = st.builds(
    Part,
    content_id=st.one_of(st.just(b""), TOKENS.map(lambda t: f"<{t} + 1>".encode())),
    verb=st.sampled_from(["GET", "POST", "DELETE"]),
    target=TOKENS.map(lambda t: b"/" + t.encode()),
    headers=st.lists(
        st.tuples(
            TOKENS.map(lambda t: t.replace(":", "").lower().encode() or b"x"),
            TOKENS.map(str.encode),
        ),
        max_size=4,
    ).map(tuple),
    body=st.binary(max_size=200).filter(lambda b: b"--B" not in b),
)


def write(parts, end):
    lines = []
    for part in parts:
        lines.append(b"--B")
        if part.content_id:
            lines.append(b"Content-ID: " + part.content_id)
        lines += [b"", part.verb.encode() + b" " + part.target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in part.headers]
        lines += [b"", part.body]
    return end.join([*lines, b"--B--", b""])


@given(st.lists(PARTS, min_size=1, max_size=5), st.sampled_from([b"\n", b"\r\n"]))
def test_written_then_read_gives_the_same_parts(parts, end):
    if end == b"\n":  # a carriage return there belongs to the line end
        parts = [p for p in parts if not p.body.endswith(b"\r")]
    if parts:
        found = parse_batch("multipart/mixed; boundary=B", write(parts, end), parts_max=9)
        assert found == [replace(p, body=b"") if p.verb == "GET" else p for p in parts]


PIECES = st.sampled_from(
    [
        b"--B",
        b"--B--",
        b"\n",
        b"\r\n",
        b" ",
        b"GET /a HTTP/1.1",
        b"Content-ID: <a + 1>",
        b"{}",
        b":",
    ]
)


@given(st.text(max_size=60), st.binary(max_size=200))
def test_any_octets_are_read_or_refused(content_type, body):
    for kind in (
        content_type,
        "multipart/mixed; boundary=B",
        "multipart/mixed; boundary=" + content_type,
    ):
        with contextlib.suppress(ParseError):
            parse_batch(kind, body, parts_max=100)


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_any_mixture_is_read_or_refused(body):
    with contextlib.suppress(ParseError):
        for part in parse_batch("multipart/mixed; boundary=B", body, parts_max=100):
            assert part.target.startswith(b"/")
            assert b"\n" not in part.content_id


@given(st.lists(st.tuples(TOKENS, st.binary(max_size=100)), min_size=1, max_size=5))
def test_every_answer_is_found_by_a_mime_parser(answers):
    printed = b"".join(
        print_answer(b"b__", f"<{name} + 1>".encode(), 200, [(b"A", b"b")], b"{%d}" % len(body))
        for name, body in answers
    ) + print_end(b"b__")
    message = BytesParser().parsebytes(
        b"Content-Type: multipart/mixed; boundary=b__\r\n\r\n" + printed
    )
    found = [part["Content-ID"] for part in message.get_payload()]
    assert found == [f"<response-{name} + 1>" for name, _ in answers]
