"""Break the headers of signed webhooks: none of what is changed is good, and nothing raises.

python tests/fuzz/fuzz_standard_webhooks.py --seconds 10 [--seed N]
"""

from looping import mutate_often, run

from penfold.proto.standard_webhooks import Signed, Verdict, parse_secret, sign, verify

NOW_S = 1_800_000_000
KEY = bytes(range(32))
BODY = b'{"type":"email.delivered"}'
TRUE = sign("msg_1", BODY, [KEY], now_s=NOW_S)
SEEDS = [f"{TRUE.id}\n{TRUE.timestamp}\n{TRUE.signature}", "msg_1\n1800000000\nv1, v1a,x v1,=="]
PIECES = [".", "v1,", " ", "\n", "=", "+", "0", "-", "é", "\ud800", "\x00", "whsec_", "A" * 44]


def mutate(rng, text):
    at = rng.randrange(len(text) + 1)
    match rng.randrange(3):
        case 0:
            return text[:at] + rng.choice(PIECES) + text[at:]
        case 1:
            return text[:at] + text[at + rng.randrange(1, 5) :]
        case _:
            return text[:at] + chr(rng.randrange(1, 300)) + text[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)


def try_case(text):
    signed = Signed(*[*text.split("\n", 2), "", ""][:3])
    verdict = verify(signed, BODY, [KEY], now_s=NOW_S)
    same = (signed.id, signed.timestamp) == (TRUE.id, TRUE.timestamp)
    assert verdict is not Verdict.GOOD or (same and TRUE.signature[3:] in signed.signature)
    secret = parse_secret(text)
    assert secret is None or 24 <= len(secret) <= 64


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
