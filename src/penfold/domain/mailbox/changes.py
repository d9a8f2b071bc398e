"""The changes a mailbox can see, and the history each one leaves.

Every change of labels and every arrival or removal of a message goes through here, so that
history tells exactly what happened: one record per label added or removed and one per batch of
messages added or deleted, an entry per message with its labels right after that step. What
changes nothing leaves nothing. Gmail: observed 2026-09/10.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from penfold.base.labels import DRAFT, INBOX, SPAM, TRASH
from penfold.ports.mailbox import Change, HistoryEntry, MailboxWriter, MessageRow

NO_LABELS: Final[frozenset[int]] = frozenset()


def settle_labels(
    labels: frozenset[int], *, add: frozenset[int], remove: frozenset[int] = NO_LABELS
) -> frozenset[int]:
    """Return the labels after a change; of INBOX, SPAM and TRASH the added one stays alone.

    Gmail (observed): adding SPAM or TRASH takes INBOX away; (assumed): and the other way round.
    A label in both lists ends up on the message.
    """
    settled = (labels - remove) | add
    if TRASH in add:
        return settled - {INBOX, SPAM}
    if SPAM in add:
        return settled - {INBOX, TRASH}
    if INBOX in add:
        return settled - {SPAM, TRASH}
    return settled


def change_labels(
    box: MailboxWriter,
    rows: Sequence[MessageRow],
    *,
    add: frozenset[int] = NO_LABELS,
    remove: frozenset[int] = NO_LABELS,
    now_ms: int,
) -> list[MessageRow]:
    """Change the labels of messages as one action and return their rows afterwards."""
    targets = [settle_labels(row.labels, add=add, remove=remove) for row in rows]
    results = list(rows)
    running = [row.labels for row in rows]
    for change, label in _steps(rows, targets):
        entries = []
        for place, row in enumerate(rows):
            if (label in row.labels) == (label in targets[place]):
                continue
            running[place] ^= {label}
            if running[place] == targets[place]:
                # The message's own last step: its history id becomes that of this record.
                results[place] = box.set_labels(row.id, targets[place])
            entries.append(_entry(row, running[place], changed=(label,)))
        box.add_history(change, entries, now_ms=now_ms)
    return results


def _steps(
    rows: Sequence[MessageRow], targets: Sequence[frozenset[int]]
) -> Iterator[tuple[Change, int]]:
    """Yield each label that comes and then each that goes; no label does both in one action."""
    added = {
        label for row, target in zip(rows, targets, strict=True) for label in target - row.labels
    }
    removed = {
        label for row, target in zip(rows, targets, strict=True) for label in row.labels - target
    }
    yield from ((Change.LABEL_ADDED, label) for label in sorted(added))
    yield from ((Change.LABEL_REMOVED, label) for label in sorted(removed))


def record_added(box: MailboxWriter, row: MessageRow, *, now_ms: int) -> None:
    """Write the history of a message just added."""
    record_all_added(box, (row,), now_ms=now_ms)


def record_all_added(box: MailboxWriter, rows: Sequence[MessageRow], *, now_ms: int) -> None:
    """Write one record for messages just added, with no other record since the first of them."""
    if rows:
        entries = [_entry(row, row.labels) for row in rows]
        box.add_history(Change.MESSAGE_ADDED, entries, now_ms=now_ms)


def delete_messages(box: MailboxWriter, rows: Sequence[MessageRow], *, now_ms: int) -> None:
    """Remove messages for good, with the drafts they are, as one action."""
    if not rows:
        return
    for row in rows:
        draft = box.find_draft_of(row.id) if DRAFT in row.labels else None
        if draft is not None:
            box.delete_draft(draft.id)
        box.delete_message(row.id)
    entries = [_entry(row, row.labels) for row in rows]
    box.add_history(Change.MESSAGE_DELETED, entries, now_ms=now_ms)


def _entry(
    row: MessageRow, labels: frozenset[int], *, changed: tuple[int, ...] = ()
) -> HistoryEntry:
    return HistoryEntry(row.id, row.thread_id, tuple(sorted(labels)), changed)
