"""Break bounces of all families, and let strangers' words into ours: none is misread or slow.

python tests/fuzz/fuzz_bounces.py --seconds 10 [--seed N]
"""

import random
import sys
import time
from pathlib import Path

from looping import mutate_often, run

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.unit.proto.reports.bounces import ALL

from penfold.proto.reports.action import Action
from penfold.proto.reports.blocks import read_blocks
from penfold.proto.reports.bounces import classify_recipient, find_bounce
from penfold.proto.reports.dsn import Subject, Told, compose_dsn

SEEDS = list(ALL.values())
PIECES = [
    b"\n", b"\n\n", b"\r", b": ", b"Final-Recipient: rfc822; ", b"Action: failed\n", b"<a@b>:", b"  a@b",
    b"Status: 5.1.1\n", b"Diagnostic-Code: ", b"--B/mx.example.org", b"\xff", b"\0", b"550 5.1.1 ", b"@",
    b"Content-Transfer-Encoding: base64\n", b"---", b"<", b"(", b"#5.1.1", b"\\x{110000}", b"X" * 300,
]  # fmt: skip
#: Seconds for 100 kB; generous for a busy machine.
SLOWEST_S = 1.0


def mutate(rng, raw):
    at = rng.randrange(len(raw) + 1)
    match rng.randrange(4):
        case 0:
            return raw[:at] + rng.choice(PIECES) + raw[at:]
        case 1:
            return raw[:at] + raw[at + rng.randrange(1, 80) :]
        case 2:
            end = at + rng.randrange(1, 60)
            return raw[:at] + raw[at:end] * rng.randrange(2, 300) + raw[end:]
        case _:
            other = rng.choice(SEEDS)
            return raw[:at] + other[rng.randrange(len(other)) :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:100_000], rng.getrandbits(32)


def try_case(case):
    raw, seed = case
    started = time.process_time()
    found = find_bounce(raw)
    for recipient in found.recipients if found else ():
        assert recipient.final
        assert not set("\r\n\0") & set(recipient.diagnostic + recipient.final)
        classify_recipient(recipient)
    read_blocks(raw)
    write_ours(raw, random.Random(seed))
    assert time.process_time() - started < SLOWEST_S, "too slow"


def write_ours(raw, rng):
    text = raw[: rng.randrange(2_000)].decode("latin_1")
    told = Told(
        "a@example.org", rng.choice(list(Action)), "5.0.0", diagnostic=text, remote_mta=text[:99]
    )
    subject = Subject(raw, "s@penfold.test", "mx", "penfold.test", 0, full=rng.random() < 0.5)
    ours = compose_dsn(subject, [told], now_ms=0, chance=rng).raw
    assert ours.count(b"\n") == ours.count(b"\r") == ours.count(b"\r\n")
    assert b"\0" not in ours
    assert len(ours) < 120_000
    again = find_bounce(ours)
    assert [each.final for each in again.recipients] == ["a@example.org"]
    assert again.recipients[0].action is told.action


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
