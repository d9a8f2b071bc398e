"""Mutate signed and sealed mail, and key records: results come back, never an exception.

python tests/fuzz/fuzz_dkim.py --seconds 10 [--seed N]

What came of it is sealed again, and that seal must hold. First some hostile mail, large, against
the clock.
"""

import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from looping import run
from tests.signatures import DOMAIN, LETTER, NOW_S, chain_of, private_key, record_of, sign, verify

from penfold.base.limits import ARC_SETS_MAX, DKIM_SIGNATURES_MAX
from penfold.proto.dns import Answer, Question, Status
from penfold.proto.mailauth.arc import ArcResult, seal_arc
from penfold.proto.mailauth.canonical import read_message
from penfold.testing.mail import MailGenerator

#: Seconds one million octets may take; generous for a busy machine. The slowest case needs 0.2.
SLOWEST_S_PER_MB = 3.0
SIZE = 2_000_000


def seal(raw, chain):
    return (
        seal_arc(
            raw, authserv_id="mx.x.example", results="spf=pass; dkim=none", chain=chain,
            domain=DOMAIN, selector="ed", key=private_key("ed"), now_s=NOW_S,
        )
        + raw
    )  # fmt: skip


def make_seeds():
    mails = [LETTER, *MailGenerator(5).messages(5)]
    signed = [sign(sign(raw), selector="ed") for raw in mails]
    sealed = [seal(raw, ArcResult("none")) for raw in signed]
    return signed + sealed + [seal(raw, ArcResult("pass", 1)) for raw in sealed]


SEEDS = make_seeds()
DER = b64decode(record_of("rsa").partition(b"p=")[2])
PIECES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b";", b"=", b":", b"b=", b"; b=", b"; bh=", b"; l=0", b"; x=1",
    b"; h=from", b"i=2;", b"i=51;", b"; cv=fail", b"; cv=pass", b"DKIM-Signature: v=1; ",
    b"ARC-Seal: i=1; ", b"ARC-Message-Signature: i=1; ", b"ARC-Authentication-Results: i=1; ",
    b"From: a@b\r\n", b"c=simple/relaxed; ", b"\x00", b"\xff", b"\xc3\xa9", b"=C3=A9", b"\r\n\r\n",
]  # fmt: skip


def mutate(rng, octets, header):
    at = rng.randrange(min(len(octets), header) + 1)
    match rng.randrange(5):
        case 0:
            return octets[:at] + rng.choice(PIECES) + octets[at:]
        case 1:
            return octets[:at] + octets[at + rng.randrange(30) :]
        case 2:
            return octets[:at] + octets[at : at + rng.randrange(300)] + octets[at:]
        case 3:
            return octets[:at] + rng.randbytes(rng.randrange(1, 4)) + octets[at + 1 :]
        case _:
            other = rng.choice(SEEDS)
            start = rng.randrange(len(other))
            return octets[:at] + other[start : start + rng.randrange(400)] + octets[at:]


def make_case(rng):
    raw = rng.choice(SEEDS)
    header = raw.index(b"\r\n\r\n") if rng.random() < 0.7 else len(raw)
    for _ in range(rng.choice((1, 1, 2, 6))):
        raw = mutate(rng, raw, header)
    records = [record_of("rsa"), record_of("ed")]
    if rng.random() < 0.3:
        records = [mutate(rng, record, 999) for record in records]
    elif rng.random() < 0.1:
        records[0] = b"p=" + b64encode(damage(rng, DER))
    return raw, records


def damage(rng, octets):
    """Return a key with some octets changed, still in base64's good order."""
    octets = bytearray(octets)
    for _ in range(rng.randint(1, 3)):
        octets[rng.randrange(len(octets))] = rng.choice((0, 1, 2, 0x7F, 0x80, 0xFF))
    return bytes(octets)


def look_up_in(records):
    def look_up(question):
        assert question == Question(question.name.lower(), "TXT")
        assert question.name.isascii()
        assert len(question.name) < 254
        return Answer(Status.FOUND, (records[not question.name.startswith("rsa.")],))

    return look_up


def try_case(case):
    raw, records = case
    look_up = look_up_in(records)
    results = verify(raw, look_up)
    assert len(results) <= DKIM_SIGNATURES_MAX
    assert all((result.reason == "") == (result.result == "pass") for result in results)
    chain = chain_of(raw, look_up)
    assert chain.status in ("none", "pass", "fail")
    message = read_message(raw)
    if message.named(b"from") and message.whole:
        again = seal(raw, chain)
        assert chain.ended == (again == raw)
        if records[1] == record_of("ed") and not chain.ended:
            expected = "fail" if chain.status == "fail" else "pass"
            assert chain_of(again, look_up).status == expected, "our own seal"


def hostile():
    """Yield name and mail of what could be slow."""
    signature = sign(LETTER, selector="ed")[: -len(LETTER)]
    yield "blanks", signature + LETTER + b" " * SIZE
    yield "lines of blanks", signature + LETTER + b" \t \r\n" * (SIZE // 5)
    yield "line ends", signature + LETTER + b"\r\n" * (SIZE // 2)
    yield "lone line ends", signature + LETTER + b"\n" * SIZE
    yield "carriage returns", signature + LETTER + b"\r" * SIZE
    yield "pairs of blanks", signature + LETTER + b"a  " * (SIZE // 3)
    yield "many lengths", b"".join(
        signature.replace(b"h=", b"l=%d; h=" % (n * 1_000)) for n in range(10)
    ) + LETTER + b"text " * (SIZE // 5)  # fmt: skip
    yield "many signatures", signature * (SIZE // len(signature)) + LETTER
    yield "a long list", signature.replace(b"h=", b"h=" + b"from:" * 40_000) * 9 + LETTER
    yield "many tags", b"DKIM-Signature: " + b"a1=b;" * 40_000 + b"\r\n" + LETTER
    yield "semicolons", b"DKIM-Signature: v=1" + b" ;" * 100_000 + b"\r\n" + LETTER
    yield "many fields", signature + b"a:\n" * 80_000 + LETTER
    yield "endless fields", signature + b"From: x\r\n" * (SIZE // 9) + LETTER
    yield "many seals", b"".join(
        b"ARC-Seal: i=%d; cv=pass; a=b\r\n" % n for n in range(60_000)
    ) + LETTER  # fmt: skip
    raw = LETTER
    for number in range(ARC_SETS_MAX):
        raw = seal(raw, ArcResult("pass", number) if number else ArcResult("none"))
    yield "fifty sets", raw


def try_hostile():
    slowest = (0.0, "")
    for name, raw in hostile():
        started = time.process_time()
        verify(raw)
        chain_of(raw)
        per_mb = (time.process_time() - started) / max(len(raw) / 1e6, 0.1)
        assert per_mb < SLOWEST_S_PER_MB, f"{name}: {per_mb:.1f} s per MB"
        slowest = max(slowest, (per_mb, name))
    print(f"hostile cases: slowest {slowest[0]:.2f} s per MB ({slowest[1]})")


if __name__ == "__main__":
    if "--seed" not in sys.argv:
        try_hostile()
    run(make_case, try_case, about=__doc__)
