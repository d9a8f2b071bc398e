"""HTTP and HTTPS on one port: accept, look at the first octet, hand to uvicorn's protocol.

Owns the accept loop, the bounds on connections, and the graceful stop; protocol.py is one
connection. The listening socket is inherited and shared with the other
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
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from penfold.base.limits import HTTP_HEAD_S, HTTP_KEEP_ALIVE_S, HTTP_UNSENT_MAX_BYTES
from penfold.base.networks import is_loopback, network_of
from penfold.front.http.challenges import Challenges, Farewell, find_challenge
from penfold.front.http.protocol import TOO_MANY, TOO_MANY_OF_ONE, Bounds, Protocol
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
        is_proxy: Callable[[str], bool] = is_loopback,
    ) -> None:
        """The app is an ASGI application; sock listens already and does not block.

        challenges: checks by an ACME server that are answered on this port. is_proxy: whether many
        people come from an address, so that its connections are not counted.
        """
        self._config = Config(
            app,
            http=Protocol,
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
        self._is_proxy = is_proxy
        #: Connections by network, and whose each socket is until a protocol has it.
        self._crowds: Counter[str] = Counter()
        self._networks: dict[socket.socket, str] = {}
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
                conn, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._pause(errno.errorcode[error.errno])
                return
            conn.setblocking(False)
            refusal = self._admit(conn, peer[0])
            if refusal:
                with suppress(OSError):
                    conn.send(refusal)
                conn.close()
                continue
            self._look(conn)

    def _admit(self, conn: socket.socket, client: str) -> bytes:
        """Count a connection in, or return what its client is told."""
        if self._connections() >= self._most:
            return TOO_MANY
        if not self._is_proxy(client):
            network = network_of(client)
            if self._crowds[network] >= self._bounds.client_connections:
                return TOO_MANY_OF_ONE
            self._crowds[network] += 1
            self._networks[conn] = network
        return b""

    def _leave(self, network: str) -> None:
        """Count a connection out."""
        if network:
            self._crowds[network] -= 1
            if not self._crowds[network]:
                del self._crowds[network]

    def _close(self, conn: socket.socket) -> None:
        self._leave(self._networks.pop(conn, ""))
        conn.close()

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
            self._close(conn)
            return
        task = self._loop.create_task(self._adopt(conn, tls=first == _TLS_HANDSHAKE))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _adopt(self, conn: socket.socket, *, tls: bool) -> None:
        network = self._networks.pop(conn, "")
        made: list[Protocol] = []

        def make() -> asyncio.Protocol:
            made.append(self._make_protocol(network))
            return made[0]

        try:
            _tune(conn)
            if tls:
                challenge = self._challenges and await find_challenge(conn, self._challenges)
                await self._loop.connect_accepted_socket(
                    Farewell if challenge else make,
                    conn,
                    ssl=challenge or self._tls,
                    ssl_handshake_timeout=HTTP_HEAD_S,
                )
            else:
                await self._loop.connect_accepted_socket(make, conn)
        except OSError:  # also failed handshakes and their time-outs
            conn.close()
        finally:
            # A protocol that was never told of its connection is not told of the end either.
            if not made or made[0].transport is None:
                self._leave(network)

    def _make_protocol(self, network: str) -> Protocol:
        return Protocol(
            config=self._config,
            server_state=self._state,
            app_state={},
            _loop=self._loop,
            leave=partial(self._leave, network),
        )

    def _drop_silent(self, conn: socket.socket) -> None:
        self._loop.remove_reader(conn.fileno())
        del self._silent[conn]
        self._close(conn)

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
            if isinstance(connection, Protocol) and connection.is_stalled(now, self._bounds):
                connection.transport.abort()


def _tune(conn: socket.socket) -> None:
    """Send at once, and let the kernel hold little that it cannot send yet.

    Otherwise it takes up to 4 MB (Linux) for a client that reads nothing, and the requests such a
    client sent ahead are all answered into it while others wait.
    """
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux, macOS
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, HTTP_UNSENT_MAX_BYTES)
