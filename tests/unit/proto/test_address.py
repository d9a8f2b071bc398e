"""Addresses of SMTP and lists of them in header fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import MIME_MAX_ADDRESSES
from penfold.proto.address import (
    canonical,
    domain_of,
    local_part_of,
    parse_address_list,
    parse_mailbox,
    strip_plus_tag,
)
from penfold.proto.mime.words import decode_names

# --- one mailbox -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("alice@penfold.test", "alice@penfold.test"),
        ("Alice@PENFOLD.Test", "Alice@penfold.test"),
        ("!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x"),
        ("a.b.c@localhost", "a.b.c@localhost"),
        ('"alice"@x', "alice@x"),
        ('"a b"@x', '"a b"@x'),
        ('"a\\"b\\\\"@x', '"a\\"b\\\\"@x'),
        ('"a\\b"@x', "ab@x"),
        ('"a@b"@x', '"a@b"@x'),
        ('""@x', '""@x'),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@faß.de", "a@xn--fa-hia.de"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]"),
        ("a@1x.2y", "a@1x.2y"),
        ("x" * 64 + "@y", "x" * 64 + "@y"),
    ],
)
def test_mailbox_is_brought_to_normal_form(text, normal):
    assert parse_mailbox(text) == normal
    assert parse_mailbox(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a", "a@", "@b", "a b@c", "a@b c", " a@b", "a@b ", "a@b\n", "a\0@b", "a\r\n@b",
        ".a@b", "a.@b", "a..b@c", "a@b@c", "a,b@c", "a@-b", "a@b-", "a@b..c", "a@.b", "a@b.",
        "a@b_c", "a@xn--", "a@1.2.3.4", "a@[1.2.3]", "a@[1.2.3.4", "a@[IPv6:zz]", "a@[x]", "a@[IPv6:fe80::1%e]x",
        '"a@b', 'a"b@c', '"a"b@c', '"a\x01"@b', "<a@b>", "a@b>", "a(c)@b", "a@b(c)",
        "x" * 65 + "@y", "é" * 33 + "@y", "a@" + "b" * 64, "a@" + "b." * 127 + "bb",
        "x" * 64 + "@" + "b." * 95 + "b", "a\u202e@b", "a\u2028@b", "a\u00a0b@c", "\ud800@b",
        "a@\ud800", "a@b\uff20c", "a@ü\u200d", "a@" + "ü" * 300, "a\u200b@b",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_mailbox_is_refused(text):
    with pytest.raises(ParseError):
        parse_mailbox(text)


@given(st.text(max_size=80) | st.text('a.@"\\[]:1é <>', max_size=30))
def test_anything_is_a_mailbox_in_normal_form_or_refused(text):
    try:
        normal = parse_mailbox(text)
    except ParseError:
        return
    assert parse_mailbox(normal) == normal
    assert canonical(normal) == canonical(canonical(normal))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@X.Test", "alice@x.test"),
        ('"Alice"@x', "alice@x"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("Ärger@x", "ärger@x"),
        ("e\u0301@x", "é@x"),
        ("not an address É", "NOT AN ADDRESS é"),
    ],
)
def test_spellings_of_one_address_are_equal(one, other):
    assert canonical(one) == canonical(other)


def test_what_is_far_too_long_for_an_address_is_not_put_in_order():
    """A million piled marks would take minutes, and anybody can type them where an address goes."""
    piled = "a" + "\u0301\u0316" * 500_000
    assert canonical(f"{piled}@x.example") == f"{piled}@x.example"


@given(st.text())
def test_canonical_form_exists_for_anything(text):
    assert isinstance(canonical(text), str)


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("a+b@c", "a@c"),
        ("a+b+c@d", "a@d"),
        ("a+@c", "a@c"),
        ("+a@c", "+a@c"),
        ("a@c+d", "a@c+d"),
        ('"a+b"@c', '"a+b"@c'),
        ("a@c", "a@c"),
        ("a", "a"),
    ],
)
def test_plus_tag_is_stripped(address, plain):
    assert strip_plus_tag(address) == plain


def test_address_is_cut_at_its_last_at_sign():
    assert (local_part_of('"a@b"@c'), domain_of('"a@b"@c')) == ('"a@b"', "c")


# --- lists -----------------------------------------------------------------------------


def pairs(value, **options):
    return [(address.name, address.address) for address in parse_address_list(value, **options)]


GOOD = [
    pytest.param("a@b", [("", "a@b")], id="bare"),
    pytest.param("<a@b>", [("", "a@b")], id="angle"),
    pytest.param("A B <a@b>", [("A B", "a@b")], id="name"),
    pytest.param('"B, A" <a@b>, c@d', [("B, A", "a@b"), ("", "c@d")], id="comma-in-quotes"),
    pytest.param("John Q. Public <a@b>", [("John Q. Public", "a@b")], id="dot-in-a-name"),
    pytest.param("O'Neil =x= <a@b>", [("O'Neil =x=", "a@b")], id="equals-in-a-name"),
    pytest.param('"\\"x\\"" <a@b>', [('"x"', "a@b")], id="escapes"),
    pytest.param("a@b (Jo (not Joe) X)", [("Jo (not Joe) X", "a@b")], id="name-in-a-comment"),
    pytest.param("A (b) C <(x)a@b(y)> (z)", [("A C", "a@b")], id="comments-everywhere"),
    pytest.param(",, a@b ,\t,c@d,", [("", "a@b"), ("", "c@d")], id="empty-elements"),
    pytest.param("undisclosed-recipients:;", [], id="empty-group"),
    pytest.param("g: a@b, C <c@d>;, e@f", [("", "a@b"), ("C", "c@d"), ("", "e@f")], id="group"),
    pytest.param("<@x,@y:a@b>", [("", "a@b")], id="route"),
    pytest.param("a . b @ c . d", [("", "a.b@c.d")], id="blanks-inside"),
    pytest.param('"a b"@c', [("", '"a b"@c')], id="quoted-local-part"),
    pytest.param("a@[192.0.2.1]", [("", "a@[192.0.2.1]")], id="literal"),
    pytest.param("=?utf-8?q?=C3=A9?= =?utf-8?q?_X?= <a@b>", [("é X", "a@b")], id="words"),
    pytest.param("=?utf-8?q?Doe,_J?= <a@b>", [("Doe, J", "a@b")], id="comma-in-a-word"),
    pytest.param("a@b (=?utf-8?q?=C3=A9?=)", [("é", "a@b")], id="word-in-a-comment"),
    pytest.param("Zoë <z@b>, é@b", [("Zoë", "z@b"), ("", "é@b")], id="utf-8"),
    pytest.param("", [], id="empty"),
]


@pytest.mark.parametrize(("value", "expected"), GOOD)
def test_list_is_read(value, expected):
    assert pairs(value) == expected
    assert pairs(value, strict=True) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a", [("", "a")], id="local-name"),
        pytest.param("MAILER-DAEMON <>", [], id="empty-brackets"),
        pytest.param("nobody in particular", [], id="words"),
        pytest.param("A <a@b", [("A", "a@b")], id="bracket-not-closed"),
        pytest.param("A <a@b, c@d", [("A", "a@b"), ("", "c@d")], id="bracket-closed-by-comma"),
        pytest.param('"A <a@b>', [("A", "a@b")], id="quote-not-closed"),
        pytest.param("a@b (x", [("", "a@b")], id="comment-not-closed"),
        pytest.param("<<a@b>>", [("", "a@b")], id="double-brackets"),
        pytest.param("a@b c@d", [("", "a@b"), ("", "c@d")], id="comma-forgotten"),
        pytest.param("A <a@b> C <c@d>", [("A", "a@b"), ("", "c@d")], id="comma-forgotten-twice"),
        pytest.param("a@b; c@d", [("", "a@b"), ("", "c@d")], id="semicolons"),
        pytest.param("Jo a@b", [("Jo", "a@b")], id="brackets-forgotten"),
        pytest.param("<a@good>@evil", [("", "a@good")], id="text-after-bracket"),
        pytest.param("a@x.org)b@evil", [("", "a@x.org"), ("", "b@evil")], id="stray-bracket"),
        pytest.param("mailto:a@b", [("", "a@b")], id="scheme"),
        pytest.param("a@, @b, <@c>", [], id="halves"),
        pytest.param("a@b\0c", [("", "a@bc")], id="nul"),
        pytest.param('"a" @b', [], id="quoted-name-apart-from-a-domain"),
        pytest.param("a@b: c@d;", [("", "a@b"), ("", "c@d")], id="address-as-group-name"),
    ],
)
def test_broken_list_is_read_as_far_as_it_goes_and_refused_when_strict(value, expected):
    assert pairs(value) == expected
    if value != "a@b\0c":
        with pytest.raises(ParseError):
            parse_address_list(value, strict=True)


@pytest.mark.parametrize(
    "value",
    [
        '"a@good.example" <b@evil.example>',
        "=?utf-8?q?a@good.example?= <b@evil.example>",
        "(a@good.example) b@evil.example",
        "b@evil.example (a@good.example)",
        '"<a@good.example>" <b@evil.example>',
        "=?utf-8?q?a?= @good.example, b@evil.example",
        '"=?utf-8?q?_<a@good.example>?= , b@evil.example',
    ],
)
def test_address_never_comes_out_of_a_name(value):
    assert [address for _, address in pairs(value)] == ["b@evil.example"]


def test_invalid_address_in_a_list_is_refused_when_strict():
    for value in ("a@b, c..d@e", "A <a b@c>", "<a@b_c>", "a@b, <>", "a@b, <@>"):
        with pytest.raises(ParseError):
            parse_address_list(value, strict=True)


@pytest.mark.parametrize("one", ["a@b", "A <a@b>", "(c) a@b", "g:a@b;"])
def test_addresses_are_counted(one):
    value = ", ".join([one] * (MIME_MAX_ADDRESSES + 10))
    assert len(parse_address_list(value)) == MIME_MAX_ADDRESSES
    with pytest.raises(ParseError):
        parse_address_list(value, strict=True)


#: Header values whose encoded words say `", <evil@x>, "`; each once made evil@x an address.
TRICKS = [
    "{}",
    '"{}',
    "[{}",
    "({}",
    '"{}"@x',
    '"\\{}',
    "<a@b {}>",
    '<=?"?b??=>{}',
    "{} @x",
    "{}(c)@x",
    "=?8?b??????]?\\{}",
    "a@b {} <c@d>",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_text_of_an_encoded_word_is_never_syntax(trick):
    value = trick.format("=?utf-8?b?IiwgPGV2aWxAeD4sICI=?=")
    shown = decode_names(value)
    for found in (parse_address_list(value), parse_address_list(shown, decoded=True)):
        assert "evil@x" not in [address.address for address in found]


def test_decoded_value_is_not_decoded_again():
    assert pairs('"=?utf-8?q?x?=" <a@b>', decoded=True) == [("=?utf-8?q?x?=", "a@b")]
    assert pairs("=?utf-8?q?x, a@b, ?=", decoded=True) == [
        ("", "=?utf-8?q?x"),
        ("", "a@b"),
        ("", "?="),
    ]


LISTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "a@b",
            "<",
            ">",
            ",",
            ";",
            ":",
            "(",
            ")",
            '"',
            "\\",
            "[",
            "]",
            " ",
            "=?utf-8?q?a?=",
            "@",
            "é",
        ]
    ),
    max_size=30,
).map("".join)


@given(LISTS)
def test_any_value_is_a_list(value):
    for address in parse_address_list(value):
        assert address.address
        assert address.name.isprintable() or not address.name.isascii()


@given(LISTS)
def test_strict_list_holds_only_mailboxes(value):
    try:
        found = parse_address_list(value, strict=True)
    except ParseError:
        return
    for address in found:
        parse_mailbox(address.address)
    assert found == parse_address_list(value)
