"""Put the words of servers together anew: every reply has an outcome, soon.

python tests/fuzz/fuzz_outcomes.py --seconds 10 [--seed N]
"""

import time

from looping import run

from penfold.proto.smtp.outcomes.classify import classify, read_reply
from penfold.proto.smtp.stage import Stage

WORDS = (
    "550 5.1.1 450 4.7.1 user mailbox account unknown full quota exceeded over is size message too "
    "many connections spam content blocked list listed url in reverse dns ptr domain does not exist "
    "sender address rejected try again in 300 seconds for 5 minutes 00:05:00 greylisted relay "
    "denied \x00 \xff ş 5.1.1. 192.0.2.550 #5.1.1 (#4.2.2) - 550-5.7.26"
).split()
#: Seconds one reply may take, however long it is; generous for a busy machine.
SLOWEST_S = 0.25
PROVIDERS = ["", "google", "microsoft", "yahoo", "mimecast"]


def make_case(rng):
    words = rng.choices(WORDS, k=rng.randrange(60))
    if rng.random() < 0.2:
        words += [rng.choice(WORDS)] * rng.randrange(2_000)
    text = rng.choice([" ", "", "-", "  "]).join(words)
    return rng.choice(list(Stage)), text, rng.choice(PROVIDERS)


def try_case(case):
    stage, text, provider = case
    started = time.process_time()
    said = read_reply(text)
    outcome = classify(stage, said.code, said.enhanced, text, provider=provider)
    assert time.process_time() - started < SLOWEST_S, "too slow"
    assert outcome.suppress is None or outcome.permanent
    assert outcome.wait_s is None or outcome.wait_s >= 0


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
