"""What becomes of a message is told to its sender: by mail, in the thread of that message.

A notice (RFC 3464, RFC 3461) is about one row of the queue. It goes into the mailbox the message
left from (the row's origin), and nowhere else, so nobody gets a notice of what they did not send;
mail from the null reverse-path has none (RFC 5321 §6.1).

Told exactly once: the notice and its receipt, named after the row and what happened to it, are one
transaction of the mailbox; the row is marked after it. A row that failed, was tried again by hand
and failed again is told of again. A row that ended and is not marked is found
by `sweep`, after a crash or when the mailbox could not take the notice.
"""

import hashlib
import logging
from threading import Event as Flag
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError, UnavailableError
from penfold.base.limits import (
    DELAY_NOTICE_AFTER_MS,
    DELIVERY_LIFE_S,
    NOTICE_SWEEP_AFTER_MS,
    NOTICE_SWEEP_ROWS,
)
from penfold.domain.incoming.arriving import Arriving
from penfold.domain.incoming.inbound import add_trace
from penfold.domain.mailbox.messages import Letter, read_letter
from penfold.domain.mailbox.threading import find_reported_thread
from penfold.domain.outgoing.delivery import find_decisive
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxWriter
from penfold.ports.queue import Attempt, Queue, QueueRow, QueueState, Settlement, Told
from penfold.proto.address import domain_of
from penfold.proto.mime.compose import received_header
from penfold.proto.reports import dsn
from penfold.proto.reports.action import Action
from penfold.proto.smtp.outcomes.classify import classify, read_reply
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.stage import Stage

_log: Final = logging.getLogger(__name__)

#: RFC 3463 §2: what is said when nobody said anything closer.
_STATUS: Final = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0", Action.RELAYED: "2.0.0"}
_KINDS: Final = {kind.value: kind for kind in Kind}
#: The word of NOTIFY that asks for each, and the state a row is in when it is true.
_WORDS: Final = {Action.FAILED: "FAILURE", Action.DELAYED: "DELAY", Action.RELAYED: "SUCCESS"}
_STATES: Final = {
    Action.FAILED: QueueState.FAILED,
    Action.DELAYED: QueueState.QUEUED,
    Action.RELAYED: QueueState.SENT,
}
_ACTIONS: Final = {state: action for action, state in _STATES.items()}


class Event(Struct, frozen=True, gc=False):
    """What happened to a row: FAILED, DELAYED or RELAYED, and when.

    status: RFC 3463, "" when nobody said one. kind: the class of the outcome. diagnostic: the
    reply that led to it, or our own words. remote_mta, remote_ip: who said it, "" when it was us.
    passed_on: the next server took the sender's wishes along, and reports success itself
    (RFC 3461 §5.2.1). retry_until_ms: of a delay.
    """

    action: Action
    at_ms: int
    status: str = ""
    kind: Kind = Kind.UNDETERMINED
    diagnostic: str = ""
    remote_mta: str = ""
    remote_ip: str = ""
    passed_on: bool = False
    retry_until_ms: int | None = None


def is_wanted(row: QueueRow, event: Event) -> bool:
    """Return whether the sender is to be told of an event, by what it asked for.

    RFC 3461 §4.1: whoever said nothing is told of failures, and of delays at our choice.
    """
    if not row.sender or (event.action is Action.RELAYED and event.passed_on):
        return False
    if not row.report.notify:
        return event.action is not Action.RELAYED
    return _WORDS[event.action] in row.report.notify


