"""Messages as the API shows them (Gmail: observed 2026-09/10)."""

import base64
import re

import pytest
from msgspec import UNSET, to_builtins

from penfold.domain.mailbox.view import encode_base64url, escape_snippet
from penfold.spec.problems import ProblemError
from penfold.spec.schemas import Message

PDF = b"%PDF\x00\xff" * 7
TREE = (
    b"From: =?utf-8?q?Jos=C3=A9_M=C3=BCller?= <jose@x.example>\r\n"
    b"Received: from a\r\n by b; Tue, 3 Mar 2015 10:20:30 +0000\r\n"
    b"Received: from c by d; Tue, 3 Mar 2015 10:20:29 +0000\r\n"
    b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: Multipart/Mixed; boundary=AA\r\n"
    b"\r\n"
    b"--AA\r\nContent-Type: multipart/alternative; boundary=BB\r\n\r\n"
    b"--BB\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n"
    b"\r\nGr\xfc\xdfe & <Gru\xdf>\r\n"
    b"--BB\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p>\r\n"
    b"--BB--\r\n"
    b'--AA\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(PDF) + b"\r\n"
    b'--AA\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="n.txt"\r\n'
    b"\r\nnote\r\n"
    b"--AA\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n"
    b"--AA--\r\n"
)


@pytest.fixture
def message(world):
    return world.api("messages_insert", body=Message(raw=TREE)).id


def get(world, message, **params):
    return world.api("messages_get", id=message, **params)


def decode(data):
    return base64.urlsafe_b64decode(data)


def walk(part):
    yield part
    for child in part.parts or ():
        yield from walk(child)


def test_full_shows_the_tree_with_part_ids(world, message):
    payload = get(world, message).payload
    shape = [(p.part_id, p.mime_type, p.filename) for p in walk(payload)]
    assert shape == [
        ("", "multipart/mixed", ""),
        ("0", "multipart/alternative", ""),
        ("0.0", "text/plain", ""),
        ("0.1", "text/html", ""),
        ("1", "application/pdf", "a.pdf"),
        ("2", "text/plain", "n.txt"),
        ("3", "message/rfc822", ""),
        ("3.0", "text/plain", ""),
    ]


def test_container_has_an_empty_body_and_leaf_has_no_parts(world, message):
    parts = {p.part_id: p for p in walk(get(world, message).payload)}
    assert to_builtins(parts[""].body) == {"size": 0}
    assert to_builtins(parts["0"].body) == {"size": 0}
    assert parts["0.0"].parts is UNSET


def test_text_is_utf_8_while_size_and_header_speak_of_the_original_charset(world, message):
    part = next(p for p in walk(get(world, message).payload) if p.part_id == "0.0")
    assert decode(part.body.data).decode() == "Grüße & <Gruß>"
    assert part.body.size == len("Grüße & <Gruß>")
    assert part.headers[0].value == "text/plain; charset=iso-8859-1"
    assert part.body.attachment_id is UNSET


def test_leaf_with_a_name_is_an_attachment_even_when_it_is_small_text(world, message):
    parts = {p.part_id: p for p in walk(get(world, message).payload)}
    for part_id, size in (("1", len(PDF)), ("2", 4)):
        body = parts[part_id].body
        assert (body.size, body.data) == (size, UNSET)
        assert re.fullmatch(r"ANGjdJ[\w-]{296}", body.attachment_id)


def test_headers_are_decoded_unfolded_and_repeated(world, message):
    headers = [(h.name, h.value) for h in get(world, message).payload.headers]
    assert headers[0] == ("From", '"José Müller" <jose@x.example>')
    assert [name for name, _ in headers].count("Received") == 2
    assert headers[1][1] == "from a by b; Tue, 3 Mar 2015 10:20:30 +0000"
    assert ("Subject", "Grüße") in headers


