"""Throw broken addresses at the parsers: `fuzz_address.py --seconds 60`.

A case is a list of addresses that was cut, doubled and sprinkled with noise, or one address alone.
Stops at the first failure and prints the number that repeats it (`--seed N --seconds 1`). A case that
takes longer than SLOWEST_S is a failure.
"""

import contextlib
import time
from base64 import b64encode

from looping import run

from penfold.base.errors import ParseError
from penfold.domain.access.aliases import parse_alias
from penfold.proto.address import canonical, parse_address_list, parse_mailbox, strip_plus_tag
from penfold.proto.mime.compose import format_address
from penfold.proto.mime.words import decode_names

#: Stands in no case but inside encoded words, so it must never be part of an address.
MARK = "Ω"
HIDDEN = [
    f"=?utf-8?b?{b64encode(text.encode()).decode()}?="
    for text in (MARK, f"{MARK}@x", f'", <{MARK}@x>, "', f"({MARK}@x), {MARK}@y")
]
PIECES = [
    "a@b", "<", ">", ",", ";", ":", "(", ")", '"', "\\", "[", "]", " ", "@", ".", "é", "bücher.de",
    "=?utf-8?q?=C3=A9?=", "=?utf-8?b?", *HIDDEN, *HIDDEN, "?=", "=?", "*", "*@", "[192.0.2.1]", "[IPv6:::1]", "xn--", "-", "+tag",
    "\0", "\r\n", "\u202e", "\ud800", "John", "undisclosed-recipients:;", "\u3002", "\u200d", "1",
]  # fmt: skip
#: Seconds one case of MAX_CHARS may take; generous for a busy machine.
SLOWEST_S = 1.0
MAX_CHARS = 20_000


def make_case(rng):
    text = "".join(rng.choices(PIECES, k=rng.randrange(1, 30)))
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(3):
            case 0:
                text = text[:at] + text[at : at + rng.randrange(9)] * rng.randrange(200) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(5) :]
            case _:
                text = text[:at] + chr(rng.randrange(0x110000)) + text[at:]
    return text.replace(MARK, "")[:MAX_CHARS]


def is_mailbox(text):
    with contextlib.suppress(ParseError):
        return bool(parse_mailbox(text))
    return False


def try_case(text):
    started = time.perf_counter()
    for address in parse_address_list(text):
        assert address.address, "empty address"
        assert not set(address.name) & set("\r\n\0\u202e"), "control in a name"
    canonical(text)
    with contextlib.suppress(ParseError):
        alias = parse_alias(text)
        assert parse_alias(alias) == alias, "an alias is not what it is parsed to"
        assert " " not in alias, "an alias has a blank, where the key of its record is cut"
    strip_plus_tag(text)
    for each in parse_address_list(decode_names(text), decoded=True):
        assert MARK not in each.address or not is_mailbox(each.address), "address out of a name"
    assert time.perf_counter() - started < SLOWEST_S, "too slow"
    for parse in (parse_mailbox, lambda text: parse_address_list(text, strict=True)):
        try:
            result = parse(text)
        except ParseError:
            continue
        if isinstance(result, str):
            assert parse_mailbox(result) == result, "no normal form"
            continue
        for address in result:
            written = format_address(address)
            assert parse_address_list(written, strict=True) == [address], "does not read back"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
