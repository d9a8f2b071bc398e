"""Emails, their recipients and their octets.

Octets are kept here and not among the blobs of mailboxes, whose sweep knows mailboxes alone.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import zstandard
from msgspec.structs import replace

from penfold.base.errors import MailboxDamagedError, NotFoundError
from penfold.base.limits import SENDING_SHARE
from penfold.base.priority import Priority, divide
from penfold.ports.sending.emails import Backlog, Email, EmailLease, EmailState, NewEmail, Recipient
from penfold.store.sqlite.sending.table import Table, page_sql

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Email).decode
#: As of the queue: 15 us per 4 kB, and within 5 % of level 3.
_ZSTD_LEVEL: Final = 1
_COLUMNS: Final = "number, state, scheduled_ms, paced, last_event, record"
_WAITS: Final = "state IN ('scheduled', 'queued')"


_NEXT_DUE: Final = f"SELECT min(due_ms) FROM email WHERE {_WAITS} AND priority = ?"
_TAKE: Final = (
    f"SELECT {_COLUMNS}, lease FROM email WHERE {_WAITS} AND priority = ? AND due_ms <= ?"
    " ORDER BY due_ms, number LIMIT ?"
)
#: Numbers grow with time, so only bodies up to the last old email are looked at.
_DROP_BODIES: Final = (
    "DELETE FROM body WHERE email IN (SELECT body.email FROM body"
    " JOIN email ON email.number = body.email WHERE body.email <= (SELECT number FROM email"
    " WHERE created_ms < ?1 ORDER BY created_ms DESC LIMIT 1)"
    f" AND created_ms < ?1 AND NOT ({_WAITS}) ORDER BY body.email LIMIT ?2)"
)


class EmailTable(Table):
    def find_email(self, email_id: str, account_id: str) -> Email | None:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM email WHERE id = ? AND account_id = ?", (email_id, account_id)
        )
        return _email(rows[0]) if rows else None

    def find_unowned_email(self, email_id: str) -> Email | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM email WHERE id = ?", (email_id,))
        return _email(rows[0]) if rows else None

    def get_email(self, number: int) -> Email:
        rows = self._rows(f"SELECT {_COLUMNS} FROM email WHERE number = ?", (number,))
        if not rows:
            raise NotFoundError("no such email", number=number)
        return _email(rows[0])

    def list_emails(
        self, account_id: str, *, older: int | None = None, newer: int | None = None, limit: int
    ) -> list[Email]:
        where, order, values = page_sql(older, newer)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM email WHERE account_id = ? AND {where}"
            f" ORDER BY number {order} LIMIT ?",
            (account_id, *values, limit),
        )
        return sorted(map(_email, rows), key=lambda one: -one.number)

    def list_recipients(self, number: int) -> list[Recipient]:
        rows = self._rows(
            "SELECT position, address, kind, last_event, final, queue_row FROM recipient"
            " WHERE email = ? ORDER BY position",
            (number,),
        )
        return [read_recipient(row) for row in rows]

    def find_content(self, number: int) -> bytes | None:
        rows = self._rows("SELECT size, octets FROM body WHERE email = ?", (number,))
        if not rows:
            return None
        size, packed = rows[0]
        try:
            found: bytes = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        except zstandard.ZstdError as error:
            raise MailboxDamagedError("an email's octets do not unpack", number=number) from error
        return found

    def measure_content(self, number: int) -> int:
        rows = self._rows("SELECT size FROM body WHERE email = ?", (number,))
        return int(rows[0][0]) if rows else 0

    def find_next_due(self) -> int | None:
        rows = [row for each in Priority for row in self._rows(_NEXT_DUE, (each,))]
        found: int | None = min((due_ms for (due_ms,) in rows if due_ms is not None), default=None)
        return found

    def list_backlog(self, *, now_ms: int) -> list[Backlog]:
        rows = self._rows(
            "SELECT stream, count(*), min(max(created_ms, scheduled_ms)) FROM email"
            f" WHERE {_WAITS} AND scheduled_ms <= ? GROUP BY stream",
            (now_ms,),
        )
        return [Backlog(*row) for row in rows]

    # --- changes

    def add_email(self, new: NewEmail) -> int:
        email = new.email
        self._run(
            "INSERT INTO email (id, account_id, stream, state, due_ms, created_ms, scheduled_ms,"
            " priority, paced, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(email.id, email.account_id, email.stream, email.state.value),
                *(email.scheduled_ms or email.created_ms, email.created_ms, email.scheduled_ms),
                *(email.priority, int(email.paced), _encode(email)),
            ),
        )
        number = self._db.last_insert_rowid()
        self._run(
            "INSERT INTO body (email, size, octets) VALUES (?, ?, ?)",
            (number, len(new.content), _pack(new.content)),
        )
        self._db.executemany(
            "INSERT INTO recipient (email, position, address, kind) VALUES (?, ?, ?, ?)",
            [(number, at, *each) for at, each in enumerate(new.addresses)],
        )
        return number

    def reschedule(self, number: int, scheduled_ms: int) -> bool:
        changed = self._run(
            "UPDATE email SET scheduled_ms = ?1, due_ms = ?1, paced = 0"
            " WHERE number = ?2 AND state = 'scheduled'",
            (scheduled_ms, number),
        )
        return changed > 0

    def cancel(self, number: int) -> bool:
        changed = self._run(
            f"UPDATE email SET state = 'cancelled' WHERE number = ? AND {_WAITS} AND lease = 0",
            (number,),
        )
        return changed > 0

    def take_emails(self, *, now_ms: int, lease_ms: int, limit: int) -> list[EmailLease]:
        found = {each: self._rows(_TAKE, (each, now_ms, limit)) for each in Priority}
        waiting = {each: len(rows) for each, rows in found.items()}
        counts = divide(waiting, limit, share=SENDING_SHARE)
        rows = [row for each, count in counts.items() for row in found[each][:count]]
        leases = [EmailLease(_email(row[:-1]), row[-1] + 1) for row in rows]
        self._db.executemany(
            "UPDATE email SET due_ms = ?, lease = ?, taken = 1, state = 'queued' WHERE number = ?",
            [(now_ms + lease_ms, lease.number, lease.email.number) for lease in leases],
        )
        return leases

    def put_off(self, lease: EmailLease, until_ms: int) -> None:
        self._run(
            "UPDATE email SET state = 'scheduled', scheduled_ms = ?1, due_ms = ?1, paced = 1,"
            " lease = 0, taken = 0 WHERE number = ?2",
            (until_ms, lease.email.number),
        )

    def settle_email(self, lease: EmailLease, state: EmailState, *, due_ms: int = 0) -> bool:
        changed = self._run(
            "UPDATE email SET state = ?, due_ms = ?, taken = 0"
            f" WHERE number = ? AND lease = ? AND taken = 1 AND {_WAITS}",
            (state.value, due_ms, lease.email.number, lease.number),
        )
        return changed > 0

    def set_queue_rows(self, number: int, rows: Sequence[tuple[int, int]]) -> None:
        self._db.executemany(
            "UPDATE recipient SET queue_row = ? WHERE email = ? AND position = ?",
            [(row, number, position) for position, row in rows],
        )

    def release_emails(self, *, now_ms: int) -> int:
        return self._run("UPDATE email SET taken = 0, due_ms = ? WHERE taken = 1", (now_ms,))

    def drop_bodies(self, *, before_ms: int, limit: int) -> int:
        return self._run(_DROP_BODIES, (before_ms, limit))


def _pack(octets: bytes) -> bytes:
    return zstandard.ZstdCompressor(_ZSTD_LEVEL, write_checksum=True).compress(octets)


def read_recipient(row: tuple[Any, ...]) -> Recipient:
    return Recipient(*(*row[:4], bool(row[4]), row[5]))


def _email(row: tuple[Any, ...]) -> Email:
    number, state, scheduled_ms, paced, last_event, record = row
    return replace(
        _decode(record),
        number=number,
        state=EmailState(state),
        scheduled_ms=scheduled_ms,
        paced=bool(paced),
        last_event=last_event,
    )
