"""What the SMTP state machine tells the one who drives it.

Every event is a question: the machine reads no further until `answer` (for StartTls,
`tls_started`; for Slow, `resume`) is called. Login and Bearer come from `penfold.proto.smtp.sasl`.
"""

from msgspec import Struct

from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest
from penfold.proto.smtp.sasl import Bearer, Login

__all__ = ["Bearer", "Event", "Login", "Mail", "Message", "Rcpt", "Slow", "StartTls"]


class Mail(Struct, frozen=True, gc=False):
    """May this sender begin? "" is the null reverse-path; size 0 when it was not announced."""

    sender: str
    size: int


class Rcpt(Struct, frozen=True, gc=False):
    """May the message go to this address? report is None when nothing was said about it."""

    address: str
    report: ReportRequest | None = None


class Message(Struct, frozen=True, gc=False):
    """A whole message, dots removed. A positive answer means that it is stored for good.

    reports has one entry per recipient, or none at all when no recipient came with one.
    """

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    options: MailOptions = NO_OPTIONS
    reports: tuple[ReportRequest, ...] = ()


class StartTls(Struct, frozen=True, gc=False):
    """The 220 is in the output: write it, start TLS, then call `tls_started`."""


class Slow(Struct, frozen=True, gc=False):
    """The client makes more errors than are free: wait a while, then call `resume`."""

    errors: int


Event = Mail | Rcpt | Message | Login | Bearer | StartTls | Slow
