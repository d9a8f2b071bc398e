"""Look clients up in a DNS without scruples: `fuzz_client_checks.py --seconds 60`.

Reverse lookups and blocklists end with a result, ask for names only, and ask no more than they may.
"""

from looping import run

from penfold.base.limits import IPREV_NAMES_MAX
from penfold.proto.blocklists import check_blocklist
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.iprev import check_iprev

PIECES = [
    "127.0.0.2",
    "127.255.255.254",
    "192.0.2.3",
    "::1",
    "a.example",
    ".",
    "",
    "é",
    "\0",
    "1",
    ":",
    "%",
    "x" * 64,
]


def make_case(rng):
    def word():
        return "".join(rng.choices(PIECES, k=rng.randrange(4)))

    client = rng.choice(
        [f"192.0.2.{rng.randrange(256)}", f"2001:db8::{rng.randrange(9_999)}", word()]
    )
    answers = [
        Answer(rng.choice(list(Status)), tuple(word() for _ in range(rng.randrange(30))))
        for _ in range(3)
    ]
    return client, answers


def try_case(case):
    client, answers = case
    asked = []

    def look_up(question):
        asked.append(question)
        assert question.name.isascii()
        return answers[len(asked) % len(answers)]

    assert run_check(check_iprev(client), look_up).result
    assert len(asked) <= 1 + IPREV_NAMES_MAX
    assert run_check(check_blocklist(client, "bl.example"), look_up) in {
        "listed",
        "clean",
        "unknown",
    }


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
