"""Break DMARC, TLS and feedback reports, packed and plain: each is read or refused, soon.

python tests/fuzz/fuzz_statistics.py --seconds 10 [--seed N]
"""

import contextlib
import gzip
import sys
import time
import zlib
from pathlib import Path

import msgspec
from looping import mutate_often, run

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.unit.proto.reports.statistics import NEW, OLD, TLS, make_mail
from tests.unit.proto.reports.test_complaints import ABUSE, make

from penfold.base.errors import ParseError
from penfold.base.limits import REPORT_UNPACKED_MAX_BYTES
from penfold.domain.outgoing.report_summary import find_report
from penfold.ports.reports import Report
from penfold.proto.reports.complaints import find_feedback
from penfold.proto.reports.dmarc_report import parse_dmarc_report
from penfold.proto.reports.statistics import find_statistics
from penfold.proto.reports.tls_report import parse_tls_report
from penfold.proto.reports.unpack import unpack_report

#: A zip member without a directory, as unpack reads it.
MEMBER = b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(16) + b"\x01\x00\x00\x00x"
DEFLATED = zlib.compressobj(wbits=-15)
ZIPPED = MEMBER + DEFLATED.compress(OLD) + DEFLATED.flush()
SEEDS = [NEW, OLD, TLS, gzip.compress(OLD), ZIPPED, make_mail(gzip.compress(NEW)), make(ABUSE)]
PIECES = [
    b"<", b">", b"</record>", b"<record>", b"<!DOCTYPE a [", b"<!ENTITY a 'b'>", b"&a;", b"&#0;", b"&#x10;",
    b"<![CDATA[", b"]]>", b"<?xml", b"\xff", b"\0", b"[", b"{", b'"', b",", b"-1", b"9" * 40, b"\x1f\x8b", b"PK",
    b"<count>", b"encoding='rot13'", b"\n\n", b"Incidents: ", b"xmlns:a='b' a:", b"<a>" * 40,
]  # fmt: skip
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 1.0


def mutate(rng, data):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(4):
        case 0:
            return data[:at] + rng.choice(PIECES) + data[at:]
        case 1:
            return data[:at] + data[at + rng.randrange(1, 60) :]
        case 2:
            end = at + rng.randrange(1, 120)
            return data[:at] + data[at:end] * rng.randrange(2, 40) + data[end:]
        case _:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]


def make_case(rng):
    data = mutate_often(rng, SEEDS, mutate)[:100_000]
    return gzip.compress(data) if rng.random() < 0.2 else data


def try_case(data):
    started = time.process_time()
    with contextlib.suppress(ParseError):
        assert len(unpack_report(data)) <= REPORT_UNPACKED_MAX_BYTES
    with contextlib.suppress(ParseError):
        for record in parse_dmarc_report(data).records:
            assert record.source_ip
            assert record.count >= 0
    with contextlib.suppress(ParseError):
        for policy in parse_tls_report(data).policies:
            assert policy.successes >= 0
            assert policy.failures >= 0
    find_statistics(data)
    find_statistics(make_mail(data))
    found = find_feedback(data)
    assert found is None or found.incidents >= 1
    for raw in (data, make_mail(data)):
        report = find_report(raw)
        assert (
            report is None
            or msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
        )
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
