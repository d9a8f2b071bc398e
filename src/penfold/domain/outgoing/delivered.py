"""What a sender who asked for it is told of a message that got into a mailbox here.

RFC 3461 §6.2: "delivered", one notification for all recipients who share the mailbox. It goes into
the outbox of that mailbox, in the transaction that delivers, and from there to the return path as
any mail goes; so it is sent once, and not before the message is safe.
"""

from collections.abc import Sequence

from msgspec import Struct

from penfold.base.chance import Chance
from penfold.base.limits import DSN_RECIPIENTS_MAX
from penfold.domain.envelope import Wishes
from penfold.ports.mailbox import MailboxWriter
from penfold.proto.address import domain_of
from penfold.proto.reports.action import Action
from penfold.proto.reports.dsn import Subject, Told, compose_dsn
from penfold.proto.smtp.outcomes.rule import Kind
from penfold.proto.smtp.parameters import MailOptions, ReportRequest

_DELIVERED = "2.0.0"


class Delivered(Struct, frozen=True, gc=False):
    """A message whose sender wants to know. raw: as it was accepted. recipients: who asked for."""

    raw: bytes
    sender: str
    recipients: tuple[tuple[str, ReportRequest], ...]
    options: MailOptions
    hostname: str


def make_delivered(
    raw: bytes, *, sender: str, recipients: Sequence[str], wishes: Wishes, hostname: str
) -> Delivered | None:
    """Return what is to be told about these recipients of a message, None for nothing.

    RFC 5321 §6.1: nobody is told about a message from the null reverse-path.
    """
    if not sender or not wishes.reports:
        return None
    reports = {each: wishes.reports[each] for each in recipients if each in wishes.reports}
    asked = tuple(item for item in reports.items() if "SUCCESS" in item[1].notify)
    return Delivered(raw, sender, asked, wishes.options, hostname) if asked else None


def add_report(box: MailboxWriter, delivered: Delivered, *, now_ms: int, chance: Chance) -> None:
    """Put the notification into the outbox of the mailbox that has the message now."""
    options = delivered.options
    subject = Subject(
        raw=delivered.raw,
        sender=delivered.sender,
        hostname=delivered.hostname,
        domain=domain_of(delivered.recipients[0][0]),
        arrival_ms=now_ms,
        envelope_id=options.envid,
    )
    recipients = [
        Told(
            address=address,
            action=Action.DELIVERED,
            status=_DELIVERED,
            kind=Kind.ACCEPTED,
            original=report.find_original(),
        )
        for address, report in delivered.recipients[:DSN_RECIPIENTS_MAX]
    ]
    notice = compose_dsn(subject, recipients, now_ms=now_ms, chance=chance)
    box.add_outbox(
        sender="",
        recipients=[notice.recipient],
        raw=notice.raw,
        now_ms=now_ms,
        # RFC 8689 §5: what a message must not travel without, news of it must not either.
        options=MailOptions(require_tls=options.require_tls),
    )
