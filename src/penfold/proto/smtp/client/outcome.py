"""What came of an attempt to hand a message to another server, as data.

Every recipient gets a Result. Its fate says what may be done next; stage, reason, code and text
say why, and are for whoever classifies, retries, writes a bounce or answers a user.
"""

from enum import StrEnum

from msgspec import Struct

from penfold.base.limits import SMTP_OUT_TEXT_CHARS
from penfold.proto.smtp.client.reply_reader import ServerReply
from penfold.proto.smtp.stage import Stage


class Fate(StrEnum):
    """accepted: the server answers for it from now on. refused: it said no (5yz). deferred: it
    said not now (4yz). unsuited: it cannot take this message as it is, and was not asked to.
    failed: there is no verdict, and it was not accepted. unknown: it may have been accepted; to
    try again may deliver twice.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNSUITED = "unsuited"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """reply: the server said so; the rest is what we noticed."""

    REPLY = "reply"
    # The connection.
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    NONSENSE = "nonsense"
    STOPPED = "stopped"
    # What was asked of it.
    TLS_NOT_OFFERED = "tls-not-offered"
    TLS_FAILED = "tls-failed"
    TLS_UNVERIFIED = "tls-unverified"
    AUTH_UNSAFE = "auth-unsafe"
    NO_MECHANISM = "no-mechanism"
    NO_LOGIN = "no-login"
    # The message, found before a word about it was said.
    TOO_BIG = "too-big"
    NEEDS_8BITMIME = "needs-8bitmime"
    NEEDS_SMTPUTF8 = "needs-smtputf8"
    NEEDS_REQUIRETLS = "needs-requiretls"
    BAD_ADDRESS = "bad-address"
    BAD_CONTENT = "bad-content"


#: Enhanced codes (RFC 3463 §3, RFC 6531 §4.3, RFC 8689 §8) for a bounce about what has no reply.
_UNSUITED = {
    Reason.TOO_BIG: "5.3.4",
    Reason.NEEDS_8BITMIME: "5.6.3",
    Reason.NEEDS_SMTPUTF8: "5.6.7",
    Reason.NEEDS_REQUIRETLS: "5.7.30",
    Reason.BAD_ADDRESS: "5.1.3",
    Reason.BAD_CONTENT: "5.6.11",
}


class Failure(Struct, frozen=True, gc=False):
    """Why something did not go on. detail: for people, where there is no reply."""

    stage: Stage
    reason: Reason
    reply: ServerReply | None = None
    detail: str = ""

    @property
    def fate(self) -> Fate:
        if self.reason in _UNSUITED:
            return Fate.UNSUITED
        if self.reason is Reason.REPLY and self.reply is not None:
            return Fate.REFUSED if self.reply.kind == 5 else Fate.DEFERRED
        if self.stage is Stage.DOT:
            # RFC 5321 §4.5.3.2.6, RFC 1047: the message left whole, and nobody knows.
            return Fate.UNKNOWN
        return Fate.FAILED


class Result(Struct, frozen=True, gc=False):
    """One recipient. code 0: no reply led to this. enhanced: the server's; without a reply ours,
    or "".
    """

    address: str
    fate: Fate
    stage: Stage
    reason: Reason = Reason.REPLY
    code: int = 0
    enhanced: str = ""
    text: str = ""


def make_accepted(address: str, reply: ServerReply) -> Result:
    text = reply.text[:SMTP_OUT_TEXT_CHARS]
    return Result(address, Fate.ACCEPTED, Stage.DOT, Reason.REPLY, reply.code, reply.enhanced, text)


def make_failed(address: str, failure: Failure) -> Result:
    """Return what a failure means for one recipient."""
    reply = failure.reply
    return Result(
        address,
        failure.fate,
        failure.stage,
        failure.reason,
        reply.code if reply else 0,
        reply.enhanced if reply else _UNSUITED.get(failure.reason, ""),
        (reply.text if reply else failure.detail)[:SMTP_OUT_TEXT_CHARS],
    )


class TlsFacts(Struct, frozen=True, gc=False):
    """TLS as it was spoken. verified: the certificate was checked in the way asked for, and is
    good. why: how it was checked, or what is wrong. names: for whom it is (at most 100).
    """

    version: str
    cipher: str
    verified: bool
    why: str
    names: tuple[str, ...] = ()


class Outcome(Struct, frozen=True, gc=False):
    """One attempt. results: one for each recipient, in their order. tls: None in clear.

    server: the name in its banner. dsn: the wishes for notifications were passed on; if not,
    RFC 3461 §5.2 makes us say "relayed" where success was asked for. reused: the connection
    had been used before this message.
    """

    results: tuple[Result, ...]
    host: str
    address: str
    port: int
    server: str = ""
    tls: TlsFacts | None = None
    dsn: bool = False
    reused: bool = False
    transcript: tuple[str, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Return whether every recipient was accepted."""
        return all(result.fate is Fate.ACCEPTED for result in self.results)
