"""A Queue in memory, for tests. It keeps the contract of ports.queue and nothing on disk."""

from collections.abc import Sequence
from itertools import count
from threading import RLock

from msgspec import structs

from penfold.base.errors import ConflictError, NotFoundError
from penfold.ports.queue import Attempt, NewQueueRow, QueueRow, QueueState


class MemoryQueue:
    def __init__(self) -> None:
        self._lock = RLock()
        self._rows: dict[int, QueueRow] = {}
        self._raw: dict[tuple[str, int], bytes] = {}
        self._ids: dict[tuple[str, int, str], int] = {}
        self._attempts: dict[int, list[Attempt]] = {}
        self._next = count(1)

    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        with self._lock:
            return [self._add(row, state) for row in rows]

    def _add(self, row: NewQueueRow, state: QueueState) -> int:
        key = (row.origin, row.number, row.recipient)
        if key not in self._ids:
            raw = self._raw.setdefault(key[:2], row.raw)
            row_id = self._ids[key] = next(self._next)
            self._rows[row_id] = QueueRow(
                id=row_id,
                origin=row.origin,
                number=row.number,
                sender=row.sender,
                recipient=row.recipient,
                state=state,
                size=len(raw),
                subject=row.subject,
                created_ms=row.created_ms,
                next_attempt_ms=row.created_ms,
            )
        return self._ids[key]

    def list_rows(
        self, *, state: QueueState | None = None, before: int | None = None, limit: int = 100
    ) -> list[QueueRow]:
        with self._lock:
            rows = [
                row
                for row in sorted(self._rows.values(), key=lambda row: -row.id)
                if (state is None or row.state is state) and (before is None or row.id < before)
            ]
            return rows[:limit]

    def get_row(self, row_id: int) -> QueueRow:
        with self._lock:
            if row_id not in self._rows:
                raise NotFoundError("no such queue row", id=row_id)
            return self._rows[row_id]

    def get_raw(self, row_id: int) -> bytes:
        row = self.get_row(row_id)
        return self._raw[row.origin, row.number]

    def list_attempts(self, row_id: int) -> list[Attempt]:
        with self._lock:
            return list(self._attempts.get(row_id, ()))

    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None:
        with self._lock:
            self._rows[row_id] = structs.replace(self.get_row(row_id), state=state)
            self._attempts.setdefault(row_id, []).append(attempt)

    def count_by_state(self) -> dict[QueueState, int]:
        with self._lock:
            states = [row.state for row in self._rows.values()]
            return {state: states.count(state) for state in QueueState}

    def retry(self, row_id: int, *, now_ms: int) -> None:
        with self._lock:
            row = self.get_row(row_id)
            if row.state not in (QueueState.QUEUED, QueueState.FAILED):
                raise ConflictError("only a message that waits or failed can be retried")
            self._rows[row_id] = structs.replace(
                row, state=QueueState.QUEUED, next_attempt_ms=now_ms
            )

    def cancel(self, row_id: int) -> None:
        with self._lock:
            row = self.get_row(row_id)
            if row.state is not QueueState.QUEUED:
                raise ConflictError("only a message that waits can be cancelled")
            self._rows[row_id] = structs.replace(row, state=QueueState.CANCELLED)
