"""Throw broken parameters of MAIL and RCPT, and sizes of BDAT, at their parsers.

    python tests/fuzz/fuzz_smtp_parameters.py --seconds 60 [--seed N]

Fails when anything but a refusal is raised, when what is kept could not stand in a header, when
ORCPT does not come back as it was, or when a case takes longer than SLOWEST_S. Prints the seed.
"""

import contextlib
import time

from looping import run

from penfold.proto.smtp.commands import parse_chunk, parse_mail, parse_rcpt
from penfold.proto.smtp.parameters import parse_rcpt_parameters
from penfold.proto.smtp.profile import make_mx_profile, make_submission_profile
from penfold.proto.smtp.replies import RefusedError
from penfold.proto.smtp.xtext import format_orcpt

NAMES = {"hostname": "mx.box.example", "domain": "box.example", "starttls": True}
OFFERS = [
    make(**NAMES).offers(tls=tls)
    for make in (make_mx_profile, make_submission_profile)
    for tls in (False, True)
]
PIECES = [
    b" SIZE=", b" BODY=", b"BINARYMIME", b"8bitmime", b" RET=", b"FULL", b" ENVID=", b" NOTIFY=", b"NEVER",
    b"success", b",", b" ORCPT=", b"rfc822;", b"utf-8;", b"+2B", b"+0D", b"+", b"\\x{", b"E9}", b"}", b"=",
    b"\xc3\xa9", b"\xe2\x80\xa8", b"\xff", b" REQUIRETLS", b" SMTPUTF8", b" AUTH=<>", b"a@b.example", b" ",
    b"\t", b"\0", b";", b"<", b">", b"x" * 101, b"9" * 19, b"LAST", b"0", b"-1",
]  # fmt: skip
#: Seconds a command line may take; generous for a busy machine.
SLOWEST_S = 1.0


def make_case(rng):
    start = rng.choice(
        [b"FROM:<a@b.example>", b"FROM:<>", b"TO:<a@b.example>", b"TO:<postmaster>", b""]
    )
    tail = b"".join(rng.choices(PIECES, k=rng.randrange(12)))
    return start + tail[:2_000], rng.choice(OFFERS)


def check_text(text):
    assert text.isascii(), text
    assert text.isprintable(), text


def try_case(case):
    argument, offered = case
    started = time.perf_counter()
    with contextlib.suppress(RefusedError):
        check_text(parse_mail(argument, offered=offered).options.envid)
    with contextlib.suppress(RefusedError):
        report = parse_rcpt(argument, utf8=True, domain="b.example", offered=offered).report
        if report is not None and report.original_type:
            check_text(report.original)
            original = report.find_original()
            with contextlib.suppress(ValueError):  # longer than it may be, when all is escaped
                orcpt = format_orcpt(original, utf8=False).encode("ascii")
                again = parse_rcpt_parameters(b"ORCPT=" + orcpt, offered)
                assert again.find_original() == original
    with contextlib.suppress(RefusedError):
        assert 0 <= parse_chunk(argument).size < 10**18
    assert time.perf_counter() - started < SLOWEST_S, "slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
