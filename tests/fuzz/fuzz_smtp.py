"""Feed mutated conversations to the SMTP engine, whole and in pieces, and compare.

    python tests/fuzz/fuzz_smtp.py --seconds 60 [--seed N]

Fails when anything raises, when the way the stream is cut changes events or replies, when a
message holds what it may not, or when the engine keeps more than its bounds. Prints the seed.
"""

import dataclasses
from itertools import pairwise
from pathlib import Path

from looping import run

from penfold.proto.smtp import replies
from penfold.proto.smtp.events import Login, Mail, Message, Rcpt, Slow
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.proto.smtp.server import Server
from penfold.testing.dialogue import load_dialogue

DIALOGUES = Path(__file__).parents[1] / "dialogue"
MX = make_mx_profile(hostname="mx.box.example", domain="box.example", starttls=False)
SUBMISSION = make_submission_profile(
    hostname="mx.box.example", domain="box.example", starttls=False
)
PROFILES = [dataclasses.replace(p, max_bytes=2_000, errors_max=50) for p in (MX, SUBMISSION)]
PIECES = [b"\r\n.\r\n", b"\r\n", b"\n", b"\r", b".", b"\0", b"..", b"\xff", b"x" * 3_000, b"<", b">",
          b'"', b"\\", b"DATA\r\n", b"RSET\r\n", b"RCPT TO:<a@box.example>\r\n", b"=", b"*\r\n", b"BDAT 7\r\n",
          b"BDAT 0 LAST\r\n", b"BDAT 900 LAST\r\n", b"BDAT 2100\r\n", b" BODY=BINARYMIME", b" LAST",
          b" RET=FULL ENVID=a+2B", b" NOTIFY=DELAY ORCPT=rfc822;a@b", b"bdat", b" SMTPUTF8"]  # fmt: skip


def load_seeds():
    seeds = []
    for path in sorted(DIALOGUES.glob("*.dlg")):
        exchanges = load_dialogue(path).exchanges
        seeds.append(b"".join(send for e in exchanges for send in e.sends)[:100_000])
    return seeds


SEEDS = load_seeds()


def mutate(chance, seeds):
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(8)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randrange(1, 10)]
            case 2 if at < len(data):
                data[at] = chance.randrange(256)
            case 3:
                other = chance.choice(seeds)
                data[at:at] = other[chance.randrange(len(other) + 1) :][:500]
            case _:
                data[at:at] = data[at : at + 50]
    return bytes(data)


def answer(event):
    match event:
        case Mail():
            return replies.SENDER_OK
        case Rcpt():
            return replies.RECIPIENT_OK
        case Message():
            return replies.make_stored(1, "id")
        case Login(password="abcdefghijklmnop"):
            return replies.ACCEPTED
    return replies.BAD_CREDENTIALS


def converse(profile, pieces):
    machine = Server(profile, tag="s - penfold", tls=True)
    events, output = [], b""
    for piece in pieces:
        machine.receive(piece)
        while (event := machine.next_event()) is not None:
            events.append(event)
            if isinstance(event, Slow):
                machine.resume()
            else:
                machine.answer(answer(event))
        output += machine.take_output()
        assert machine.unread_bytes <= 20_000, "the engine keeps too much"
    return events, output


def check(profile, events, output):
    for message in events:
        if isinstance(message, Message):
            assert len(message.data) <= profile.max_bytes
            assert len(message.reports) in (0, len(message.recipients))
            is_binary = message.options.body == "BINARYMIME"
            text = message.data.partition(b"\r\n\r\n")[0] if is_binary else message.data
            assert not set(b"\r\n\0") & set(text.replace(b"\r\n", b""))
    for line in output.split(b"\r\n")[:-1]:
        assert line[:3].isdigit(), line
        assert len(line) <= 510, line


def make_case(rng):
    """Return octets, who hears them, and where they are cut."""
    data, profile = mutate(rng, SEEDS), rng.choice(PROFILES)
    edges = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 12)))
    return data, profile, [0, *edges, len(data)]


def try_case(case):
    data, profile, edges = case
    whole = converse(profile, [data])
    check(profile, *whole)
    pieces = [data[a:b] for a, b in pairwise(edges) if a < b]
    assert converse(profile, pieces) == whole, "the cut changed the conversation"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
