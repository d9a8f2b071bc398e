"""Tell of every message that is handed to the outbound queue."""

from collections.abc import Sequence
from pathlib import Path

from penfold.app.logs import LineLog
from penfold.app.metrics import Counters
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.spec.events import DELIVERY
from penfold.spec.metrics import DELIVERIES
from penfold.store.sqlite.queue import SqliteQueue


class ObservedQueue(SqliteQueue):
    """The queue, with a line and a count for every message handed to it."""

    def __init__(self, path: Path, *, log: LineLog, counters: Counters) -> None:
        super().__init__(path, create=False)
        self._log = log
        self._counters = counters

    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
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
        return ids
