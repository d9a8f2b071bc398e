"""Links of an HTML message, and what is doubted about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penfold.base.limits import LINK_TEXT_MAX
from penfold.proto.mime.links import Doubt, Link, find_host, iter_links, judge_link

URL = "https://shop.example/a"


@pytest.mark.parametrize(
    ("html", "links"),
    [
        pytest.param(f'<a href="{URL}">Shop</a>', [Link(URL, "Shop")], id="one"),
        pytest.param(f"<A HREF={URL}> a\n <b>b</b>&amp;c </A>", [Link(URL, "a b &c")], id="nested"),
        pytest.param(f'<a href="{URL}"><img alt=x></a>', [Link(URL, "")], id="image"),
        pytest.param('<a href="https://x.example/?a=1&amp;b=2">', [Link("https://x.example/?a=1&b=2")],
                     id="references-and-no-end"),
        pytest.param(f'<a href="{URL}">a<a href="{URL}">b', [Link(URL, "a"), Link(URL, "b")], id="no-ends"),
        pytest.param('<a href="htt\nps://x.example/">', [Link("https://x.example/")], id="line-end-within"),
        pytest.param('<a href="mailto:x@x.example">x</a><a name=x>y</a>', [], id="not-the-web"),
        pytest.param(f"<!-- <a href={URL}>no</a> -->", [], id="comment"),
    ],
)  # fmt: skip
def test_links_are_found_with_what_is_read_on_them(html, links):
    assert list(iter_links(html)) == links


@pytest.mark.parametrize(
    ("href", "text", "doubts"),
    [
        pytest.param(URL, "Shop", (), id="fine"),
        pytest.param("http://shop.example/", "", (Doubt.PLAIN,), id="plain"),
        pytest.param("https://192.0.2.1/x", "", (Doubt.ADDRESS,), id="ipv4"),
        pytest.param("https://[2001:db8::1]:8443/", "", (Doubt.ADDRESS,), id="ipv6"),
        pytest.param("https://0x7f000001/", "", (Doubt.ADDRESS,), id="hexadecimal"),
        pytest.param("https://3232235521", "", (Doubt.ADDRESS,), id="one-number"),
        pytest.param("https://www.bit.ly/x", "", (Doubt.SHORT,), id="shortener"),
        pytest.param("https://evil.example/", "https://bank.example/in", (Doubt.OTHER_HOST,), id="other-host"),
        pytest.param("https://evil.example/", "bank.com", (Doubt.OTHER_HOST,), id="other-host-bare"),
        pytest.param("https://evil.co.uk/", "www.bank.co.uk", (Doubt.OTHER_HOST,), id="other-below-a-country"),
        pytest.param("https://xn--mller-kva.de/", "müller.de", (), id="international"),
        pytest.param("https://müller.de/", "www.xn--mller-kva.de", (), id="international-in-the-link"),
        pytest.param("https://links.shop.example/x", "www.shop.example", (), id="same-owner"),
        pytest.param("https://shop.example/", "Node.js", (), id="file-name"),
        pytest.param("https://shop.example/", "report.pdf", (), id="document"),
        pytest.param("https://shop.example/", "see bank.com for more", (), id="sentence"),
        pytest.param("https://[::1/", "bank.com", (), id="no-host"),
    ],
)  # fmt: skip
def test_a_link_is_doubted_for_what_filters_and_readers_distrust(href, text, doubts):
    assert judge_link(Link(href, text)) == doubts


@given(st.text(alphabet="ab.:/[]<>=\"'&;#x1 @%\n", max_size=300))
def test_whatever_html_is_links_lead_to_the_web_and_are_short(html):
    for link in iter_links(f'<a href="http://{html}'):
        assert link.href.lower().startswith(("http://", "https://"))
        assert len(link.text) <= LINK_TEXT_MAX
        assert find_host(link.href) == find_host(link.href).lower()
        judge_link(link)


def test_a_text_in_countless_pieces_is_cut():
    [link] = iter_links(f'<a href="{URL}">' + "<b>x</b>" * 100_000)
    assert len(link.text) <= LINK_TEXT_MAX
