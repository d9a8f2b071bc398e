"""One SMTP connection: a transport on one side, the state machine on the other.

Owns when things happen: reading on, waiting, TLS, deadlines, the end. It decides nothing about
mail (`doors`) and nothing about SMTP (`penfold.proto.smtp`). All calls come on the event loop's
thread; results of deliveries come through `Answers`.

Invariants: a 250 to message data is written only after the product said that it is durable; a
delivery whose outcome is unknown gets no reply; one write per batch of replies; what a client
sends ahead while an answer is awaited is bounded by HELD_MAX and one read.
"""

import asyncio
import ssl
from collections.abc import Awaitable
from typing import Final, cast

from penfold.base.errors import PenfoldError
from penfold.domain.throttle import TooManyError
from penfold.front.smtp.decisions import Envelope
from penfold.front.smtp.facts import SessionFacts, TransactionFacts
from penfold.front.smtp.greeting import Visit
from penfold.front.smtp.house import House
from penfold.front.smtp.programs import KeyHolder
from penfold.front.smtp.refusals import find_refusal
from penfold.ports.directory import Account
from penfold.proto.smtp import replies
from penfold.proto.smtp.events import Bearer, Event, Login, Mail, Message, Rcpt, Slow
from penfold.proto.smtp.replies import Reply
from penfold.proto.smtp.server import Server
from penfold.spec.rates import SMTP_LOGIN_ACCOUNT

#: Octets a client may send ahead while it waits for an answer; then reading stops.
HELD_MAX: Final = 65_536
#: Seconds a client has to take the last replies, and to finish a TLS handshake.
LAST_WORDS_S: Final = 10.0
TLS_HANDSHAKE_S: Final = 30.0


class _Delivery:
    """A message under way. Settled once, whatever the product does."""

    __slots__ = ("duration_s", "envelope", "is_settled", "size", "started_ms")

    def __init__(self, envelope: Envelope, size: int, started_ms: int) -> None:
        self.envelope = envelope
        self.size = size
        self.started_ms = started_ms
        self.duration_s = 0.0
        self.is_settled = False


