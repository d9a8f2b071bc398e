"""The outbound queue on disk: <data>/queue.db, a shared.SharedFile.

After a commit whose outcome was unknown, the repeat of `add` finds what did arrive by (origin,
number, recipient). Octets are kept once per letter, whatever the number of recipients.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import zstandard

from penfold.base.errors import (
    ConflictError,
    MailboxDamagedError,
    NotFoundError,
)
from penfold.ports.queue import Attempt, NewQueueRow, QueueRow, QueueState
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.shared import SharedFile

#: zstd level: mail text at 1 costs 15 µs per 4 kB and is within 5 % of level 3.
_ZSTD_LEVEL: Final = 1
_WAITING: Final = (QueueState.QUEUED, QueueState.FAILED)

_COLUMNS: Final = (
    "recipient.id, origin, number, sender, address, state, size, subject, created_ms,"
    " next_attempt_ms"
)
_FROM: Final = "FROM recipient JOIN letter ON letter.id = recipient.letter"


class SqliteQueue:
    """A Queue. Safe to use from several threads and beside other processes."""

    def __init__(
        self, path: Path, *, create: bool, fatal: Fatal | None = None, vfs: str | None = None
    ) -> None:
        """Open the file; `create` makes it when it is missing (only for a new installation).

        fatal: must end the process, see commit.py.
        """
        self._file = SharedFile(path, "queue", create=create, fatal=fatal, vfs=vfs)

    def add(self, rows: Sequence[NewQueueRow], *, state: QueueState) -> list[int]:
        packed = [(row, zstandard.compress(row.raw, _ZSTD_LEVEL)) for row in _letters(rows)]

        def change(db: apsw.Connection) -> list[int]:
            for row, raw in packed:
                _add_letter(db, row, raw)
            return [_add_recipient(db, row, state) for row in rows]

        return self._file.change(change)

    def list_rows(
        self, *, state: QueueState | None = None, before: int | None = None, limit: int = 100
    ) -> list[QueueRow]:
        where, values = ["recipient.id < ?"], [2**63 - 1 if before is None else before]
        bound: list[object] = list(values)
        if state is not None:
            where.append("state = ?")
            bound.append(state.value)
        rows = self._file.read(
            f"SELECT {_COLUMNS} {_FROM} WHERE {' AND '.join(where)}"
            " ORDER BY recipient.id DESC LIMIT ?",
            (*bound, limit),
        )
        return [_row(values) for values in rows]

    def get_row(self, row_id: int) -> QueueRow:
        rows = self._file.read(f"SELECT {_COLUMNS} {_FROM} WHERE recipient.id = ?", (row_id,))
        if not rows:
            raise NotFoundError("no such queue row", id=row_id)
        return _row(rows[0])

    def get_raw(self, row_id: int) -> bytes:
        rows = self._file.read(
            f"SELECT raw, sha256, size {_FROM} WHERE recipient.id = ?", (row_id,)
        )
        if not rows:
            raise NotFoundError("no such queue row", id=row_id)
        packed, sha256, size = rows[0]
        try:
            raw: bytes = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        except zstandard.ZstdError as error:
            raise MailboxDamagedError("queued octets do not unpack", id=row_id) from error
        if hashlib.sha256(raw).digest() != sha256:
            raise MailboxDamagedError("queued octets do not match their hash", id=row_id)
        return raw

    def list_attempts(self, row_id: int) -> list[Attempt]:
        rows = self._file.read(
            "SELECT at_ms, outcome, transcript FROM attempt WHERE recipient = ? ORDER BY number",
            (row_id,),
        )
        return [Attempt(*values) for values in rows]

    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None:
        def change(db: apsw.Connection) -> None:
            _set_state(db, row_id, state)
            db.execute(
                "INSERT INTO attempt SELECT ?1, 1 + coalesce(max(number), 0), ?2, ?3, ?4"
                " FROM attempt WHERE recipient = ?1",
                (row_id, attempt.at_ms, attempt.outcome, attempt.transcript),
            )

        self._file.change(change)

    def count_by_state(self) -> dict[QueueState, int]:
        rows: dict[str, int] = dict(
            self._file.read("SELECT state, count(*) FROM recipient GROUP BY state", ())
        )
        return {state: rows.get(state.value, 0) for state in QueueState}

    def retry(self, row_id: int, *, now_ms: int) -> None:
        def change(db: apsw.Connection) -> None:
            if _state(db, row_id) not in _WAITING:
                raise ConflictError("only a message that waits or failed can be retried")
            _set_state(db, row_id, QueueState.QUEUED)
            db.execute("UPDATE recipient SET next_attempt_ms = ? WHERE id = ?", (now_ms, row_id))

        self._file.change(change)

    def cancel(self, row_id: int) -> None:
        def change(db: apsw.Connection) -> None:
            if _state(db, row_id) is not QueueState.QUEUED:
                raise ConflictError("only a message that waits can be cancelled")
            _set_state(db, row_id, QueueState.CANCELLED)

        self._file.change(change)

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()


def _letters(rows: Sequence[NewQueueRow]) -> list[NewQueueRow]:
    """Return one row per letter, so that octets are packed once."""
    return list({(row.origin, row.number): row for row in rows}.values())


def _add_letter(db: apsw.Connection, row: NewQueueRow, packed: bytes) -> None:
    db.execute(
        "INSERT INTO letter (origin, number, sender, subject, size, raw, sha256, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin, number) DO NOTHING",
        (
            row.origin,
            row.number,
            row.sender,
            row.subject,
            len(row.raw),
            packed,
            hashlib.sha256(row.raw).digest(),
            row.created_ms,
        ),
    )


def _add_recipient(db: apsw.Connection, row: NewQueueRow, state: QueueState) -> int:
    letter = db.execute(
        "SELECT id FROM letter WHERE origin = ? AND number = ?", (row.origin, row.number)
    ).get
    db.execute(
        "INSERT INTO recipient (letter, address, state, next_attempt_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (letter, address) DO NOTHING",
        (letter, row.recipient, state.value, row.created_ms),
    )
    found: int = db.execute(
        "SELECT id FROM recipient WHERE letter = ? AND address = ?", (letter, row.recipient)
    ).get
    return found


def _state(db: apsw.Connection, row_id: int) -> QueueState:
    found = db.execute("SELECT state FROM recipient WHERE id = ?", (row_id,)).get
    if found is None:
        raise NotFoundError("no such queue row", id=row_id)
    return QueueState(found)


def _set_state(db: apsw.Connection, row_id: int, state: QueueState) -> None:
    _state(db, row_id)
    db.execute("UPDATE recipient SET state = ? WHERE id = ?", (state.value, row_id))


def _row(values: Sequence[Any]) -> QueueRow:
    row_id, origin, number, sender, address, state, size, subject, created, due = values
    return QueueRow(
        id=row_id,
        origin=origin,
        number=number,
        sender=sender,
        recipient=address,
        state=QueueState(state),
        size=size,
        subject=subject,
        created_ms=created,
        next_attempt_ms=due,
    )
