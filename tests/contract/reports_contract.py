"""What every ReportBook must do, whatever it is made of."""

import pytest

from penfold.base.errors import NotFoundError
from penfold.ports.reports import Finding, KeptReport, Report, ReportKind, Source, TlsResult

NOW = 1_790_000_000_000  # 2026-09-21
DAY_MS = 86_400_000
DMARC = Report(
    kind=ReportKind.DMARC, reporter="google.com", domain="example.org", report_id="1",
    begin_ms=NOW - DAY_MS, end_ms=NOW, passed=7, failed=2,
    sources=(Source("192.0.2.1", 7, 2),), left_out=3,
)  # fmt: skip
TLS = Report(
    kind=ReportKind.TLS, reporter="Company-X", domain="example.org", report_id="1", failed=4,
    findings=(Finding("certificate-expired", 4, "mx.example.org"),), about=(("a", "b"),),
)  # fmt: skip


def tls(day, result="", domain="box.example"):
    return TlsResult(day, domain, "sts", "mx.box.example", result)


class ReportsContract:
    """Subclasses give a fixture `book`, empty, and `small`, which keeps 3 reports."""

    def test_reports_read_back_as_they_were_newest_first(self, book):
        assert book.add(DMARC, sender="google.com", now_ms=NOW)
        assert book.add(TLS, sender="x.example", now_ms=NOW + 1)
        second, first = book.list_reports()
        assert first == KeptReport(first.id, NOW, "google.com", DMARC)
        assert second == KeptReport(second.id, NOW + 1, "x.example", TLS)
        assert book.get_report(first.id) == first

    def test_lists_are_by_kind_and_in_pages(self, book):
        for n in range(5):
            kind = ReportKind.TLS if n % 2 else ReportKind.DMARC
            report = Report(kind=kind, reporter="r", domain="d", report_id=str(n))
            book.add(report, sender="s", now_ms=NOW)
        ids = [each.report.report_id for each in book.list_reports(kind=ReportKind.TLS)]
        assert ids == ["3", "1"]
        page = book.list_reports(limit=2)
        rest = book.list_reports(before=page[-1].id)
        assert [each.report.report_id for each in (*page, *rest)] == ["4", "3", "2", "1", "0"]

    def test_a_report_that_comes_again_is_known_but_not_by_what_another_sender_says(self, book):
        assert book.add(DMARC, sender="google.com", now_ms=NOW)
        assert not book.add(DMARC, sender="google.com", now_ms=NOW + 1)
        assert book.add(DMARC, sender="forged.example", now_ms=NOW)
        assert len(book.list_reports()) == 2

    def test_the_oldest_makes_room(self, small):
        for n in range(5):
            report = Report(kind=ReportKind.TLS, reporter="r", domain="d", report_id=str(n))
            small.add(report, sender="s", now_ms=NOW)
        assert [each.report.report_id for each in small.list_reports()] == ["4", "3", "2"]

    def test_an_unknown_report_is_not_found(self, book):
        with pytest.raises(NotFoundError, match="no such report"):
            book.get_report(99)

    def test_results_of_tls_add_up_and_are_listed_newest_day_first(self, book):
        book.add_tls({tls("2026-09-20"): 2, tls("2026-09-21", "certificate-expired"): 1})
        book.add_tls(
            {tls("2026-09-20"): 3, tls("2026-09-21"): 1, tls("2026-09-21", domain="a.b"): 9}
        )
        assert [(each.day, each.domain, each.result, n) for each, n in book.list_tls()] == [
            ("2026-09-21", "a.b", "", 9),
            ("2026-09-21", "box.example", "", 1),
            ("2026-09-21", "box.example", "certificate-expired", 1),
            ("2026-09-20", "box.example", "", 5),
        ]
        assert len(book.list_tls(limit=1)) == 1

    def test_what_is_old_is_forgotten(self, book):
        book.add(DMARC, sender="s", now_ms=NOW - 90 * DAY_MS - 1)
        book.add(TLS, sender="s", now_ms=NOW - 90 * DAY_MS)
        book.add_tls({tls("2026-06-22"): 1, tls("2026-06-23"): 1})
        assert book.expire(before_ms=NOW - 90 * DAY_MS) == 1
        assert [each.report for each in book.list_reports()] == [TLS]
        assert [each.day for each, _ in book.list_tls()] == ["2026-06-23"]
