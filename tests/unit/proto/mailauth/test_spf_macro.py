"""Macro strings: their grammar, and what they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.errors import ParseError
from penfold.base.limits import SPF_EXPLANATION_MAX_CHARS, SPF_NAME_MAX_CHARS
from penfold.proto.mailauth.spf_macro import (
    Macro,
    expand_explanation,
    find_name,
    find_target,
    parse_domain_spec,
    parse_explanation,
    parse_macro_string,
)

#: The sender, client and host of the examples in RFC 7208 §7.4.
VALUES = {
    "s": "strong-bad@email.example.com", "l": "strong-bad", "o": "email.example.com",
    "d": "email.example.com", "i": "192.0.2.3", "p": "mx.example.org", "v": "in-addr",
    "h": "mx.example.org", "c": "192.0.2.3", "r": "receiver.example", "t": "1700000000",
}  # fmt: skip
IPV6 = {"i": "2.0.0.1.0.D.B.8" + ".0" * 20 + ".C.B.0.1", "v": "ip6"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{p2}.x", "example.org.x"),
        ("%{D2R}", "example.email"),
        ("%{d0002}", "example.com"),
        ("%{d127}", "email.example.com"),
        ("%{d" + "9" * 9_000 + "}", "email.example.com"),
        ("%{s-@}", None),
        ("%{s2r-+,/_=.}", "bad@email.strong"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{h}|%%%_%-|", "mx.example.org|% %20|"),
        ("%{c} %{r} %{t}", "192.0.2.3 receiver.example 1700000000"),
        ("  plain  text ", "  plain  text "),
        ("", ""),
    ],
)
def test_a_macro_string_expands_as_the_standard_says(text, expanded):
    if expanded is None:
        with pytest.raises(ParseError):
            parse_explanation(text)
    else:
        assert expand_explanation(parse_explanation(text), VALUES) == expanded


def test_an_ipv6_address_expands_to_its_hexadecimal_digits():
    name = find_target(parse_domain_spec("%{ir}.%{v}._spf.%{d2}"), {**VALUES, **IPV6})
    assert name == "1.0.b.c" + ".0" * 20 + ".8.b.d.0.1.0.0.2.ip6._spf.example.com"


@pytest.mark.parametrize("value", ["..a..", ".", "", "a..b"])
def test_empty_parts_are_parts(value):
    template = parse_explanation("%{lr}")
    parts = value.split(".")
    assert expand_explanation(template, {"l": value}) == ".".join(reversed(parts))


@pytest.mark.parametrize(
    "text",
    ["%", "%%%", "%a", "%(d)", "%{", "%{}", "%{d", "%{x}", "%{d0}", "%{d00}", "%{dr2}", "%{d.r}",
     "%{d;}", "%{d }", "%{dd}", "%{-}", "a\tb", "a\0", "\x7f", "é", "%{ſ}", "\ud800", "a\n"],
)  # fmt: skip
def test_a_wrong_macro_string_is_refused(text):
    for parse in (parse_macro_string, parse_explanation, parse_domain_spec):
        with pytest.raises(ParseError):
            parse(text)


@pytest.mark.parametrize("text", ["%{c}", "%{r}", "%{T}", "a b"])
def test_some_macros_and_blanks_are_for_explanations_only(text):
    assert parse_explanation(text)
    with pytest.raises(ParseError):
        parse_macro_string(text)


@pytest.mark.parametrize(
    "text",
    ["a.b", "a.b.", ".b", "a..b", "%{d}", "%{d}.b", "x%{d}", "a.%{d}.b-c", "a.1b", "a.1-1", "a%-",
     "a:b/c.d", "a.xn--zckzah", "%%.x", "%_", "_spf.a.B", "a." + "b" * 64],
)  # fmt: skip
def test_a_domain_spec_ends_in_a_macro_or_a_top_label(text):
    assert parse_domain_spec(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a", "a.", "a..", "a.b..", "a.1", "a.-b", "a.b-", "a.b:1", "a.b/8", "%{d}x", "%{d}.",
     "%{d}}", "%{d.}x", "a.b_c", "a.%", "%{d}/8", "a.b,", "a." + "b" * 5_000 + "!"],
)  # fmt: skip
def test_what_ends_otherwise_is_no_domain_spec(text):
    with pytest.raises(ParseError):
        parse_domain_spec(text)


def test_a_name_loses_labels_on_the_left_until_it_fits():
    long = ".".join(["x" * 9] * 40)
    assert find_name(f"{long}.") == ".".join(["x" * 9] * 25)
    just = ("y" * 49 + ".") * 5 + "abc"
    assert len(just) == SPF_NAME_MAX_CHARS
    assert find_name(just) == just
    assert find_name(f"{just}d") == just.partition(".")[2] + "d"
    assert find_name(f"z.{just}") == just


@pytest.mark.parametrize("tail", ["yz", "yz.", "xyz", "xyz.", "wxyz."])
def test_a_name_of_many_macros_is_as_long_as_it_may_be(tail):
    for count in (83, 84, 85, 200):
        template = parse_macro_string("%{d}" * count + tail)
        name = find_target(template, {"d": "ab."})
        assert name == find_name("ab." * count + tail)
        assert name is not None
        assert len(name) > SPF_NAME_MAX_CHARS - 3


@given(st.lists(st.sampled_from(["%{d}", "%{l}", ".", "ab", "%{o}", "%%"]), max_size=60))
def test_a_name_built_from_its_right_end_is_that_of_the_whole_text(pieces):
    template = parse_macro_string("".join(pieces))
    values = {"d": "some.domain.example", "l": "local.part", "o": "other.example"}
    whole = "".join(
        values[piece.letter] if isinstance(piece, Macro) else piece for piece in template
    )
    assert find_target(template, values) == find_name(whole)


@pytest.mark.parametrize(
    "text", ["", ".", "com", "com.", "a..b", ".a.b", "a.b..", "a\\.b.c", "é.b", "\u212a.b", "a\0.b", "a\n.b",
             "x" * 64 + ".b", "x" * 400, "a.b\n"],
)  # fmt: skip
def test_a_name_nobody_can_be_asked_for_is_none(text):
    assert find_name(text) is None


def test_a_name_is_lower_case_and_without_its_final_dot():
    assert find_name("A:%{/ .B_c.") == "a:%{/ .b_c"


@pytest.mark.parametrize("text", ["%{l}.x.y", "%{L}.x.y", "%{S}.y", "a.%{l1r}.y"])
def test_a_local_part_beyond_ascii_makes_no_name(text):
    values = {**VALUES, "l": "jörg", "s": "jörg@email.example.com"}
    assert find_target(parse_domain_spec(text), values) is None
    assert expand_explanation(parse_explanation(text), values) == ""


@pytest.mark.parametrize("value", ["a\r\n250 ok", "\0", "\x1b[m", "ü", "\ud800", "\u202e"])
def test_an_explanation_is_printable_ascii_or_nothing(value):
    assert expand_explanation(parse_explanation("by %{h}"), {"h": value}) == ""


def test_an_explanation_is_bounded_however_much_its_macros_make():
    text = expand_explanation(parse_explanation("%{s}" * 2_000), VALUES)
    assert len(text) == SPF_EXPLANATION_MAX_CHARS
    assert text.startswith(VALUES["s"] * 5)


macros = st.builds(
    Macro,
    letter=st.sampled_from("slodiphv"),
    escaped=st.booleans(),
    keep=st.integers(0, 999),
    reverse=st.booleans(),
    delimiters=st.sets(st.sampled_from("-.+,/_=")).map(lambda chars: "".join(sorted(chars))),
)


def written(macro):
    letter = macro.letter.upper() if macro.escaped else macro.letter
    return f"%{{{letter}{macro.keep or ''}{'r' * macro.reverse}{macro.delimiters}}}"


@given(st.lists(macros, max_size=4))
def test_written_macros_parse_to_themselves(pieces):
    assert parse_macro_string("".join(map(written, pieces))) == tuple(pieces)


@given(st.text(alphabet=st.sampled_from("%{}dlscrt019R-.+ ab_=é\0")))
def test_any_text_is_a_macro_string_or_is_refused(text):
    for parse in (parse_macro_string, parse_explanation, parse_domain_spec):
        try:
            template = parse(text)
        except ParseError:
            continue
        name = find_target(template, VALUES)
        assert name is None or find_name(name) == name
        assert len(expand_explanation(template, VALUES)) <= SPF_EXPLANATION_MAX_CHARS
