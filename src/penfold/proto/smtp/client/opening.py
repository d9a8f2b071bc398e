"""The scripts that open a session: banner, EHLO, STARTTLS, and AUTH after that."""

from collections.abc import Generator

from penfold.proto.smtp.client.capabilities import NOTHING, parse_capabilities
from penfold.proto.smtp.client.events import Ready, StartTls
from penfold.proto.smtp.client.login import log_in
from penfold.proto.smtp.client.outcome import Failure, Reason
from penfold.proto.smtp.client.profile import TlsNeed
from penfold.proto.smtp.client.reply_reader import ServerReply
from penfold.proto.smtp.client.script import FailedError, Part, Script, Session, demand
from penfold.proto.smtp.stage import Stage


def open_session(session: Session, need: TlsNeed) -> Script:
    """Return Ready, or StartTls: then `open_in_private` goes on. Raises FailedError."""
    reply = yield Stage.BANNER
    demand(reply, Stage.BANNER)
    session.server = reply.lines[0].split(" ", 1)[0]
    yield from _introduce(session)
    wanted = need is not TlsNeed.NONE and session.tls is None
    if wanted and (yield from _ask_for_tls(session, need)):
        return StartTls()
    yield from log_in(session)
    return Ready()


def open_in_private(session: Session) -> Script:
    """Return Ready. RFC 3207 §4.2: after TLS the first word is EHLO again."""
    yield from _introduce(session)
    yield from log_in(session)
    return Ready()


def _introduce(session: Session) -> Part:
    name = session.profile.hostname.encode("ascii")
    session.say(b"EHLO " + name)
    reply = yield Stage.EHLO
    if reply.kind == 5:
        # RFC 5321 §3.2: a server of the old kind.
        session.say(b"HELO " + name)
        demand((yield Stage.EHLO), Stage.EHLO)
        session.capabilities = NOTHING
        return
    demand(reply, Stage.EHLO)
    session.capabilities = parse_capabilities(reply.lines)


def _ask_for_tls(session: Session, need: TlsNeed) -> Generator[Stage, ServerReply, bool]:
    """Return whether the server is ready for TLS; RFC 7435 §3: if not, and that will do, go on."""
    reply: ServerReply | None = None
    if "STARTTLS" in session.capabilities.keywords:
        session.say(b"STARTTLS")
        reply = yield Stage.STARTTLS
        if reply.kind == 2:
            return True
    if need is TlsNeed.REQUIRED:
        detail = "the server does not offer STARTTLS"
        raise FailedError(Failure(Stage.STARTTLS, Reason.TLS_NOT_OFFERED, reply, detail))
    return False
