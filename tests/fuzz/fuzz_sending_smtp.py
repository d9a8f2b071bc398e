"""Break messages that come with an API key: each makes emails, or names what is wrong.

python tests/fuzz/fuzz_sending_smtp.py --seconds 10 [--seed N]
"""

import time

from fuzz_sending import CALLER, NOW, PIECES, RAW
from looping import mutate_often, run

from penfold.base.limits import IDEMPOTENCY_KEY_MAX
from penfold.domain.sending.checking_smtp import FIELDS, check_submission, read_word
from penfold.domain.sending.content import unpack_content
from penfold.domain.sending.findings import Findings
from penfold.proto.mime.compose import header_values

FIELDS_SAID = (
    b"X-Tag: kind=welcome, beta\r\nX-Stream: transactional\r\n"
    b'X-Metadata: {"order": "7"}\r\nIdempotency-Key: one\r\nX-Track: off\r\n'
)
SEEDS = [
    FIELDS_SAID + RAW,
    b'X-Template: welcome\r\nX-Variables: {"name": "Kim"}\r\nX-Track: opens, clicks\r\n' + RAW,
]
MORE = [*PIECES, b"\r\n", b"\n ", b"X-Tag: ", b"X-Metadata: {", b"To: ", b"=", b"From: a@b\r\n"]
SLOWEST_S = 0.5


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(3):
        case 0:
            return data[:at] + rng.choice(MORE) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 10) :]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    return mutate_often(rng, SEEDS, mutate)[:50_000]


def try_case(data):
    started = time.process_time()
    findings = Findings()
    drafts = check_submission(
        data, ("kim@x.example", "lee@x.example"), CALLER, findings, fill=lambda *_: None, now_ms=NOW
    )
    assert len(read_word(data)) <= IDEMPOTENCY_KEY_MAX
    assert bool(drafts) != bool(findings)
    for draft in drafts:
        raw = unpack_content(draft.new.content).raw
        assert not [name for name in (*FIELDS, "Bcc") if header_values(raw, name)]
        assert len(draft.new.addresses) == 2
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
