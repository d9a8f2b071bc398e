"""The client's side of an SMTP conversation: octets in, commands and events out.

It owns the order of things (RFC 5321 §3, §4.1.4), what may be sent ahead (RFC 2920), which replies
mean what, and what survives STARTTLS (nothing). It does no I/O and trusts no server.

    machine = Client(profile, need=…, clock=…, host=…, port=…)
    transport.write(machine.take_output())     # again and again, until b""
    machine.receive(octets)                    # or end(), or expire() when deadline_s is reached
    while event := machine.next_event(): ...   # StartTls, Ready, Sent, Closed
    if machine.is_closed: transport.close()

What is said is a script: a generator that says commands, yields the stage of the reply it waits
for, is sent that reply, and returns an event. One script opens the session, one sends a message,
one says QUIT.

Invariants: every script ends in one event, whatever the server does; a reply that nobody waits
for, a 421, silence and nonsense end the session; after that nothing is read or said. What is kept
of a server's octets is bounded by one reply (base.limits) and one read. Secrets and message data
are in no transcript.
"""

from collections import deque
from collections.abc import Callable

from penfold.base.limits import SMTP_OUT_BLOCK_BYTES
from penfold.proto.smtp.client.capabilities import NOTHING, Capabilities
from penfold.proto.smtp.client.events import Closed, Event, Sent, StartTls
from penfold.proto.smtp.client.opening import open_in_private, open_session
from penfold.proto.smtp.client.outcome import Failure, Reason, TlsFacts
from penfold.proto.smtp.client.profile import ClientProfile, TlsNeed
from penfold.proto.smtp.client.reply_reader import ReplyFault, ReplyReader, ServerReply
from penfold.proto.smtp.client.sasl import find_secrets
from penfold.proto.smtp.client.script import FailedError, Script
from penfold.proto.smtp.client.transaction import Book, Envelope
from penfold.proto.smtp.client.transcript import Transcript, mask
from penfold.proto.smtp.client.transfer import transfer
from penfold.proto.smtp.stage import Stage

_NO_DATA = memoryview(b"")


