"""Traces: spans of what the server does, for an OpenTelemetry collector.

Nothing below app knows of traces. What is wrapped is wrapped in trace_*.py when the server
starts with `otlp_endpoint`; without it nothing is, and tracing costs nothing. The current span
is a context variable, which follows a request into the threads that work for it.

Mail that leaves outlives its request and this process, so the trace of its deliveries has ids
made of the mailbox and the number of its outbox row: whoever knows those two knows the trace,
and nothing is stored. The request that sent the mail has a link to it.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

from penfold.base.chance import Chance
from penfold.proto.otlp import Link, Span, SpanKind, Value
from penfold.proto.trace_context import TraceParent
from penfold.spec.traces import SpanType

_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64
#: W3C Trace Context Level 2 §3.2.2.3.1: of a trace id, the rightmost seven octets are random.
_RANDOM_BITS: Final = 56


class SpanSink(Protocol):
    def add(self, span: Span) -> None:
        """Take a span that ended; never blocks, never raises."""
        ...


class OpenSpan:
    """A span that has not ended; whoever works for it may add to it."""

    def __init__(
        self, name: str, kind: SpanKind, trace_id: str, parent_id: str, span_id: str
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.parent_id = parent_id
        self.span_id = span_id
        self.start_ns = time.time_ns()
        self.attributes: dict[str, Value] = {}
        self.links: list[Link] = []
        self.failed = False
        #: The task it is the whole work of, for requests.
        self.owner: object = None

    def put(self, of: SpanType, attributes: dict[str, Value | None]) -> None:
        """Add attributes that the type declares; None is left out."""
        self.attributes |= pick_attributes(of, attributes)


def pick_attributes(of: SpanType, attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return those that are not None; ValueError for one the type does not declare."""
    unknown = attributes.keys() - of.attributes
    if unknown:
        raise ValueError(f"span {of.name} has no attribute {', '.join(sorted(unknown))}")
    return {name: value for name, value in attributes.items() if value is not None}


_CURRENT: ContextVar[OpenSpan | None] = ContextVar("span", default=None)


class Tracer:
    """Makes spans. share: of the traces that begin here, 0 to 1; others follow their caller."""

    def __init__(self, sink: SpanSink, chance: Chance, share: float) -> None:
        self._sink = sink
        self._chance = chance
        self._bound = round(share * (1 << _RANDOM_BITS))

    def make_trace_id(self) -> str:
        return f"{self._chance.getrandbits(_TRACE_BITS) or 1:032x}"

    def make_span_id(self) -> str:
        return f"{self._chance.getrandbits(_SPAN_BITS) or 1:016x}"

    def samples(self, trace_id: str) -> bool:
        """Return whether a trace of this id is recorded; every process says the same."""
        return int(trace_id[-_RANDOM_BITS // 4 :], 16) < self._bound

    def begin(self, name: str, kind: SpanKind, parent: TraceParent | None) -> OpenSpan | None:
        """Return a span under a caller's, or the root of a trace; None when it is not recorded."""
        trace_id = parent.trace_id if parent else self.make_trace_id()
        if not (parent.sampled if parent else self.samples(trace_id)):
            return None
        parent_id = parent.span_id if parent else ""
        return OpenSpan(name, kind, trace_id, parent_id, self.make_span_id())

    def begin_child(self, name: str) -> OpenSpan | None:
        """Return a span under the current one, None when there is none."""
        current = _CURRENT.get()
        if current is None:
            return None
        return OpenSpan(
            name, SpanKind.INTERNAL, current.trace_id, current.span_id, self.make_span_id()
        )

    def end(self, span: OpenSpan) -> None:
        self.add(
            Span(
                trace_id=span.trace_id,
                span_id=span.span_id,
                parent_id=span.parent_id,
                name=span.name,
                kind=span.kind,
                start_ns=span.start_ns,
                end_ns=time.time_ns(),
                attributes=span.attributes,
                links=tuple(span.links),
                failed=span.failed,
            )
        )

    def add(self, span: Span) -> None:
        """Record a span that somebody else has timed."""
        self._sink.add(span)

    @contextmanager
    def child(self, of: SpanType, attributes: dict[str, Value | None]) -> Iterator[OpenSpan | None]:
        """Record what is done within as a child of the current span; nothing without one."""
        span = self.begin_child(of.name)
        if span is None:
            yield None
            return
        span.put(of, attributes)
        with current(span):
            try:
                yield span
            finally:
                self.end(span)


def find_current() -> OpenSpan | None:
    return _CURRENT.get()


@contextmanager
def current(span: OpenSpan | None) -> Iterator[None]:
    """Have this span be the current one within."""
    token = _CURRENT.set(span)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def link_of(origin: str, number: int) -> Link:
    """Return the root of the trace of a message's deliveries, by its outbox row."""
    made = hashlib.sha256(f"{origin}/{number}".encode()).hexdigest()
    return Link(made[:32], made[32:48])
