"""What an account sent that is in the queue, waiting or done, and complaints about its mail."""

from collections.abc import Iterator
from itertools import groupby

from penfold.base.addresses import names_address
from penfold.base.errors import MailboxDamagedError, NotFoundError
from penfold.base.limits import EXPORT_STEP
from penfold.ports.directory import Account
from penfold.ports.pubsub import format_time
from penfold.ports.queue import Queue, QueueRow, QueueState
from penfold.ports.reports import KeptReport, ReportBook, ReportKind
from penfold.proto.mbox import format_entry
from penfold.spec.account_export import Complaint, Queued, Tried


def iter_queued(queue: Queue, account: Account) -> Iterator[Queued]:
    """Yield what the account sent, a value for each recipient, the newest message first."""
    return (_make_queued(queue, row) for row in _iter_rows(queue, account))


def iter_entries(queue: Queue, account: Account, damaged: list[str]) -> Iterator[bytes]:
    """Yield the octets of each message as an entry of an mbox, its number in the postmark.

    damaged: gets `queue/<number>` of those that cannot be read.
    """
    for number, rows in groupby(_iter_rows(queue, account), lambda row: row.number):
        row = next(rows)
        try:
            raw = queue.get_raw(row.id)
        except NotFoundError:
            continue  # gone meanwhile
        except MailboxDamagedError:
            damaged.append(f"queue/{number}")
            continue
        yield format_entry(raw, sender=f"{number}@queue", date_ms=row.created_ms)


def _iter_rows(queue: Queue, account: Account) -> Iterator[QueueRow]:
    """Yield the rows of what the account sent, those of a message together, the newest first."""
    before: int | None = None
    while rows := queue.list_by_origin(account.id, before=before, limit=EXPORT_STEP):
        yield from rows
        before = rows[-1].number


def _make_queued(queue: Queue, row: QueueRow) -> Queued:
    return Queued(
        number=row.number,
        sender=row.sender,
        recipient=row.recipient,
        subject=row.subject,
        message_id=row.message_id,
        size=row.size,
        state=row.state.value,
        created=format_time(row.created_ms),
        next_attempt=(format_time(row.next_attempt_ms) if row.state is QueueState.QUEUED else None),
        attempts=[
            Tried(at=format_time(each.at_ms), outcome=each.outcome, transcript=each.transcript)
            for each in queue.list_attempts(row.id)
        ],
    )


def iter_complaints(reports: ReportBook, account: Account) -> Iterator[Complaint]:
    """Yield the complaints that name the account's address, the newest first."""
    before: int | None = None
    while found := reports.list_reports(
        kind=ReportKind.COMPLAINT, before=before, limit=EXPORT_STEP
    ):
        yield from (_show(each) for each in found if _is_about(each, account.address))
        before = found[-1].id


def _is_about(kept: KeptReport, address: str) -> bool:
    """Return whether a complaint names the address, with or without a plus tag."""
    return any(names_address(value, address) for _, value in kept.report.about)


def _show(kept: KeptReport) -> Complaint:
    return Complaint(
        received=format_time(kept.at_ms), reporter=kept.report.reporter, about=[*kept.report.about]
    )
