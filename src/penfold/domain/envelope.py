"""A mail transaction as the product sees it: who says they send, for whom, and what came of it.

The SMTP sessions make these values and the product judges them; neither side adds its own words.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST, MailOptions, ReportRequest


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


class Wishes(Struct, frozen=True, gc=False):
    """What a sender wants done: about the message, and by recipient about its delivery."""

    options: MailOptions = NO_OPTIONS
    reports: Mapping[str, ReportRequest] = MappingProxyType({})

    def list_reports(self, recipients: Sequence[str]) -> tuple[ReportRequest, ...]:
        """Return what was said of these recipients, in their order; empty when nothing was."""
        if not any(each in self.reports for each in recipients):
            return ()
        return tuple(self.reports.get(each, NO_REQUEST) for each in recipients)


NO_WISHES: Final = Wishes()


def make_wishes(
    options: MailOptions, recipients: Sequence[str], reports: Sequence[ReportRequest]
) -> Wishes:
    """Return the wishes of an envelope or of an outbox row; a recipient's first ones count."""
    named: dict[str, ReportRequest] = {}
    # reports is empty when nothing was said about anybody.
    for recipient, report in zip(recipients, reports, strict=bool(reports)):
        named.setdefault(recipient, report)
    return Wishes(options, named) if named or options != NO_OPTIONS else NO_WISHES


class Recipient(Enum):
    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


#: Called once, from any thread: the ids of what was stored, or the error.
Done = Callable[[tuple[str, ...] | None, BaseException | None], None]
