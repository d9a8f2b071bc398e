"""Throw damaged HTML at the cleaner of signatures: python tests/fuzz/fuzz_clean.py --seconds 60

Each round takes pieces of markup, cleans them and cleans the result: markup that is not listed, or
a result that changes, is a finding; the round's number repeats it.
"""

import re

from looping import run

from penfold.proto.mime.clean import clean_html

PIECES = (
    "<b>", "</b>", "<script", "</script>", "<a href=", "'javascript:x'", '"https://x"', "<img src=",
    " onerror=x", ">", "<", "<!--", "-->", "&lt;", "&#60", "<svg", "<style>", "</style", "x", "<br/>",
    "\0", "<![CDATA[", "]]>", "<?", "é", "<textarea>", "<math>", "'", '"', "=", "/", "<!", "<plaintext>",
)  # fmt: skip
LISTED = re.compile(r'</?(?!script|style|svg|math)[a-z0-9]+(?: (?!on)[a-z]+="[^"<>]*")*>')


def make_case(rng):
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 40)))


def try_case(source):
    found = clean_html(source)
    assert "<" not in LISTED.sub("", found)
    assert clean_html(found) == found


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
