"""HTTP and HTTPS on one port: accept, look at the first octet, hand to uvicorn's protocol.

Owns the accept loop, the bounds on connections and heads, and the graceful stop. Parsing and
ASGI are uvicorn's (httptools). The listening socket is inherited and shared with the other
HTTP processes; whoever is free accepts.

A TLS connection begins with 0x16 (RFC 8446 §5.1: a handshake record), which no HTTP method
does. The octet is peeked at, so whoever gets the connection sees it from its start. Clients
that say nothing, dawdle over a head, stop or crawl in the middle of a body, or do not take their
answers are closed by one sweep a second, which costs a request nothing.
"""

import asyncio
import errno
import resource
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from penfold.base.limits import (
    HTTP_BODY_IDLE_S,
    HTTP_BODY_RATE_MIN_BYTES,
    HTTP_BODY_SLOW_S,
    HTTP_CONNECTIONS_MAX,
    HTTP_HEAD_MAX_BYTES,
    HTTP_HEAD_S,
    HTTP_HEADERS_MAX,
    HTTP_KEEP_ALIVE_S,
)
from penfold.front.http.answers import WHOLE_ANSWER
from penfold.front.http.challenges import Challenges, Farewell, find_challenge
from penfold.ports.events import EventLog
from penfold.spec.events import ACCEPT_PAUSED