class Notices:
    """Tells senders. Every call blocks; it is made for a worker's thread."""

    def __init__(
        self,
        *,
        directory: Directory,
        mailboxes: Mailboxes,
        queue: Queue,
        clock: Clock,
        chance: Chance,
        arriving: Arriving,
        hostname: str,
    ) -> None:
        self._directory = directory
        self._mailboxes = mailboxes
        self._queue = queue
        self._clock = clock
        self._chance = chance
        self._arriving = arriving
        self._hostname = hostname

    def tell(self, row: QueueRow, event: Event) -> bool:
        """Tell the sender of a row what happened to it, unless it knows or does not want to.

        Called after the row's new state is durable; again and again for one that is delayed, as
        it finds out itself when that is worth telling. Returns False when the notice could not
        be stored now: then `sweep` makes up for a final one, the next attempt for a delay.
        """
        if not self._is_due(row, event):
            return True
        try:
            row = self._queue.get_row(row.id)
            if row.state is _STATES[event.action] and not _is_told(row, event):
                self._tell(row, event)
        except NotFoundError:
            return True  # the row is gone, and whoever could be told of it
        except UnavailableError as error:
            _log.warning("the sender of message %s is told later: %s", row.id, error)
            return False
        return True

    def tell_settled(self, settlement: Settlement) -> bool:
        """Tell of what was settled; see `tell`."""
        row = settlement.lease.row
        action = _ACTIONS[settlement.state]
        ends_ms = row.created_ms + 1_000 * DELIVERY_LIFE_S
        until_ms = ends_ms if action is Action.DELAYED else None
        return self.tell(row, make_event(action, settlement.attempt, retry_until_ms=until_ms))

    def _is_due(self, row: QueueRow, event: Event) -> bool:
        if event.action is Action.RELAYED:
            return "SUCCESS" in row.report.notify
        if event.action is Action.DELAYED:
            late = event.at_ms - row.created_ms >= DELAY_NOTICE_AFTER_MS
            return late and not _is_told(row, event) and is_wanted(row, event)
        return True

    def _tell(self, row: QueueRow, event: Event) -> None:
        if is_wanted(row, event):
            try:
                self._deliver(row, event, self._directory.get_account(row.origin))
            except NotFoundError:
                _log.info("nobody is left to be told of message %s", row.id)
        told = Told.DELAY if event.action is Action.DELAYED else Told.OUTCOME
        self._queue.mark_told(row.id, told)

    def _deliver(self, row: QueueRow, event: Event, account: Account) -> None:
        now_ms = self._clock.now_ms()
        letter = self._compose(row, event, account, now_ms)
        key = _receipt_key(row, event)

        def change(box: MailboxWriter) -> None:
            thread_id = find_reported_thread(box, row.message_id, sent=False)
            self._arriving.take_notice(
                box, row.origin, key, letter, thread_id=thread_id, now_ms=now_ms
            )

        self._mailboxes.change(row.origin, change)

    def _compose(self, row: QueueRow, event: Event, account: Account, now_ms: int) -> Letter:
        options = row.options
        subject = dsn.Subject(
            raw=self._queue.get_raw(row.id),
            sender=row.sender,
            hostname=self._hostname,
            domain=domain_of(account.address),
            arrival_ms=row.created_ms,
            envelope_id=options.envid,
            # RFC 8689 §5: no more than the header of what must not be seen on its way.
            full=options.ret == "FULL" and not options.require_tls,
        )
        notice = dsn.compose_dsn(
            subject, [_make_told(row, event)], now_ms=now_ms, chance=self._chance
        )
        received = received_header(
            helo=self._hostname,
            peer="",
            by=self._hostname,
            protocol="LMTP",
            identity=f"dsn{row.id}",
            epoch_ms=now_ms,
            recipient=account.address,
        )
        own = account.address
        return read_letter(add_trace(notice.raw, [own], own=own, sender="", received=received))

    # --- what was left undone

    def sweep(self, stopping: Flag) -> int:
        """Tell of rows that ended some time ago and were not told of; return how many."""
        after = told = 0
        while not stopping.is_set():
            rows = self._queue.list_untold(after=after, limit=NOTICE_SWEEP_ROWS)
            if not rows:
                break
            after = rows[-1].id
            told += sum(self._make_up(row) for row in rows if not stopping.is_set())
        return told

    def _make_up(self, row: QueueRow) -> bool:
        attempts = self._queue.list_attempts(row.id)
        if not attempts or attempts[-1].at_ms > self._clock.now_ms() - NOTICE_SWEEP_AFTER_MS:
            return False
        return self.tell(row, make_event(_ACTIONS[row.state], attempts[-1]))


def make_event(action: Action, attempt: Attempt, *, retry_until_ms: int | None = None) -> Event:
    """Return what happened to a row, by the attempt that made it so."""
    said = read_reply(attempt.outcome)
    last = find_decisive(attempt.facts.tried)
    kind = attempt.kind or classify(Stage.REPORT, said.code, said.enhanced, attempt.outcome).kind
    event = Event(
        action=action,
        at_ms=attempt.at_ms,
        status=said.enhanced,
        kind=_KINDS.get(kind, Kind.UNDETERMINED),
        diagnostic=attempt.outcome,
        retry_until_ms=retry_until_ms,
    )
    if last is None:
        return event
    return replace(
        event,
        status=last.enhanced or event.status,
        remote_mta=last.host if last.code else "",
        remote_ip=last.address if last.code else "",
        passed_on=last.dsn,
    )


def _receipt_key(row: QueueRow, event: Event) -> bytes:
    """Return the name of a notice. Each attempt of a delayed row finds the same delay."""
    at_ms = 0 if event.action is Action.DELAYED else event.at_ms
    return hashlib.sha256(f"notice\0{row.id}\0{event.action.value}\0{at_ms}".encode()).digest()


def _is_told(row: QueueRow, event: Event) -> bool:
    known = {Told.OUTCOME} if event.action is not Action.DELAYED else {Told.OUTCOME, Told.DELAY}
    return row.told in known


def _make_told(row: QueueRow, event: Event) -> dsn.Told:
    return dsn.Told(
        address=row.recipient,
        action=event.action,
        status=event.status or _STATUS[event.action],
        kind=event.kind,
        diagnostic=event.diagnostic,
        original=row.report.find_original(),
        remote_mta=event.remote_mta,
        remote_ip=event.remote_ip,
        last_attempt_ms=event.at_ms,
        retry_until_ms=event.retry_until_ms,
    )
