"""One HTTP connection: uvicorn's protocol (httptools), with bounds and stricter rules.

The parser (llhttp) refuses by itself what requests are smuggled with: Content-Length beside
Transfer-Encoding or twice, folded fields, bare CR and LF, sizes that are not plain digits. Here is
what it leaves: the Host field, HTTP/0.9, codings that are not chunked, targets that name another
host, and what surrounds a body. A request that is refused is the connection's last.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from penfold.base.limits import (
    HTTP_BODY_IDLE_S,
    HTTP_BODY_RATE_MIN_BYTES,
    HTTP_BODY_SLOW_S,
    HTTP_CLIENT_CONNECTIONS_MAX,
    HTTP_CONNECTIONS_MAX,
    HTTP_HEAD_MAX_BYTES,
    HTTP_HEAD_S,
    HTTP_HEADERS_MAX,
)
from penfold.front.http.answers import WHOLE_ANSWER
from penfold.front.http.framing import find_fault, has_body


def _refusal(status: str, text: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    return f"{head}content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode()


TOO_MANY: Final = _refusal("503 Service Unavailable", "Too many connections, try again")
TOO_MANY_OF_ONE: Final = _refusal(
    "429 Too Many Requests", "Too many connections from your address, close some"
)
_HEAD_TOO_LARGE: Final = _refusal("431 Request Header Fields Too Large", "Header too large")


@dataclass(frozen=True, slots=True)
class Bounds:
    """connections: open at a time; client_connections: from one network.

    head_s: for a request's head, or the first octet of all. body_idle_s: of silence in a body, or
    without taking any of an answer. body_rate: octets a second that a body must reach after
    body_slow_s.
    """

    connections: int = HTTP_CONNECTIONS_MAX
    client_connections: int = HTTP_CLIENT_CONNECTIONS_MAX
    head_s: float = HTTP_HEAD_S
    body_idle_s: float = HTTP_BODY_IDLE_S
    body_slow_s: float = HTTP_BODY_SLOW_S
    body_rate: int = HTTP_BODY_RATE_MIN_BYTES


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on a request's head and on what surrounds its body.

    Chunk extensions and trailers (RFC 9112 §7.1) are no body, so nobody else counts them, and
    the parser keeps a trailer in memory whatever its size. They are dropped: nothing wants them.
    """

    _reading_head = True
    #: Whether a request was refused, so that nothing behind it is one.
    _deaf = False
    _head_bytes = 0
    _body_bytes = 0
    #: Octets of the read in hand; octets of whole reads that brought no head and no body.
    _read_bytes = 0
    _other_bytes = 0
    _unsent = 0
    since = 0.0
    _body_since = 0.0
    _unsent_since = 0.0
    #: The request that is being answered; uvicorn's own `cycle` is the last one that was read.
    _answering: RequestResponseCycle | None = None

    def __init__(self, *args: object, leave: Callable[[], None], **options: object) -> None:
        """leave: called when the connection has ended."""
        super().__init__(*args, **options)  # type: ignore[arg-type]  # uvicorn's
        self.leave = leave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # TCP's is a Transport
        self.since = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        cycle = self._answering
        if cycle is not None and not cycle.response_complete:
            # Else it would go on writing, and each such request would be an error in the log.
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)
        self.leave()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._read_bytes = len(data)
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._reading_head:
            self._head_bytes += len(data)
            if self._head_bytes > HTTP_HEAD_MAX_BYTES:
                self._refuse_head()
        else:
            self.since = self.loop.time()
            self._other_bytes += len(data)
            if self._other_bytes > HTTP_HEAD_MAX_BYTES:
                self._refuse_head()

    def _feed(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offered:
                # RFC 9110 §7.8: an offer that nobody takes up; what follows is the next request.
                rest = rest[offered.args[0] :]
            except httptools.HttpParserError:
                self._deaf = True
                self._refuse_request()
                return
            else:
                return

    def _refuse_request(self) -> None:
        """Answer 400 and close, in the order of the requests."""
        last = self.pipeline[0][0] if self.pipeline else self.cycle
        if last is None or last.response_complete:
            self.send_400_response("Invalid HTTP request received.")
        elif self._reading_head or not self.cycle.more_body:
            last.keep_alive = False  # those before it are whole and get their answers
        elif self.pipeline or last.response_started:
            self.transport.abort()
        else:
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading_head = True
        self._head_bytes = 0
        self.since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reading_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._other_bytes = -self._read_bytes
        self._body_bytes = 0
        self._body_since = self.loop.time()
        if len(self.headers) > HTTP_HEADERS_MAX:
            self._refuse_head()
            return
        fault = find_fault(self.parser.get_http_version(), self.url, self.headers)
        if not fault and self.parser.should_upgrade() and has_body(self.headers):
            # The parser takes what follows for the other protocol, and would for a request.
            fault = "a request with a body may not offer to upgrade"
        if fault:
            self._reading_head = True
            raise ValueError(fault)  # the parser makes its own error of it
        super().on_headers_complete()
        if self.cycle is not None:
            self.scope["extensions"] = {WHOLE_ANSWER: partial(_write_answer, self.cycle)}  # type: ignore[dict-item]  # ours

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._other_bytes = -self._read_bytes
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            super().on_message_complete()

    def is_stalled(self, now: float, bounds: Bounds) -> bool:
        """Whether the client owes us octets, or takes none of ours, for too long."""
        if self._leaves_answer(now, bounds.body_idle_s):
            return True
        if self._reading_head:
            # Between two requests uvicorn's keep-alive timer is in charge.
            return self.timeout_keep_alive_task is None and now - self.since > bounds.head_s
        if self.cycle.more_body:
            return self._dawdles(now, bounds)
        # Empty lines between two requests stop that timer and begin nothing.
        idle = self.cycle.response_complete and self.timeout_keep_alive_task is None
        return idle and not self.transport.is_closing() and now - self.since > bounds.body_idle_s

    def _dawdles(self, now: float, bounds: Bounds) -> bool:
        """Whether a body comes too slowly, or not at all."""
        if self.flow.read_paused:  # it is we who do not read
            self.since = self._body_since = now
            self._body_bytes = 0
            return False
        spent = now - self._body_since
        crawls = spent > bounds.body_slow_s and self._body_bytes < spent * bounds.body_rate
        return crawls or now - self.since > bounds.body_idle_s

    def _leaves_answer(self, now: float, patience_s: float) -> bool:
        """Whether the client has taken nothing of what we wrote for too long."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        return now - self._unsent_since > patience_s

    def _refuse_head(self) -> None:
        if self._reading_head or self.cycle is None or not self.cycle.response_started:
            if not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
        else:
            self.transport.abort()


def _write_answer(cycle: RequestResponseCycle, status: int, head: bytes, body: bytes) -> bool:
    """Write a whole answer at once; False when the client reads slowly and must be waited for.

    head: header lines, Content-Length among them, which this does not check: uvicorn's own way
    looks at each name and value and takes 20 us for ten of them.
    """
    if cycle.flow.write_paused or cycle.response_started:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    if not cycle.disconnected:
        (_, date), *_ = cycle.default_headers
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        cycle.transport.write(
            b"".join((STATUS_LINE[status], b"date: ", date, b"\r\n", head, end, body))
        )
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
