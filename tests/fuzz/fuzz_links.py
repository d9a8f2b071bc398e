"""Throw broken HTML at the reader of links: python tests/fuzz/fuzz_links.py --seconds 60

A link that does not lead to the web, or a round that took longer than SLOWEST_S, is a finding.
"""

import time

from looping import run

from penfold.base.limits import LINK_TEXT_MAX, PREFLIGHT_READ_MAX_BYTES
from penfold.proto.mime.links import iter_links, judge_link

PIECES = (
    "<a", "<A ", "</a>", " href=", ' href="', "https://", "HTTP://", "www.", "bank.com", "bit.ly", "[::1]", "[", "]",
    "0x7f", "127.0.0.1", "@", ":", "/", "?", "#", "&amp;", "&#104;", '"', "'", ">", "<b>", "</b>", "<!--", "-->", "\n",
    "\0", "é", "xn--", ".", "co.uk", " ", "<img alt=x>",
)  # fmt: skip
#: Seconds of processor time for the longest HTML that is read.
SLOWEST_S = 8.0


def make_case(chance):
    pieces = [chance.choice(PIECES) for _ in range(chance.randrange(1, 60))]
    if chance.random() < 0.01:
        start = chance.randrange(len(pieces))
        again = pieces[start : start + chance.randrange(1, 8)]
        pieces[start:start] = again * (PREFLIGHT_READ_MAX_BYTES // len("".join(again).encode()))
    return "".join(pieces)[:PREFLIGHT_READ_MAX_BYTES]


def try_case(html):
    started = time.thread_time()
    links = list(iter_links(html))
    for link in links:
        judge_link(link)
    took = time.thread_time() - started
    assert took < SLOWEST_S, f"{took:.2f} s are too slow"
    assert all(one.href.lower().startswith(("http://", "https://")) for one in links)
    assert all(len(one.text) <= LINK_TEXT_MAX for one in links)


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
