"""The script of one mail transaction: MAIL, RCPT, and the message by DATA or BDAT.

Where PIPELINING is offered, all of the envelope goes out at once, and DATA with it (RFC 2920
§3.1), so that a message takes two round trips. BDAT (RFC 3030) is used where it saves a round trip
(no PIPELINING) or a copy of a large message, and only after the replies to RCPT: a server that
refused them and then read the chunk as commands would execute what somebody wrote into a message.
"""

from enum import Enum

from msgspec import Struct

from penfold.proto.smtp.client.outcome import Failure, Reason
from penfold.proto.smtp.client.reply_reader import ServerReply
from penfold.proto.smtp.client.script import FailedError, Part, Session, demand
from penfold.proto.smtp.client.transaction import (
    Book,
    Envelope,
    Needs,
    find_flaw,
    find_needs,
    find_obstacle,
    make_mail,
    make_rcpt,
)
from penfold.proto.smtp.framing import stuff
from penfold.proto.smtp.stage import Stage


class _Verb(Enum):
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"


class _Step(Struct, frozen=True, gc=False):
    """A command of the envelope. number: the recipient's."""

    verb: _Verb
    command: bytes
    number: int = -1

    @property
    def stage(self) -> Stage:
        return Stage.RCPT if self.verb is _Verb.RCPT else Stage.MAIL


def transfer(session: Session, envelope: Envelope, raw: bytes, book: Book) -> Part:
    """Send the message and note in the book what becomes of each recipient.

    Raises FailedError when the session is over; then recipients without a note share its fate.
    """
    needs = find_needs(envelope, raw)
    tls = session.tls
    verified = tls is not None and tls.verified
    obstacle = find_flaw(envelope, raw) or find_obstacle(
        needs, session.capabilities, verified=verified
    )
    if obstacle is not None:
        book.fail_rest(obstacle)
        return
    steps = _make_steps(session, envelope, needs, book)
    if not steps:
        return
    keywords = session.capabilities.keywords
    ahead = session.profile.pipelining and "PIPELINING" in keywords
    chunked = (
        session.profile.chunking
        and "CHUNKING" in keywords
        and (not ahead or len(raw) >= session.profile.bdat_min_bytes)
    )
    session.needs_reset = True
    yield from _say_envelope(session, steps, book, ahead=ahead, with_data=ahead and not chunked)
    if ahead and not chunked:
        yield from _send_by_data(session, raw, book)
    elif book.pending and chunked:
        yield from _send_by_bdat(session, raw, book)
    elif book.pending:
        session.say(b"DATA")
        yield from _send_by_data(session, raw, book)


def _make_steps(session: Session, envelope: Envelope, needs: Needs, book: Book) -> list[_Step]:
    offered = session.capabilities
    recipients = [
        _Step(_Verb.RCPT, make_rcpt(envelope.recipients[number], offered).encode(), number)
        for number in book.screen()
    ]
    if not recipients:
        return []
    reset = [_Step(_Verb.RSET, b"RSET")] if session.needs_reset else []
    mail = _Step(_Verb.MAIL, make_mail(envelope, needs, offered).encode())
    return [*reset, mail, *recipients]


def _say_envelope(
    session: Session, steps: list[_Step], book: Book, *, ahead: bool, with_data: bool
) -> Part:
    if ahead:
        for step in steps:
            session.say(step.command)
        if with_data:
            session.say(b"DATA")
    for step in steps:
        if not ahead:
            session.say(step.command)
        reply = yield step.stage
        if not _settle(step, reply, book) and not ahead:
            return


def _settle(step: _Step, reply: ServerReply, book: Book) -> bool:
    """Note what a reply means; return whether there is any point in going on."""
    if step.verb is _Verb.RSET or reply.kind == 3:
        demand(reply, step.stage)
    elif reply.kind == 2:
        if step.verb is _Verb.RCPT:
            book.accepted.append(step.number)
    elif step.verb is _Verb.RCPT:
        book.fail(step.number, Failure(Stage.RCPT, Reason.REPLY, reply))
    else:
        book.fail_rest(Failure(Stage.MAIL, Reason.REPLY, reply))
        return False
    return True


def _send_by_data(session: Session, raw: bytes, book: Book) -> Part:
    reply = yield Stage.DATA
    if reply.kind in (4, 5):
        book.fail_rest(Failure(Stage.DATA, Reason.REPLY, reply))
        return
    if reply.kind != 3 or (book.accepted and not book.pending):
        # It goes ahead without being asked to, or with recipients of a sender it refused.
        raise FailedError(Failure(Stage.DATA, Reason.NONSENSE, reply))
    if not book.pending:
        # RFC 2920 §3.1: it took no recipient and still wants a message, so it gets an empty one.
        session.pour(b".\r\n", shown=".")
        yield Stage.DOT
        return
    session.pour(stuff(raw), shown=f"[message, {len(raw)} octets]")
    yield from _hear_verdict(session, book)


def _send_by_bdat(session: Session, raw: bytes, book: Book) -> Part:
    content = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    session.say(b"BDAT %d LAST" % len(content))
    session.pour(content, shown=f"[message, {len(content)} octets]")
    yield from _hear_verdict(session, book)


def _hear_verdict(session: Session, book: Book) -> Part:
    reply = yield Stage.DOT
    if reply.kind == 3:
        raise FailedError(Failure(Stage.DOT, Reason.NONSENSE, reply))
    session.needs_reset = False
    if reply.kind == 2:
        book.accept_rest(reply)
    else:
        book.fail_rest(Failure(Stage.DOT, Reason.REPLY, reply))
