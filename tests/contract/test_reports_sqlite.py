"""The book of reports on disk."""

import pytest
from tests.contract.reports_contract import DMARC, NOW, ReportsContract

from penfold.base.limits import TLS_RESULTS_MAX
from penfold.ports.reports import TlsResult
from penfold.store.sqlite.reports import SqliteReports


@pytest.fixture
def open_book(tmp_path):
    books = []

    def make(**more):
        books.append(SqliteReports(tmp_path / "reports.db", **more))
        return books[-1]

    yield make
    for book in books:
        book.close()


class TestSqliteReports(ReportsContract):
    @pytest.fixture
    def book(self, open_book):
        return open_book()

    @pytest.fixture
    def small(self, open_book):
        return open_book(most=3)


def test_reports_are_there_when_the_file_is_opened_again(open_book):
    first = open_book()
    first.add(DMARC, sender="s", now_ms=NOW)
    first.close()
    first.close()
    assert [each.report for each in open_book().list_reports()] == [DMARC]


def test_a_day_has_so_many_results_and_known_ones_still_count(open_book):
    book = open_book()
    many = {TlsResult("2026-09-21", f"d{n}", "sts"): 1 for n in range(TLS_RESULTS_MAX + 5)}
    book.add_tls(many)
    book.add_tls(many)
    counts = [count for _, count in book.list_tls(limit=TLS_RESULTS_MAX + 5)]
    assert counts == [2] * TLS_RESULTS_MAX
