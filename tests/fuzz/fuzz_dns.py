"""Damage replies of the DNS: each is an answer, a failure or about something else, in time.

python tests/fuzz/fuzz_dns.py --seconds 10 [--seed N]
"""

import struct
import time

from looping import run

from penfold.proto.dns import Association, Exchange, Question, Status
from penfold.proto.dns_message import TYPES, parse_reply, print_question
from penfold.proto.resolv_conf import parse_resolv_conf
from penfold.testing.dns import Answers, Entry
from penfold.testing.dns_zones import read_question

LONG = ".".join(["a"] * 127)
ZONES = {
    "x.example": {
        "A": ["192.0.2.1"],
        "AAAA": ["2001:db8::1"],
        "MX": [Exchange(1, "m.x.example"), Exchange(2, ""), Exchange(3, LONG)],
        "PTR": ["m.x.example"],
        "TLSA": [Association(3, 1, 1, b"d" * 32)],
        "TXT": Entry([b"a" * 300, b""], secure=True),
    },
    "w.x.example": {"CNAME": ["x.example"]},
    LONG: {"MX": [Exchange(n, LONG) for n in range(40)]},
}
NAMES = [*ZONES, "gone.example", "example"]
#: Seconds one reply of 64 KiB may take; generous for a busy machine.
SLOWEST_S = 1.0


def make_case(rng):
    question = Question(rng.choice(NAMES), rng.choice(list(TYPES)))
    asked = read_question(print_question(question, 7))
    (data,) = Answers(ZONES).print_answer(asked, udp=False)
    for _ in range(rng.choice((0, 1, 1, 2, 8, 40))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data = data[:at] + rng.randbytes(rng.randrange(1, 4)) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + rng.randrange(9) :]
            case 2:
                data = (
                    data[:at]
                    + struct.pack("!H", 0xC000 | rng.randrange(min(at + 1, 0x4000)))
                    + data[at:]
                )
            case 3:
                data = (
                    data[:at] + data[at : at + rng.randrange(60)] * rng.randrange(500) + data[at:]
                )
            case _:
                data = data[:6] + struct.pack("!H", rng.randrange(2_000)) + data[8:]
    return question, data[:65_535]


def try_case(case):
    question, data = case
    started = time.process_time()
    reply = parse_reply(data, 7, question)
    assert time.process_time() - started < SLOWEST_S, "too slow"
    if reply is not None:
        assert bool(reply.answer.records) == (reply.answer.status is Status.FOUND)
        assert reply.ttl_s >= 0
    parse_resolv_conf(data[:999].decode("latin-1"))


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
