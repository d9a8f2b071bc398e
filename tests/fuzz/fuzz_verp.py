"""Break return addresses and values of ENVID and ORCPT: nothing broken is believed.

python tests/fuzz/fuzz_verp.py --seconds 10 [--seed N]
"""

import contextlib

from looping import make_text_mutation, mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.smtp.xtext import decode_xtext, format_orcpt, parse_envid, parse_orcpt
from penfold.proto.verp import is_shaped, make_verp, read_verp

KEY = b"k" * 32
NOW_S = 1_800_000_000
GENUINE = make_verp(4711, domain="rp.example.org", key=KEY, now_s=NOW_S)
SEEDS = [GENUINE, "rfc822;a+2Bb@x.example", r"utf-8;\x{54A5}@x", "QQ+20314159", "rfc822;a+40b"]
PIECES = ["+", "=", ";", "@", ".", "\\x{", "}", "+2B", "+0A", "\r\n", "é", "\x00", "A", "rfc822"]


def make_case(rng):
    return mutate_often(rng, SEEDS, make_text_mutation(PIECES))


def try_case(text):
    found = read_verp(text, domain="rp.example.org", keys=[KEY], now_s=NOW_S)
    assert found is None or (text.lower() == GENUINE and is_shaped(text))
    for parse in (decode_xtext, parse_envid):
        with contextlib.suppress(ParseError):
            assert "\n" not in parse(text) or parse is decode_xtext
    try:
        original = parse_orcpt(text)
    except ParseError:
        return
    with contextlib.suppress(ValueError):  # longer than it may be, when all is embedded
        assert parse_orcpt(format_orcpt(original, utf8=False)) == original


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
