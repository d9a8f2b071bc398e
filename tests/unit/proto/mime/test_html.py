"""HTML as text."""

import html as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import LINKS_MAX
from penfold.proto.mime.html import decode_references, html_texts, html_to_text, list_links


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("<p>a</p><p>b</p>", "a b", id="blocks-separate"),
        pytest.param("<td>a<td>b<br>c", "a b c", id="cells-and-breaks-separate"),
        pytest.param("f<b>o</b><SPAN x=1>o</SPAN>", "foo", id="inline-does-not"),
        pytest.param("a<!-- <p>no --> b", "a b", id="comment"),
        pytest.param("a<!--[if mso]>no<![endif]-->b", "a b", id="conditional-comment"),
        pytest.param("<![if !mso]>a<![endif]>", "a", id="revealed-conditional"),
        pytest.param("<!DOCTYPE html><?xml x?>a", "a", id="declarations"),
        pytest.param("<style>p > a {}</style>b", "b", id="style"),
        pytest.param("<SCRIPT type='x'>if (a</b>c)</SCRIPT>d", "d", id="script"),
        pytest.param("<head><title>t</title></head>b", "b", id="title"),
        pytest.param("<styled>a</styled>", "a", id="not-style"),
        pytest.param('<a title="x > y" href=z>b</a>', "b", id="gt-in-attribute"),
        pytest.param("<a title='\"'>b</a>", "b", id="quote-in-quotes"),
        pytest.param("<p it's>b</p>", "b", id="apostrophe-outside-a-value"),
        pytest.param("a < b > c <3 <", "a < b > c <3 <", id="lt-that-opens-nothing"),
        pytest.param("a&nbsp;&amp;&#65;&#x42;&copy b&bogus;", "a &AB© b&bogus;", id="references"),
        pytest.param("&lt;p&gt;", "<p>", id="escaped-markup-is-text"),
        pytest.param("&amp;lt;", "&lt;", id="decoded-once"),
        pytest.param("a<b", "a", id="unclosed-tag"),
        pytest.param("a<b title='x>y", "a", id="unclosed-attribute"),
        pytest.param("a<!-- b", "a", id="unclosed-comment"),
        pytest.param("a<style>b", "a", id="unclosed-style"),
        pytest.param("<br/>a<br />b", "a b", id="self-closed"),
        pytest.param("<!-->a", "a", id="empty-comment"),
    ],
)
def test_html_reads_as_in_a_browser(source, text):
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        pytest.param("<p style='display: none'>a</p>b", "b", id="display-none"),
        pytest.param("<DIV STYLE='DISPLAY:NONE'>a</DIV>b", "b", id="capitals"),
        pytest.param("<p style='visibility:hidden'>a</p>b", "b", id="visibility"),
        pytest.param("<p hidden>a</p>b", "b", id="attribute"),
        pytest.param("<p aria-hidden=true>a</p>b", "a b", id="aria-is-shown"),
        pytest.param("<p style='border:none'>a</p>b", "a b", id="another-none"),
        pytest.param("<div hidden><div>a</div>a</div>b", "b", id="nested"),
        pytest.param("<div hidden>a<p>a</p></div>b", "b", id="others-inside"),
        pytest.param("<img hidden>b", "b", id="void-element-hides-itself"),
        pytest.param("<p hidden>a", "", id="never-closed"),
        pytest.param("<div hidden>a<div/>a</div>b", "b", id="self-closed-inside"),
        pytest.param("<p style='display:none !important'>a</p>b", "b", id="important"),
        pytest.param("<p title='display:none' data-x=hidden>a</p>b", "a b", id="not-a-style"),
        pytest.param("<p style='font-size:0px;line-height:0'>a</p>b", "b", id="font-size"),
        pytest.param("<p style='font-size:0.9em'>a</p>b", "a b", id="font-size-is-not-zero"),
        pytest.param(
            "<td style='font-size:0px'>a<div style='font-size:13px'>b</div>a</td>",
            "b",
            id="font-size-set-again-inside",
        ),
        pytest.param("<td style='font-size:0'>a<td>b", "b", id="next-cell-ends-one"),
        pytest.param("<p style='opacity:0'>a<i style='opacity:1'>a</i></p>b", "b", id="opacity"),
        pytest.param("<p style='opacity:.05'>a</p>b", "a b", id="opacity-is-not-zero"),
        pytest.param(
            "<p style='visibility:hidden'>a<b style='visibility:visible'>b</b></p>",
            "b",
            id="visible-inside-invisible",
        ),
        pytest.param(
            "<div style='max-height:0px;overflow:hidden;'>a</div>b", "b", id="cut-to-no-height"
        ),
        pytest.param("<div style='max-height:0'>a</div>b", "a b", id="no-height-and-not-cut"),
        pytest.param("<a style='mso-hide:all'>a</a> b", "a b", id="hidden-for-outlook-only"),
        pytest.param("<div style='display:none'><p>a</div>b", "b", id="unclosed-inside"),
        pytest.param("<b><div hidden></i>a</div></b>b", "b", id="stray-end-tag"),
        pytest.param("a<span hidden>a</span>b", "ab", id="hidden-inline-does-not-separate"),
        pytest.param("<img hidden alt=a>b", "b", id="alt-of-hidden-image"),
        pytest.param("<p hidden><img alt=a></p>b", "b", id="alt-inside-hidden"),
    ],
)
def test_hidden_text_is_left_out_and_kept_beside(source, shown):
    visible, everything = html_texts(source)
    assert visible == shown
    assert "b" in everything or "a" in everything


