"""Throw broken DMARC records, From and Authentication-Results fields at their readers.

A case is a record, or a message whose fields were put together of pieces, cut, doubled and sprinkled
with noise. Stops at the first failure and prints the number that repeats it (`--seed N`). A case
that takes longer than SLOWEST_S is a failure.
"""

import contextlib
import time

from looping import run

from penfold.base.errors import ParseError
from penfold.proto.dns import Answer, Status, run_check
from penfold.proto.mailauth.author import find_author
from penfold.proto.mailauth.dmarc import check_dmarc
from penfold.proto.mailauth.dmarc_record import find_record, report_addresses
from penfold.proto.mailauth.domain_names import find_domain_name
from penfold.proto.mailauth.forged import find_forged, rename_forged
from penfold.proto.mailauth.results import DkimInfo, SpfInfo, format_authentication_results
from penfold.proto.mailauth.results_read import parse_authentication_results

ME = "mx.penfold.test"
RECORD = [
    b"v=DMARC1", b";", b"=", b" ", b"\t", b"p", b"sp", b"np", b"t=y", b"psd=y", b"psd=n", b"none", b"reject",
    b"adkim=s", b"rua=", b"mailto:a@b.example", b",", b"!10m", b"%", b"%2c", b"fo=0:1", b":", b"\0", b"\xff",
]  # fmt: skip
FIELD = [
    b"From", b"Authentication-Results", b": ", b":", b"\r\n", b"\n", b" ", b"\t", b"mx.penfold.test", b"; ",
    b"dkim=pass", b"header.from=", b"a@b.example", b"x.example", b"(", b")", b'"', b"\\", b"<", b">", b",",
    b"=", b"/", b".", b"1", b"none", b"reason=", b"\0", b"=?utf-8?q?a=40b?=", "é。".encode(), b"\xff", b"--",
]  # fmt: skip
#: Seconds a case of MAX_BYTES may take; generous for a busy machine.
SLOWEST_S = 1.0
MAX_BYTES = 60_000


def make_case(rng):
    pieces = rng.choice((RECORD, FIELD, FIELD))
    data = b"".join(rng.choices(pieces, k=rng.randrange(1, 40)))
    if pieces is RECORD and rng.randrange(4):
        data = b"v=DMARC1; " + data
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(3):
            case 0:
                again = rng.choice((2, 200, 20_000))
                data = data[:at] + data[at : at + rng.randrange(20)] * again + data[at:]
            case 1:
                data = data[:at] + data[at + rng.randrange(5) :]
            case _:
                data = data[:at] + bytes([rng.randrange(256)]) + data[at:]
    return data[:MAX_BYTES]


def try_record(data):
    record = find_record([data])
    if record is not None:
        assert all("@" in address for address in report_addresses(record.rua))
    answer = Answer(Status.FOUND, (data,))
    check = check_dmarc(author_domain="a.b.example", spf=("b.example", True), dkim=["c.example"])
    result = run_check(check, lambda _: answer)
    assert (result.result == "none") == (record is None)


def try_message(data):
    author = find_author(data)
    assert bool(author.domain) == (author.problem is None)
    renamed = rename_forged(data, ME)
    assert not find_forged(renamed, ME), "still there"
    assert renamed.replace(b"X-Original-", b"") == data.replace(b"X-Original-", b"")


def try_text(text):
    with contextlib.suppress(ParseError):
        assert parse_authentication_results(text).authserv_id
    name = find_domain_name(text)
    assert name is None or find_domain_name(name) == name
    spf = SpfInfo(result="permerror", client=text, sender=text, helo=text, reason=text)
    dkim = DkimInfo(result="fail", domain=text, selector=text, signature=text, reason=text)
    field = format_authentication_results(ME, dkim=[dkim], spf=spf)
    assert not find_forged(field.encode() + b"\r\n", "x.example"), "unreadable"
    found = parse_authentication_results(field.partition(":")[2].replace("\r\n", ""))
    assert [result.method for result in found.results] == ["dkim", "spf"], "a value got out"
    assert field.count("\r\n") == field.count("\r\n       ") + 1, "a line got out"


def try_case(data):
    started = time.perf_counter()
    try_record(data)
    try_message(data)
    try_text(data.decode("utf-8", "surrogateescape"))
    assert time.perf_counter() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
