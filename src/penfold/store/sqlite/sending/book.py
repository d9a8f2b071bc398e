"""The sending book on disk: one shared.SharedFile, its tables on one connection.

After a commit whose outcome was unknown, the repeat finds what did arrive: by idempotency key, by
the cause of an event, by (email, position) of a charge.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import apsw

from penfold.ports.sending.book import SendingReader, SendingWriter
from penfold.ports.sending.counts import Counter
from penfold.ports.sending.records import Webhook
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.sending.answers import AnswerTable
from penfold.store.sqlite.sending.events import EventTable
from penfold.store.sqlite.sending.metering import MeterTable
from penfold.store.sqlite.sending.suppressions import SuppressionTable
from penfold.store.sqlite.shared import SharedFile

T = TypeVar("T")


class Tables(EventTable, SuppressionTable, MeterTable, AnswerTable):
    """All tables: a SendingReader, and inside a transaction a SendingWriter."""

    def erase_account(self, account_id: str) -> int:
        self.flush()
        mine = "SELECT number FROM email WHERE account_id = ?"
        for table in ("body", "recipient"):
            self._run(f"DELETE FROM {table} WHERE email IN ({mine})", (account_id,))
        for webhook in self.list_records(Webhook, account_id, limit=-1):
            self.drop_deliveries(webhook.id)
        self._run(
            "DELETE FROM answer WHERE key_id IN"
            " (SELECT id FROM record WHERE kind = 'api_key' AND account_id = ?)",
            (account_id,),
        )
        self._run(
            "DELETE FROM notice WHERE event IN (SELECT number FROM event WHERE account_id = ?)",
            (account_id,),
        )
        tables = ("email", "event", "suppression", "counter", "counted", "record")
        gone = [
            self._run(f"DELETE FROM {table} WHERE account_id = ?", (account_id,))
            for table in tables
        ]
        return gone[0] + gone[1]


class SqliteSending:
    """A SendingBook. Safe to use from several threads and beside other processes."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool,
        fatal: Fatal | None = None,
        vfs: str | None = None,
        told: Callable[[Mapping[Counter, int]], None] = lambda _: None,
    ) -> None:
        """Open the file; `create` makes it when it is missing. fatal: see commit.py.

        told: what was counted by each change, once it is durable.
        """
        self._told = told
        self._file = SharedFile(path, "sending", create=create, fatal=fatal, vfs=vfs)

    def read(self, look: Callable[[SendingReader], T]) -> T:
        return self._file.look(lambda db: look(Tables(db)))

    def change(self, change: Callable[[SendingWriter], T]) -> T:
        def run(db: apsw.Connection) -> tuple[T, Mapping[Counter, int]]:
            tables = Tables(db)
            result = change(tables)
            tables.flush()
            return result, tables.counted

        result, counted = self._file.change(run)
        if counted:
            self._told(counted)
        return result

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()
