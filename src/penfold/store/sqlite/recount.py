"""What counters must say, counted from the postings; verify compares with it, reindex stores it."""

import apsw

from penfold.base.labels import UNREAD
from penfold.store.sqlite.open import list_rows

#: label, messages, unread messages, threads, threads with an unread message
_COUNTS = f"""
SELECT p.label, count(*), count(u.message_id), count(DISTINCT p.thread_id),
       count(DISTINCT CASE WHEN u.message_id IS NOT NULL THEN p.thread_id END)
FROM posting p LEFT JOIN posting u ON u.label = {UNREAD} AND u.message_id = p.message_id
GROUP BY p.label
"""


def count_labels(connection: apsw.Connection) -> dict[int, tuple[int, int, int, int]]:
    """Return label -> (messages, unread, threads, unread threads) for labels with messages."""
    return {label: tuple(counts) for label, *counts in list_rows(connection, _COUNTS)}


def count_totals(connection: apsw.Connection) -> tuple[int, int]:
    """Return (messages, threads)."""
    [(messages, threads)] = list_rows(
        connection, "SELECT count(*), count(DISTINCT thread_id) FROM message"
    )
    return messages, threads
