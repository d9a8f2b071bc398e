"""Ask an ACME server for a certificate: does what proto/acme says, over verified HTTPS.

A client for HTTP of its own, because the server is the operator's choice: it may stand on this
network and be verified by authorities of its own. Nobody else names addresses here. Redirects are
not followed. One connection per request: a certificate takes about ten, every two months.

Blocking, for a thread of its own. Every request has a deadline; when `stopping` is set, it is cut.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from penfold import __version__
from penfold.base.limits import ACME_ANSWER_MAX_BYTES, ACME_REQUEST_S
from penfold.proto.acme.documents import AcmeError, shorten
from penfold.proto.acme.issuing import Ask, Pause, Prove, Reply, Steps
from penfold.proto.acme.proofs import Proof

_PRODUCT: Final = f"Penfold/{__version__}"
_PORT: Final = 443
#: Seconds between two looks of the watch whether a request has to be cut.
_WATCH_S: Final = 0.2

#: Makes proofs answerable wherever the server may ask; () takes them back.
Publish = Callable[[tuple[Proof, ...]], None]


def make_context(authorities: Path | None = None) -> ssl.SSLContext:
    """Return how the server is verified: by this file (PEM), or by the system's authorities."""
    return ssl.create_default_context(cafile=authorities)


class AcmeOut:
    """Runs what proto/acme asks for."""

    def __init__(
        self, context: ssl.SSLContext, publish: Publish, *, timeout_s: float = ACME_REQUEST_S
    ) -> None:
        self._context = context
        self._publish = publish
        self._timeout_s = timeout_s

    def send_order(self, steps: Steps[bytes], stopping: threading.Event) -> bytes:
        """Return what the steps return; AcmeError also when the server cannot be reached.

        Whatever happens, no proof is left published.
        """
        reply: Reply | None = None
        try:
            while True:
                step = steps.send(reply)
                reply = self._do(step, stopping)
        except StopIteration as end:
            chain: bytes = end.value
            return chain
        finally:
            steps.close()
            self._publish(())

    def _do(self, step: Ask | Pause | Prove, stopping: threading.Event) -> Reply | None:
        if isinstance(step, Ask):
            return self._send(step, stopping)
        if isinstance(step, Prove):
            self._publish(step.proofs)
        elif stopping.wait(step.seconds):
            raise AcmeError("the server stops")
        return None

    def _send(self, ask: Ask, stopping: threading.Event) -> Reply:
        parts = urlsplit(ask.url)
        host, port = parts.hostname or "", parts.port or _PORT
        try:
            line = socket.create_connection((host, port), self._timeout_s)
        except OSError as error:
            raise AcmeError(f"{host} cannot be reached: {error.strerror or error}") from error
        watch = _Watch(line.dup(), stopping, self._timeout_s)
        try:
            # An answer without a length ends with the connection, and must not be cut unseen.
            with self._context.wrap_socket(
                line, server_hostname=host, suppress_ragged_eofs=False
            ) as tls:
                return _exchange(tls, ask)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "verify_message", "") or str(error) or type(error).__name__
            raise AcmeError(f"{host}: {watch.reason or shorten(reason)}") from error
        finally:
            line.close()
            watch.end()


def _exchange(tls: ssl.SSLSocket, ask: Ask) -> Reply:
    parts = urlsplit(ask.url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = tls
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(ask.method, target, skip_host=True, skip_accept_encoding=True)
    # RFC 8555 §6.1: a User-Agent. §6.2: the type of a signed body.
    sent = {"Host": parts.netloc, "User-Agent": _PRODUCT, "Connection": "close"}
    sent["Accept"] = ask.accept
    if ask.body:
        sent |= {"Content-Type": "application/jose+json", "Content-Length": str(len(ask.body))}
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders(ask.body)
    with connection.getresponse() as response:
        body = response.read(ACME_ANSWER_MAX_BYTES + 1)
        if len(body) > ACME_ANSWER_MAX_BYTES:
            raise ValueError("the answer is too long")
        if not response.isclosed() and response.length:
            raise ValueError("the answer ends too early")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, body)


class _Watch:
    """Cuts a connection when its time is over or the server stops; reason: "" if it did not.

    Time-outs of single reads would let an answer trickle for ever.
    """

    def __init__(self, line: socket.socket, stopping: threading.Event, timeout_s: float) -> None:
        self.reason = ""
        self._line = line
        self._stopping = stopping
        self._left_s = timeout_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acme-watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        with self._line:
            while not self._done.wait(_WATCH_S):
                self._left_s -= _WATCH_S
                if self._stopping.is_set():
                    self.reason = "the server stops"
                elif self._left_s <= 0:
                    self.reason = "the answer took too long"
                if self.reason:
                    with suppress(OSError):
                        self._line.shutdown(socket.SHUT_RDWR)
                    return
