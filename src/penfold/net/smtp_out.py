"""A connection to another mail server: the state machine of proto/smtp/client/machine on a socket.

Owns when things happen: connecting, writing block by block, the handshake, deadlines, the end.
What goes wrong with the other side is an Outcome, never an exception; `open` returns a connection
that is not usable, and `send` says for every recipient why.

Invariants: one message at a time; a block is written when the one before it has left; octets
that arrive in clear where TLS must begin end the session; a task that is cancelled cuts the
connection, so that nothing is left half said.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Self, TypeVar

from penfold.net.guard import is_allowed
from penfold.net.smtp_wire import Wire
from penfold.net.tls_out import (
    Dane,
    NoTls,
    TlsMode,
    Verify,
    find_context,
    find_need,
    is_implicit,
    judge,
)
from penfold.proto.smtp.client.events import Closed, Event, Ready, Sent, StartTls
from penfold.proto.smtp.client.machine import Client
from penfold.proto.smtp.client.outcome import Failure, Outcome, Reason, TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile
from penfold.proto.smtp.client.transaction import Book, Envelope
from penfold.proto.smtp.stage import Stage

T = TypeVar("T")

#: Whether an address may be connected to: not this machine's, not its neighbours' (net/guard).
Allowed = Callable[[str], bool]
_is_public: Final = partial(is_allowed, loopback=False)


class SmtpConnection:
    """Use `open`. `messages` counts what was tried over it."""

    def __init__(
        self,
        host: str,
        address: str,
        port: int,
        tls: TlsMode,
        *,
        profile: ClientProfile,
        clock: Callable[[], float],
    ) -> None:
        self._host, self._address, self._port = host, address, port
        self._tls = tls
        self._profile = profile
        self._clock = clock
        self._wire = Wire(self._make_machine)
        #: Why there is no connection.
        self._obstacle: Failure | None = None
        self.messages = 0

    @classmethod
    async def open(
        cls,
        host: str,
        address: str,
        port: int,
        tls: TlsMode,
        *,
        profile: ClientProfile,
        clock: Callable[[], float] | None = None,
        allowed: Allowed = _is_public,
        local_address: str = "",
    ) -> Self:
        """Return a connection that is open and greeted, or one that is not usable.

        host: the name it is known by (an MX), for SNI. address: textual, where it is. clock:
        seconds, monotonic; None for the loop's. local_address: the address to call from.
        """
        clock = clock or asyncio.get_running_loop().time
        connection = cls(host, address, port, tls, profile=profile, clock=clock)
        if allowed(address):
            await connection._unless_cancelled(connection._open(local_address))
        else:
            detail = f"{address} may not be connected to"
            connection._obstacle = Failure(Stage.CONNECT, Reason.FORBIDDEN, None, detail)
        return connection

    @classmethod
    def unopened(
        cls, host: str, address: str, port: int, failure: Failure, *, profile: ClientProfile
    ) -> Self:
        """Return a connection that nobody tried to open, for this reason."""
        connection = cls(host, address, port, NoTls(), profile=profile, clock=lambda: 0.0)
        connection._obstacle = failure
        return connection

    @property
    def is_usable(self) -> bool:
        """Return whether another message may be sent."""
        machine = self._wire.machine
        return self._obstacle is None and machine is not None and machine.is_ready

    @property
    def failure(self) -> Failure | None:
        """Return why the connection came to an end, or to nothing."""
        machine = self._wire.machine
        return self._obstacle or (machine.failure if machine is not None else None)

    async def send(self, envelope: Envelope, raw: bytes) -> Outcome:
        """Send a message and return what came of it for each recipient; never raises for that.

        raw: with CR LF line ends; what else it must be, `proto/smtp/client/transaction` says. On
        cancellation the connection is cut; whether the message was taken is then unknown.
        """
        reused, self.messages = self.messages > 0, self.messages + 1
        machine = self._wire.machine
        if self._obstacle is not None or machine is None:
            book = Book(envelope.recipients)
            book.fail_rest(self._obstacle or _lost())
            return self._make_outcome(Sent(book.results, dsn=False), reused=reused)
        machine.send(envelope, raw)
        event = await self._unless_cancelled(self._run())
        while not isinstance(event, Sent):
            # The news that an idle connection was closed, which nobody had asked for yet.
            event = await self._unless_cancelled(self._run())
        return self._make_outcome(event, reused=reused)

    async def close(self) -> None:
        """Say QUIT if that is still possible, and close; safe to call twice."""
        machine = self._wire.machine
        if machine is not None and machine.is_ready:
            machine.quit()
            await self._unless_cancelled(self._run())
        elif machine is not None:
            machine.stop()
        if machine is not None:
            self._wire.close()
            await self._wire.wait_closed(self._profile.timeouts.quit_s)

    # --- inside --------------------------------------------------------------------------

    def _make_machine(self, transport: asyncio.Transport) -> Client:
        tls = transport.get_extra_info("ssl_object")
        facts = judge(self._tls, tls) if tls is not None else None
        machine = Client(
            self._profile,
            need=find_need(self._tls),
            clock=self._clock,
            host=self._host,
            port=self._port,
            tls=facts,
        )
        if facts is not None and not self._will_do(facts):
            machine.tls_failed(Reason.TLS_UNVERIFIED, facts.why)
        return machine

    def _will_do(self, facts: TlsFacts) -> bool:
        return facts.verified or not isinstance(self._tls, Verify | Dane)

    async def _open(self, local_address: str) -> None:
        self._obstacle = await self._connect(local_address)
        if self._obstacle is not None:
            return
        event = await self._run()
        while isinstance(event, StartTls):
            await self._start_tls()
            event = await self._run()
        assert isinstance(event, Ready | Closed)

    async def _connect(self, local_address: str) -> Failure | None:
        implicit = is_implicit(self._tls)
        timeouts = self._profile.timeouts
        patience_s = timeouts.connect_s + (timeouts.starttls_s if implicit else 0)
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: self._wire,
                    self._address,
                    self._port,
                    ssl=find_context(self._tls) if implicit else None,
                    server_hostname=self._host if implicit else None,
                    local_addr=(local_address, 0) if local_address else None,
                )
        except TimeoutError:
            return Failure(Stage.CONNECT, Reason.TIMEOUT, None, "nobody answered in time")
        except ssl.SSLError as error:
            return _tls_failure(error)
        except (OSError, ValueError) as error:
            return Failure(Stage.CONNECT, Reason.UNREACHABLE, None, _explain(error))
        return None

    async def _start_tls(self) -> None:
        machine = self._wire.machine
        assert machine is not None
        if machine.is_closed:
            return  # octets in clear came behind the 220; the machine has said so
        try:
            await self._wire.start_tls(
                find_context(self._tls),
                host=self._host,
                timeout_s=self._profile.timeouts.starttls_s,
            )
        except (OSError, ValueError) as error:
            failure = _tls_failure(error)
            machine.tls_failed(failure.reason, failure.detail)
            return
        facts = judge(self._tls, self._wire.tls)
        if self._will_do(facts):
            machine.tls_started(facts)
        else:
            machine.tls_failed(Reason.TLS_UNVERIFIED, facts.why)

    async def _run(self) -> Event:
        """Say and hear until there is an event."""
        wire, machine = self._wire, self._wire.machine
        assert machine is not None
        while True:
            wire.flush()
            event = machine.next_event()
            if event is not None:
                return event
            await self._wait(machine)

    async def _wait(self, machine: Client) -> None:
        changed = self._wire.changed
        deadline_s = machine.deadline_s
        assert deadline_s is not None, "the machine waits for nothing and has nothing to say"
        try:
            async with asyncio.timeout(max(0.0, deadline_s - self._clock())):
                await changed.wait()
            changed.clear()
        except TimeoutError:
            machine.expire()

    async def _unless_cancelled(self, doing: Coroutine[Any, Any, T]) -> T:
        try:
            return await doing
        except BaseException:
            if self._wire.machine is not None:
                self._wire.machine.stop()
            self._wire.abort()
            raise

    def _make_outcome(self, sent: Sent, *, reused: bool) -> Outcome:
        machine = self._wire.machine
        place = f"--: {self._host} at {self._address} port {self._port}"
        if self._obstacle is not None:
            said: tuple[str, ...] = (f"--: {self._obstacle.detail}",)
        else:
            said = machine.transcript if machine is not None else ()
        return Outcome(
            sent.results,
            self._host,
            self._address,
            self._port,
            server=machine.server if machine is not None else "",
            tls=machine.tls if machine is not None else None,
            dsn=sent.dsn,
            reused=reused,
            transcript=(place, *said),
        )


def _lost() -> Failure:
    return Failure(Stage.CONNECT, Reason.CLOSED, None, "there is no connection")


def _tls_failure(error: Exception) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = f"the certificate is not good: {error.verify_message}"
        return Failure(Stage.STARTTLS, Reason.TLS_UNVERIFIED, None, detail)
    return Failure(Stage.STARTTLS, Reason.TLS_FAILED, None, f"TLS fails: {_explain(error)}")


def _explain(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or error or type(error).__name__)
