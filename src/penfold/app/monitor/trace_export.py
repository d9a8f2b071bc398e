"""Send spans to an OpenTelemetry collector, from a thread of its own: OTLP over HTTP, as JSON.

What waits is bounded, and what cannot be sent is dropped and counted: a collector that is down
costs nobody a request. It is told of once when that begins, in the log.
"""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Final

from penfold import __version__
from penfold.app.monitor.metrics import Counters
from penfold.base.limits import SPANS_AT_ONCE, SPANS_EVERY_S, SPANS_WAITING_MAX, TRACES_ANSWER_S
from penfold.net.http_out import HttpOut
from penfold.ports.events import EventLog
from penfold.ports.http_out import NoAnswerError, Poster
from penfold.proto.otlp import Span, Value, encode_spans
from penfold.spec.events import TRACES_UNSENT
from penfold.spec.metrics import SPANS

#: OTLP/HTTP (documented): the path below the endpoint.
_PATH: Final = "/v1/traces"
_HEADERS: Final = (("Content-Type", "application/json"),)
_OK: Final = range(200, 300)


def make_poster() -> Poster:
    """Return a client for an address the operator named, so a private one is as good."""
    return HttpOut(plain=True, timeout_s=TRACES_ANSWER_S, allowed=lambda _: True)


class SpanExporter:
    """A SpanSink. `close` sends what waits, once."""

    def __init__(
        self,
        endpoint: str,
        resource: Mapping[str, Value],
        *,
        poster: Poster,
        log: EventLog,
        counters: Counters,
    ) -> None:
        self._url = endpoint + _PATH
        self._resource = resource
        self._poster = poster
        self._log = log
        self._counters = counters
        self._waiting: deque[Span] = deque()
        self._awake = threading.Event()
        self._closed = False
        self._is_well = True
        self._thread = threading.Thread(target=self._run, name="span-exporter", daemon=True)
        self._thread.start()

    def add(self, span: Span) -> None:
        if len(self._waiting) >= SPANS_WAITING_MAX:
            self._counters.add(SPANS, 1, "dropped")
            return
        self._waiting.append(span)
        if len(self._waiting) >= SPANS_AT_ONCE:
            self._awake.set()

    def close(self) -> None:
        """Send what waits and stop; safe to call twice."""
        self._closed = True
        self._awake.set()
        self._thread.join(TRACES_ANSWER_S)

    def _run(self) -> None:
        while not self._closed:
            self._awake.wait(SPANS_EVERY_S)
            self._awake.clear()
            while self._waiting and self._send():
                pass

    def _send(self) -> bool:
        """Send some; returns whether the collector took them."""
        count = min(len(self._waiting), SPANS_AT_ONCE)
        spans = [self._waiting.popleft() for _ in range(count)]
        body = encode_spans(spans, self._resource, version=__version__)
        try:
            status = self._poster.send_post(self._url, _HEADERS, body)
            trouble = "" if status in _OK else f"it answered {status}"
        except NoAnswerError as error:
            trouble = str(error)
        self._counters.add(SPANS, count, "dropped" if trouble else "sent")
        if trouble and self._is_well:
            self._log.emit(TRACES_UNSENT, endpoint=self._url, detail=trouble)
        self._is_well = not trouble
        return self._is_well
