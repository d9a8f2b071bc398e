"""Throw broken HTML at the reader of HTML: python tests/fuzz/fuzz_html.py --seconds 60

A round takes pieces of markup, some of them again and again up to the octets that are ever read. A
text that says more than the source has, or that took longer than SLOWEST_S, is a finding; the
round's number repeats it.
"""

import time

from looping import run

from penfold.base.limits import HTML_SCAN_MAX_BYTES
from penfold.proto.mime.html import html_texts

PIECES = (
    "<b>", "</b>", "<script", "</script>", "<style>", "</style", "<title>", "<template>", "<p hidden>",
    "<div style='display:none'>", "</div>", "<td style=font-size:0>", '<i style="font-size:1px', '">',
    "<img alt=x>", "<img alt='", '<IMG ALT="&lt;', "opacity:0;", "max-height:0;overflow:hidden", "<p>",
    " style=", " alt", " hidden", "'", '"', "=", "/", ">", "<", "<!--", "-->", "<![if", "<?", "&lt;", "&#60",
    "&amp", "a", " ", "\n", "\0", "é", "</", "<td>", "</td>", ";", ":", "<o:p>", "<br/>", "!important",
)  # fmt: skip
#: Seconds of processor time for the longest HTML that is read.
SLOWEST_S = 4.0


def make_case(chance):
    pieces = [chance.choice(PIECES) for _ in range(chance.randrange(1, 40))]
    if chance.random() < 0.02:
        start = chance.randrange(len(pieces))
        again = pieces[start : start + chance.randrange(1, 8)]
        times = HTML_SCAN_MAX_BYTES // len("".join(again).encode())
        pieces[start:start] = again * times
    return "".join(pieces)[:HTML_SCAN_MAX_BYTES]


def try_case(source):
    started = time.thread_time()
    seen, everything = html_texts(source)
    took = time.thread_time() - started
    assert took < SLOWEST_S, f"{took:.2f} s are too slow"
    assert len(everything) <= len(source) + 1
    assert len(seen) <= len(source) + 1
    assert seen == " ".join(seen.split())


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
