"""The server's side of an SMTP conversation: octets in, replies and questions out.

One machine for mail exchanger and submission; a `Profile` says which. It owns order (RFC 5321
§4.1.4), limits, AUTH exchanges and what survives STARTTLS (nothing). It does no I/O, knows no
accounts and no clock, and decides nothing about addresses: it asks, through events.

    machine.receive(octets)
    while event := machine.next_event():
        ...                      # decide, then machine.answer(reply)
    transport.write(machine.take_output())
    if machine.is_closed:
        transport.close()

Invariants: after an event, nothing is read until it is answered; replies leave in the order of
the commands (RFC 2920 §3.1); the octets of a chunk are never commands; the result does not
depend on how the stream was cut; after is_closed nothing is read or said. Bounds: one line, one
message, `recipients_max` addresses.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from penfold.base.limits import (
    SMTP_CHUNK_SMALL_BYTES,
    SMTP_COMMAND_MAX_BYTES,
    SMTP_SKIP_MAX_BYTES,
)
from penfold.proto.smtp import replies
from penfold.proto.smtp.commands import parse_chunk, parse_helo, parse_mail, parse_rcpt
from penfold.proto.smtp.events import Bearer, Event, Mail, Message, Rcpt, Slow, StartTls
from penfold.proto.smtp.framing import Fault, LineReader
from penfold.proto.smtp.profile import Profile
from penfold.proto.smtp.replies import RefusedError, Reply
from penfold.proto.smtp.sasl import Exchange
from penfold.proto.smtp.transaction import Transaction

#: What a command comes to: a reply to give, or a question to ask first; None: octets are missing.
Outcome = Reply | Event

#: What the next octets are. From _ASKING on nothing is read: an event waits for its answer, TLS
#: is being started, a client that errs is slowed down, the session is over. Plain integers,
#: because every line compares them.
_COMMAND, _AUTH, _DATA, _CHUNK, _ASKING, _TLS, _SLOW, _CLOSED = range(8)

_LINE_FAULTS: Final = {
    Fault.BARE_LF: replies.BARE_LF,
    Fault.BARE_CR: replies.BARE_CR,
    Fault.NUL: replies.NUL_IN_COMMAND,
    Fault.TOO_LONG: replies.LINE_TOO_LONG,
    Fault.ENDLESS: replies.ENDLESS_LINE,
}
#: In place of a message that is asked about: its octets are the driver's, who may let them go.
_MESSAGE: Final = Message("", (), b"")
#: Commands whose reply never varies and never matters to the session.
_CONSTANT: Final = {
    b"NOOP": replies.OK,
    b"HELP": replies.HELP,
    # RFC 5321 §7.3: 252 tells address collectors nothing.
    b"VRFY": replies.VERIFY,
    b"EXPN": replies.NO_EXPN,
}
#: Verbs of HTTP, sent by browsers and by attackers who drive them; SMTP has none of them.
_NOT_SMTP: Final = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT"})


class Server:
    """One session. `tag` ends every refusal, so that it can be found in the log."""

    __slots__ = (
        "_commands", "_exchange", "_lines", "_mails_left", "_mode", "_offers", "_output",
        "_profile", "_question", "_tag", "_transaction", "errors", "esmtp", "helo",
        "last_refusal", "logged_in", "login_failures", "tls",
    )  # fmt: skip

    def __init__(self, profile: Profile, *, tag: str = "", tls: bool = False) -> None:
        self._profile = profile
        self._tag = tag.encode("ascii")
        self._lines = LineReader(skip_max=SMTP_SKIP_MAX_BYTES)
        self._output: list[bytes] = []
        self._mode = _COMMAND
        self._question: Event | None = None
        self._exchange: Exchange | None = None
        self._transaction = Transaction()
        self._commands = 0
        #: Below zero: any number.
        self._mails_left = profile.messages_max or -1
        self.tls = tls
        self._offers = profile.offers(tls=tls)
        self.errors = 0
        #: For the log: what the client was refused last.
        self.last_refusal: Reply | None = None
        self.login_failures = 0
        self.helo = ""
        self.esmtp = self.logged_in = False

    # --- the driver's side -------------------------------------------------------------

    @property
    def protocol(self) -> str:
        """Return the name for Received (RFC 3848; RFC 6531 §4.3 for the UTF8 forms)."""
        if not self.esmtp:
            return "SMTP"
        base = "UTF8SMTP" if self._transaction.options.utf8 else "ESMTP"
        return f"{base}{'S' if self.tls else ''}{'A' if self.logged_in else ''}"

    @property
    def sender(self) -> str:
        """Return the reverse-path of the open transaction, "" also when there is none."""
        return self._transaction.sender or ""

    @property
    def is_receiving_data(self) -> bool:
        return self._mode in (_DATA, _CHUNK)

    @property
    def is_closed(self) -> bool:
        return self._mode == _CLOSED

    @property
    def data_bytes(self) -> int:
        """Return the octets that came in since the client was last asked to send any."""
        data, chunks = self._transaction.data, self._transaction.chunks
        if data is not None:
            return data.size
        return chunks.taken if chunks is not None else 0

    @property
    def held_bytes(self) -> int:
        """Return the octets of the unfinished message that are kept."""
        reader = self._transaction.data or self._transaction.chunks
        return reader.held_bytes if reader is not None else 0

    @property
    def unread_bytes(self) -> int:
        """Return the octets that wait, because an answer is due or a line is not complete."""
        return len(self._lines.buffer) - self._lines.position

    def greet(self) -> None:
        tag = self._tag.decode("ascii")
        self._output.append(replies.make_greeting(self._profile.hostname, tag).wire)

    def receive(self, octets: bytes) -> None:
        """Take what came in; next_event() reads it."""
        if self._mode == _TLS:
            # RFC 3207 §4.2: nothing said before TLS may count (CVE-2011-0411). The 220 is out,
            # so these octets are neither TLS nor allowed.
            self.close()
        elif self._mode != _CLOSED:
            self._lines.feed(octets)

    def take_output(self) -> bytes:
        """Return the replies made since the last call, to be sent in one write."""
        output = self._output
        if not output:
            return b""
        octets = output[0] if len(output) == 1 else b"".join(output)
        output.clear()
        return octets

    def next_event(self) -> Event | None:
        """Read on up to the next question; None: everything is read, or an answer is due."""
        lines, line_max = self._lines, self._profile.line_max
        while (mode := self._mode) < _ASKING and lines.position < len(lines.buffer):
            outcome: Outcome | None
            if mode < _DATA:
                line = lines.take_line(line_max)
                outcome = None if line is None else self._read_line(line)
            elif mode == _DATA:
                outcome = self._read_data()
            else:
                outcome = self._read_chunk()
            if outcome is None:
                return None
            if isinstance(outcome, Reply):
                self._say(outcome)
                continue
            if self._mode != _TLS:
                self._question = _MESSAGE if isinstance(outcome, Message) else outcome
                self._mode = _ASKING
            return outcome
        if mode == _SLOW and self._question is None:
            self._question = Slow(self.errors)
            return self._question
        return None

    def resume(self) -> None:
        """Read on after the event Slow."""
        if self._mode == _SLOW:
            self._question = None
            self._mode = _COMMAND

    def answer(self, reply: Reply) -> None:
        """Answer the question asked last; a positive reply lets its matter take effect."""
        question, self._question = self._question, None
        if question is None:
            return  # the session was closed while the answer was sought
        self._mode = _COMMAND
        if isinstance(question, Rcpt):
            if reply.code < 400:
                self._transaction.add(question)
        elif isinstance(question, Mail):
            self._transaction.sender = question.sender if reply.code < 400 else None
        elif isinstance(question, Message):
            self._transaction.clear()
            if reply.code < 400:
                self._commands = 0
        else:
            reply = self._settle_login(question, reply)
        self._say(reply)

    def tls_started(self) -> None:
        """Begin again: RFC 3207 §4.2 wants all knowledge of the client discarded."""
        self.tls = True
        self._offers = self._profile.offers(tls=True)
        self._lines.clear()
        self._forget_client()
        self._mode = _COMMAND

    def close(self, reply: Reply | None = None) -> None:
        """End the session (timeout, stop, QUIT); the driver closes the connection."""
        if self._mode != _CLOSED:
            if reply is not None:
                self._output.append(reply.tagged(self._tag))
                self.last_refusal = reply if reply.code >= 400 else self.last_refusal
            self._mode = _CLOSED
            self._question = self._exchange = None
            self._transaction.drop_content()
            self._lines.clear()

    # --- reading -----------------------------------------------------------------------

    def _forget_client(self) -> None:
        self.helo = ""
        self.esmtp = False
        self.logged_in = False
        self._transaction.clear()

    def _say(self, reply: Reply) -> None:
        if reply.final:
            self.close(reply)
        elif reply.code < 400:
            self._output.append(reply.wire)
        else:
            self.errors += reply.code >= 500
            self.last_refusal = reply
            if self.errors > self._profile.errors_max:
                self.close(replies.TOO_MANY_ERRORS)
            else:
                self._output.append(reply.tagged(self._tag))
                if self.errors > self._profile.errors_free:
                    self._mode = _SLOW

    def _read_line(self, line: bytes | Fault) -> Outcome | None:
        self._commands += 1
        if self._commands > self._profile.commands_max:
            return replies.TOO_MANY_COMMANDS
        exchange, self._exchange = self._exchange, None
        self._mode = _COMMAND
        if isinstance(line, Fault):
            is_chunk = self._lines.culprit.upper() == b"BDAT"
            return replies.BAD_CHUNK if is_chunk else _LINE_FAULTS[line]
        try:
            if exchange is not None:
                return self._step(exchange, line)
            return self._run(line)
        except RefusedError as error:
            return error.reply

    def _run(self, line: bytes) -> Outcome | None:
        verb, _, argument = line.partition(b" ")
        handler = self._handlers.get(verb)
        if handler is None:
            verb = verb.upper()
            handler = self._handlers.get(verb)
        if len(line) + 2 > SMTP_COMMAND_MAX_BYTES and verb != b"AUTH":
            return replies.BAD_CHUNK if verb == b"BDAT" else replies.LINE_TOO_LONG
        if handler is not None:
            return handler(self, argument)
        if verb in _NOT_SMTP:
            return replies.NOT_SMTP
        if verb.startswith(b"BDAT"):
            return replies.BAD_CHUNK  # whatever it was meant to be, octets may follow
        return _CONSTANT.get(verb, replies.UNRECOGNIZED)

    def _read_data(self) -> Outcome | None:
        reader, lines = self._transaction.data, self._lines
        assert reader is not None
        end = reader.feed(lines.buffer, lines.position)
        lines.position = end if end >= 0 else len(lines.buffer)
        if reader.size > 2 * self._profile.max_bytes:
            return replies.ENDLESS_DATA
        if end < 0:
            return None
        self._mode = _COMMAND
        return self._transaction.end_data(self._profile)

    def _read_chunk(self) -> Outcome | None:
        reader, lines = self._transaction.chunks, self._lines
        assert reader is not None
        lines.position = reader.feed(lines.buffer, lines.position)
        if reader.left:
            return None
        self._mode = _COMMAND
        return self._transaction.end_chunk(self._profile)

    # --- commands ----------------------------------------------------------------------

    def _ehlo(self, argument: bytes) -> Outcome:
        # RFC 5321 §4.1.4: EHLO in the middle of a session is a RSET as well.
        self.helo = parse_helo(argument.strip(b" "))
        self.esmtp = True
        self._transaction.clear()
        return self._profile.ehlo(tls=self.tls, logged_in=self.logged_in)

    def _helo(self, argument: bytes) -> Outcome:
        self.helo = parse_helo(argument.strip(b" "))
        self.esmtp = False
        self._transaction.clear()
        return self._profile.helo

    def _mail(self, argument: bytes) -> Outcome:
        if not self.helo:
            return replies.HELO_FIRST
        if self._transaction.sender is not None:
            return replies.NESTED_MAIL
        if self._profile.require_auth and not self.logged_in:
            may = self._profile.may_log_in(tls=self.tls)
            return replies.LOGIN_FIRST if may else replies.TLS_FIRST
        if not self._mails_left:
            # RFC 9422 §4: the number that LIMITS told.
            return replies.TOO_MANY_MESSAGES
        self._mails_left -= 1
        command = parse_mail(argument, offered=self._offers)
        if command.size > self._profile.max_bytes:
            # RFC 1870 §6.1: refused before a single octet of it is sent.
            return replies.TOO_BIG
        self._transaction.options = command.options
        return Mail(command.sender, command.size)

    def _rcpt(self, argument: bytes) -> Outcome:
        mail, profile = self._transaction, self._profile
        if mail.sender is None:
            return replies.MAIL_FIRST if self.helo else replies.HELO_FIRST
        if mail.chunks is not None:
            return replies.CHUNKS_BEGUN
        mail.rcpt_seen = True
        command = parse_rcpt(
            argument,
            utf8=mail.options.utf8,
            domain=profile.domain,
            offered=self._offers,
        )
        if len(mail.recipients) >= profile.recipients_max:
            return replies.TOO_MANY_RECIPIENTS
        return Rcpt(command.address, command.report)

    def _begin_data(self, argument: bytes) -> Outcome:
        _refuse_argument(argument)
        reply = self._transaction.begin_data(self._profile, self.helo)
        if reply is replies.GO_AHEAD:
            self._mode = _DATA
        return reply

    def _begin_chunk(self, argument: bytes) -> Outcome | None:
        command = parse_chunk(argument)
        if command.size >= SMTP_CHUNK_SMALL_BYTES:
            self._commands -= 1
        if not self._transaction.begin_chunk(command, self._profile, self.helo):
            return replies.ENDLESS_DATA
        self._mode = _CHUNK
        return self._read_chunk()

    def _rset(self, argument: bytes) -> Outcome:
        _refuse_argument(argument)
        self._transaction.clear()
        return replies.FLUSHED

    def _quit(self, argument: bytes) -> Outcome:
        _refuse_argument(argument)
        return replies.CLOSING

    def _starttls(self, argument: bytes) -> Outcome:
        if self.tls:
            return replies.TLS_ALREADY
        if not self._profile.starttls:
            return replies.UNRECOGNIZED
        if not self.helo:
            return replies.HELO_FIRST
        _refuse_argument(argument)
        if self._lines.has_octets:
            # Octets behind STARTTLS are an injection or a broken client; either way the
            # connection cannot be trusted (CVE-2011-0411).
            return replies.EARLY_TALK
        self._say(replies.READY_FOR_TLS)
        self._mode = _TLS
        return StartTls()

    # --- AUTH --------------------------------------------------------------------------

    def _auth(self, argument: bytes) -> Outcome:
        if not self._profile.mechanisms:
            return replies.UNRECOGNIZED
        if not self.esmtp:
            return replies.HELO_FIRST
        if not self._profile.may_log_in(tls=self.tls):
            return replies.TLS_FIRST
        if self.logged_in:
            # RFC 4954 §4: once per session.
            return replies.LOGGED_IN_ALREADY
        if self._transaction.sender is not None:
            return replies.NESTED_MAIL
        if self.login_failures >= self._profile.login_failures_max:
            return replies.TOO_MANY_LOGINS
        name, _, response = argument.partition(b" ")
        mechanism = name.decode("ascii", "replace").upper()
        if mechanism not in self._profile.mechanisms:
            return replies.UNKNOWN_MECHANISM
        exchange = Exchange(mechanism)
        if response:
            return self._step(exchange, response)
        return self._continue(exchange, exchange.challenge())

    def _step(self, exchange: Exchange, line: bytes) -> Outcome:
        outcome = exchange.step(line)
        if isinstance(outcome, Reply) and outcome.code == 334:
            return self._continue(exchange, outcome)
        return outcome

    def _continue(self, exchange: Exchange, challenge: Reply) -> Reply:
        self._exchange = exchange
        self._mode = _AUTH
        return challenge

    def _settle_login(self, question: Event, reply: Reply) -> Reply:
        """Take note of how a login went and return what the client hears now."""
        if reply.code < 400:
            self.logged_in = True
            return reply
        if reply.code < 500:
            return reply
        self.login_failures += 1
        if isinstance(question, Bearer):
            refused = Exchange(question.mechanism, refusal=reply)
            return self._continue(refused, replies.BEARER_FAILED)
        return reply

    _handlers: ClassVar[dict[bytes, Callable[["Server", bytes], Outcome | None]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _begin_data,
        b"BDAT": _begin_chunk,
        b"RSET": _rset,
        b"QUIT": _quit,
        b"STARTTLS": _starttls,
        b"AUTH": _auth,
    }


def _refuse_argument(argument: bytes) -> None:
    if argument.strip(b" "):
        raise RefusedError(replies.NO_ARGUMENT)
