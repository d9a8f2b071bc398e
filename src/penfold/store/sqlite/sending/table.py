"""What the tables of the sending API have in common: a connection, with or without transaction."""

from collections.abc import Sequence
from typing import Any

import apsw


class Table:
    """The caller holds the connection's lock, and its transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._db = connection

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, tuple(values)).fetchall()

    def _run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement that answers nothing, and return how many rows it changed."""
        self._db.execute(sql, tuple(values))
        return self._db.changes()


def page_sql(older: int | None, newer: int | None) -> tuple[str, str, list[int]]:
    """Return condition, order and value of a page of rows that are listed the newest first."""
    if newer is not None:
        return "number > ?", "ASC", [newer]
    if older is not None:
        return "number < ?", "DESC", [older]
    return "1", "DESC", []
