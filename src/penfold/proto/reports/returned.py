"""What a bounce says, as values."""

from msgspec import Struct

from penfold.proto.reports.action import Action


class RecipientStatus(Struct, frozen=True, gc=False):
    """One recipient. Addresses are as they were written, "" when they are missing.

    status: RFC 3463, "" when there is none. diagnostic: the words, without their type ("smtp").
    Times are epoch milliseconds, None when they are missing or unusable.
    """

    final: str
    action: Action
    original: str = ""
    status: str = ""
    diagnostic: str = ""
    diagnostic_type: str = ""
    remote_mta: str = ""
    last_attempt_ms: int | None = None
    retry_until_ms: int | None = None


class BounceReport(Struct, frozen=True, gc=False):
    """A notification: at least one recipient, and what it says of the message.

    envelope_id: as ENVID was. message_id: of the message it is about, without brackets, ""
    when it cannot be known. returned: its header, as the API shows fields. source: "rfc3464",
    or the name of the family whose texts were known.
    """

    recipients: tuple[RecipientStatus, ...]
    reporting_mta: str = ""
    envelope_id: str = ""
    arrival_ms: int | None = None
    message_id: str = ""
    returned: tuple[tuple[str, str], ...] = ()
    source: str = ""
