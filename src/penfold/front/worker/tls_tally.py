"""Counts how TLS with other servers went, by day and domain, and writes it down now and then.

What was counted since the last writing is lost when the process is killed: these are statistics.
"""

from collections import Counter
from datetime import UTC, datetime
from threading import Event, Lock

from penfold.base.clock import Clock
from penfold.base.limits import TLS_RESULTS_MAX
from penfold.domain.outgoing.tls_results import iter_results
from penfold.front.worker.tasks import Report
from penfold.ports.queue import Attempt
from penfold.ports.reports import ReportBook, TlsResult
from penfold.proto.tls_ladder import Source


class TlsTally:
    """Called from any thread."""

    def __init__(self, book: ReportBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._lock = Lock()
        self._counts: Counter[TlsResult] = Counter()

    def note(self, domain: str, attempt: Attempt) -> None:
        """Count the sessions of an attempt to deliver to a domain."""
        self._add(*iter_results(self._today(), domain, attempt))

    def note_policy(self, domain: str, result: str) -> None:
        """Count a policy of MTA-STS that could not be had (RFC 8460 §4.3.2.2)."""
        self._add(TlsResult(self._today(), domain, Source.STS.value, "", result))

    def save(self, _: Event) -> Report:
        """As flush, for a task; it changes nothing that is worth a line in the log."""
        self.flush()
        return Report()

    def flush(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if counts:
            self._book.add_tls(counts)

    def _add(self, *results: TlsResult) -> None:
        with self._lock:
            for each in results:
                if each in self._counts or len(self._counts) < TLS_RESULTS_MAX:
                    self._counts[each] += 1

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock.now_ms() // 1000, UTC).date().isoformat()
