"""What others report about our mail, and what we saw of the TLS of others, in short.

A report is a summary: who reported, about which of our domains, how much passed and failed. What
it says of itself is not proved by anything (RFC 8460 §7): anybody can send one.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class ReportKind(StrEnum):
    """dmarc: RFC 9990. tls: RFC 8460. complaint: RFC 5965."""

    DMARC = "dmarc"
    TLS = "tls"
    COMPLAINT = "complaint"


class Source(Struct, frozen=True, gc=False):
    """Messages from one address. passed: DMARC's DKIM or SPF passed, and was aligned."""

    address: str
    passed: int
    failed: int


class Finding(Struct, frozen=True, gc=False):
    """Something that went wrong so often: a failure of TLS at a host."""

    what: str
    count: int
    where: str = ""


class Report(Struct, frozen=True, gc=False, kw_only=True):
    """One report. passed, failed: messages (dmarc), sessions (tls); failed: complaints.

    begin_ms, end_ms: what time it is about, 0 when it does not say. sources, findings: the most
    frequent, left_out: how many more there were. about: the message of a complaint, as pairs of
    name and value.
    """

    kind: ReportKind
    reporter: str
    domain: str
    report_id: str
    begin_ms: int = 0
    end_ms: int = 0
    passed: int = 0
    failed: int = 0
    sources: tuple[Source, ...] = ()
    findings: tuple[Finding, ...] = ()
    left_out: int = 0
    about: tuple[tuple[str, str], ...] = ()


class KeptReport(Struct, frozen=True, gc=False):
    """sender: the domain of the envelope it came in."""

    id: int
    at_ms: int
    sender: str
    report: Report


class TlsResult(Struct, frozen=True, gc=False, order=True):
    """How sessions with servers of a domain went on a day (UTC, as 2026-11-28).

    policy, result: in the words of RFC 8460 §4.2 and §4.3; result "" is success.
    """

    day: str
    domain: str
    policy: str
    host: str = ""
    result: str = ""


class ReportBook(Protocol):
    def add(self, report: Report, *, sender: str, now_ms: int) -> bool:
        """Keep a report, durable on return; False when one of that reporter and id is known.

        The oldest makes room when there are REPORTS_KEPT_MAX.
        """
        ...

    def list_reports(
        self, *, kind: ReportKind | None = None, before: int | None = None, limit: int = 100
    ) -> list[KeptReport]:
        """Return reports newest first, those with ids below `before`."""
        ...

    def get_report(self, report_id: int) -> KeptReport:
        """NotFoundError: there is none."""
        ...

    def add_tls(self, counts: Mapping[TlsResult, int]) -> None:
        """Add to what was counted; of a day with TLS_RESULTS_MAX results, new ones are left out."""
        ...

    def list_tls(self, *, limit: int = 1_000) -> Sequence[tuple[TlsResult, int]]:
        """Return what was counted, the newest day first."""
        ...

    def expire(self, *, before_ms: int) -> int:
        """Forget what came before, with whole days of TLS; return how many reports that were."""
        ...
