"""Turn what the doors tell of themselves into log lines and numbers.

The front hands over facts as values; here they become the events of spec/events.py and the
counters of spec/metrics.py. What may be logged is decided here and there, nowhere else.
"""

from collections.abc import Sequence
from pathlib import Path

from penfold.app.logs import LineLog, trace_of
from penfold.app.metrics import Counters
from penfold.base.errors import PenfoldError
from penfold.front.http.request import RequestFacts
from penfold.front.smtp.facts import SessionFacts, TransactionFacts
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.spec.events import (
    DELIVERY,
    REQUEST,
    REQUEST_FAILED,
    SMTP_FAILED,
    SMTP_SESSION,
    SMTP_TRANSACTION,
)
from penfold.spec.metrics import (
    DELIVERIES,
    SMTP_BYTES,
    SMTP_MESSAGES,
    SMTP_SECONDS,
    SMTP_SESSIONS,
)
from penfold.store.sqlite.queue import SqliteQueue


class HttpObserver:
    """Called once per request, on the event loop."""

    def __init__(self, log: LineLog, counters: Counters) -> None:
        self._log = log
        self._count = counters.count_request

    def __call__(self, facts: RequestFacts) -> None:
        self._count(facts.method_id, facts.status, facts.seconds)
        self._log.emit(
            REQUEST,
            id=facts.request_id or None,
            method=facts.method_id or None,
            verb=facts.verb,
            path=facts.path,
            status=facts.status,
            ms=round(facts.seconds * 1000, 2),
            received=facts.received,
            sent=facts.sent,
            account=facts.account_id or None,
            client=facts.client,
            app=facts.app or None,
            reason=facts.reason or None,
        )
        if facts.error is not None:
            self._log.emit(
                REQUEST_FAILED,
                id=facts.request_id or None,
                method=facts.method_id or None,
                error=type(facts.error).__name__,
                detail=str(facts.error),
                trace=trace_of(facts.error),
            )


class SmtpObserver:
    """Called for every finished transaction and session, on the event loop."""

    def __init__(self, log: LineLog, counters: Counters) -> None:
        self._log = log
        self._counters = counters

    def __call__(self, facts: TransactionFacts | SessionFacts) -> None:
        if isinstance(facts, SessionFacts):
            self._session(facts)
        else:
            self._transaction(facts)

    def _session(self, facts: SessionFacts) -> None:
        self._counters.add(SMTP_SESSIONS, 1, facts.listener)
        self._log.emit(
            SMTP_SESSION,
            session=facts.session,
            listener=facts.listener,
            client=facts.client,
            helo=facts.helo or None,
            tls=facts.tls or None,
            account=facts.account or None,
            messages=facts.messages,
            errors=facts.errors,
            logins_failed=facts.login_failures or None,
            ms=round(facts.duration_s * 1000, 1),
            end=facts.refusal or None,
        )

    def _transaction(self, facts: TransactionFacts) -> None:
        if facts.stage == "data":
            outcome = {2: "accepted", 4: "deferred"}.get(facts.code // 100, "refused")
            self._counters.add(SMTP_MESSAGES, 1, facts.listener, outcome)
            self._counters.observe(SMTP_SECONDS, facts.duration_s, facts.listener)
            if outcome == "accepted":
                self._counters.add(SMTP_BYTES, facts.size, facts.listener)
        self._log.emit(
            SMTP_TRANSACTION,
            session=facts.session,
            listener=facts.listener,
            client=facts.client,
            account=facts.account or None,
            stage=facts.stage,
            sender=facts.sender,
            recipients=facts.recipients,
            size=facts.size,
            status=facts.code,
            messages=facts.ids,
            ms=round(facts.duration_s * 1000, 1),
            reason=str(facts.error) if isinstance(facts.error, PenfoldError) else None,
        )
        if facts.error is not None and not isinstance(facts.error, PenfoldError):
            self._log.emit(
                SMTP_FAILED,
                session=facts.session,
                listener=facts.listener,
                error=type(facts.error).__name__,
                detail=str(facts.error),
                trace=trace_of(facts.error),
            )


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
