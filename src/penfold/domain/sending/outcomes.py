"""What becomes of the queue's rows of the sending API is told as events.

Each event is written once: its cause is the row and the attempt. A row is marked after that is
durable, so one that ended and is not marked is found by `sweep` after a crash. A row whose email is
still being handed over waits, so that events stand in their order.
"""

import hashlib
from collections.abc import Sequence
from threading import Event as Flag
from typing import Any, Final

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.errors import NotFoundError
from penfold.base.limits import (
    NOTICE_SWEEP_AFTER_MS,
    SENDING_NEWS_LOT,
    SENDING_RESPONSE_MAX,
)
from penfold.domain.mailbox.messages import Letter
from penfold.domain.outgoing.bounces import (
    NO_COMPLAINTS,
    Complaint,
    note_complaint_of,
    note_returned,
)
from penfold.domain.sending.accept import make_id
from penfold.domain.sending.hard_bounces import suppress_bounced, suppress_complained
from penfold.domain.sending.news import News, describe, find_kind, find_provider_of
from penfold.ports.queue import Attempt, Queue, QueueRow, QueueState, Settlement
from penfold.ports.sending.book import SendingBook, SendingWriter
from penfold.ports.sending.emails import WAITING, Email, Recipient
from penfold.ports.sending.events import EventKind, NewEvent
from penfold.proto.address import domain_of
from penfold.proto.reports.action import Action
from penfold.proto.reports.bounces import classify_recipient
from penfold.proto.reports.returned import BounceReport, RecipientStatus
from penfold.proto.smtp.outcomes.classify import read_reply

_ENDS: Final = frozenset({QueueState.SENT, QueueState.FAILED, QueueState.CANCELLED})


