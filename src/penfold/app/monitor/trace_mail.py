"""Mail as traces: messages by SMTP, what is handed to the queue, attempts to deliver.

All of these are told of when they are over, with how long they took: that is when they began.
"""

import time
from typing import Final

from penfold.app.monitor.tracing import Tracer, link_of, pick_attributes
from penfold.front.smtp.facts import Facts, Observe, TransactionFacts
from penfold.ports.queue import Attempt, NewQueueRow, QueueRow, QueueState, Tried
from penfold.proto.otlp import Link, Span, SpanKind, Value
from penfold.spec.traces import ATTEMPT, MESSAGE, QUEUED, SERVER

_MS: Final = 1_000_000
_SECOND: Final = 1_000_000_000
_REFUSED: Final = 400


class TracingSmtpObserver:
    """Records each message by SMTP as a trace of its own: SMTP names no caller."""

    def __init__(self, observe: Observe, tracer: Tracer) -> None:
        self._observe = observe
        self._tracer = tracer

    def __call__(self, facts: Facts) -> None:
        self._observe(facts)
        if not isinstance(facts, TransactionFacts) or facts.stage != "data":
            return
        trace_id = self._tracer.make_trace_id()
        if not self._tracer.samples(trace_id):
            return
        end_ns = time.time_ns()
        self._tracer.add(
            Span(
                trace_id=trace_id,
                span_id=self._tracer.make_span_id(),
                name=MESSAGE.name,
                kind=SpanKind.SERVER,
                start_ns=end_ns - round(facts.duration_s * _SECOND),
                end_ns=end_ns,
                attributes=pick_attributes(
                    MESSAGE,
                    {
                        "penfold.listener": facts.listener,
                        "penfold.session": facts.session,
                        "penfold.size": facts.size,
                        "penfold.recipients": len(facts.recipients),
                        "smtp.reply_code": facts.code,
                    },
                ),
                failed=facts.code >= _REFUSED,
            )
        )


class DeliveryTraces:
    """Records what becomes of mail that leaves, in one trace for each outbox row."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def queued(self, row_id: int, row: NewQueueRow, state: QueueState, start_ns: int) -> None:
        """Record that a row was added, which began at start_ns."""
        root = link_of(row.origin, row.number)
        if self._tracer.samples(root.trace_id):
            facts: dict[str, Value] = {
                "penfold.queue": row_id,
                "penfold.mailbox": row.origin,
                "penfold.state": state.value,
            }
            self._tracer.add(
                Span(
                    trace_id=root.trace_id,
                    span_id=root.span_id,
                    name=QUEUED.name,
                    kind=SpanKind.PRODUCER,
                    start_ns=start_ns,
                    end_ns=time.time_ns(),
                    attributes=pick_attributes(QUEUED, facts),
                )
            )

    def tried(self, row: QueueRow, attempt: Attempt, state: QueueState, ms: int) -> None:
        """Record an attempt that is over and took ms."""
        root = link_of(row.origin, row.number)
        if not self._tracer.samples(root.trace_id):
            return
        end_ns = time.time_ns()
        own = Link(root.trace_id, self._tracer.make_span_id())
        self._tracer.add(
            Span(
                trace_id=own.trace_id,
                span_id=own.span_id,
                parent_id=root.span_id,
                name=ATTEMPT.name,
                start_ns=end_ns - ms * _MS,
                end_ns=end_ns,
                attributes=pick_attributes(
                    ATTEMPT,
                    {
                        "penfold.queue": row.id,
                        "penfold.kind": attempt.kind,
                        "penfold.state": state.value,
                        "penfold.servers": len(attempt.facts.tried),
                    },
                ),
                failed=state is not QueueState.SENT,
            )
        )
        for tried in reversed(attempt.facts.tried):  # one after the other, the last until now
            end_ns = self._add_server(own, tried, end_ns)

    def _add_server(self, attempt: Link, tried: Tried, end_ns: int) -> int:
        """Record a server that was called, and return when that began."""
        start_ns = end_ns - tried.ms * _MS
        self._tracer.add(
            Span(
                trace_id=attempt.trace_id,
                span_id=self._tracer.make_span_id(),
                parent_id=attempt.span_id,
                name=SERVER.name,
                kind=SpanKind.CLIENT,
                start_ns=start_ns,
                end_ns=end_ns,
                attributes=pick_attributes(
                    SERVER,
                    {
                        "server.address": tried.host,
                        "server.port": tried.port,
                        "smtp.reply_code": tried.code,
                        "smtp.stage": tried.stage,
                        "penfold.tls": tried.tls.partition(" ")[0],
                        "penfold.reused": tried.reused,
                    },
                ),
                failed=tried.code >= _REFUSED or not tried.code,
            )
        )
        return start_ns
