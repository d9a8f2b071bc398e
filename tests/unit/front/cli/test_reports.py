"""penfold reports: what people and programs read of the reports of others."""

import pytest
from tests.contract.reports_contract import DMARC, NOW, TLS
from tests.unit.front.cli.test_commands import Bench

from penfold.base.errors import NotFoundError
from penfold.ports.reports import TlsResult


@pytest.fixture
def bench():
    return Bench()


def test_reports_are_listed_and_shown_with_addresses_and_findings(bench):
    bench.reports.add(DMARC, sender="google.com", now_ms=NOW)
    bench.reports.add(TLS, sender="x.example", now_ms=NOW)
    assert "google.com\texample.org\t7\t2" in bench.out("reports", "list")
    rows = bench.json("reports", "list", "--kind", "dmarc")
    assert [(row["id"], row["passed"], row["failed"]) for row in rows] == [(1, 7, 2)]
    shown = bench.out("reports", "show", "1")
    assert "192.0.2.1\t7\t2" in shown
    assert "and 3 more" in shown
    assert "nothing proves it" in shown
    assert "certificate-expired\tmx.example.org\t4" in bench.out("reports", "show", "2")
    assert bench.json("reports", "show", "1")["sources"] == [
        {"address": "192.0.2.1", "passed": 7, "failed": 2}
    ]
    assert isinstance(bench.error("reports", "show", "9"), NotFoundError)


def test_sessions_with_others_are_shown_by_day(bench):
    day = TlsResult("2026-09-21", "box.example", "sts", "mx.box.example", "")
    bench.reports.add_tls({day: 4})
    expected = "2026-09-21\tbox.example\tsts\tmx.box.example\tsuccess\t4"
    assert expected in bench.out("reports", "tls")
    assert bench.json("reports", "tls")[0]["sessions"] == 4