class Outcomes:
    """Every call blocks; it is made for a worker's thread of the one process that delivers."""

    def __init__(self, book: SendingBook, queue: Queue, clock: Clock, chance: Chance) -> None:
        self._book = book
        self._queue = queue
        self._clock = clock
        self._chance = chance
        self._began_ms = clock.now_ms()

    # --- what the queue did

    def note(self, settlements: Sequence[Settlement]) -> list[Settlement]:
        """Tell of what was settled; return what has to wait, as its email is in hand."""
        news = [self._read(each) for each in settlements]
        early = self._tell(news)
        return [each for each, one in zip(settlements, news, strict=True) if one.row.id in early]

    def _read(self, settlement: Settlement) -> News:
        lease = settlement.lease
        before = ""
        if settlement.state is QueueState.QUEUED and lease.tries > 1:
            made = self._queue.list_attempts(lease.row.id)
            earlier = [one for one in made if one.at_ms < settlement.attempt.at_ms]
            before = earlier[-1].kind if earlier else ""
        return News(lease.row, settlement.state, settlement.attempt, lease.tries, before)

    def _tell(self, news: Sequence[News]) -> set[int]:
        """Write events in one transaction, and mark what ended; return rows that are too early."""
        done = self._book.change(lambda writer: [self._write(writer, one) for one in news])
        pairs = list(zip(news, done, strict=True))
        ended = [one.row.id for one, told in pairs if told and one.state in _ENDS]
        if ended:
            self._queue.mark_all_told(ended)
        return {one.row.id for one, told in pairs if not told}

    def _write(self, writer: SendingWriter, news: News) -> bool:
        """Write what a row has to say; False: not yet."""
        found = _find(writer, news.row)
        kind = find_kind(news)
        if found is None or kind is None:
            return True
        email, recipient = found
        if not recipient.queue_row and email.state in WAITING:
            return False
        at_ms = news.attempt.at_ms if news.attempt else self._clock.now_ms()
        data = describe(news, kind)
        event = self._make(email, recipient, kind, cause=news.cause, at_ms=at_ms, data=data)
        known = writer.add_event(event) is None
        if kind is EventKind.BOUNCED and not known:
            suppress_bounced(writer, recipient.address, event, self._chance)
        provider = find_provider_of(news)
        if provider is not None:
            writer.note_provider(domain_of(recipient.address).lower(), provider)
        return True

    # --- what comes back

    def note_returned(
        self, row: QueueRow, letter: Letter, report: BounceReport | None, octets: bytes
    ) -> None:
        """Tell of a bounce that came to a row's return address; anything else is only noted."""
        now_ms = self._clock.now_ms()
        if report is not None:
            named = (one for one in report.recipients if row.recipient in (one.original, one.final))
            status = next(named, report.recipients[0])
            if status.action is Action.FAILED:
                self._bounce(row, status, report.reporting_mta, octets, now_ms=now_ms)
        subject = letter.summary.subject
        note_returned(self._queue, row, report, subject=subject, now_ms=now_ms)

    def _bounce(
        self, row: QueueRow, status: RecipientStatus, mta: str, octets: bytes, *, now_ms: int
    ) -> None:
        found = classify_recipient(status)
        words = status.diagnostic or status.status
        said = read_reply(words)
        data = {
            "smtp_code": said.code or None,
            "enhanced_code": status.status or None,
            "response": words[:SENDING_RESPONSE_MAX],
            "mta": status.remote_mta or mta or None,
            "class": str(found.kind),
            "type": "permanent",
            "source": "dsn",
        }
        cause = f"dsn:{row.id}:{hashlib.sha256(octets).hexdigest()[:32]}"

        def change(writer: SendingWriter) -> None:
            pair = _find(writer, row)
            if pair is None:
                return
            event = self._make(*pair, EventKind.BOUNCED, cause=cause, at_ms=now_ms, data=data)
            if writer.add_event(event) is not None:
                suppress_bounced(writer, pair[1].address, event, self._chance)

        self._book.change(change)

    def note_complaint(self, row: QueueRow, complaint: Complaint) -> None:
        """Tell that a reader called it spam: once, however many reports come."""
        now_ms = self._clock.now_ms()
        data = {
            "type": complaint.kind[:100],
            "reporter": complaint.reporter[:200] or None,
            "source": "arf",
        }
        cause = f"complaint:{row.id}"

        def change(writer: SendingWriter) -> None:
            pair = _find(writer, row)
            if pair is None:
                return
            email, recipient = pair
            event = self._make(*pair, EventKind.COMPLAINED, cause=cause, at_ms=now_ms, data=data)
            if writer.add_event(event) is not None:
                suppress_complained(writer, email, recipient.address, event, self._chance)

        if complaint.kind not in NO_COMPLAINTS:
            self._book.change(change)
        note_complaint_of(self._queue, row, complaint, now_ms=now_ms)

    # --- what was left undone

    def sweep(self, stopping: Flag) -> int:
        """Tell of rows that ended some time ago and were not told of; return how many."""
        after = told = 0
        while not stopping.is_set():
            rows = self._queue.list_untold(sending=True, after=after, limit=SENDING_NEWS_LOT)
            if not rows:
                break
            after = rows[-1].id
            news = [one for row in rows if (one := self._make_up(row))]
            if news:
                told += len(news) - len(self._tell(news))
        return told

    def _make_up(self, row: QueueRow) -> News | None:
        """Return what a row has to say; None: it was settled here, and is about to be told."""
        if row.state is QueueState.CANCELLED:
            return News(row, row.state)
        attempts: list[Attempt] = self._queue.list_attempts(row.id)
        if not attempts:
            return None
        # What was tried before this process began, nobody else is going to tell.
        at_ms, soon_ms = attempts[-1].at_ms, self._clock.now_ms() - NOTICE_SWEEP_AFTER_MS
        if at_ms >= self._began_ms and at_ms > soon_ms:
            return None
        return News(row, row.state, attempts[-1], len(attempts))

    def _make(
        self,
        email: Email,
        recipient: Recipient,
        kind: EventKind,
        *,
        cause: str,
        at_ms: int,
        data: dict[str, Any],
    ) -> NewEvent:
        return NewEvent(
            make_id(self._chance),
            email.account_id,
            email.number,
            recipient.position,
            kind.value,
            at_ms,
            cause,
            data,
        )


def _find(writer: SendingWriter, row: QueueRow) -> tuple[Email, Recipient] | None:
    """Return whom a row is for; None when that was erased."""
    try:
        email = writer.get_email(row.number)
    except NotFoundError:
        return None
    people = writer.list_recipients(row.number)
    found = next((one for one in people if one.address == row.recipient), None)
    return (email, found) if found else None
