"""Break what domains say about TLS: MTA-STS and TLS-RPT records, policies, TLSA records and chains.

python tests/fuzz/fuzz_tls_policy.py --seconds 10 [--seed N]
"""

import sys
import time
from contextlib import suppress
from pathlib import Path

from looping import make_mutation, mutate_often, run

from penfold.base.errors import ParseError
from penfold.proto.dane import Verdict, list_usable, verify_chain
from penfold.proto.dns import Association
from penfold.proto.mta_sts import Mode, is_named, parse_policy, parse_record
from penfold.proto.tls_rpt import parse_reporting

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.unit.proto.test_dane import CHAIN, FORMS, LEAF, MIDDLE, NOW_MS, der, record

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: *.b.example\nmax_age: 86400\r\n"
TEXTS = [POLICY, POLICY.replace(b"enforce", b"none"), b"v=STSv1; id=20200101; x=y;", b"v=STSv1;", b"v=TLSRPTv1; rua=mailto:a@b.example, https://c.example/;"]  # fmt: skip
CERTIFICATES = [der(each) for each in CHAIN]
RECORDS = [record(2 + (which is LEAF), *form, which) for form in FORMS for which in (LEAF, MIDDLE)]
PIECES = [b"mx: ", b"\n", b"\r", b" " * 999, b"\t", b":", b";", b"*.", b"=", b"id=", b"\xff", b"v=STSv1;"]  # fmt: skip
#: Seconds one case may take; generous for a busy machine.
SLOWEST_S = 1.0


mutate = make_mutation(PIECES, most=200)


def make_case(rng):
    chain = [
        der if rng.random() < 0.5 else mutate_often(rng, CERTIFICATES, mutate)
        for der in rng.choices(CERTIFICATES, k=rng.randrange(5))
    ]
    records = [
        each
        if rng.random() < 0.5
        else Association(
            rng.randrange(5), rng.randrange(3), rng.randrange(4), mutate(rng, each.data)
        )
        for each in rng.choices(RECORDS, k=rng.randrange(6))
    ]
    return mutate_often(rng, TEXTS, mutate)[:65_536], chain, records


def try_case(case):
    text, chain, records = case
    started = time.process_time()
    found = parse_record([text, b"v=spf1 -all"])
    assert found is None or (found.isalnum() and len(found) <= 32)
    assert all(uri.isprintable() for uri in parse_reporting([text, b"v=spf1 -all"]))
    with suppress(ParseError):
        policy = parse_policy(text)
        assert policy.names or policy.mode is Mode.NONE
        assert not is_named(policy, "")
    usable = list_usable(records)
    verdict = verify_chain(chain, usable, ["mx.example.org"], now_ms=NOW_MS)
    assert isinstance(verdict, Verdict)
    assert not verdict.is_good or (chain and usable)
    assert time.process_time() - started < SLOWEST_S, "too slow"


if __name__ == "__main__":
    run(make_case, try_case, about=__doc__)
