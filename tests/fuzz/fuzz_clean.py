"""Throw damaged HTML at the cleaner of signatures: python tests/fuzz/fuzz_clean.py --seconds 60

Each round takes pieces of markup, cleans them and cleans the result: markup that is not listed, or
a result that changes, is a finding; the round's number repeats it.
"""

import argparse
import random
import re
import sys
import time

from penfold.proto.mime.clean import clean_html

PIECES = (
    "<b>", "</b>", "<script", "</script>", "<a href=", "'javascript:x'", '"https://x"', "<img src=",
    " onerror=x", ">", "<", "<!--", "-->", "&lt;", "&#60", "<svg", "<style>", "</style", "x", "<br/>",
    "\0", "<![CDATA[", "]]>", "<?", "é", "<textarea>", "<math>", "'", '"', "=", "/", "<!", "<plaintext>",
)  # fmt: skip
LISTED = re.compile(r'</?(?!script|style|svg|math)[a-z0-9]+(?: (?!on)[a-z]+="[^"<>]*")*>')


def clean_once(chance):
    source = "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 40)))
    found = clean_html(source)
    assert "<" not in LISTED.sub("", found), source
    assert clean_html(found) == found, source


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="repeat one round")
    options = parser.parse_args()
    end, seed = time.monotonic() + options.seconds, options.seed or 0
    while True:
        try:
            clean_once(random.Random(seed))
        except Exception:
            print(f"seed {seed}", file=sys.stderr)
            raise
        seed += 1
        if options.seed is not None or time.monotonic() > end:
            break
    print(f"{seed - (options.seed or 0)} rounds, nothing found")


if __name__ == "__main__":
    main()
