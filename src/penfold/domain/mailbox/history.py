"""What happened in a mailbox since a client last looked.

A client names the last history id it knows and gets every later record, oldest first. Records
are kept for HISTORY_DAYS at least; an older starting point answers 404 and the client reads anew.
Writing history is domain.changes' affair, dropping it that of domain.expiry. Gmail: observed
2026-09/10; Gmail also sends records that say nothing, which are not made here.
"""

from collections.abc import Collection
from typing import Final

from msgspec import UNSET, Struct

from penfold.base.ids import format_message_id
from penfold.base.labels import format_label_id
from penfold.base.limits import HISTORY_SCAN_MAX
from penfold.domain.mailbox.labels import label_ids
from penfold.domain.mailbox.paging import Place, make_token, parse_token
from penfold.ports.mailbox import Change, HistoryEntry, HistoryRow, MailboxReader
from penfold.spec.problems import MISSING_START_HISTORY_ID, NOT_FOUND, ProblemError
from penfold.spec.schemas import (
    History,
    HistoryLabelAdded,
    HistoryLabelRemoved,
    HistoryMessageAdded,
    HistoryMessageDeleted,
    Message,
)

_KIND: Final = "history"
#: The words of historyTypes.
CHANGE_OF: Final = {
    "messageAdded": Change.MESSAGE_ADDED,
    "messageDeleted": Change.MESSAGE_DELETED,
    "labelAdded": Change.LABEL_ADDED,
    "labelRemoved": Change.LABEL_REMOVED,
}


class Wanted(Struct, frozen=True, gc=False):
    """Which records a client asks for; no changes means all, no label means any."""

    limit: int
    changes: frozenset[Change] = frozenset()
    label: int | None = None


class HistoryPage(Struct, frozen=True, gc=False):
    """records: oldest first. next_token is "" on the last page."""

    records: list[History]
    next_token: str
    history_id: int


def list_history(
    box: MailboxReader, *, start: int | None, wanted: Wanted, token: str
) -> HistoryPage:
    """Return one page of what came after `start`."""
    history_id = box.get_totals().history_id
    if start is None:
        raise ProblemError(MISSING_START_HISTORY_ID)
    if not box.get_history_floor() <= start <= history_id:
        raise ProblemError(NOT_FOUND)
    secret = box.get_secret() if token else b""
    after = parse_token(secret, _KIND, token).position if token else start
    records, stopped_at = _collect(box, after, wanted)
    next_token = make_token(box.get_secret(), _KIND, Place(stopped_at, 0)) if stopped_at else ""
    return HistoryPage(records, next_token, history_id)


def _collect(box: MailboxReader, after: int, wanted: Wanted) -> tuple[list[History], int]:
    """Return the records of a page, and the id it ends at when there is more to look at.

    A page ends early after HISTORY_SCAN_MAX records looked at, so a rare label costs a client
    more pages rather than the server one long read.
    """
    records: list[History] = []
    last = after
    for count, row in enumerate(box.iter_history(after)):
        entries = _select(row, wanted)
        if entries and len(records) == wanted.limit:
            return records, last
        if entries:
            records.append(_to_schema(row, entries))
        last = row.id
        if count + 1 >= HISTORY_SCAN_MAX:
            return records, last
    return records, 0


def _select(row: HistoryRow, wanted: Wanted) -> Collection[HistoryEntry]:
    """Return the entries a client asked for: of these changes, on messages with that label."""
    if wanted.changes and row.change not in wanted.changes:
        return ()
    label = wanted.label
    if label is None:
        return row.entries
    return [entry for entry in row.entries if label in entry.labels or label in entry.changed]


def _to_schema(row: HistoryRow, entries: Collection[HistoryEntry]) -> History:
    seen = {entry.message_id: entry.thread_id for entry in entries}
    record = History(
        id=str(row.id),
        messages=[
            Message(id=format_message_id(message), thread_id=format_message_id(thread))
            for message, thread in seen.items()
        ],
    )
    match row.change:
        case Change.MESSAGE_ADDED:
            record.messages_added = [HistoryMessageAdded(message=_message(e)) for e in entries]
        case Change.MESSAGE_DELETED:
            record.messages_deleted = [HistoryMessageDeleted(message=_message(e)) for e in entries]
        case Change.LABEL_ADDED:
            record.labels_added = [
                HistoryLabelAdded(label_ids=_changed(e), message=_message(e)) for e in entries
            ]
        case Change.LABEL_REMOVED:
            record.labels_removed = [
                HistoryLabelRemoved(label_ids=_changed(e), message=_message(e)) for e in entries
            ]
    return record


def _message(entry: HistoryEntry) -> Message:
    return Message(
        id=format_message_id(entry.message_id),
        thread_id=format_message_id(entry.thread_id),
        label_ids=label_ids(frozenset(entry.labels)) or UNSET,
    )


def _changed(entry: HistoryEntry) -> list[str]:
    return [format_label_id(number) for number in entry.changed]
