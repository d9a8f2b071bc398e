"""Find what is sealed under a key, whichever table it is in: what it begins with is enough.

A secret stands in a column as it is, inside a packed record, or in base64; the beginning is nine
octets, which is three groups of base64, so it is the same there wherever the secret goes on.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penfold.store.sqlite.layout import iter_mailbox_ids, mailbox_path
from penfold.store.sqlite.open import list_rows, open_database

#: The tables that may have secrets, by file; None: each of them.
_MAILBOX: Final = ("setting",)
_SENDING: Final = ("record",)


def iter_sealed(data: Path, prefix: bytes) -> Iterator[str]:
    """Yield `file: table` for every place that has something sealed which begins like this."""
    yield from _scan(data / "directory.db", None, prefix)
    yield from _scan(data / "sending.db", _SENDING, prefix)
    for mailbox_id in iter_mailbox_ids(data):
        yield from _scan(mailbox_path(data, mailbox_id), _MAILBOX, prefix)


def _scan(path: Path, tables: tuple[str, ...] | None, prefix: bytes) -> Iterator[str]:
    connection = open_database(path, readonly=True)
    marks = (prefix, base64.b64encode(prefix))
    try:
        rows = list_rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'")
        for table in (name for (name,) in rows if tables is None or name in tables):
            columns = list_rows(connection, "SELECT name FROM pragma_table_info(?)", (table,))
            where = " OR ".join(
                f'instr(CAST("{column}" AS BLOB), ?1) OR instr(CAST("{column}" AS BLOB), ?2)'
                for (column,) in columns
            )
            # Names are the schema's own, from our migrations.
            if list_rows(connection, f'SELECT 1 FROM "{table}" WHERE {where} LIMIT 1', marks):
                yield f"{path.name}: {table}"
    finally:
        connection.close(force=True)
