"""Deliveries to webhooks and their attempts."""

from collections.abc import Sequence
from typing import Any, Final

from penfold.ports.sending.webhooks import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookLease,
)
from penfold.store.sqlite.sending.table import Table, page_sql

_COLUMNS: Final = "number, webhook_id, event, state, due_ms, tries, created_ms, replay"
_ADD_ATTEMPT: Final = (
    "INSERT INTO attempt (delivery, number, at_ms, status, outcome, ms)"
    " SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM attempt WHERE delivery = ?1"
)


#: Each webhook that has deliveries waiting, and when the first is due: one look into the index for
#: each webhook, however many deliveries it has.
_WAITING: Final = """
WITH RECURSIVE hook (id) AS (
    SELECT min(webhook_id) FROM delivery WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT min(webhook_id) FROM delivery WHERE state = 'waiting' AND webhook_id > hook.id)
    FROM hook WHERE hook.id IS NOT NULL
)
SELECT id, (SELECT min(due_ms) FROM delivery WHERE state = 'waiting' AND webhook_id = hook.id)
FROM hook WHERE id IS NOT NULL
"""


class DeliveryTable(Table):
    def list_deliveries(
        self, webhook_id: str, *, older: int | None = None, limit: int
    ) -> list[WebhookDelivery]:
        where, order, values = page_sql(older, None)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM delivery WHERE webhook_id = ? AND {where}"
            f" ORDER BY number {order} LIMIT ?",
            (webhook_id, *values, limit),
        )
        return [_delivery(row) for row in rows]

    def list_webhook_attempts(self, number: int) -> list[WebhookAttempt]:
        rows = self._rows(
            "SELECT number, at_ms, status, outcome, ms FROM attempt WHERE delivery = ?"
            " ORDER BY number",
            (number,),
        )
        return [WebhookAttempt(*row) for row in rows]

    def list_webhooks_due(self, *, now_ms: int) -> list[str]:
        due = [(due_ms, webhook_id) for webhook_id, due_ms in self._rows(_WAITING)]
        return [webhook_id for due_ms, webhook_id in sorted(due) if due_ms <= now_ms]

    def count_all_waiting(self) -> int:
        [(count,)] = self._rows("SELECT count(*) FROM delivery WHERE state = 'waiting'")
        found: int = count
        return found

    def count_deliveries_waiting(self, webhook_id: str, *, limit: int) -> int:
        [(count,)] = self._rows(
            "SELECT count(*) FROM (SELECT 1 FROM delivery"
            " WHERE state = 'waiting' AND webhook_id = ? LIMIT ?)",
            (webhook_id, limit),
        )
        found: int = count
        return found

    def add_deliveries(
        self, webhook_id: str, events: Sequence[int], *, now_ms: int, replay: bool
    ) -> list[int]:
        numbers = []
        for event in events:
            self._run(
                "INSERT INTO delivery (webhook_id, event, state, due_ms, created_ms, replay)"
                " VALUES (?1, ?2, 'waiting', ?3, ?3, ?4)",
                (webhook_id, event, now_ms, int(replay)),
            )
            numbers.append(self._db.last_insert_rowid())
        return numbers

    def take_deliveries(
        self, webhook_id: str, *, now_ms: int, lease_ms: int, limit: int
    ) -> list[WebhookLease]:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM delivery WHERE state = 'waiting' AND webhook_id = ?"
            " AND due_ms <= ? ORDER BY due_ms, number LIMIT ?",
            (webhook_id, now_ms, limit),
        )
        self._db.executemany(
            "UPDATE delivery SET due_ms = ?, tries = tries + 1, taken = 1 WHERE number = ?",
            [(now_ms + lease_ms, row[0]) for row in rows],
        )
        return [WebhookLease(_delivery((*row[:5], row[5] + 1, *row[6:])), row[5] + 1)
                for row in rows]  # fmt: skip

    def settle_delivery(
        self,
        lease: WebhookLease,
        attempt: WebhookAttempt | None,
        state: DeliveryState,
        *,
        due_ms: int = 0,
    ) -> bool:
        number = lease.delivery.number
        changed = self._run(
            "UPDATE delivery SET state = ?, due_ms = ?, taken = 0"
            " WHERE number = ? AND tries = ? AND taken = 1 AND state = 'waiting'",
            (state.value, due_ms, number, lease.number),
        )
        if changed and attempt is not None:
            self._run(
                _ADD_ATTEMPT,
                (number, attempt.at_ms, attempt.status, attempt.outcome, attempt.ms),
            )
        return changed > 0

    def release_deliveries(self, *, now_ms: int) -> int:
        return self._run("UPDATE delivery SET taken = 0, due_ms = ? WHERE taken = 1", (now_ms,))

    def end_deliveries(self, webhook_id: str) -> int:
        return self._run(
            "UPDATE delivery SET state = 'failed', taken = 0"
            " WHERE state = 'waiting' AND webhook_id = ?",
            (webhook_id,),
        )

    def expire_deliveries(self, *, before_ms: int, limit: int) -> int:
        # Numbers follow the time; looking at created_ms alone would read the whole table. Those
        # that wait are passed over first, so that however many wait, others are forgotten.
        rows = self._rows(
            "SELECT number FROM (SELECT number, created_ms FROM delivery"
            " WHERE state <> 'waiting' ORDER BY number LIMIT ?) WHERE created_ms < ?",
            (limit, before_ms),
        )
        for number in rows:
            self._run("DELETE FROM attempt WHERE delivery = ?", number)
            self._run("DELETE FROM delivery WHERE number = ?", number)
        return len(rows)

    def drop_deliveries(self, webhook_id: str) -> None:
        ours = "SELECT number FROM delivery WHERE webhook_id = ?"
        self._run(f"DELETE FROM attempt WHERE delivery IN ({ours})", (webhook_id,))
        self._run("DELETE FROM delivery WHERE webhook_id = ?", (webhook_id,))


def _delivery(row: tuple[Any, ...]) -> WebhookDelivery:
    number, webhook_id, event, state, due_ms, tries, created_ms, replay = row
    return WebhookDelivery(
        number, webhook_id, event, DeliveryState(state), due_ms, tries, created_ms, bool(replay)
    )
