"""A socket with the state machine of an SMTP client behind it.

Owns bytes in and bytes out: what arrives goes to the machine at once, what it has to say is
written block by block, and the socket of a session that is over is closed.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from penfold.proto.smtp.client.machine import Client


class Wire(asyncio.Protocol):
    """A socket and its machine, which is made when the connection stands."""

    def __init__(self, make_machine: Callable[[asyncio.Transport], Client]) -> None:
        self._make_machine = make_machine
        self._transport: asyncio.Transport | None = None
        self._is_blocked = False
        self._is_upgrading = False
        self._gone = asyncio.Event()
        self.machine: Client | None = None
        #: Set when there may be something to do.
        self.changed = asyncio.Event()

    # --- what the loop calls -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(cast("asyncio.Transport", transport))
        self.machine = self._make_machine(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._tell(lambda machine: machine.receive(data))

    def eof_received(self) -> None:
        self._lose()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lose()

    def pause_writing(self) -> None:
        self._is_blocked = True

    def resume_writing(self) -> None:
        self._is_blocked = False
        self.changed.set()

    def _take(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_blocked = False
        # Blocked until all that was written has left: then the time for a block is that. (uvloop
        # calls an empty buffer full when high is 0.)
        transport.set_write_buffer_limits(high=1, low=0)

    def _lose(self) -> None:
        self._gone.set()
        # A handshake that fails says itself what was wrong with it.
        if not self._is_upgrading:
            self._tell(lambda machine: machine.end())

    def _tell(self, what: Callable[[Client], None]) -> None:
        if self.machine is not None:
            what(self.machine)
            self.changed.set()
            self._let_go()

    # --- what the connection calls -------------------------------------------------------

    def flush(self) -> None:
        """Write what is to be said, as far as the other side takes it."""
        machine, transport = self.machine, self._transport
        assert machine is not None
        assert transport is not None
        while not self._is_blocked and (octets := machine.take_output()):
            transport.write(octets)
        self._let_go()

    def _let_go(self) -> None:
        """Close the socket of a session that is over."""
        if self.machine is not None and self.machine.is_closed:
            if self.machine.failure is None:
                self.close()
            else:
                self.abort()

    async def start_tls(self, context: ssl.SSLContext, *, host: str, timeout_s: float) -> None:
        """Speak TLS from here on. Raises OSError, ValueError."""
        assert self._transport is not None
        self._is_upgrading = True
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                context,
                server_hostname=host,
                ssl_handshake_timeout=timeout_s,
            )
        finally:
            self._is_upgrading = False
        if transport is None or self._gone.is_set():
            raise ConnectionResetError("the connection was closed in the handshake")
        self._take(transport)

    @property
    def tls(self) -> ssl.SSLObject:
        assert self._transport is not None
        return cast("ssl.SSLObject", self._transport.get_extra_info("ssl_object"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def wait_closed(self, patience_s: float) -> None:
        """Return when the socket is closed; who does not take TLS's farewell is cut off."""
        try:
            async with asyncio.timeout(patience_s):
                await self._gone.wait()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