class Client:
    """One session. clock: seconds, monotonic."""

    __slots__ = (
        "_body", "_clock", "_deadline_s", "_events", "_opening", "_output", "_reader", "_script",
        "_secrets", "_session_end_s", "_stage", "_talk", "_wants_tls", "capabilities", "failure",
        "host", "is_closed", "needs_reset", "port", "profile", "server", "tls",
    )  # fmt: skip

    def __init__(
        self,
        profile: ClientProfile,
        *,
        need: TlsNeed,
        clock: Callable[[], float],
        host: str,
        port: int,
        tls: TlsFacts | None = None,
    ) -> None:
        """host, port: what OAUTHBEARER names. tls: the connection began with TLS."""
        self.profile, self.host, self.port = profile, host, port
        self._clock = clock
        self._reader = ReplyReader()
        self._output: list[bytes] = []
        self._body = _NO_DATA
        self._events: deque[Event] = deque()
        self._wants_tls = False
        self._opening, self._talk = Transcript(), Transcript()
        login = profile.credentials
        #: Servers repeat what they were sent; what they say goes into logs and to users.
        self._secrets = find_secrets(login, host=host, port=port) if login else ()
        #: The name in the server's banner.
        self.server = ""
        self.capabilities: Capabilities = NOTHING
        self.tls = tls
        #: The server may hold an unfinished transaction.
        self.needs_reset = False
        self.is_closed = False
        #: Why it is closed, or None.
        self.failure: Failure | None = None
        self._script: Script | None = None
        self._stage = Stage.BANNER
        if tls is not None:
            self._note_tls(tls)
        self._start(open_session(self, need))

    # --- the driver's side -------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Return whether a message may be sent now."""
        return not (self.is_closed or self._wants_tls) and self._script is None

    @property
    def deadline_s(self) -> float | None:
        """Return when, by the clock, expire() is due; None: nothing is waited for."""
        waits = self._script is not None or self._wants_tls
        return min(self._deadline_s, self._session_end_s) if waits else None

    @property
    def held_bytes(self) -> int:
        """Return the octets of the server that are kept."""
        return self._reader.held_bytes

    @property
    def transcript(self) -> tuple[str, ...]:
        """Return what was said: at the opening, and for the message at hand or the last one."""
        return (*self._opening.lines, *self._talk.lines)

    def next_event(self) -> Event | None:
        return self._events.popleft() if self._events else None

    def take_output(self) -> bytes:
        """Return what is to be written next, b"" when there is nothing; again after it left."""
        if self._output:
            octets = b"".join(self._output)
            self._output.clear()
            return octets
        if not self._body:
            return b""
        block = bytes(self._body[:SMTP_OUT_BLOCK_BYTES])
        self._body = self._body[SMTP_OUT_BLOCK_BYTES:]
        timeouts = self.profile.timeouts
        self._wait(timeouts.block_s if self._body else timeouts.dot_s)
        return block

    def receive(self, octets: bytes) -> None:
        """Take what came in and go on as far as it leads."""
        if self.is_closed or not octets:
            return
        if self._wants_tls:
            self._break_off(Reason.NONSENSE, "octets in clear before TLS")
            return
        self._reader.feed(octets)
        while self._script is not None:
            reply = self._reader.take()
            if reply is None:
                return
            if isinstance(reply, ReplyFault):
                self._break_off(Reason.NONSENSE, reply.value)
            else:
                self._hear(reply)
        if not self.is_closed and self._reader.has_octets:
            self._hear_unasked()

    def end(self) -> None:
        """Take note that the server closed the connection, or that it broke."""
        self._break_off(Reason.CLOSED, "the connection was closed")

    def expire(self) -> None:
        """Give up if the time is over."""
        deadline_s = self.deadline_s
        if deadline_s is not None and self._clock() >= deadline_s:
            self._break_off(Reason.TIMEOUT, f"no answer at {self._current_stage}")

    def stop(self) -> None:
        """End the session now, for reasons of our own."""
        self._break_off(Reason.STOPPED, "stopped")

    def tls_started(self, facts: TlsFacts) -> None:
        """Begin again: RFC 3207 §4.2 wants all knowledge of the server discarded."""
        if self.is_closed:
            return
        self.tls = facts
        self._wants_tls = False
        self._reader = ReplyReader()
        self.capabilities = NOTHING
        self._note_tls(facts)
        self._start(open_in_private(self))

    def tls_failed(self, reason: Reason, detail: str) -> None:
        self._break_off(reason, detail)

    def send(self, envelope: Envelope, raw: bytes) -> None:
        """Begin to send a message; Sent is the answer, whatever happens.

        raw: with CR LF line ends. Only while is_ready, or after the session has failed.
        """
        assert self.is_ready or self.is_closed, "one message at a time"
        self._talk = Transcript()
        if self.is_closed:
            book = Book(envelope.recipients)
            failure = self.failure or Failure(Stage.CONNECT, Reason.CLOSED, None, "closed")
            book.fail_rest(failure)
            self._events.append(Sent(book.results, dsn=False))
            return
        self._start(self._send(envelope, raw))

    def quit(self) -> None:
        """Begin to take leave; Closed is the answer."""
        if self.is_ready:
            self._start(self._leave())
        else:
            self.stop()

    # --- what scripts use --------------------------------------------------------------

    def say(self, command: bytes, *, shown: str = "") -> None:
        """Send a command; shown: what the transcript says instead."""
        self._output.append(command + b"\r\n")
        self._note("C", shown or command.decode("utf-8", "replace"))

    def pour(self, content: bytes, *, shown: str) -> None:
        """Send the octets of a message."""
        self._body = memoryview(content)
        self._note("C", shown)

    # --- scripts -----------------------------------------------------------------------

    def _send(self, envelope: Envelope, raw: bytes) -> Script:
        book = Book(envelope.recipients)
        dsn = "DSN" in self.capabilities.keywords
        try:
            yield from transfer(self, envelope, raw, book)
        except FailedError as error:
            book.fail_rest(error.failure)
            self._shut(error.failure)
        return Sent(book.results, dsn)

    def _leave(self) -> Script:
        self.say(b"QUIT")
        yield Stage.QUIT
        self._shut(None)
        return Closed(None)

    # --- the engine --------------------------------------------------------------------

    def _start(self, script: Script) -> None:
        self._session_end_s = self._clock() + self.profile.timeouts.session_s
        self._script = script
        self._go_on(lambda: next(script))

    def _hear(self, reply: ServerReply) -> None:
        reply = self._without_secrets(reply)
        self._note("S", _show(reply))
        script = self._script
        assert script is not None
        if reply.code == 421 or self._body:
            # RFC 5321 §3.8: after a 421 the server closes, whatever was asked. And a verdict
            # before the message has left ends the session, because the rest of the message would
            # have to follow all the same.
            self._answer_early(reply)
        else:
            self._go_on(lambda: script.send(reply))

    def _without_secrets(self, reply: ServerReply) -> ServerReply:
        if not self._secrets:
            return reply
        lines = tuple(mask(line, self._secrets) for line in reply.lines)
        return ServerReply(reply.code, reply.enhanced, lines)

    def _answer_early(self, reply: ServerReply) -> None:
        if reply.kind in (4, 5):
            self._break_off(Reason.REPLY, "", reply)
        else:
            self._break_off(Reason.NONSENSE, "an answer before the message was sent", reply)

    def _hear_unasked(self) -> None:
        reply = self._reader.take()
        if isinstance(reply, ServerReply) and not self._wants_tls:
            reply = self._without_secrets(reply)
            self._note("S", _show(reply))
            if reply.kind in (4, 5):
                self._break_off(Reason.REPLY, "", reply)
                return
        # CVE-2011-0411, the client's side of it (RFC 3207 §6): what stands behind the 220 was put
        # there by somebody who wants it read as if it had come through TLS.
        self._break_off(Reason.NONSENSE, "octets that nobody asked for")

    def _break_off(self, reason: Reason, detail: str, reply: ServerReply | None = None) -> None:
        """End the session; a script that runs gets the chance to say what it means for it."""
        if self.is_closed:
            return
        failure = Failure(self._current_stage, reason, reply, detail)
        if reply is None:
            self._note("--", detail)
        script = self._script
        self._shut(failure)
        if script is None:
            self._events.append(Closed(failure))
        else:
            self._script = script
            self._go_on(lambda: script.throw(FailedError(failure)))

    def _go_on(self, step: Callable[[], Stage]) -> None:
        try:
            self._stage = step()
        except StopIteration as end:
            self._script = None
            self._wants_tls = isinstance(end.value, StartTls)
            self._stage = Stage.STARTTLS if self._wants_tls else Stage.MAIL
            self._events.append(end.value)
        except FailedError as error:
            self._script = None
            self._shut(error.failure)
            self._events.append(Closed(error.failure))
        self._wait(self.profile.timeouts.of(self._stage))

    def _shut(self, failure: Failure | None) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.failure = failure
        self._wants_tls = False
        self._script = None
        self._output.clear()
        self._body = _NO_DATA

    @property
    def _current_stage(self) -> Stage:
        # Until the last block is out, the server cannot have taken the message.
        return Stage.DATA if self._body else self._stage

    def _wait(self, seconds: float) -> None:
        self._deadline_s = self._clock() + seconds

    def _note(self, who: str, text: str) -> None:
        opening = self._stage in _OPENING_STAGES
        (self._opening if opening else self._talk).add(who, text)

    def _note_tls(self, facts: TlsFacts) -> None:
        verdict = "verified" if facts.verified else "not verified"
        self._opening.add("--", f"{facts.version} {facts.cipher}, {verdict}: {facts.why}")


_OPENING_STAGES = frozenset({Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})


def _show(reply: ServerReply) -> str:
    status = f"{reply.code} {reply.enhanced}".rstrip()
    return f"{status} {' / '.join(reply.lines)}"
