"""Turn what the stores do into log lines and numbers."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from penfold.app.monitor.logs import LineLog
from penfold.app.monitor.metrics import Counters
from penfold.app.monitor.trace_mail import DeliveryTraces
from penfold.app.monitor.tracing import Tracer
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.ports.sending.counts import NONE, OTHER, Counter
from penfold.spec.events import DELIVERY, MAILBOX_DAMAGED
from penfold.spec.metrics import COMMIT_SECONDS, COMMITS, DELIVERIES, GROUP_SIZE, SENDING_RECIPIENTS
from penfold.spec.sending.stats import COUNTS
from penfold.spec.sending.streams import BUILT_IN
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.queue import SqliteQueue


class StoreObserver:
    """Told by the stores of this process; a stores.Watch."""

    def __init__(self, log: LineLog, counters: Counters, tracer: Tracer | None = None) -> None:
        self._log = log
        self._counters = counters
        self._traces = DeliveryTraces(tracer) if tracer else None

    def committed(self, changes: int, seconds: float) -> None:
        self._counters.add(COMMITS, 1)
        self._counters.observe(GROUP_SIZE, changes)
        self._counters.observe(COMMIT_SECONDS, seconds)

    def damaged(self, mailbox_id: str, reason: str) -> None:
        self._log.emit(MAILBOX_DAMAGED, mailbox=mailbox_id, detail=reason)

    def counted(self, counters: Mapping[Counter, int]) -> None:
        for one, count in counters.items():
            if one.dimension == NONE and not one.test and one.kind in COUNTS:
                stream = one.stream if one.stream in BUILT_IN else OTHER
                self._counters.add(SENDING_RECIPIENTS, count, stream, one.kind)

    def open_queue(self, path: Path, fatal: Fatal) -> "ObservedQueue":
        return ObservedQueue(
            path, fatal=fatal, log=self._log, counters=self._counters, traces=self._traces
        )


class ObservedQueue(SqliteQueue):
    """The queue, with a line and a count for every message handed to it."""

    def __init__(
        self,
        path: Path,
        *,
        fatal: Fatal,
        log: LineLog,
        counters: Counters,
        traces: DeliveryTraces | None,
    ) -> None:
        super().__init__(path, create=False, fatal=fatal)
        self._traces = traces
        self._log = log
        self._counters = counters

    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        began_ns = time.time_ns()
        ids = super().add(rows, state=state)
        for row, row_id in zip(rows, ids, strict=True):
            self._counters.add(DELIVERIES, 1, state.value)
            self._log.emit(
                DELIVERY,
                queue=row_id,
                origin=row.origin,
                number=row.number,
                sender=row.sender,
                recipient=row.recipient,
                outcome=state.value,
            )
            if self._traces:
                self._traces.queued(row_id, row, state, began_ns)
        return ids
