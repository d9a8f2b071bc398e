"""Links of a mail's HTML lead elsewhere, and nothing else of it changes."""

from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import TRACKED_LINKS_MAX
from penfold.proto.mail_links import is_target
from penfold.proto.tracked_html import track

WAY = "https://mail.example/mail/click/TOKEN"
PIECES = [
    "<a href=", "<a ", "href", "=", '"', "'", ">", "<", "</a>", "<!--", "-->", "<script>", "</script>",
    "<style>", "</style>", "<area href='http://x.example'>", ' href="https://x.example/?a=1&amp;b=2"',
    "data-track='off'", "</body>", "<BODY>", "ä", "\n", "/", "https://x.example", "mailto:a@b",
]  # fmt: skip


def ways(html):
    """Return where links led, and the HTML."""
    seen = []

    def find_way(target):
        seen.append(target)
        return WAY if is_target(target) else None

    return seen, track(html, find_way)


@pytest.mark.parametrize(
    ("before", "written", "after", "target"),
    [
        ('<a href="', "https://x.example/", '">x</a>', "https://x.example/"),
        ("<A class=b HREF = '", "http://x.example/?a=1&amp;b=2", "' id=c>", "http://x.example/?a=1&b=2"),
        ("<a href=", "https://x.example/", " id=c>x</a>", "https://x.example/"),
        ('<map><area href="', " https://x.example/\n", '"></map>', "https://x.example/"),
        ('<a href="', "https://x.example/", '" href="https://y.example/">', "https://x.example/"),
    ],
)  # fmt: skip
def test_a_link_to_the_web_leads_elsewhere_and_the_rest_of_its_tag_stays(
    before, written, after, target
):
    assert ways(before + written + after) == ([target], before + WAY + after)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@x.example">', '<a href="tel:112">', '<a href="#top">', '<a href="/a">',
        '<a href="javascript:alert(1)">', '<a href="java&#115;cript:alert(1)">', '<a href="">', "<a>",
        '<a href="https://x.example/" data-track="off">', "<a data-track=OFF href=http://x.example>",
        '<a href="https://x.example/a&#13;&#10;b">', '<a href="https://x.example/\nb">',
        '<img src="https://x.example/">', '<link href="https://x.example/">', "https://x.example/",
        '<!-- <a href="https://x.example/"> -->', '<script>"<a href=https://x.example>"</script>',
        '<a title="href=https://x.example/">', '<form action="https://x.example/">',
        '<a data-href="https://x.example/">', "< a href='https://x.example/'>",
    ],
)  # fmt: skip
def test_what_is_no_link_to_the_web_or_shall_not_be_tracked_stays(html):
    assert ways(html)[1] == html


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join))
def test_of_any_text_only_addresses_change_and_the_same_way_each_time(html):
    mark = "\ue000"
    assert track(html, lambda _: None) == html
    first, *others = track(html.replace(mark, ""), lambda _: mark).split(mark)
    rest = html.replace(mark, "")
    assert rest.startswith(first)
    at = len(first)
    for piece in others:
        at = rest.index(piece, at) + len(piece)
    assert not others or rest.endswith(others[-1])


class Reader(HTMLParser):
    """Another reader of HTML, which is the standard library's."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, attrs))

    def handle_data(self, data):
        self.found.append(data)


targets = st.sampled_from(
    ["https://x.example/?a=1&b=2", "http://y.example", "mailto:a@x", "#a", "x"]
)
attributes = st.dictionaries(
    st.sampled_from(["href", "class", "title", "id"]), targets | st.text("ab <>&\"'", max_size=9)
)
elements = st.tuples(st.sampled_from(["a", "p", "area", "img", "span"]), attributes)


def write(name, given):
    said = (f' {key}="{escape(value)}"' for key, value in given.items())
    return f"<{name}{''.join(said)}>x &amp; y"


def changed(name, given):
    target = dict(given).get("href", "").strip()
    leads = name in ("a", "area") and is_target(target)
    return name, [(key, WAY if leads and key == "href" else value) for key, value in given]


@given(st.lists(elements, max_size=8))
def test_another_reader_finds_all_as_it_was_but_for_the_links(wanted):
    html = "".join(write(*each) for each in wanted)
    before, after = Reader(html).found, Reader(ways(html)[1]).found
    assert after == [one if isinstance(one, str) else changed(*one) for one in before]


def test_links_behind_a_number_of_them_stay():
    html = '<a href="https://x.example/">' * (TRACKED_LINKS_MAX + 1)
    assert ways(html)[1].count(WAY) == TRACKED_LINKS_MAX


@pytest.mark.parametrize(
    ("html", "around"),
    [
        ("<html><body>a</body></html>", ("<html><body>a", "</body></html>")),
        ("<body>a</BODY ></body>b", ("<body>a</BODY >", "</body>b")),
        ("a", ("a", "")),
        ("<!-- </body> -->a", ("<!-- </body> -->a", "")),
    ],
)
def test_the_picture_is_the_last_that_is_shown(html, around):
    picture = '<img src="https://x.example/o" width="1" height="1" alt="">'
    assert track(html, lambda _: None, "https://x.example/o") == picture.join(around)


def test_links_behind_the_end_of_the_body_are_changed_beside_the_picture():
    html = '</body><a href="https://x.example/">x</a>'
    made = track(html, lambda _: WAY, "https://x.example/o")
    picture = '<img src="https://x.example/o" width="1" height="1" alt="">'
    assert made == picture + html.replace("https://x.example/", WAY)
