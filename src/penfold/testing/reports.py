"""A ReportBook in memory, for tests. It keeps the contract of ports.reports and nothing on disk."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count

from penfold.base.errors import NotFoundError
from penfold.base.limits import REPORTS_KEPT_MAX, TLS_RESULTS_MAX
from penfold.ports.reports import KeptReport, Report, ReportKind, TlsResult


class MemoryReports:
    def __init__(self, *, most: int = REPORTS_KEPT_MAX) -> None:
        self._most = most
        self._kept: dict[tuple[str, ...], KeptReport] = {}
        self._tls: dict[TlsResult, int] = {}
        self._next = count(1)

    def add(self, report: Report, *, sender: str, now_ms: int) -> bool:
        key = (report.kind.value, sender, report.reporter, report.report_id, report.domain)
        if key in self._kept:
            return False
        self._kept[key] = KeptReport(next(self._next), now_ms, sender, report)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return True

    def list_reports(
        self, *, kind: ReportKind | None = None, before: int | None = None, limit: int = 100
    ) -> list[KeptReport]:
        found = [
            each
            for each in reversed(self._kept.values())
            if (before is None or each.id < before) and kind in (None, each.report.kind)
        ]
        return found[:limit]

    def get_report(self, report_id: int) -> KeptReport:
        for each in self._kept.values():
            if each.id == report_id:
                return each
        raise NotFoundError("no such report", id=report_id)

    def add_tls(self, counts: Mapping[TlsResult, int]) -> None:
        for result, number in counts.items():
            of_day = sum(each.day == result.day for each in self._tls)
            if result in self._tls or of_day < TLS_RESULTS_MAX:
                self._tls[result] = self._tls.get(result, 0) + number

    def list_tls(self, *, limit: int = 1_000) -> list[tuple[TlsResult, int]]:
        ordered = sorted(self._tls.items())
        ordered.sort(key=lambda item: item[0].day, reverse=True)
        return ordered[:limit]

    def expire(self, *, before_ms: int) -> int:
        day = datetime.fromtimestamp(before_ms // 1000, UTC).date().isoformat()
        old = [key for key, each in self._kept.items() if each.at_ms < before_ms]
        for key in old:
            del self._kept[key]
        self._tls = {each: number for each, number in self._tls.items() if each.day >= day}
        return len(old)
