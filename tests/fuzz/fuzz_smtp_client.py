"""Let a hostile server talk to the SMTP client, whole and in pieces, and compare.

    python tests/fuzz/fuzz_smtp_client.py --seconds 60 [--seed N]

Fails when anything raises, when the way the stream is cut changes what is said or what comes of
it, when a recipient has no result, when a secret is in what may be shown, or when more of the
server's octets are kept than the bounds say. Prints the seed.
"""

from itertools import pairwise
from pathlib import Path

from looping import mutate_often, run

from penfold.base.limits import SMTP_OUT_REPLY_LINE_MAX_BYTES, SMTP_OUT_REPLY_MAX_BYTES
from penfold.proto.smtp.client.events import Sent, StartTls
from penfold.proto.smtp.client.machine import Client
from penfold.proto.smtp.client.outcome import TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile, TlsNeed
from penfold.proto.smtp.client.sasl import Credentials
from penfold.proto.smtp.client.transaction import Envelope, Recipient
from penfold.testing.dialogue import load_dialogue

DIALOGUES = Path(__file__).parents[1] / "dialogue" / "client"
RAW = b"Subject: hi\r\n\r\n.h\xc3\xa9llo\r\n"
ENVELOPE = Envelope("p@probe.example", tuple(Recipient(f"{name}@box.example") for name in "abc"))
LOGIN = Credentials("al", "swordfish")
TLS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", True, "for mx.box.example")
PIECES = [
    b"250 OK\r\n", b"250-", b"354 go\r\n", b"421 4.3.2 x\r\n", b"550 5.1.1 x\r\n", b"220 go\r\n",
    b"334 \r\n", b"235 OK\r\n", b"451 x\r\n", b"\r\n", b"\n", b"\0", b"\xff", b"x" * 5_000,
    b"250-x\r\n" * 101, b"250-8BITMIME\r\n250-SMTPUTF8\r\n", b"250-PIPELINING\r\n",
    b"535 swordfish\r\n", b"250-AGFsAHN3b3JkZmlzaA==\r\n", b"250-CHUNKING\r\n", b"250-STARTTLS\r\n", b"250-AUTH PLAIN LOGIN\r\n", b"999 x\r\n",
]  # fmt: skip
HELD_MAX = SMTP_OUT_REPLY_MAX_BYTES + SMTP_OUT_REPLY_LINE_MAX_BYTES


def load_seeds():
    """Return what the servers of the dialogues say, each stretch of it as one string."""
    seeds = []
    for path in sorted(DIALOGUES.glob("*.dlg")):
        lines = [text for each in load_dialogue(path).exchanges for _, text in each.expects]
        seeds.append("".join(f"{line}\r\n" for line in lines).encode())
    return seeds


SEEDS = load_seeds()


def mutate(rng, data):
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    match rng.randrange(5):
        case 0 | 1:
            lines.insert(at, rng.choice(PIECES))
        case 2 if lines:
            del lines[at - 1]
        case 3 if lines:
            line = bytearray(lines[at - 1])
            if line:
                line[rng.randrange(len(line))] = rng.randrange(256)
            lines[at - 1] = bytes(line)
        case _:
            lines[at:at] = rng.choice(SEEDS).splitlines(keepends=True)[:3]
    return b"".join(lines)


def make_case(rng):
    """Return replies, one a stretch, the profile, and where each is cut."""
    data = mutate_often(rng, SEEDS, mutate)
    profile = ClientProfile(
        hostname="mail.probe.example",
        credentials=rng.choice((None, None, LOGIN)),
        auth_unverified=True,
        bdat_min_bytes=rng.choice((0, 1_000_000)),
    )
    edges = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 12)))
    return data, profile, rng.choice(list(TlsNeed)), [0, *edges, len(data)]


def converse(profile, need, replies, pieces):
    """Hold the conversation reply by reply, each in the pieces given."""
    client = Client(profile, need=need, clock=lambda: 0.0, host="mx.box.example", port=25)
    said, results = b"", []
    for reply in replies:
        for piece in pieces(reply):
            client.receive(piece)
            assert client.held_bytes <= HELD_MAX + len(piece), "the client keeps too much"
        said += settle(client, results)
    client.end()
    settle(client, results)
    assert client.is_closed
    return said, results, client.transcript


def settle(client, results):
    """Do what the client's driver does between two reads."""
    said = b""
    while True:
        while octets := client.take_output():
            said += octets
        event = client.next_event()
        if event is None:
            return said
        if isinstance(event, StartTls):
            client.tls_started(TLS)
            continue
        if isinstance(event, Sent):
            results.append(event.results)
        if len(results) < 2 and (client.is_ready or client.is_closed):
            client.send(ENVELOPE, RAW)
        elif client.is_ready:
            client.quit()


def check(profile, said, results, transcript):
    assert results, "nobody knows what became of the message"
    for each in results:
        assert [result.address[0] for result in each] == ["a", "b", "c"]
    shown = repr(results) + repr(transcript)
    if profile.credentials is not None:
        assert "swordfish" not in shown
        assert "AGFsAHN3b3JkZmlzaA==" not in shown, "the same in base64"
    assert b"\n" not in said.replace(b"\r\n", b"")


def try_case(case):
    data, profile, need, edges = case
    replies = data.splitlines(keepends=True)
    whole = converse(profile, need, replies, lambda reply: [reply])
    check(profile, *whole)
    octets = converse(profile, need, replies, lambda reply: [bytes([o]) for o in reply])
    assert octets == whole, "the cut changed the conversation"
    # Stretches that are cut anywhere: replies that come too early are then another conversation.
    pieces = [data[a:b] for a, b in pairwise(edges) if a < b]
    check(profile, *converse(profile, need, pieces, lambda piece: [piece]))


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
