"""Reports of others, and what we see of their TLS, as they run in the mail process."""

import logging
from typing import Final

from penfold.app.process.process import Core, end_process
from penfold.app.wiring import Product
from penfold.base.errors import UnavailableError
from penfold.domain.outgoing.bounces import find_complained, find_complaint, note_complaint_of
from penfold.domain.sending.outcomes import Outcomes
from penfold.front.worker.report_intake import Intake, ReportIntake, Taken
from penfold.front.worker.tasks import Task
from penfold.front.worker.tls_tally import TlsTally
from penfold.ports.queue import SENDING
from penfold.ports.reports import Report
from penfold.spec.events import REPORT_DROPPED, REPORT_TAKEN
from penfold.spec.metrics import REPORTS
from penfold.store.sqlite.reports import SqliteReports

_log: Final = logging.getLogger(__name__)
REPORTS_NAME: Final = "reports.db"
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0


class Reports:
    """tls: counts sessions with other servers. tasks: come round. `close` once they stopped."""

    def __init__(self, core: Core, product: Product, outcomes: Outcomes) -> None:
        self._core = core
        self._outcomes = outcomes
        self._product = product
        self._book = SqliteReports(
            core.launch.data / REPORTS_NAME, fatal=lambda error: end_process(core.log, error)
        )
        self.tls = TlsTally(self._book, core.clock)
        self._intake = ReportIntake(
            core.launch.settings.reports_address,
            self._book,
            core.clock,
            days=core.launch.settings.reports_days,
            is_ours=product.stores.directory.is_local_domain,
            told=self._tell,
        )
        if core.launch.settings.reports_address:
            product.inbound.sinks += (self._intake,)
        self.tasks = (
            Task("reports", self._intake.expire, first_s=_HOUR_S, every_s=_HOUR_S),
            Task("tls-results", self.tls.save, first_s=_MINUTE_S, every_s=_MINUTE_S),
        )

    def close(self) -> None:
        """Finish what waits, and write what was counted since the last time."""
        self._intake.close()
        self.tls.flush()
        self._book.close()

    def _note(self, report: Report) -> None:
        """Note a complaint with the row of the queue it is about; one that is lost is only shown
        with the reports.
        """
        complaint = find_complaint(report)
        if complaint is None:
            return
        find_row = self._product.returns.find_row
        try:
            row = find_complained(self._product.stores.queue, complaint, find_row=find_row)
            if row is not None and row.origin == SENDING:
                self._outcomes.note_complaint(row, complaint)
            elif row is not None:
                now_ms = self._core.clock.now_ms()
                note_complaint_of(self._product.stores.queue, row, complaint, now_ms=now_ms)
        except UnavailableError as error:
            _log.warning("what a complaint says is not noted: %s", error)

    def _tell(self, intake: Intake) -> None:
        report = intake.report
        if report is not None and intake.outcome is Taken.KEPT:
            self._note(report)
        kind = report.kind.value if report else "none"
        self._core.counters.add(REPORTS, 1, kind, intake.outcome.value)
        if report is not None and intake.outcome in (Taken.KEPT, Taken.KNOWN):
            self._core.log.emit(
                REPORT_TAKEN,
                kind=kind,
                reporter=report.reporter,
                domain=report.domain,
                sender=intake.sender,
                passed=report.passed,
                failed=report.failed,
                outcome=intake.outcome.value,
            )
        else:
            self._core.log.emit(
                REPORT_DROPPED,
                sender=intake.sender,
                size=intake.size,
                outcome=intake.outcome.value,
            )