class Session(asyncio.Protocol):
    """One connection, from connection_made to connection_lost."""

    __slots__ = (
        "_account", "_asked", "_awaits_greeting", "_blocked", "_bytes_in", "_delivery", "_early",
        "_gone", "_half_closed", "_heard", "_house", "_id", "_leaving", "_machine", "_messages",
        "_paused", "_pumping", "_since", "_started_ms", "_task", "_timer", "_tls", "_transport",
        "client",
    )  # fmt: skip

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._account: Account | None = None
        self._delivery: _Delivery | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked: asyncio.Task[None] | None = None
        self._pumping = self._blocked = self._paused = self._leaving = False
        self._half_closed = self._gone = self._awaits_greeting = False
        self._bytes_in = self._messages = 0
        self._tls = ""
        self._early = b""
        self.client = ""

    # --- what the loop calls -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        house = self._house
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.client = str(peer[0]) if peer else ""
        tls = transport.get_extra_info("ssl_object") if house.tls is not None else None
        if tls is not None:
            self._tls = tls.version() or ""
        self._id = house.make_session_id()
        tag = replies.make_session_tag(self._id)
        self._machine = Server(house.profile, tag=tag, tls=tls is not None)
        self._since = self._heard = house.now
        self._started_ms = house.clock.now_ms()
        refusal = house.admit(self, self.client)
        if refusal is not None:
            self._machine.close(refusal)
            house.flush_soon(self)
            return
        self._awaits_greeting = True
        if house.bounds.greet_delay_s:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(house.bounds.greet_delay_s, self.greet)
        elif house.profile.refuses_early_talk:
            house.greet_soon(self)
        else:
            self.greet()

    def greet(self) -> None:
        if self._awaits_greeting and not self._machine.is_closed:
            self._timer = None
            self._awaits_greeting = False
            self._machine.greet()
            self._go_on()  # whoever may talk early has perhaps done so

    def data_received(self, data: bytes) -> None:
        self._heard = self._house.now
        self._bytes_in += len(data)
        if self._awaits_greeting and self._house.profile.refuses_early_talk:
            # Honest clients wait (RFC 5321 §4.3.1); programs that only send do not.
            self.end(replies.EARLY_TALKER)
            return
        if self._task is not None:
            # Decrypted already: it came with the end of the handshake, before _upgrade went on.
            # Octets sent in clear cannot get here, reading was paused and then given to TLS.
            self._early += data
            return
        self._machine.receive(data)
        if self._delivery is None and self._timer is None and self._asked is None:
            if not self._blocked:
                self._pump()
            if len(data) > HELD_MAX:
                # Many commands at once: write now, so that a client that takes no replies is
                # noticed before the next read.
                self.flush()
        else:
            self._hold()

    def eof_received(self) -> bool:
        """Keep a half-closed connection until the answer that is due was written."""
        self.flush()
        self._half_closed = self._delivery is not None and not self._machine.tls
        return self._half_closed

    def pause_writing(self) -> None:
        """Read no further: the client does not take its replies."""
        self._blocked = True
        self._pause()

    def resume_writing(self) -> None:
        self._blocked = False
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._depart()

    # --- what the listener calls -----------------------------------------------------------

    @property
    def held_bytes(self) -> int:
        """Octets of a message that is coming in."""
        return self._machine.held_bytes

    @property
    def waiting_bytes(self) -> int:
        """Octets of a message that is being stored."""
        return self._delivery.size if self._delivery is not None else 0

    def review(self, now: float, idle_s: float) -> None:
        """Apply the deadlines; called about once a second."""
        machine, bounds = self._machine, self._house.bounds
        quiet = now - self._since
        if machine.is_closed:
            if quiet > LAST_WORDS_S:
                self.abort()
        elif self._delivery is not None or self._task is not None or self._asked is not None:
            return  # the client waits for us, or TLS has a deadline of its own
        elif machine.is_receiving_data:
            if now - self._heard > idle_s:
                self.end(replies.TIMEOUT)
            elif quiet > bounds.slow_start_s and machine.data_bytes < quiet * bounds.rate_min_bytes:
                self.end(replies.TOO_SLOW)
        elif quiet > idle_s:
            # Measured from our last reply: a client that sends single octets gains nothing.
            self.end(replies.TIMEOUT)

    def end(self, reply: Reply) -> None:
        """Say this and close."""
        self._machine.close(reply)
        self.flush()

    def dismiss(self) -> None:
        """End the session politely: at once, or after the message in hand."""
        if self._task is not None:
            self.abort()
        elif self._delivery is not None or self._machine.is_receiving_data:
            self._leaving = True
        else:
            self.end(replies.STOPPING)

    def cut(self) -> None:
        """End the session now, whatever it does; no reply is owed for unfinished data."""
        if self._delivery is None and self._task is None:
            self.end(replies.STOPPING)
        else:
            self.abort()

    # --- reading and writing -----------------------------------------------------------------

    def _pump(self) -> None:
        if self._pumping:
            return  # an answer came while its question was asked; the outer call goes on
        machine = self._machine
        self._pumping = True
        while (event := machine.next_event()) is not None:
            self._handle(event)
        self._pumping = False
        self._house.flush_soon(self)

    def flush(self) -> None:
        machine, transport = self._machine, self._transport
        output = machine.take_output()
        if transport is None:
            return
        if output:
            self._since = self._house.now
            transport.write(output)
        is_over = machine.is_closed or (self._half_closed and self._delivery is None)
        if is_over and not transport.is_closing():
            transport.close()

    def _hold(self) -> None:
        if self._machine.unread_bytes > HELD_MAX:
            self._pause()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None and not self._gone:
            self._paused = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        """Read and work again, now that nothing is awaited."""
        if self._gone or self._blocked:
            return
        self._pump()
        waits = self._delivery or self._timer or self._task or self._asked
        is_free = waits is None
        if self._paused and is_free and not self._blocked:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def abort(self) -> None:
        self._machine.close()
        if self._transport is not None:
            self._transport.abort()

    def _depart(self) -> None:
        if self._gone:
            return
        self._gone = True
        self._machine.close()
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._asked is not None:
            self._asked.cancel()
        self._house.left_bytes += self.waiting_bytes
        self._house.leave(self)
        self._house.observe(self._facts())

    # --- questions ---------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        machine = self._machine
        try:
            if isinstance(event, Rcpt):
                self._answer_recipient(event)
            elif isinstance(event, Mail):
                machine.answer(self._admit_sender(event))
            elif isinstance(event, Message):
                self._deliver(event)
            elif isinstance(event, Login | Bearer):
                self._log_in(event)
            elif isinstance(event, Slow):
                self._slow_down(event)
            else:
                self._start_tls()
        except Exception as error:  # noqa: BLE001 - top of a session: the client gets a 4xx
            self._fail(event, error)

    def _answer_recipient(self, event: Rcpt) -> None:
        visit = Visit(self._id, self.client, self._machine.helo, self._machine.sender)
        reply = self._house.door.check_recipient(visit, event.address)
        if isinstance(reply, Reply):
            self._machine.answer(reply)
        else:
            self._asked = asyncio.get_running_loop().create_task(self._await(event, reply))

    async def _await(self, event: Event, coming: Awaitable[Reply]) -> None:
        """Answer when the reply is there; what the client sends meanwhile waits."""
        try:
            self._machine.answer(await coming)
        except Exception as error:  # noqa: BLE001 - as in _handle
            self._fail(event, error)
        self._asked = None
        self._go_on()

    def _admit_sender(self, event: Mail) -> Reply:
        if self._house.is_crowded:
            return replies.NO_ROOM
        return self._house.door.check_sender(self._account, event.sender)

    def _slow_down(self, event: Slow) -> None:
        """Read the next command later; a timer waits, no thread does."""
        house = self._house
        delay = house.bounds.error_delay(event.errors - house.profile.errors_free)
        if delay > 0:
            self._timer = asyncio.get_running_loop().call_later(delay, self._resume)
        else:
            self._machine.resume()

    def _resume(self) -> None:
        self._timer = None
        self._machine.resume()
        self._go_on()

    def _fail(self, event: Event, error: Exception) -> None:
        """Answer a question whose decision raised; what is not an error of ours is reported."""
        if self._delivery is not None:
            self._settle(self._delivery, None, error)
            return
        refusal = find_refusal(error)
        if not isinstance(error, PenfoldError) or refusal is None:
            stage = {Mail: "MAIL", Rcpt: "RCPT"}.get(type(event), "AUTH")
            self._observe(stage, error, refusal.code if refusal else 0)
        if isinstance(event, Login | Bearer):
            refusal = refusal and replies.LOGIN_UNAVAILABLE
        if refusal is None:
            self.abort()
        else:
            self._machine.answer(refusal)

    def _deliver(self, message: Message) -> None:
        house, machine = self._house, self._machine
        envelope = Envelope(
            session=self._id,
            client=self.client,
            helo=machine.helo,
            protocol=machine.protocol,
            sender=message.sender,
            recipients=message.recipients,
            options=message.options,
            reports=message.reports,
        )
        delivery = _Delivery(envelope, len(message.data), house.clock.now_ms())
        self._delivery = delivery
        done = house.answers.expect(self._settle, delivery)
        house.door.deliver(self._account, envelope, message.data, done)

    def _settle(
        self, delivery: _Delivery, ids: tuple[str, ...] | None, error: BaseException | None
    ) -> None:
        if delivery.is_settled:
            return
        delivery.is_settled = True
        self._delivery = None
        if self._gone:
            self._house.left_bytes -= delivery.size
        now_ms = self._house.clock.now_ms()
        if error is None:
            self._messages += 1
            first = ids[0] if ids else self._id
            by_key = isinstance(self._account, KeyHolder)
            reply: Reply | None = (
                replies.make_queued(first) if by_key else replies.make_stored(now_ms // 1000, first)
            )
        else:
            reply = find_refusal(error)
        delivery.duration_s = (now_ms - delivery.started_ms) / 1000
        self._observe("data", error, reply.code if reply else 0, delivery, ids or ())
        if reply is None:
            self.abort()
            return
        self._machine.answer(reply)
        if self._leaving:
            self._machine.close(replies.STOPPING)
        if not self._pumping:
            self._go_on()

    # --- login and TLS -------------------------------------------------------------------------

    def _log_in(self, claim: Login | Bearer) -> None:
        try:
            account = self._house.door.find_account(claim, self.client)
        except TooManyError as error:
            # Right or wrong, so that a guesser learns nothing more.
            guessed = error.limit is SMTP_LOGIN_ACCOUNT
            reply = replies.TOO_MANY_GUESSES if guessed else replies.TOO_MANY_LOGINS
            self._machine.answer(reply)
            return
        if account is not None:
            self._account = account
            self._machine.answer(replies.ACCEPTED)
            return
        delay = self._house.bounds.login_delay_s
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._refuse_login)

    def _refuse_login(self) -> None:
        self._timer = None
        self._machine.answer(replies.BAD_CREDENTIALS)
        self._go_on()

    def _start_tls(self) -> None:
        context, transport = self._house.tls, self._transport
        if context is None or transport is None:
            self._machine.close(replies.SYSTEM_PROBLEM)
            return
        transport.pause_reading()
        self.flush()
        self._task = asyncio.get_running_loop().create_task(self._upgrade(transport, context))

    async def _upgrade(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            upgraded = await loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=TLS_HANDSHAKE_S,
            )
        except (OSError, EOFError):  # ssl.SSLError is an OSError
            upgraded = None
        self._task = None
        # uvloop returns a transport without TLS when the connection ends in the handshake.
        tls = upgraded.get_extra_info("ssl_object") if upgraded is not None else None
        if upgraded is None or tls is None or self._gone:
            transport.abort()
            self._depart()  # a connection that dies in the handshake is not reported as lost
            return
        self._transport = upgraded
        self._paused = False  # start_tls reads on
        self._tls = tls.version() or ""
        self._account = None
        self._since = self._house.now
        self._machine.tls_started()
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    # --- facts ---------------------------------------------------------------------------------

    def _observe(
        self,
        stage: str,
        error: BaseException | None,
        code: int,
        delivery: "_Delivery | None" = None,
        ids: tuple[str, ...] = (),
    ) -> None:
        house, envelope = self._house, delivery.envelope if delivery else None
        house.observe(
            TransactionFacts(
                listener=house.name,
                session=self._id,
                client=self.client,
                account=self._account.address if self._account else "",
                stage=stage,
                sender=envelope.sender if envelope else "",
                recipients=envelope.recipients if envelope else (),
                size=delivery.size if delivery else 0,
                code=code,
                ids=ids,
                duration_s=delivery.duration_s if delivery else 0.0,
                error=error,
            )
        )

    def _facts(self) -> SessionFacts:
        machine = self._machine
        refusal = machine.last_refusal
        return SessionFacts(
            listener=self._house.name,
            session=self._id,
            client=self.client,
            helo=machine.helo,
            tls=self._tls,
            account=self._account.address if self._account else "",
            messages=self._messages,
            errors=machine.errors,
            login_failures=machine.login_failures,
            bytes_in=self._bytes_in,
            refusal=refusal.wire[:-2].decode("ascii") if refusal else "",
            duration_s=(self._house.clock.now_ms() - self._started_ms) / 1000,
        )
