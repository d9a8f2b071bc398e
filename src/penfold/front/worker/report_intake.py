"""Takes in the reports that come by mail: reads each on a thread, keeps it in short, tells of it.

Whoever sends one is a stranger, so there is a bound for everything: octets, reports of a day, those
of one sender's domain, those that wait. What is beyond it, or cannot be read, is accepted, counted
and dropped: nobody is ever answered, because addresses of reports are forged like others. Only when
the book cannot be written, or too many wait, the sender is asked to come again.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from threading import Event as StopFlag
from threading import Lock

from msgspec import Struct

from penfold.base.addresses import canonical_address
from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.limits import (
    REPORT_MAIL_MAX_BYTES,
    REPORTS_PER_DAY,
    REPORTS_PER_SENDER_DAY,
    REPORTS_WAITING_MAX,
)
from penfold.domain.envelope import Envelope
from penfold.domain.outgoing.report_summary import find_report
from penfold.front.worker.tasks import Report as Swept
from penfold.ports.reports import Report, ReportBook, ReportKind
from penfold.proto.address import domain_of

_DAY_MS = 86_400_000


class Taken(StrEnum):
    """kept; known: it came before. unreadable: there is no report in it. oversized. limited: too
    many of that day. foreign: about a domain that is none of ours.
    """

    KEPT = "kept"
    KNOWN = "known"
    UNREADABLE = "unreadable"
    OVERSIZED = "oversized"
    LIMITED = "limited"
    FOREIGN = "foreign"


class Intake(Struct, frozen=True):
    """What came of one message. sender: the domain of its envelope."""

    outcome: Taken
    sender: str
    size: int
    report: Report | None = None


#: Called once with (0, None), or (None, error).
Done = Callable[[int | None, BaseException | None], None]


class ReportIntake:
    """address: whom reports are sent to, with or without a plus tag. is_ours: whether a domain, or
    one above it, is served here. told: called on the thread. days: how long reports are kept,
    0: for good.
    """

    def __init__(
        self,
        address: str,
        book: ReportBook,
        clock: Clock,
        *,
        days: int,
        is_ours: Callable[[str], bool],
        told: Callable[[Intake], None],
    ) -> None:
        self._days = days
        self._address = canonical_address(address)
        self._book = book
        self._clock = clock
        self._is_ours = is_ours
        self._told = told
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penfold-reports")
        self._lock = Lock()
        self._waiting = 0
        self._day = 0
        self._of_day: Counter[str] = Counter()

    def is_for(self, address: str) -> bool:
        return canonical_address(address) == self._address

    def submit(self, envelope: Envelope, data: bytes, done: Done) -> None:
        """Read a message soon; `done` is called when what is kept of it is durable."""
        with self._lock:
            is_full = self._waiting >= REPORTS_WAITING_MAX
            self._waiting += not is_full
        if is_full:
            done(None, UnavailableError("too many reports wait to be read"))
            return
        self._thread.submit(self._run, envelope, data, done)

    def expire(self, _: StopFlag) -> Swept:
        if not self._days:
            return Swept()
        before_ms = self._clock.now_ms() - self._days * _DAY_MS
        return Swept(changed=self._book.expire(before_ms=before_ms))

    def close(self) -> None:
        """Finish what waits."""
        self._thread.shutdown()

    def _run(self, envelope: Envelope, data: bytes, done: Done) -> None:
        try:
            self._told(self.take(envelope, data))
        except Exception as error:  # noqa: BLE001 - the top of a thread: whoever waits is told
            done(None, error)
        else:
            done(0, None)
        finally:
            with self._lock:
                self._waiting -= 1

    def take(self, envelope: Envelope, data: bytes) -> Intake:
        """Keep the report in a message, if it is one, and return what came of it."""
        sender = domain_of(envelope.sender).lower() or envelope.client
        outcome, report = self._take(sender, data)
        return Intake(outcome, sender, len(data), report)

    def _take(self, sender: str, data: bytes) -> tuple[Taken, Report | None]:
        now_ms = self._clock.now_ms()
        if not self._admit(sender, now_ms // _DAY_MS):
            return Taken.LIMITED, None
        if len(data) > REPORT_MAIL_MAX_BYTES:
            return Taken.OVERSIZED, None
        report = find_report(data)
        if report is None:
            return Taken.UNREADABLE, None
        if report.kind is not ReportKind.COMPLAINT and not self._is_about_us(report.domain):
            return Taken.FOREIGN, report
        is_new = self._book.add(report, sender=sender, now_ms=now_ms)
        return (Taken.KEPT if is_new else Taken.KNOWN), report

    def _admit(self, sender: str, day: int) -> bool:
        """Count a message; a restart forgets the count, which lets a few more in."""
        if day != self._day:
            self._day = day
            self._of_day.clear()
        of_sender, of_all = self._of_day[sender], self._of_day.total()
        if of_sender >= REPORTS_PER_SENDER_DAY or of_all >= REPORTS_PER_DAY:
            return False
        self._of_day[sender] += 1
        return True

    def _is_about_us(self, domain: str) -> bool:
        labels = domain.split(".")
        return any(self._is_ours(".".join(labels[n:])) for n in range(len(labels)))
