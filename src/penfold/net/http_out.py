"""The client for HTTP that requests can point somewhere: one POST to an address one named.

Connections are made by net.guard alone, so they reach no neighbour; https is verified, plain
http goes out in local mode only. Redirects are not followed, one deadline covers everything
after the connection is made, and an answer is read no further than its limit. One connection
per request: what is sent here is rare, and an idle one would be a descriptor each.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from penfold import __version__
from penfold.base.errors import PenfoldError
from penfold.base.limits import PUSH_ANSWER_MAX_BYTES, PUSH_S
from penfold.net.guard import Allowed, Resolve, connect, resolve
from penfold.ports.http_out import Answered, NoAnswerError

_PRODUCT: Final = f"Penfold/{__version__}"
_PORTS: Final = {"https": 443, "http": 80}


class HttpOut:
    """A Poster and an Asker. plain: own addresses and unencrypted http are allowed."""

    def __init__(
        self,
        *,
        plain: bool,
        timeout_s: float = PUSH_S,
        context: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        allowed: Allowed | None = None,
    ) -> None:
        """context: for tests; by default the system's authorities are trusted.

        allowed: which addresses are, where the operator and nobody else names them.
        """
        self._plain = plain
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._context = context
        self._resolve = resolve

    def send_post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        return self.send(url, headers, body).status

    def send(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answered:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (self._plain and parts.scheme == "http"):
            raise NoAnswerError("only https is pushed to", scheme=parts.scheme)
        port = parts.port or _PORTS[parts.scheme]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            sock = connect(
                host,
                port,
                loopback=self._plain,
                timeout_s=self._timeout_s,
                resolve=self._resolve,
                allowed=self._allowed,
            )
        except PenfoldError as error:
            raise NoAnswerError(str(error), host=host) from error
        # Per-read limits alone would let an answer trickle for ever.
        line = sock.dup()  # TLS takes the socket itself over
        late = threading.Event()
        watchdog = threading.Timer(self._timeout_s, _cut, (line, late))
        watchdog.daemon = True
        watchdog.start()
        try:
            if parts.scheme == "https":
                sock = self._wrap(sock, host)
            answered = _exchange(sock, parts.netloc, target, headers, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}"[:200], host=host) from error
        finally:
            watchdog.cancel()
            sock.close()
            line.close()
        if late.is_set():  # a head that was cut off reads like a whole one
            raise NoAnswerError("the answer took too long", host=host)
        return answered

    def _wrap(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context.wrap_socket(sock, server_hostname=host)


def _exchange(
    sock: socket.socket,
    netloc: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> Answered:
    connection = http.client.HTTPConnection(netloc)
    connection.sock = sock
    connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
    for name, value in (
        ("Host", netloc),
        ("User-Agent", _PRODUCT),
        ("Connection", "close"),
        ("Content-Length", str(len(body))),
        *headers,
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    try:
        response.read(PUSH_ANSWER_MAX_BYTES)
        return Answered(response.status, response.getheader("Retry-After") or "")
    finally:
        response.close()


def _cut(line: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
