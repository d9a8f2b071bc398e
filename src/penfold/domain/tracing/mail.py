"""One mail's way: where its copies are, what waits, what was tried, and what came back.

It is known by its Message-ID, which mailboxes and queue have an index for. A mail without one is
known by a message id of the API, and nothing ties its copies together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penfold.base.ids import parse_message_id
from penfold.base.limits import (
    HAND_OVER_MAX_ROWS,
    TRACE_ATTEMPTS_MAX,
    TRACE_COPIES_MAX,
    TRACE_MAILBOXES_MAX,
    TRACE_ROWS_MAX,
)
from penfold.domain.tracing.reading import find_header_id, look_into, read_copy
from penfold.domain.tracing.values import Copy, MailTrace, Notice, Sending, Waiting
from penfold.ports.directory import Account, Directory
from penfold.ports.mailbox import Mailboxes, MailboxReader
from penfold.ports.queue import Queue, QueueRow, QueueState
from penfold.proto.address import domain_of
from penfold.proto.mime.summary import bare_message_id
from penfold.proto.reports.bounces import find_bounce

_Found = tuple[list[Copy], list[Waiting], list[Notice]]


@dataclass(frozen=True, slots=True)
class MailTracer:
    directory: Directory
    mailboxes: Mailboxes
    queue: Queue
    mailboxes_max: int = TRACE_MAILBOXES_MAX

    def trace(
        self, header_id: str, *, since_ms: int = 0, within: Sequence[Account] = ()
    ) -> MailTrace:
        """Return the way of the mail with this Message-ID, with or without brackets.

        within: look into these mailboxes only; none: into all.
        """
        header_id = bare_message_id(header_id)
        rows = self.queue.find_by_message_id(header_id, limit=TRACE_ROWS_MAX)
        rows = [row for row in rows if row.created_ms >= since_ms]
        answers, coverage = look_into(
            self.mailboxes,
            within or self._list_accounts({row.origin for row in rows}),
            lambda account, box: _find(account, box, header_id, since_ms),
            most=self.mailboxes_max,
        )
        copies = sorted((each for found in answers for each in found[0]), key=lambda c: c.at_ms)
        return MailTrace(
            header_id,
            tuple(copies[:TRACE_COPIES_MAX]),
            tuple(each for found in answers for each in found[1]),
            tuple(self.read_sending(row) for row in rows),
            tuple(each for found in answers for each in found[2]),
            coverage,
            more=len(copies) > TRACE_COPIES_MAX,
        )

    def trace_message(self, message_id: str, *, within: Sequence[Account] = ()) -> MailTrace:
        """Return the way of the mail of which one copy has this id in the API.

        ParseError when it is no such id.
        """
        number = parse_message_id(message_id)
        copies: list[Copy] = []

        def find(account: Account, box: MailboxReader) -> None:
            row = box.find_message(number)
            if row is not None:
                copies.append(read_copy(account, box, row))

        accounts = within or self.directory.list_accounts()
        _, coverage = look_into(self.mailboxes, accounts, find, enough=lambda: bool(copies))
        if copies and copies[0].header_id:
            return self.trace(copies[0].header_id, within=within)
        return MailTrace("", tuple(copies), (), (), (), coverage)

    def read_sending(self, row: QueueRow) -> Sending:
        attempts = self.queue.list_attempts(row.id)
        waits = row.state is QueueState.QUEUED
        domain = domain_of(row.recipient).lower()
        return Sending(
            row,
            tuple(attempts[-TRACE_ATTEMPTS_MAX:]),
            len(attempts),
            self.queue.find_destination(domain) if waits else None,
        )

    def _list_accounts(self, first: set[str]) -> list[Account]:
        """Return all accounts, those with these mailboxes before the others."""
        return sorted(self.directory.list_accounts(), key=lambda each: each.id not in first)


def _find(account: Account, box: MailboxReader, header_id: str, since_ms: int) -> _Found:
    """Return what one mailbox has of a mail: copies, outbox rows, notices."""
    hints = box.find_by_message_id([header_id])[:TRACE_COPIES_MAX]
    rows = [row for hint in hints if (row := box.find_message(hint.message_id)) is not None]
    copies = [read_copy(account, box, row) for row in rows if row.internal_ms >= since_ms]
    # The index has a hash of it.
    copies = [each for each in copies if each.header_id == header_id]
    waiting = [
        Waiting(account.address, row.number, row.recipients, row.created_ms)
        for row in box.list_outbox(limit=HAND_OVER_MAX_ROWS)
        if header_id == find_header_id(row.raw)
    ]
    return copies, waiting, _find_notices(account, box, header_id, copies)


def _find_notices(
    account: Account, box: MailboxReader, header_id: str, copies: list[Copy]
) -> list[Notice]:
    """Return the notifications in the threads of a mail that are about it."""
    notices = []
    for thread in sorted({copy.thread_id for copy in copies}):
        for row in box.list_thread(parse_message_id(thread)):
            root = box.get_structure(row.id)
            if root.mime_type != "multipart/report":
                continue
            report = find_bounce(box.get_raw(row.id), root)
            if report is not None and report.message_id == header_id:
                notices.append(Notice(read_copy(account, box, row), report.recipients))
    return notices
