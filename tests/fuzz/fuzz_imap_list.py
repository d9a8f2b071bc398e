"""Broken lists of IMAP folders: `fuzz_imap_list.py --seconds 60`.

Each line is a folder whose name can be said to a server, or none, and comes back when it is.
"""

import time

from looping import make_mutation, mutate_often, run

from penfold.proto.imap_list import parse_folder_line, quote
from penfold.proto.mailfolders import decode_utf7

SEEDS = [
    rb'(\HasNoChildren \Junk) "/" "INBOX/Spam"',
    rb"(\Noselect) NIL {7}",
    rb'() "\\" "Entw&APw-rfe \"x\""',
    rb'(\All \Archive) "." INBOX.All',
]
PIECES = [
    b'"',
    b"\\",
    b"(",
    b")",
    b" ",
    b"NIL",
    b"{9}",
    b"&",
    b"-",
    b"\\Junk",
    b"\xff",
    b"\r\n",
    b"\0",
]
#: Seconds of processor time for one line.
SLOWEST_S = 0.5
mutate = make_mutation(PIECES)


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate), rng.choice((None, b"", b"Spam", b"a\xff"))


def try_case(case):
    started = time.thread_time()
    found = parse_folder_line(*case)
    assert time.thread_time() - started < SLOWEST_S, "too slow"
    if found is None:
        return
    assert found.name.isascii()
    assert found.name.isprintable()
    decode_utf7(found.name)
    again = parse_folder_line(f'() "/" {quote(found.name)}'.encode())
    assert again is not None
    assert again.name == found.name


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
