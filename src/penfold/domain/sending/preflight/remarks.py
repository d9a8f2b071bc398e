"""What a look at an email comes to."""

from enum import StrEnum

from msgspec import Struct

from penfold.domain.incoming.findings import Findings
from penfold.ports.scanning import Opinion, Scanned
from penfold.proto.mailauth.spf import SpfResult


class Severity(StrEnum):
    """error: it would be refused, or end as spam. warning: counted against it. note: good to know,
    such as what was not looked at.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Remark(Struct, frozen=True, gc=False):
    """One thing found. code: a word for programs. field: of the call, "" for none of them. message:
    says what to do.
    """

    code: str
    severity: Severity
    field: str
    message: str


class Departure(Struct, frozen=True, gc=False):
    """A message as it would leave. sender: the reverse-path. raw: with its signatures."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class Reception(Struct, frozen=True):
    """What a receiver makes of it. addresses: from which mail leaves, () when nobody knows. relay:
    by which it leaves instead, "" for none. findings: of a message that comes from the first
    address; None when the DNS was not asked. others: SPF of each further address. scanned: None
    without a scanner.
    """

    addresses: tuple[str, ...] = ()
    relay: str = ""
    findings: Findings | None = None
    others: tuple[SpfResult, ...] = ()
    scanned: Scanned | None = None


class Authentication(Struct, frozen=True, gc=False):
    """Results in the words of RFC 8601 §2.7. spf: the worst of all addresses; "unknown" when they
    are not known.
    """

    spf: str
    dkim: str
    dmarc: str


class Review(Struct, frozen=True):
    """size: octets of the message. authentication: None when nobody was asked. spam: None when no
    scanner said anything.
    """

    size: int
    recipients: int
    links: tuple[str, ...]
    remarks: tuple[Remark, ...]
    authentication: Authentication | None = None
    spam: Opinion | None = None

    @property
    def passes(self) -> bool:
        return all(one.severity is not Severity.ERROR for one in self.remarks)