#: RFC 8446 §5.1: ContentType handshake(22).
_TLS_HANDSHAKE: Final = b"\x16"
#: Connections taken per wake-up, so that requests in hand are not starved.
_ACCEPT_BURST: Final = 32
#: Seconds to wait when the machine is out of descriptors or buffers.
_ACCEPT_PAUSE_S: Final = 0.25
#: Seconds; the Date header has this resolution.
_TICK_S: Final = 1.0
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def _refusal(status: str, text: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    return f"{head}content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode()


_TOO_MANY: Final = _refusal("503 Service Unavailable", "Too many connections, try again")
_HEAD_TOO_LARGE: Final = _refusal("431 Request Header Fields Too Large", "Header too large")


@dataclass(frozen=True, slots=True)
class Bounds:
    """connections: open at a time. head_s: for a request's head, or the first octet of all.

    body_idle_s: of silence in a body, or without taking any of an answer. body_rate: octets a
    second that a body must reach after body_slow_s.
    """

    connections: int = HTTP_CONNECTIONS_MAX
    head_s: float = HTTP_HEAD_S
    body_idle_s: float = HTTP_BODY_IDLE_S
    body_slow_s: float = HTTP_BODY_SLOW_S
    body_rate: int = HTTP_BODY_RATE_MIN_BYTES


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on a request's head and on what surrounds its body.

    Chunk extensions and trailers (RFC 9112 §7.1) are no body, so nobody else counts them, and
    the parser keeps a trailer in memory whatever its size. They are dropped: nothing wants them.
    """

    _reading_head = True
    _head_bytes = 0
    _body_bytes = 0
    #: Octets of the read in hand; octets of whole reads that brought no head and no body.
    _read_bytes = 0
    _other_bytes = 0
    _unsent = 0
    since = 0.0
    _body_since = 0.0
    _unsent_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # TCP's is a Transport
        self.since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._read_bytes = len(data)
        super().data_received(data)
        if self._reading_head:
            self._head_bytes += len(data)
            if self._head_bytes > HTTP_HEAD_MAX_BYTES:
                self._refuse_head()
        else:
            self.since = self.loop.time()
            self._other_bytes += len(data)
            if self._other_bytes > HTTP_HEAD_MAX_BYTES:
                self._refuse_head()

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


class HttpListener:
    """One process's share of the HTTP port."""

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        tls: ssl.SSLContext,
        *,
        log: EventLog,
        count_connections: Callable[[int], None],
        bounds: Bounds | None = None,
        challenges: Challenges | None = None,
    ) -> None:
        """The app is an ASGI application; sock listens already and does not block.

        challenges: checks by an ACME server that are answered on this port.
        """
        self._config = Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=HTTP_KEEP_ALIVE_S,
        )
        self._config.load()
        self._sock = sock
        self._tls = tls
        self._log = log
        self._count = count_connections
        self._state = ServerState()
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, float] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._bounds = bounds or Bounds()
        self._challenges = challenges
        self._most = self._bounds.connections
        if soft != resource.RLIM_INFINITY:
            self._most = min(self._most, soft // 2)  # the other half is for mailbox files
        self._ticking: asyncio.TimerHandle | None = None
        self._open = False

    def start(self) -> None:
        """Accept from now on."""
        self._open = True
        self._loop.add_reader(self._sock.fileno(), self._accept)
        self._tick()

    async def stop(self, *, grace_s: float) -> None:
        """Accept no more, finish the requests in hand within grace_s, then cut the rest."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for conn in list(self._silent):
            self._drop_silent(conn)
        for task in list(self._connecting):
            task.cancel()
        deadline = self._loop.time() + grace_s
        for connection in list(self._state.connections):
            connection.shutdown()
        while self._state.connections or self._state.tasks:
            if self._loop.time() > deadline:
                break
            await asyncio.sleep(0.01)
        for connection in list(self._state.connections):
            connection.transport.abort()
        for request in list(self._state.tasks):
            request.cancel()
        if self._ticking:
            self._ticking.cancel()

    def _accept(self) -> None:
        for _ in range(_ACCEPT_BURST):
            try:
                conn, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._pause(errno.errorcode[error.errno])
                return
            conn.setblocking(False)
            if self._connections() >= self._most:
                with suppress(OSError):
                    conn.send(_TOO_MANY)
                conn.close()
                continue
            self._look(conn)

    def _connections(self) -> int:
        return len(self._state.connections) + len(self._silent) + len(self._connecting)

    def _pause(self, reason: str) -> None:
        """Leave newcomers in the kernel's queue for a moment instead of spinning."""
        self._log.emit(
            ACCEPT_PAUSED, listener="http", reason=reason, connections=self._connections()
        )
        self._loop.remove_reader(self._sock.fileno())
        self._loop.call_later(_ACCEPT_PAUSE_S, self._resume)

    def _resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _look(self, conn: socket.socket) -> None:
        """Peek at the first octet; wait for it if it is not here yet."""
        try:
            first = conn.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            if conn not in self._silent:
                self._silent[conn] = self._loop.time()
                self._loop.add_reader(conn.fileno(), self._look, conn)
            return
        except OSError:
            first = b""
        if conn in self._silent:
            self._loop.remove_reader(conn.fileno())
            del self._silent[conn]
        if not first:
            conn.close()
            return
        task = self._loop.create_task(self._adopt(conn, tls=first == _TLS_HANDSHAKE))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _adopt(self, conn: socket.socket, *, tls: bool) -> None:
        try:
            if tls:
                challenge = self._challenges and await find_challenge(conn, self._challenges)
                await self._loop.connect_accepted_socket(
                    Farewell if challenge else self._make_protocol,
                    conn,
                    ssl=challenge or self._tls,
                    ssl_handshake_timeout=HTTP_HEAD_S,
                )
            else:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.connect_accepted_socket(self._make_protocol, conn)
        except OSError:  # also failed handshakes and their time-outs
            conn.close()

    def _make_protocol(self) -> asyncio.Protocol:
        return _Protocol(
            config=self._config, server_state=self._state, app_state={}, _loop=self._loop
        )

    def _drop_silent(self, conn: socket.socket) -> None:
        self._loop.remove_reader(conn.fileno())
        del self._silent[conn]
        conn.close()

    def _tick(self) -> None:
        """Renew the Date header, count, and look at the deadlines."""
        self._state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
        self._count(self._connections())
        self.review(self._loop.time())
        self._ticking = self._loop.call_later(_TICK_S, self._tick)

    def review(self, now: float) -> None:
        """Close who dawdles, as of `now` (the loop's time)."""
        for conn, since in list(self._silent.items()):
            if now - since > self._bounds.head_s:
                self._drop_silent(conn)
        for connection in list(self._state.connections):
            if isinstance(connection, _Protocol) and connection.is_stalled(now, self._bounds):
                connection.transport.abort()