@pytest.mark.parametrize(
    ("source", "seen", "text"),
    [
        pytest.param("a<img alt='B &amp; C' src=x>d", "a B & C d", "a d", id="quoted"),
        pytest.param("<IMG SRC=x ALT=b>c", "b c", "c", id="bare-in-capitals"),
        pytest.param("<img title='x alt=n'>c", "c", "c", id="within-another-attribute"),
        pytest.param("<img alt='' alt=n>c", "c", "c", id="first-counts"),
        pytest.param("<img alt='a > b'/>c", "a > b c", "c", id="with-a-bracket"),
    ],
)
def test_what_an_image_says_is_seen_and_no_text_of_the_page(source, seen, text):
    assert html_texts(source) == (seen, text)


#: Styles, and whether text inside is seen: yes, no, as outside (None), never again.
STYLES = {
    "display : none": "never", "color:red; Opacity: 0.0": "never",
    "MAX-HEIGHT:0PX;overflow:hidden": "never", "color:#000": None, "mso-hide:all": None,
    "overflow:hidden": None, "font-size:0": "no", "font-size:1px": "yes",
}  # fmt: skip


@st.composite
def pages(draw):
    """Return HTML with every element closed, what is seen of it, and all its text."""
    seen = []

    def element(depth, sight):
        tag = draw(st.sampled_from(["div", "b", "h1", "table", "SPAN"]))
        style = draw(st.sampled_from(sorted(STYLES)))
        inside = sight if "never" in (sight, STYLES[style]) else STYLES[style] or sight
        inside = "never" if STYLES[style] == "never" else inside
        return f'<{tag} style="{style}"> {content(depth, inside)} </{tag}>'

    def content(depth, sight):
        word = f"w{len(seen)}"
        seen.append(word if sight == "yes" else "")
        count = draw(st.integers(0, 3)) if depth else 0
        return word + "".join(element(depth - 1, sight) for _ in range(count))

    source = content(3, "yes")
    return source, " ".join(filter(None, seen)), " ".join(f"w{n}" for n in range(len(seen)))


@given(pages())
def test_text_of_any_elements_within_each_other_is_seen_as_their_styles_say(page):
    source, seen, everything = page
    assert html_texts(source) == (seen, everything)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("&#0;", "\ufffd"),
        ("&#xD800;", "\ufffd"),
        ("&#x110000;", "\ufffd"),
        ("&#128;", "€"),
        ("&#x81;", "\ufffd"),
        ("&#99999999999999;", "&#99999999999999;"),
        ("&#;&;&", "&#;&;&"),
    ],
)
def test_numbers_that_are_no_characters_do_no_harm(text, decoded):
    assert decode_references(text).encode()
    if "99999" not in text:
        assert decode_references(text) == decoded


@given(st.text())
def test_escaped_text_comes_back(text):
    assert html_to_text(standard.escape(text)) == " ".join(text.split())


@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "</", "<!--", "-->", "<a ", "b", '"', "'", "=", "<style>", "</style>", "&#",
             "&amp;", " hidden", "<div", "/>", "é", "<![", "?"]
        )
    ).map("".join)
)  # fmt: skip
def test_anything_has_a_text(source):
    visible, everything = html_texts(source)
    assert visible.encode() is not None
    assert len(everything) <= len(source) + 1


@pytest.mark.parametrize(
    ("source", "links"),
    [
        ('<a href="https://docs.example/d/1?x=2#y">Plan</a>', ["docs.example/d/1"]),
        (
            "<A HREF = 'http://a.example/b'><area href=https://c.example>",
            ["a.example/b", "c.example"],
        ),
        ('<a href="mailto:ann@a.example">x</a> href https://b.example', []),
        ("<a href=", []),
    ],
    ids=["quoted", "any case", "no web address", "cut"],
)
def test_links_are_hosts_and_paths(source, links):
    assert list_links(source) == links


def test_links_are_counted_no_further_than_their_limit():
    assert len(list_links("<a href=https://a.example/>" * 2_000)) == LINKS_MAX
