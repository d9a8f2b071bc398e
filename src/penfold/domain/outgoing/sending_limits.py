"""How much an account may send in a rolling day.

Counted in the sender's mailbox, in the transaction that sends, so that neither a crash nor a
second process loses count. A message counts once, its recipients each. Gmail (documented): 2,000
messages a day for an account of an organisation, 500 for others; 10,000 recipients.
Gmail (assumed): mail to oneself counts like any other.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from penfold.ports.mailbox import MailboxReader, MailboxWriter, Sent
from penfold.spec.problems import SENDING_LIMIT_RETRY_AFTER, ProblemError

DAY_MS: Final = 86_400_000


class SendingLimits(Struct, frozen=True, gc=False):
    """Messages and recipients in 24 hours."""

    messages: int
    recipients: int


def count_sent(box: MailboxReader, *, now_ms: int) -> Sent:
    """Return what was sent in the day that ends now."""
    return box.count_sent(since_ms=now_ms - DAY_MS)


def charge_sending(
    box: MailboxWriter, limits: SendingLimits, recipients: int, *, now_ms: int
) -> None:
    """Count a message, or refuse it with the time from which another may be sent."""
    sent = count_sent(box, now_ms=now_ms)
    if sent.messages + 1 > limits.messages or sent.recipients + recipients > limits.recipients:
        until_ms = _find_room(box, sent, limits, recipients, now_ms=now_ms)
        raise ProblemError(SENDING_LIMIT_RETRY_AFTER, until=_format(until_ms))
    box.add_sent(recipients, now_ms=now_ms)


def _find_room(
    box: MailboxReader, sent: Sent, limits: SendingLimits, recipients: int, *, now_ms: int
) -> int:
    """Return when enough of what was sent is a day old for the message to go out.

    A message that no day has room for is told a day from now.
    """
    if recipients > limits.recipients:
        return now_ms + DAY_MS
    messages, written = sent.messages, sent.recipients
    for at_ms, count in box.list_sent(since_ms=now_ms - DAY_MS):
        messages, written = messages - 1, written - count
        if messages < limits.messages and written + recipients <= limits.recipients:
            return at_ms + DAY_MS
    return now_ms + DAY_MS


def _format(ms: int) -> str:
    """Return an instant as Gmail prints it: RFC 3339 in UTC with milliseconds."""
    instant = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
