"""Take everything of one account out of the databases that all accounts share.

A mailbox is a file of its own and goes as one (store/erasing.py). Each function here is one
transaction on a connection of its own, beside whoever else has the file open, and says how many
rows went. Their octets are left in the file until it is scrubbed (store/sqlite/scrub.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from penfold.base.addresses import names_address
from penfold.ports.reports import Report, ReportKind
from penfold.store.sqlite.failures import translated
from penfold.store.sqlite.open import list_rows, open_database
from penfold.store.sqlite.queue_taking import refresh_destination
from penfold.store.sqlite.sending.book import Tables

_decode_report: Final = msgspec.json.Decoder(Report).decode


def erase_from_queue(path: Path, mailbox_id: str) -> int:
    """Remove what the mailbox sent, in whatever state, with its octets and every attempt."""

    def change(db: apsw.Connection) -> int:
        ours = "SELECT recipient.id FROM recipient JOIN letter ON letter.id = recipient.letter"
        ours += " WHERE letter.origin = ?"
        domains = list_rows(
            db, f"SELECT DISTINCT domain FROM recipient WHERE id IN ({ours})", (mailbox_id,)
        )
        db.execute(f"DELETE FROM attempt WHERE recipient IN ({ours})", (mailbox_id,))
        db.execute(f"DELETE FROM recipient WHERE id IN ({ours})", (mailbox_id,))
        gone = db.changes()
        db.execute("DELETE FROM letter WHERE origin = ?", (mailbox_id,))
        for (domain,) in domains:
            refresh_destination(db, domain)
        return gone

    return _change(path, change)


def erase_from_pubsub(path: Path, mailbox_id: str, address: str) -> int:
    """Remove the mailbox's watches and the notifications that name it."""

    def change(db: apsw.Connection) -> int:
        db.execute("DELETE FROM watch WHERE mailbox = ?", (mailbox_id,))
        gone = db.changes()
        if gone:
            db.execute("UPDATE mark SET number = number + 1")  # other processes notice by it
        # What a watch tells is JSON of its address (domain/push/watches.py).
        named = "SELECT id FROM message WHERE instr(record, CAST('\"' || ? || '\"' AS BLOB))"
        db.execute(f"DELETE FROM delivery WHERE message IN ({named})", (address,))
        db.execute(f"DELETE FROM message WHERE id IN ({named})", (address,))
        return gone + db.changes()

    return _change(path, change)


def erase_from_sending(path: Path, account_id: str) -> int:
    """Remove an account's keys, emails, events and suppressions; its ledger stays."""

    def change(db: apsw.Connection) -> int:
        return Tables(db).erase_account(account_id)

    return _change(path, change)


def erase_from_reports(path: Path, address: str) -> int:
    """Remove complaints about mail from or to the address, with any plus tag."""

    def change(db: apsw.Connection) -> int:
        rows = db.execute("SELECT id, detail FROM report WHERE kind = ?", (ReportKind.COMPLAINT,))
        gone = [(number,) for number, detail in rows if _is_about(_decode_report(detail), address)]
        db.executemany("DELETE FROM report WHERE id = ?", gone)
        return len(gone)

    return _change(path, change)


def _is_about(report: Report, address: str) -> bool:
    return any(names_address(value, address) for _, value in report.about)


def _change(path: Path, change: Callable[[apsw.Connection], int]) -> int:
    if not path.exists():
        return 0
    with translated(path.name), _writing(path) as db:
        return change(db)


@contextmanager
def _writing(path: Path) -> Iterator[apsw.Connection]:
    connection = open_database(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close(force=True)  # an open transaction is undone
