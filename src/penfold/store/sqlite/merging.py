"""Put the pieces of a mailbox's full-text index together while there is nothing else to do.

Every commit with mail adds a segment, and SQLite merges them by levels, up to 15 of each size. A
search opens every one: with 22 segments the first page of a word takes 0.27 ms, with one 0.05, and
looking words up for one message 200 us against 30 (300,000 messages). So a mailbox that has become
quiet is merged into one segment, in short transactions, as soon as its largest segment holds less
than nine tenths of the index. A message is thus rewritten about ten times at most, 30 us each.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import apsw

from penfold.base.errors import PenfoldError
from penfold.store.sqlite.commit import commit
from penfold.store.sqlite.open import list_rows
from penfold.store.sqlite.pool import Handle, Pool

#: The largest segment's share of the index from which on merging is not worth it.
_WHOLE: Final = 0.9
#: Segments that are not worth a merge, however small the index.
_FEW: Final = 4
#: Pages written in one step: about 30 ms, for which arriving mail may have to wait.
STEP_PAGES: Final = 500
#: Seconds without mail after which a mailbox is quiet.
QUIET_S: Final = 2.0
#: Seconds between two steps one after the other, for others who wait for the lock.
_GAP_S: Final = 0.012
#: Mailboxes remembered; the others wait for their next mail.
_NOTED_MAX: Final = 1_024

_SEGMENTS: Final = "SELECT count(*) FROM words_idx GROUP BY segid"
_MERGE: Final = "INSERT INTO words (words, rank) VALUES ('merge', ?)"


class Merger:
    """Knows which mailboxes got mail, and merges those that are quiet one step at a time.

    tidy: told after each step, and says whether the handle is still good. failed: takes a handle
    with the error it met; a merge that cannot be written down endangers what comes behind it in
    the log, so it ends as badly as a change. quiet_s: seconds without mail.
    """

    def __init__(
        self,
        pool: Pool,
        tidy: Callable[[Handle], bool],
        failed: Callable[[Handle | None, str, BaseException], object],
        *,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._pool = pool
        self._tidy = tidy
        self._failed = failed
        self._quiet_s = quiet_s
        self._lock = threading.Lock()
        #: mailbox id -> when it last got mail (monotonic seconds), the longest ago first
        self._noted: dict[str, float] = {}
        self._begun: set[str] = set()

    def note(self, mailbox_id: str) -> None:
        """Remember that a mailbox's index has grown."""
        with self._lock:
            known = self._noted.pop(mailbox_id, None) is not None
            if known or len(self._noted) < _NOTED_MAX:
                self._noted[mailbox_id] = time.monotonic()

    def step(self) -> bool:
        """Merge one quiet mailbox a little; returns whether there was one."""
        with self._lock:
            mailbox_id, since = next(iter(self._noted.items()), ("", 0.0))
            if not mailbox_id or time.monotonic() - since < self._quiet_s:
                return False
            del self._noted[mailbox_id]
            begun = mailbox_id in self._begun
        more = self._merge(mailbox_id, begun=begun)
        with self._lock:
            self._begun.discard(mailbox_id)
            if more:
                self._begun.add(mailbox_id)
                # In front: nobody else has been quiet for longer.
                self._noted = {mailbox_id: since, **self._noted}
        return True

    def merge(self, mailbox_id: str) -> None:
        """Merge a mailbox until nothing is left to do."""
        begun = False
        while self._merge(mailbox_id, begun=begun):
            begun = True
            time.sleep(_GAP_S)

    def _merge(self, mailbox_id: str, *, begun: bool) -> bool:
        """Return whether this mailbox's index needs another step."""
        handle = None
        try:
            handle = self._pool.borrow(mailbox_id, writable=True)
            more = begun or is_in_pieces(handle.connection)
            if more:
                more = merge_step(handle.connection, begun=begun)
        except (apsw.Error, PenfoldError) as error:
            self._failed(handle, mailbox_id, error)
            return False
        self._pool.give_back(handle, broken=not self._tidy(handle))
        return more


def is_in_pieces(connection: apsw.Connection) -> bool:
    """Say whether the index is worth merging."""
    sizes = [size for (size,) in list_rows(connection, _SEGMENTS)]
    return len(sizes) > _FEW and max(sizes) < _WHOLE * sum(sizes)


def merge_step(connection: apsw.Connection, *, begun: bool, pages: int = STEP_PAGES) -> bool:
    """Begin or continue putting all segments together; returns whether more is left.

    One transaction. SQLite: a negative number of pages begins, a positive one goes on, and fewer
    than two changes say that it is done.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = connection.total_changes()
        connection.execute(_MERGE, (pages if begun else -pages,))
        more = connection.total_changes() - before >= 2
        commit(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return more