def test_minimal_has_everything_but_the_content(world, message):
    answer = get(world, message, format="minimal")
    assert answer.payload is UNSET
    assert answer.raw is UNSET
    assert answer.snippet == "Grüße &amp; &lt;Gruß&gt;"
    assert answer.size_estimate == len(TREE)
    assert answer.label_ids is UNSET
    assert answer.internal_date == str(world.clock.now_ms())


def test_metadata_has_type_and_headers_only(world, message):
    payload = to_builtins(get(world, message, format="metadata").payload)
    assert set(payload) == {"mimeType", "headers"}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(("SUBJECT",), ["Subject"], id="any-case"),
        pytest.param(("received", "from"), ["From", "Received", "Received"], id="wire-order"),
        pytest.param(("From,Subject",), None, id="comma-is-part-of-the-name"),
        pytest.param(("Nothing",), None, id="no-hit"),
        pytest.param(("", "Subject"), ["Subject"], id="empty-name"),
    ],
)
def test_metadata_headers_choose_headers(world, message, names, found):
    headers = get(world, message, format="metadata", metadata_headers=names).payload.headers
    assert (headers and [h.name for h in headers]) == (found or UNSET)


def test_metadata_headers_mean_nothing_to_full(world, message):
    assert len(get(world, message, metadata_headers=("Subject",)).payload.headers) == 6


def test_raw_is_padded_base64url_of_the_octets(world, message):
    answer = get(world, message, format="raw")
    assert decode(answer.raw) == TREE
    assert len(answer.raw) % 4 == 0
    assert answer.payload is UNSET
    assert answer.snippet


def test_base64url_uses_its_own_alphabet_and_padding():
    assert encode_base64url(b"\xfb\xff\xfe?") == "-__-Pw=="


def test_snippet_is_escaped_in_gmails_spelling():
    assert escape_snippet("""<a href="x">&'</a>""") == (
        "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;"
    )


def test_empty_message_has_an_empty_snippet_and_body(world):
    message = world.api("messages_insert", body=Message(raw=b"Subject: x\r\n\r\n")).id
    answer = get(world, message)
    assert answer.snippet == ""
    assert to_builtins(answer.payload.body) == {"size": 0}


# --- attachments -------------------------------------------------------------------------


def attachment_ids(world, message):
    parts = walk(get(world, message).payload)
    return {p.part_id: p.body.attachment_id for p in parts if p.body.attachment_id}


@pytest.mark.parametrize(("part_id", "octets"), [("1", PDF), ("2", b"note")])
@pytest.mark.parametrize("where", ["", "1a", "not hex"])
def test_attachment_comes_back_whatever_message_the_path_names(
    world, message, part_id, octets, where
):
    token = attachment_ids(world, message)[part_id]
    answer = world.api("attachments_get", message_id=where or message, id=token)
    assert decode(answer.data) == octets
    assert answer.size == len(octets)
    assert answer.attachment_id is UNSET


def test_ids_are_fresh_on_each_get_and_old_ones_keep_working(world, message):
    first, second = attachment_ids(world, message), attachment_ids(world, message)
    assert not set(first.values()) & set(second.values())
    world.clock.advance(days=400)
    assert decode(world.api("attachments_get", message_id="x", id=first["1"]).data) == PDF


def refusal(world, token, account=None):
    with pytest.raises(ProblemError) as caught:
        world.api("attachments_get", account=account, message_id="x", id=token)
    return caught.value.text


def test_id_that_was_not_made_here_is_refused(world, message):
    token = attachment_ids(world, message)["1"]
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    shorter, longer = token[:-4], token + "AAAA"
    for bad in ("", "x", "ANGjdJ", "1", "é", changed, shorter, longer, token.replace("ANGjdJ", "")):
        assert refusal(world, bad) == "Invalid attachment token"


def test_id_opens_nothing_in_another_mailbox(world, message):
    token = attachment_ids(world, message)["1"]
    assert refusal(world, token, world.bob) == "Invalid attachment token"


def test_attachment_of_a_deleted_message_is_not_found(world, message):
    token = attachment_ids(world, message)["1"]
    world.api("messages_delete", id=message)
    assert refusal(world, token) == "Requested entity was not found."
