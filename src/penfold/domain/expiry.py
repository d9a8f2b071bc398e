"""What goes by itself after a while: old history, and messages long in TRASH or SPAM.

Gmail (documented): a message stays in the trash, and in spam, for 30 days. The time it was put
there is not stored; the time of its last change is, as its history id. A message in TRASH or
SPAM whose last change is older than all history that is kept has been there at least that
long. So marking it read gives it another 30 days, which Gmail would not.
"""

from itertools import islice
from typing import Final

from penfold.base.labels import SPAM, TRASH
from penfold.base.limits import HISTORY_DAYS, TRASH_DAYS
from penfold.domain.changes import delete_messages
from penfold.domain.history import expire_history
from penfold.ports.mailbox import MailboxWriter

#: Messages removed in one transaction, so that nobody waits long for the mailbox.
STEP: Final = 200

# The rule above works only while history is kept no longer than the trash.
assert HISTORY_DAYS <= TRASH_DAYS


def expire_mailbox(box: MailboxWriter, *, now_ms: int) -> int:
    """Drop old history and up to STEP expired messages; return how many messages went."""
    expire_history(box, now_ms=now_ms)
    floor = box.get_history_floor()
    hidden = sorted({*box.list_labelled(TRASH), *box.list_labelled(SPAM)})
    rows = (row for each in hidden if (row := box.find_message(each)) is not None)
    expired = list(islice((row for row in rows if row.history_id <= floor), STEP))
    delete_messages(box, expired, now_ms=now_ms)
    return len(expired)
