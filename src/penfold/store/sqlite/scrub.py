"""Write a database anew, so that what was deleted is nowhere in it.

SQLite leaves the octets of deleted rows in free pages, and copies of moved ones in the gaps of
pages in use; `secure_delete` zeroes the former only. VACUUM writes every page from what is left,
and an emptied log has no frame of before.

While it runs others read and wait to write: about a second per 100 MB.
"""

from pathlib import Path

from penfold.base.errors import UnavailableError
from penfold.store.sqlite.failures import translated
from penfold.store.sqlite.open import open_database


def scrub(path: Path) -> None:
    """Leave nothing in the file or its log but what can be read by SQL.

    UnavailableError: somebody reads what was before; try again.
    """
    connection = open_database(path)
    try:
        with translated(path.name):
            # In a file that has no name: in memory it would be as large as the database.
            connection.execute("PRAGMA temp_store=FILE")
            connection.execute("VACUUM").fetchall()
            [(busy, *_)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            raise UnavailableError("the log of a database is in use", file=path.name)
    finally:
        connection.close()
