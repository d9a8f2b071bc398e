"""Forget rows of the queue that have been done for long.

They are found in a snapshot, by the age of their letter, and removed in one transaction, each
only if it is still done. A letter, with its octets, goes with its last row.
"""

from collections.abc import Sequence
from typing import Any, Final

import apsw

from penfold.base.limits import EXPIRE_ROWS_BYTES

#: What waits, what somebody is trying, and what the sender has to be told of (queue._UNTOLD) stays.
_DONE: Final = (
    "state <> 'queued' AND taken = 0 AND (told = 'outcome'"
    " OR NOT (state = 'failed' OR state = 'sent' AND wants_success))"
    " AND NOT EXISTS (SELECT 1 FROM attempt WHERE recipient = recipient.id AND at_ms >= ?)"
)
FIND_DONE: Final = (
    "SELECT recipient.id, letter.id, size FROM letter INDEXED BY letter_created"
    " CROSS JOIN recipient ON recipient.letter = letter.id"
    f" WHERE letter.created_ms < ? AND {_DONE} ORDER BY letter.created_ms LIMIT ?"
)
_DELETE: Final = f"DELETE FROM recipient WHERE id = ? AND {_DONE}"


def delete_done(db: apsw.Connection, before_ms: int, found: Sequence[tuple[Any, ...]]) -> int:
    """Remove the first of these rows, where they are still done; return how many went."""
    count = octets = 0
    for row_id, letter, size in found:
        octets += size
        if octets > EXPIRE_ROWS_BYTES and octets > size:
            break
        db.execute(_DELETE, (row_id, before_ms))
        if db.changes():
            count += 1
            db.execute("DELETE FROM attempt WHERE recipient = ?", (row_id,))
            db.execute(
                "DELETE FROM letter WHERE id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM recipient WHERE letter = ?1)",
                (letter,),
            )
    return count
