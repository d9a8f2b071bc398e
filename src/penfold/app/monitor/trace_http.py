"""Requests as traces: the application, its observer, the handlers and the mailboxes, wrapped."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, Final, TypeVar, cast

from penfold.app.monitor.tracing import OpenSpan, Tracer, current, find_current, link_of
from penfold.front.http.app import ASGIApp
from penfold.front.http.pipeline import Observe
from penfold.front.http.plan import Handler
from penfold.front.http.request import Receive, RequestFacts, Scope, Send
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter
from penfold.proto.otlp import SpanKind
from penfold.proto.trace_context import parse_traceparent
from penfold.spec.traces import CHANGE, HANDLER, READ, REQUEST

T = TypeVar("T")

_ERROR: Final = 500


class TracedApp:
    """Records every request, under the caller's span if it names one."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        span = self._begin(scope) if scope["type"] == "http" else None
        if span is None:
            await self._app(scope, receive, send)
            return
        span.owner = asyncio.current_task()
        with current(span):
            try:
                await self._app(scope, receive, send)
            finally:
                self._tracer.end(span)

    def _begin(self, scope: Scope) -> OpenSpan | None:
        given = [value for name, value in scope["headers"] if name == b"traceparent"]
        # W3C Trace Context §3.2: one that comes several times is none.
        parent = parse_traceparent(given[0].decode("latin-1")) if len(given) == 1 else None
        return self._tracer.begin("http", SpanKind.SERVER, parent)


class TracingObserver:
    """Puts what is known of an answered request into its span.

    The calls of a batch are told of before the batch itself: each is a child of its span.
    """

    def __init__(self, observe: Observe, tracer: Tracer) -> None:
        self._observe = observe
        self._tracer = tracer

    def __call__(self, facts: RequestFacts) -> None:
        self._observe(facts)
        span = find_current()
        if span is None:
            return
        if asyncio.current_task() is not span.owner:  # each part is a task of its own
            self._add_part(span, facts)
            return
        span.name = facts.method_id or "other"
        _describe(span, facts)

    def _add_part(self, batch: OpenSpan, facts: RequestFacts) -> None:
        part = OpenSpan(
            facts.method_id or "other",
            SpanKind.INTERNAL,
            batch.trace_id,
            batch.span_id,
            self._tracer.make_span_id(),
        )
        part.start_ns -= round(facts.seconds * 1e9)
        _describe(part, facts)
        self._tracer.end(part)


def _describe(span: OpenSpan, facts: RequestFacts) -> None:
    span.failed = facts.status >= _ERROR
    span.put(
        REQUEST,
        {
            "http.request.method": facts.verb,
            "http.response.status_code": facts.status,
            "penfold.request": facts.request_id or None,
            "penfold.mailbox": facts.account_id or None,
            "penfold.reason": facts.reason or None,
        },
    )


def trace_handlers(handlers: Mapping[str, Handler], tracer: Tracer) -> dict[str, Handler]:
    """Return the handlers with a span around each run of theirs."""
    return {method: _trace(method, handler, tracer) for method, handler in handlers.items()}


def _trace(method: str, handler: Handler, tracer: Tracer) -> Handler:
    @wraps(handler)
    def traced(call: Any, box: Any) -> Any:
        if find_current() is None:
            return handler(call, box)
        with tracer.child(HANDLER, {"penfold.method": method}):
            return handler(call, box)

    return traced


def trace_mailboxes(mailboxes: Mailboxes, tracer: Tracer) -> Mailboxes:
    """Return the mailboxes with a span around each read and change."""
    return cast("Mailboxes", TracedMailboxes(mailboxes, tracer))


class TracedMailboxes:
    """Mailboxes whose reads and changes are recorded while there is a span."""

    def __init__(self, mailboxes: Mailboxes, tracer: Tracer) -> None:
        self._mailboxes = mailboxes
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mailboxes, name)

    def open_reader(self, mailbox_id: str) -> AbstractContextManager[MailboxReader]:
        if find_current() is None:
            return self._mailboxes.open_reader(mailbox_id)
        return self._open_traced(mailbox_id)

    @contextmanager
    def _open_traced(self, mailbox_id: str) -> Iterator[MailboxReader]:
        with (
            self._tracer.child(READ, {"penfold.mailbox": mailbox_id}),
            self._mailboxes.open_reader(mailbox_id) as box,
        ):
            yield box

    def submit(
        self,
        mailbox_id: str,
        change: Callable[[MailboxWriter], T],
        done: Callable[[T | None, BaseException | None], None],
    ) -> None:
        span = self._tracer.begin_child(CHANGE.name)
        if span is None:
            self._mailboxes.submit(mailbox_id, change, done)
            return
        span.put(CHANGE, {"penfold.mailbox": mailbox_id})

        def traced(box: MailboxWriter) -> T:
            # On a thread of the store; a change may run twice, and does not nest.
            with current(span):
                return change(cast("MailboxWriter", _LinkingWriter(box, mailbox_id, span)))

        def ended(result: T | None, error: BaseException | None) -> None:
            self._tracer.end(span)
            done(result, error)

        self._mailboxes.submit(mailbox_id, traced, ended)


class _LinkingWriter:
    """A writer that notes which messages leave, so that their deliveries can be found."""

    def __init__(self, box: MailboxWriter, mailbox_id: str, span: OpenSpan) -> None:
        self._box = box
        self._mailbox_id = mailbox_id
        self._span = span

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)

    def add_outbox(self, **mail: Any) -> int:
        number = self._box.add_outbox(**mail)
        link = link_of(self._mailbox_id, number)
        if link not in self._span.links:
            self._span.links.append(link)
        return number
