"""A mail transaction as the product sees it: who says they send, for whom, and what came of it.

The SMTP sessions make these values and the product judges them; neither side adds its own words.
"""

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from penfold.proto.smtp.parameters import NO_OPTIONS, MailOptions, ReportRequest


class Envelope(Struct, frozen=True, gc=False):
    """One mail transaction as the client announced it.

    sender is "" for the null reverse-path. helo as the client said it; client its address;
    protocol the RFC 3848 name for Received (SMTP, ESMTPS, ESMTPSA, UTF8SMTP, …). options: how
    the sender wants the message handled; reports: what each recipient's delivery is reported
    for, in their order, or empty when nobody asked.
    """

    session: str
    client: str
    helo: str
    protocol: str
    sender: str
    recipients: tuple[str, ...]
    options: MailOptions = NO_OPTIONS
    reports: tuple[ReportRequest, ...] = ()


class Recipient(Enum):
    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


#: Called once, from any thread: the ids of what was stored, or the error.
Done = Callable[[tuple[str, ...] | None, BaseException | None], None]
