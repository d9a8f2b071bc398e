"""What goes by itself after a while: messages long in TRASH or SPAM, and old history.

Gmail (documented): a message stays in the trash, and in spam, for 30 days. The time it was put
there is not stored; the time of its last change is, as its history id. One whose last change
is older than that has been there at least that long. So marking it read gives it another 30
days, which Gmail would not. Clients are told as of any removal (messagesDeleted).

Everything is done in steps: looking in snapshots of their own, removing in transactions so short
that nobody waits for the mailbox. Between two of them others have their turn.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from msgspec import Struct, structs

from penfold.base.labels import SPAM, TRASH
from penfold.base.limits import (
    EXPIRE_HISTORY,
    EXPIRE_LOOK,
    EXPIRE_MESSAGES,
    HIDDEN_DAYS,
    HISTORY_DAYS,
)
from penfold.domain.mailbox.changes import delete_messages
from penfold.ports.mailbox import Mailboxes, MailboxReader, MailboxWriter, Query

_DAY_MS: Final = 86_400_000


class MailDays(Struct, frozen=True, gc=False):
    """After how many days messages in TRASH and SPAM go; 0: never."""

    trash: int = HIDDEN_DAYS
    spam: int = HIDDEN_DAYS

    @property
    def history(self) -> int:
        """How long history is kept: as long as the age of a message has to be known by it."""
        return max(HISTORY_DAYS, self.trash, self.spam)


class Expired(Struct):
    """What a sweep of one mailbox removed."""

    messages: int = 0
    history: int = 0


def expire_mailbox(
    mailboxes: Mailboxes,
    mailbox_id: str,
    days: MailDays,
    *,
    now_ms: int,
    go_on: Callable[[], bool],
) -> Expired:
    """Remove what is past its time. go_on: called between two steps; False: end here."""
    expired = Expired()
    for label, kept in ((TRASH, days.trash), (SPAM, days.spam)):
        if not kept:
            continue
        with mailboxes.open_reader(mailbox_id) as box:
            until = find_horizon(box, days=kept, now_ms=now_ms)
        for ids in _iter_unchanged(mailboxes, mailbox_id, label, until):
            if not go_on():
                return expired
            delete = partial(delete_unchanged, ids=ids, label=label, until=until, now_ms=now_ms)
            expired.messages += mailboxes.change(mailbox_id, delete)
    # After the messages: their age is known by it.
    before_ms = now_ms - days.history * _DAY_MS
    with mailboxes.open_reader(mailbox_id) as box:
        step = 0 if box.find_history_before(before_ms) is None else EXPIRE_HISTORY
    while step == EXPIRE_HISTORY and go_on():
        step = mailboxes.change(
            mailbox_id, lambda box: box.expire_history(before_ms=before_ms, limit=EXPIRE_HISTORY)
        )
        expired.history += step
    return expired


def find_horizon(box: MailboxReader, *, days: int, now_ms: int) -> int:
    """Return the history id up to which the last change of a message was so many days ago.

    Where no such record is kept, what is older than all records is HISTORY_DAYS old at least.
    """
    found = box.find_history_before(now_ms - days * _DAY_MS)
    if found is not None:
        return found
    return box.get_history_floor() if days <= HISTORY_DAYS else 0


def _iter_unchanged(
    mailboxes: Mailboxes, mailbox_id: str, label: int, until: int
) -> Iterator[list[int]]:
    """Yield the messages with the label whose last change is no later, by EXPIRE_MESSAGES."""
    query = Query(limit=EXPIRE_LOOK, labels=frozenset({label}), hidden=True)
    while True:
        with mailboxes.open_reader(mailbox_id) as box:
            page = [message_id for message_id, _ in box.list_messages(query)]
            found = [box.find_message(each) for each in page]
        old = [row.id for row in found if row and row.history_id <= until]
        yield from (old[at : at + EXPIRE_MESSAGES] for at in range(0, len(old), EXPIRE_MESSAGES))
        if len(page) < EXPIRE_LOOK:
            return
        query = structs.replace(query, before=page[-1])


def delete_unchanged(
    box: MailboxWriter, ids: Sequence[int], label: int, *, until: int, now_ms: int
) -> int:
    """Remove those messages that are still as they were found; return how many."""
    rows = [row for each in ids if (row := box.find_message(each)) is not None]
    old = [row for row in rows if label in row.labels and row.history_id <= until]
    delete_messages(box, old, now_ms=now_ms)
    return len(old)
