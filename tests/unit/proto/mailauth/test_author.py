"""The author domain: exactly one, or what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import AUTHOR_DOMAINS_MAX
from penfold.proto.address import domain_of
from penfold.proto.mailauth.author import Author, Unclear, find_author
from penfold.proto.mailauth.domain_names import find_domain_name
from penfold.proto.mime.scan import scan
from penfold.proto.mime.summary import summarize

REST = b"To: b@c.example\r\n\r\nFrom: body@evil.example\r\n"


@pytest.mark.parametrize(
    ("field", "domain"),
    [
        (b"From: a@good.example", "good.example"),
        (b"FROM : a@good.example", "good.example"),
        (b"From:\r\n a@good.example", "good.example"),
        (b"From: =?utf-8?q?a=40evil=2Eexample?= <a@good.example>", "good.example"),
        (b'From: "a@evil.example" <a@good.example>', "good.example"),
        (b"From: a@evil.example <a@good.example>", "good.example"),
        (b"From: (a@evil.example) a@good.example", "good.example"),
        (b"From: A <a@GOOD.Example.>", "good.example"),
        (b"From: a@good.example, b@good.example", "good.example"),
        (b"From: Us: a@good.example, b@good.example;", "good.example"),
        ("From: a@bücher.example".encode(), "xn--bcher-kva.example"),
        (b'From: "a@b"@good.example', "good.example"),
        (b"From: a@host_1.good.example", "host_1.good.example"),
        (b"From: a@go\0od.example", "good.example"),
    ],
)
def test_one_domain_is_the_author_domain(field, domain):
    assert find_author(field + b"\r\n" + REST) == Author(domain, (domain,))


@pytest.mark.parametrize(
    ("fields", "problem", "domains"),
    [
        (b"", Unclear.MISSING, ()),
        (b"Sender: a@good.example\r\n", Unclear.MISSING, ()),
        (b"From:\r\n", Unclear.INVALID, ()),
        (b"From: nobody:;\r\n", Unclear.INVALID, ()),
        (b"From: root\r\n", Unclear.INVALID, ()),
        (b"From: a@[192.0.2.1]\r\n", Unclear.INVALID, ()),
        (b"From: a@192.0.2.1\r\n", Unclear.INVALID, ()),
        (b"From: a@b..example\r\n", Unclear.INVALID, ()),
        (b"From: root, a@good.example\r\n", Unclear.INVALID, ("good.example",)),
        (b"From: a@good.example, b@evil.example\r\n", Unclear.SEVERAL, ("good.example", "evil.example")),
        (b"From: alice@example.org)bob@evil.example\r\n", Unclear.SEVERAL, ("example.org", "evil.example")),
        (b"From: <a@good.example> <b@evil.example>\r\n", Unclear.SEVERAL, ("good.example", "evil.example")),
        (b"From: a@good.example\r\nfrom: b@evil.example\r\n", Unclear.REPEATED, ("good.example", "evil.example")),
        (b"From: a@good.example\r\nFrom: a@good.example\r\n", Unclear.REPEATED, ("good.example",)),
        (b"From: a@good.example\r\nFrom:\r\n", Unclear.REPEATED, ("good.example",)),
    ],
)  # fmt: skip
def test_anything_else_is_told_as_a_problem(fields, problem, domains):
    assert find_author(fields + REST) == Author("", domains, problem)


@pytest.mark.parametrize("top", [b"\xef\xbb\xbf", b"From x\r\n", b"\xef\xbb\xbf>From x\n", b""])
def test_hole_2026_014_a_from_behind_a_byte_order_mark_is_one_of_the_authors(top):
    """It is what people are shown; the checks were of the field below it."""
    raw = top + b"From: a@bank.example\r\nFrom: b@evil.example\r\n" + REST
    assert summarize(raw, scan(raw)).sender[0].address == "a@bank.example"
    domains = ("bank.example", "evil.example")
    assert find_author(raw) == Author("", domains, Unclear.REPEATED)


def test_the_domains_told_are_bounded():
    many = ", ".join(f"a@d{n}.example" for n in range(99))
    assert len(find_author(f"From: {many}\r\n\r\n".encode()).domains) == AUTHOR_DOMAINS_MAX


ADDRESS_PIECES = st.lists(
    st.sampled_from(
        [b"a@x.example", b"b@y.example", b"<", b">", b",", b'"', b"(", b")", b" ", b":", b";", b"\\",
         b"=?utf-8?q?c=40z=2Eexample?=", b"\r\n ", b"\0", "é".encode(), b"root", b"@", b"."]
    ),
    max_size=8,
)  # fmt: skip


@given(ADDRESS_PIECES)
def test_the_domain_checked_is_the_domain_shown(pieces):
    raw = b"From: " + b"".join(pieces) + b"\r\n\r\n"
    author = find_author(raw)
    shown = summarize(raw, scan(raw)).sender
    names = [find_domain_name(domain_of(each.address)) for each in shown if "@" in each.address]
    assert bool(author.domain) == (author.problem is None)
    if author.domain:
        assert set(names) == {author.domain}
    assert author.domains == tuple(dict.fromkeys(name for name in names if name))


@given(st.binary(max_size=300))
def test_any_message_has_an_author_domain_or_a_problem(raw):
    author = find_author(b"From: " + raw)
    assert bool(author.domain) == (author.problem is None)
