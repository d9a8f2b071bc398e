"""Check senders against records nobody would publish: `fuzz_spf.py --seconds 60`.

A case is a client, a HELO name, a sender, and what a DNS without scruples answers: each question gets
one of a few answers, made of terms, macros, noise, and far too many records. The check has to end with
a result, ask no more than it may, ask for names only, and tell in printable text. A case that takes
longer than SLOWEST_S is a failure.
"""

import time

from looping import run

from penfold.base.limits import SPF_EXPLANATION_MAX_CHARS, SPF_QUESTIONS_MAX
from penfold.proto.dns import Answer, Exchange, Status, run_check
from penfold.proto.mailauth.spf import check_spf

#: Terms of records that hold until they ask too much; the modifiers stand once in one.
TERMS = [
    "?a", "-mx", "?ptr", "?include:%{d}", "include:a.%{d}", "exists:%{p}.%{h}", "a:%{S}/24//48", "ip4:192.0.2.0/30",
    "?ip6:2001:db8::/32", "?ptr:%{d2}", "-mx:%{p}", "?exists:%{ir}.%{v}.%{L3r-+=_/.,}.x.y", "?a:x.example",
    "foo=%{i}", "?exists:%{l1r-}.%{d}", "?mx:mx.x.example",
]  # fmt: skip
ENDS = [
    "",
    "",
    "-all",
    "~all",
    "redirect=a.%{d}",
    "redirect=%{l}.%{d}",
    "-all exp=%{p}.%{o}",
    "-all exp=e.%{d}",
]
TEXTS = ["%{c} is not %{p}, says %{r}: %{S}", "%{l5r+-}%{h}" * 9, "100%", "v=spf1"]
PIECES = [
    *TERMS, *ENDS, "v=spf1", "v=spf10", " ", "  ", "\t", "\0", "%", "%{", "}", "%%", "%_", "%-", "%{c}", "%{t0}",
    "%{s9999}", ":", "/", "//", "/0", "/128", ".", "..", "=", "-", "é", "a." * 90, "x" * 64, "%{s}" * 60,
    "ip4:1.2.3.4 " * 90,
]  # fmt: skip
NAMES = [
    "x.example",
    "mx.x.example",
    "MX.Client.Example.",
    "",
    ".",
    "x",
    "é.x",
    "a" * 64 + ".x",
    "a\\.b.c",
    "\n.x",
]
ADDRESSES = ["192.0.2.3", "2001:db8::3", "::ffff:192.0.2.3", "1.2.3.4", "", "::", "fe80::1%0", "x"]
SENDERS = [
    "ann@x.example",
    "",
    "@x.example",
    '"a b@c"@x.example',
    "a-b+c_d@x.example",
    "é@bücher.example",
    "@",
    "x",
]
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 2.0


def make_text(rng):
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(300))
    if rng.random() < 0.1:
        return rng.choice(TEXTS).encode()
    text = " ".join(["v=spf1", *rng.choices(TERMS, k=rng.randrange(12)), rng.choice(ENDS)])
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 3])):
        at = rng.randrange(len(text) + 1)
        text = (
            text[:at]
            + rng.choice([*PIECES, chr(rng.randrange(256))])
            + text[at + rng.randrange(3) :]
        )
    return text.encode("latin-1")


def make_answer(rng):
    if rng.random() < 0.1:
        return Answer(rng.choice([Status.FAILED, Status.ABSENT, Status.NOTHING, Status.FOUND]))
    texts = [make_text(rng) for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))]
    hosts = [
        Exchange(rng.randrange(3), rng.choice(NAMES)) for _ in range(rng.choice([0, 1, 9, 99]))
    ]
    others = rng.choices(ADDRESSES + NAMES, k=rng.choice([0, 1, 5, 3_000]))
    return Answer(Status.FOUND, (*texts, *hosts, *others))


def make_case(rng):
    noise = "".join(chr(rng.randrange(0x3000)) for _ in range(rng.randrange(9)))
    odd = rng.random() < 0.2
    return {
        "ip": rng.choice([*ADDRESSES, noise] if odd else ADDRESSES[:3]),
        "helo": rng.choice([*NAMES, noise, noise + ".example"]),
        "sender": rng.choice(
            [*SENDERS, noise, "a@" + noise] if odd else [*SENDERS[:5], noise + "@x.example"]
        ),
        "first": Answer(Status.FOUND, (make_text(rng),)),
        "then": [make_answer(rng) for _ in range(rng.randrange(1, 7))],
    }


def try_case(case):
    asked = []

    def look_up(question):
        asked.append(question.name)
        return case["first"] if len(asked) == 1 else case["then"][len(asked) % len(case["then"])]

    began = time.process_time()
    found = run_check(check_spf(ip=case["ip"], helo=case["helo"], sender=case["sender"]), look_up)
    assert time.process_time() - began < SLOWEST_S, "too slow"
    assert len(asked) <= SPF_QUESTIONS_MAX, "too many questions"
    for name in asked:
        assert name == name.lower().encode("ascii", "replace").decode(), "no lower-case ASCII"
        assert {0 < len(label) < 64 for label in name.split(".")} == {True}, "no labels"
        assert len(name) <= 253, "too long a name"
    for text in (found.domain, found.mechanism, found.explanation, found.problem):
        assert text == "" or (text.isascii() and text.isprintable()), "not printable"
        assert len(text) <= SPF_EXPLANATION_MAX_CHARS, "too long"
    assert bool(found.problem) == (found.result in {"none", "permerror", "temperror"}), "no reason"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
