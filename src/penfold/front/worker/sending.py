"""The way out of the sending API, as it runs in the mail process: rounds, each on a thread.

Emails that are due are taken under a lease and handed over a lot at a time. What became of rows of
the queue is gathered and told a lot at a time as well, because each lot is two commits. Nothing is
lost when this process dies: leases are ended by the next one, and a sweep tells what was not told.
Of a lot that fails each email goes alone, so that one that cannot go keeps back no other.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from msgspec import Struct

from penfold.base.clock import Clock
from penfold.base.errors import MailboxDamagedError, OutcomeUnknownError, UnavailableError
from penfold.base.limits import (
    SENDING_LEASE_MS,
    SENDING_LOT_BYTES,
    SENDING_LOT_RECIPIENTS,
    SENDING_NEWS_LOT,
    SENDING_NEWS_MAX,
    SENDING_TAKE_MAX,
)
from penfold.domain.sending.handing import Handing
from penfold.domain.sending.outcomes import Outcomes
from penfold.domain.sending.streams import take_due
from penfold.front.worker.tasks import Report
from penfold.ports.queue import Settlement
from penfold.ports.sending.book import SendingBook, SendingReader
from penfold.ports.sending.emails import Email, EmailLease

T = TypeVar("T")
R = TypeVar("R")


class Sized(Struct, frozen=True, gc=False):
    """An email that was taken, and how much it is."""

    lease: EmailLease
    octets: int
    recipients: int


class HandingRounds:
    """Takes emails that are due and hands them over, until none is."""

    def __init__(self, book: SendingBook, handing: Handing, clock: Clock) -> None:
        self._book = book
        self._handing = handing
        self._clock = clock
        self._begun = False

    def run(self, stopping: threading.Event) -> Report:
        """Raises the first of what went wrong with single emails, once all others are done.

        Those stay leased, and are tried again when their lease is over.
        """
        if not self._begun:  # whoever held leases is gone: one process takes emails
            now_ms = self._clock.now_ms()
            self._book.change(lambda writer: writer.release_emails(now_ms=now_ms))
            self._begun = True
        failed: list[Exception] = []
        while not stopping.is_set() and (leases := self._take()) is not None:
            sized = self._book.read(partial(_measure, leases=leases))
            for lot in split(sized):
                if stopping.is_set():
                    break
                prepared = _do_apart(self._handing.prepare, lot, failed)
                _do_apart(self._handing.finish, [job for jobs in prepared for job in jobs], failed)
        if failed:
            raise failed[0]
        return Report()  # each recipient has its own line in the log

    def _take(self) -> list[EmailLease] | None:
        """Return some emails that are due and have room in their streams; None: none is due."""
        now_ms = self._clock.now_ms()
        due_ms = self._book.read(lambda reader: reader.find_next_due())
        if due_ms is None or due_ms > now_ms:
            return None
        return self._book.change(
            lambda writer: take_due(
                writer, now_ms=now_ms, lease_ms=SENDING_LEASE_MS, limit=SENDING_TAKE_MAX
            )
        )


def _do_apart(
    do: Callable[[Sequence[T]], R], items: Sequence[T], failed: list[Exception]
) -> list[R]:
    """Do something to all together, or where that fails to each alone; return what came of it.

    failed: gets what went wrong with single ones. Raises what went wrong with none of them.
    """
    if not items:
        return []
    try:
        return [do(items)]
    except Exception as error:
        # One email's trouble keeps back no other.
        if _is_general(error):
            raise
        if len(items) == 1:
            failed.append(error)
            return []
    return [made for one in items for made in _do_apart(do, [one], failed)]


def _is_general(error: Exception) -> bool:
    """Return whether it would be the same with any other email; what is damaged may be one's."""
    if isinstance(error, MailboxDamagedError):
        return False
    return isinstance(error, UnavailableError | OutcomeUnknownError)


def _measure(reader: SendingReader, *, leases: Sequence[EmailLease]) -> list[Sized]:
    return [
        Sized(lease, reader.measure_content(lease.email.number), _count(lease.email))
        for lease in leases
    ]


def _count(email: Email) -> int:
    return len(email.to) + len(email.cc) + len(email.bcc)


def split(sized: Sequence[Sized]) -> Iterator[list[EmailLease]]:
    """Yield lots that are small enough to be in memory together; one may be larger alone."""
    lot: list[EmailLease] = []
    octets = recipients = 0
    for one in sized:
        octets, recipients = octets + one.octets, recipients + one.recipients
        if lot and (octets > SENDING_LOT_BYTES or recipients > SENDING_LOT_RECIPIENTS):
            yield lot
            lot, octets, recipients = [], one.octets, one.recipients
        lot.append(one.lease)
    if lot:
        yield lot


class NewsRounds:
    """Gathers what became of rows, and tells it."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._waiting: deque[Settlement] = deque()

    def add(self, settlement: Settlement) -> None:
        """Have it told soon; never blocks. Beyond SENDING_NEWS_MAX it is left to the sweep."""
        if len(self._waiting) < SENDING_NEWS_MAX:
            self._waiting.append(settlement)

    def run(self, _: threading.Event) -> Report:
        """Tell what waits, even while stopping; what comes too early waits for the next round."""
        left = len(self._waiting)
        while left > 0:
            lot = [self._waiting.popleft() for _ in range(min(left, SENDING_NEWS_LOT))]
            left -= len(lot)
            try:
                early = self._outcomes.note(lot)
            except Exception:
                self._waiting.extendleft(reversed(lot))
                raise
            self._waiting.extend(early)
        return Report()

    def flush(self) -> None:
        self.run(threading.Event())

    def sweep(self, stopping: threading.Event) -> Report:
        """Tell of rows that ended and were not told of."""
        return Report(changed=self._outcomes.sweep(stopping))
