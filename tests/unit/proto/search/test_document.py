"""What the index is given of a message: words, and terms with the marks of their operators."""

import pytest

from penfold.proto.mime.summary import read_message
from penfold.proto.search.document import COLUMNS, make_document, make_texts
from penfold.proto.search.match import matches
from penfold.proto.search.parse import parse_query


def make_mail(body, *fields, kind="text/plain"):
    head = ["From: Ann Lee <ann@shop.example>", "To: bob@penfold.test", f"Content-Type: {kind}"]
    return "\r\n".join([*head, *fields, "", body]).encode()


def find(q, raw, **facts):
    _, summary = read_message(raw)
    document = make_document(summary, labels=frozenset(), indexed_ms=0, size=len(raw), **facts)
    return matches(parse_query(q, now_ms=0), document, label_numbers={})


@pytest.mark.parametrize(
    ("link", "kinds"),
    [
        ("https://docs.google.com/document/d/1/edit?usp=sharing", {"drive", "document"}),
        ("https://docs.google.com/spreadsheets/d/1", {"drive", "spreadsheet"}),
        ("https://docs.google.com/presentation/d/1", {"drive", "presentation"}),
        ("https://drive.google.com/file/d/1", {"drive"}),
        ("https://youtu.be/abc", {"youtube"}),
        ("https://www.youtube.com/watch?v=abc", {"youtube"}),
        ("https://google.com/docs", set()),
    ],
)
@pytest.mark.parametrize("behind", [False, True], ids=["in the text", "behind it"])
def test_kinds_of_links_are_found(link, kinds, behind):
    body = f'<p>See <a href="{link}">the plan</a></p>' if behind else f"See {link} today"
    raw = make_mail(body, kind="text/html" if behind else "text/plain")
    known = {"drive", "document", "spreadsheet", "presentation", "youtube"}
    assert {kind for kind in known if find(f"has:{kind}", raw)} == kinds


def test_words_of_other_places_are_not_those_of_an_operator():
    raw = make_mail("ann@shop.example wrote to carl@shop.example", "Cc: dora@home.example")
    assert find("from:ann", raw)
    assert find("from:ann@shop.example", raw)
    assert not find("to:ann@shop.example", raw)
    assert not find("from:carl", raw)
    assert find("to:dora@home.example cc:dora", raw)
    assert not find("cc:bob", raw)


def test_an_address_is_not_found_by_the_end_of_a_longer_one():
    raw = make_mail("", "Cc: mary.ann@shop.example")
    assert not find("cc:ann@shop.example", raw)
    assert find("cc:ann", raw)


@pytest.mark.parametrize("size", [511, 512, 4_095, 4_096, 16_384, 1 << 20, 20 << 20])
@pytest.mark.parametrize("asked", [511, 512, 513, 4_096, 16_384, 1 << 20])
def test_sizes_are_compared_exactly(size, asked):
    _, summary = read_message(b"")
    document = make_document(summary, labels=frozenset(), indexed_ms=0, size=size)
    for q, expected in ((f"larger:{asked}", size >= asked), (f"smaller:{asked}", size < asked)):
        assert matches(parse_query(q, now_ms=0), document, label_numbers={}) is expected


def test_text_of_attachments_is_found_as_free_text_alone():
    _, summary = read_message(make_mail("see attached"))
    texts = dict(zip(COLUMNS, make_texts(summary, 1, "Deep Inside"), strict=True))
    assert texts["attached"].split() == ["deep", "inside"]
    assert "inside" not in texts["terms"]
