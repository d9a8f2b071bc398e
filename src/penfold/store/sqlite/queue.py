"""The outbound queue on disk: <data>/queue.db, a shared.SharedFile.

After a commit whose outcome was unknown, the repeat of `add` finds what did arrive by (origin,
number, recipient). Octets are kept once per letter, whatever the number of recipients.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
import zstandard

from penfold.base.errors import (
    ConflictError,
    MailboxDamagedError,
    NotFoundError,
)
from penfold.base.priority import Priority
from penfold.ports.queue import (
    SENDING,
    Attempt,
    Destination,
    Facts,
    Lease,
    NewQueueRow,
    QueueRow,
    QueueState,
    Settlement,
    Told,
    Unless,
    Untried,
)
from penfold.proto.smtp.parameters import NO_OPTIONS, NO_REQUEST
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.queue_expiry import FIND_DONE, delete_done
from penfold.store.sqlite.queue_listings import (
    BY_MESSAGE_ID,
    BY_ORIGIN,
    FROM_ADDRESS,
    OLDEST,
    SENT,
    TO_ADDRESS,
    UNTOLD,
    UNTOLD_SENDING,
)
from penfold.store.sqlite.queue_rows import COLUMNS, FROM, make_row, pack_wish
from penfold.store.sqlite.queue_taking import OTHERS, list_due, refresh_destination, take_rows
from penfold.store.sqlite.shared import SharedFile

#: zstd level: mail text at 1 costs 15 µs per 4 kB and is within 5 % of level 3.
_ZSTD_LEVEL: Final = 1
_WAITING: Final = (QueueState.QUEUED, QueueState.FAILED)

_LAST_ID: Final = 2**63 - 1
_LEASE: Final = (
    "UPDATE recipient SET next_attempt_ms = ?, lease = ?, tries = ?, taken = 1 WHERE id = ?"
)
_RENEW: Final = "UPDATE recipient SET next_attempt_ms = ? WHERE id = ? AND lease = ? AND taken = 1"
_RELEASE: Final = (
    "UPDATE recipient SET next_attempt_ms = ?, taken = 0 WHERE taken = 1 RETURNING domain"
)
_HOLD: Final = (
    "INSERT INTO destination (domain, due_ms, held_ms, why) VALUES (?1, ?2, ?2, ?3)"
    " ON CONFLICT (domain) DO UPDATE SET held_ms = excluded.held_ms, why = excluded.why"
)
_encode_facts: Final = msgspec.json.Encoder().encode
_decode_facts: Final = msgspec.json.Decoder(Facts).decode


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
            found = [_add_recipient(db, row, state) for row in rows]
            for domain in {_domain_of(row.recipient) for row in rows}:
                refresh_destination(db, domain)
            return found

        return self._file.change(change)

    def list_rows(
        self,
        *,
        state: QueueState | None = None,
        domain: str | None = None,
        due_ms: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[QueueRow]:
        conditions: dict[str, object] = {"recipient.id < ?": _LAST_ID if before is None else before}
        if state is not None:
            conditions["state = ?"] = state.value
        if domain is not None:
            conditions["domain = ?"] = domain
        if due_ms is not None:
            conditions["state = 'queued' AND next_attempt_ms <= ?"] = due_ms
        rows = self._file.read(
            f"SELECT {COLUMNS} {FROM} WHERE {' AND '.join(conditions)}"
            " ORDER BY recipient.id DESC LIMIT ?",
            (*conditions.values(), limit),
        )
        return [make_row(values) for values in rows]

    def find_by_message_id(self, message_id: str, *, limit: int) -> list[QueueRow]:
        return [make_row(values) for values in self._file.read(BY_MESSAGE_ID, (message_id, limit))]

    def list_by_address(self, address: str, *, limit: int) -> list[QueueRow]:
        rows = [
            make_row(values)
            for statement in (TO_ADDRESS, FROM_ADDRESS)
            for values in self._file.read(statement, (address, limit))
        ]
        return sorted({row.id: row for row in rows}.values(), key=lambda row: -row.id)[:limit]

    def list_by_origin(
        self, origin: str, *, before: int | None = None, limit: int
    ) -> list[QueueRow]:
        values = (origin, _LAST_ID if before is None else before, limit)
        return [make_row(found) for found in self._file.read(BY_ORIGIN, values)]

    def get_row(self, row_id: int) -> QueueRow:
        rows = self._file.read(f"SELECT {COLUMNS} {FROM} WHERE recipient.id = ?", (row_id,))
        if not rows:
            raise NotFoundError("no such queue row", id=row_id)
        return make_row(rows[0])

    def get_raw(self, row_id: int) -> bytes:
        rows = self._file.read(f"SELECT raw, sha256, size {FROM} WHERE recipient.id = ?", (row_id,))
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
            "SELECT at_ms, outcome, transcript, kind, facts FROM attempt WHERE recipient = ?"
            " ORDER BY number",
            (row_id,),
        )
        return [
            Attempt(at_ms, outcome, transcript, kind, _decode_facts(facts))
            for at_ms, outcome, transcript, kind, facts in rows
        ]

    def add_attempt(self, row_id: int, attempt: Attempt, *, state: QueueState) -> None:
        def change(db: apsw.Connection) -> None:
            _set_state(db, row_id, state)
            _add_attempt(db, row_id, attempt)

        self._file.change(change)

    def count_by_state(self) -> dict[QueueState, int]:
        rows: dict[str, int] = dict(
            self._file.read("SELECT state, count(*) FROM recipient GROUP BY state", ())
        )
        return {state: rows.get(state.value, 0) for state in QueueState}

    def find_oldest(self, state: QueueState) -> QueueRow | None:
        rows = self._file.read(OLDEST, (state.value,))
        return make_row(rows[0]) if rows else None

    def retry(self, row_id: int, *, now_ms: int) -> None:
        def change(db: apsw.Connection) -> None:
            if _state(db, row_id) not in _WAITING:
                raise ConflictError("only a message that waits or failed can be retried")
            if db.execute("SELECT taken FROM recipient WHERE id = ?", (row_id,)).get:
                raise ConflictError("the message is being tried at this moment")
            db.execute("UPDATE recipient SET next_attempt_ms = ? WHERE id = ?", (now_ms, row_id))
            db.execute(
                "UPDATE destination SET held_ms = 0, why = '' WHERE domain ="
                " (SELECT domain FROM recipient WHERE id = ?)",
                (row_id,),
            )
            db.execute("UPDATE recipient SET told = '' WHERE id = ?", (row_id,))
            _set_state(db, row_id, QueueState.QUEUED)

        self._file.change(change)

    def cancel(self, row_id: int) -> None:
        def change(db: apsw.Connection) -> None:
            if _state(db, row_id) is not QueueState.QUEUED:
                raise ConflictError("only a message that waits can be cancelled")
            _set_state(db, row_id, QueueState.CANCELLED)

        self._file.change(change)

    # --- to deliver

    def take(
        self,
        *,
        now_ms: int,
        lease_ms: int,
        limit: int,
        oldest: bool = False,
        skip: Collection[str] = (),
        unless: Unless | None = None,
    ) -> list[Lease]:
        first = self.find_next_due()
        if first is None or first > now_ms:
            return []
        skipped = json.dumps(list(skip))
        order = tuple(Priority)[::-1] if oldest else tuple(Priority)
        others = self._find_others(now_ms, skipped, unless, oldest=oldest) if unless else None

        def change(db: apsw.Connection) -> list[Lease]:
            for domain, only in others or list_due(db, now_ms, skipped, oldest=oldest):
                leases = take_rows(db, (domain, now_ms, only, limit), order)
                for lease in leases:
                    values = (now_ms + lease_ms, lease.number, lease.tries, lease.row.id)
                    db.execute(_LEASE, values)
                refresh_destination(db, domain)
                if leases:
                    return leases
            return []

        return [] if others == [] else self._file.change(change)

    def _find_others(
        self, now_ms: int, skipped: str, unless: Unless, *, oldest: bool
    ) -> list[tuple[Any, ...]]:
        """Return a domain that has rows which are not passed over, with those; as list_due does."""
        for statement in OTHERS[-1:] if oldest else OTHERS:
            rows = self._file.read(statement, (now_ms, skipped))
            wanted = [(domain, row_id) for domain, row_id, *ends in rows if not unless(*ends)]
            if wanted:
                first = wanted[0][0]
                ids = [row_id for domain, row_id in wanted if domain == first]
                return [(first, json.dumps(ids))]
        return []

    def renew(self, leases: Sequence[Lease], *, until_ms: int) -> None:
        def change(db: apsw.Connection) -> None:
            db.executemany(_RENEW, ((until_ms, each.row.id, each.number) for each in leases))
            for domain in {_domain_of(each.row.recipient) for each in leases}:
                refresh_destination(db, domain)

        self._file.change(change)

    def settle(self, settlements: Sequence[Settlement | Untried]) -> list[bool]:
        def change(db: apsw.Connection) -> list[bool]:
            counted = [_settle(db, each) for each in settlements]
            for domain in {_domain_of(each.lease.row.recipient) for each in settlements}:
                refresh_destination(db, domain)
            return counted

        return self._file.change(change)

    def release(self, *, now_ms: int) -> int:
        def change(db: apsw.Connection) -> int:
            rows: list[Any] = db.execute(_RELEASE, (now_ms,)).fetchall()
            for domain in {domain for (domain,) in rows}:
                refresh_destination(db, domain)
            return len(rows)

        return self._file.change(change)

    def hold(self, domain: str, *, until_ms: int, why: str) -> None:
        def change(db: apsw.Connection) -> None:
            db.execute(_HOLD, (domain, until_ms, why))
            refresh_destination(db, domain)

        self._file.change(change)

    def list_destinations(self) -> list[Destination]:
        rows = self._file.read(
            "SELECT domain, due_ms, held_ms, why FROM destination ORDER BY domain"
        )
        return [Destination(*row) for row in rows]

    def find_destination(self, domain: str) -> Destination | None:
        rows = self._file.read(
            "SELECT domain, due_ms, held_ms, why FROM destination WHERE domain = ?", (domain,)
        )
        return Destination(*rows[0]) if rows else None

    def count_waiting(self) -> dict[str, int]:
        return dict(
            self._file.read(
                "SELECT domain, count(*) FROM recipient WHERE state = 'queued' GROUP BY domain"
            )
        )

    def find_next_due(self) -> int | None:
        [(due_ms,)] = self._file.read("SELECT min(due_ms) FROM destination")
        found: int | None = due_ms
        return found

    # --- what the sender is told

    def mark_told(self, row_id: int, told: Told) -> None:
        self._file.change(
            lambda db: db.execute("UPDATE recipient SET told = ? WHERE id = ?", (told, row_id))
        )

    def mark_all_told(self, row_ids: Sequence[int]) -> None:
        values = [(Told.OUTCOME.value, row_id) for row_id in row_ids]
        self._file.change(
            lambda db: db.executemany("UPDATE recipient SET told = ? WHERE id = ?", values)
        )

    def list_untold(
        self, *, sending: bool = False, after: int = 0, limit: int = 100
    ) -> list[QueueRow]:
        statement = UNTOLD_SENDING if sending else UNTOLD
        return [make_row(values) for values in self._file.read(statement, (after, limit))]

    def expire(self, *, before_ms: int, limit: int) -> int:
        found = self._file.read(FIND_DONE, (before_ms, before_ms, limit))
        return self._file.change(lambda db: delete_done(db, before_ms, found)) if found else 0

    def find_sent(self, origin: str, message_id: str) -> list[QueueRow]:
        return [make_row(values) for values in self._file.read(SENT, (origin, message_id))]

    def close(self) -> None:
        """Safe to call twice."""
        self._file.close()


def _letters(rows: Sequence[NewQueueRow]) -> list[NewQueueRow]:
    """Return one row per letter, so that octets are packed once."""
    return list({(row.origin, row.number): row for row in rows}.values())


def _add_letter(db: apsw.Connection, row: NewQueueRow, packed: bytes) -> None:
    db.execute(
        "INSERT INTO letter (origin, number, sender, subject, size, raw, sha256, created_ms,"
        " options, message_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin, number) DO NOTHING",
        (
            row.origin,
            row.number,
            row.sender,
            row.subject,
            len(row.raw),
            packed,
            hashlib.sha256(row.raw).digest(),
            row.created_ms,
            pack_wish(row.options, NO_OPTIONS),
            row.message_id,
        ),
    )


def _add_recipient(db: apsw.Connection, row: NewQueueRow, state: QueueState) -> int:
    letter = db.execute(
        "SELECT id FROM letter WHERE origin = ? AND number = ?", (row.origin, row.number)
    ).get
    db.execute(
        "INSERT INTO recipient (letter, address, domain, state, next_attempt_ms, report,"
        " wants_success, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (letter, address) DO NOTHING",
        (
            letter,
            row.recipient,
            _domain_of(row.recipient),
            state.value,
            row.created_ms,
            pack_wish(row.report, NO_REQUEST),
            row.origin == SENDING or "SUCCESS" in row.report.notify,
            row.priority,
        ),
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
    domain: Any = db.execute("SELECT domain FROM recipient WHERE id = ?", (row_id,)).get
    refresh_destination(db, domain)


def _add_attempt(db: apsw.Connection, row_id: int, attempt: Attempt) -> None:
    db.execute(
        "INSERT INTO attempt (recipient, number, at_ms, outcome, transcript, kind, facts)"
        " SELECT ?1, 1 + coalesce(max(number), 0), ?2, ?3, ?4, ?5, ?6"
        " FROM attempt WHERE recipient = ?1",
        (
            row_id,
            attempt.at_ms,
            attempt.outcome,
            attempt.transcript,
            attempt.kind,
            _encode_facts(attempt.facts).decode(),
        ),
    )


def _give_back(db: apsw.Connection, untried: Untried) -> bool:
    lease = untried.lease
    db.execute(
        "UPDATE recipient SET next_attempt_ms = ?, tries = tries - 1, taken = 0"
        " WHERE id = ? AND lease = ? AND taken = 1",
        (untried.next_attempt_ms, lease.row.id, lease.number),
    )
    return db.changes() == 1


def _settle(db: apsw.Connection, settlement: Settlement | Untried) -> bool:
    if isinstance(settlement, Untried):
        return _give_back(db, settlement)
    lease, state = settlement.lease, settlement.state
    row_id = lease.row.id
    found: Any = db.execute("SELECT lease, state FROM recipient WHERE id = ?", (row_id,)).get
    if found is None or found[0] != lease.number:
        return False
    # What a person gave up stays so, unless it has arrived.
    kept = found[1] == QueueState.CANCELLED and state is not QueueState.SENT
    db.execute(
        "UPDATE recipient SET state = ?, next_attempt_ms = ?, taken = 0 WHERE id = ?",
        (QueueState.CANCELLED if kept else state, settlement.next_attempt_ms, row_id),
    )
    _add_attempt(db, row_id, settlement.attempt)
    return True


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
