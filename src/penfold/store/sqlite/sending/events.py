"""Events: what they change besides is done here, in their transaction."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from penfold.base.errors import NotFoundError
from penfold.base.limits import SENDING_RECORDS_MAX
from penfold.ports.sending.events import FINAL, LATE, Event, NewEvent, Tally, is_wanted
from penfold.ports.sending.records import Webhook
from penfold.store.sqlite.sending.emails import EmailTable
from penfold.store.sqlite.sending.records import RecordTable
from penfold.store.sqlite.sending.table import page_sql
from penfold.store.sqlite.sending.webhooks import DeliveryTable

_encode: Final = msgspec.json.Encoder().encode
_SELECT: Final = (
    "SELECT event.number, event.id, event.account_id, event.email, coalesce(email.id, ''),"
    " event.position, coalesce(recipient.address, ''), event.kind, event.at_ms, event.final,"
    " event.data FROM event LEFT JOIN email ON email.number = event.email"
    " LEFT JOIN recipient ON recipient.email = event.email"
    " AND recipient.position = event.position"
)
_TALLY: Final = (
    "INSERT INTO tally (account_id, day, stream, kind, count) VALUES (?, ?, ?, ?, 1)"
    " ON CONFLICT DO UPDATE SET count = count + 1"
)


class EventTable(RecordTable, EmailTable, DeliveryTable):
    def find_event(self, event_id: str, account_id: str) -> Event | None:
        rows = self._rows(
            f"{_SELECT} WHERE event.id = ? AND event.account_id = ?", (event_id, account_id)
        )
        return _event(rows[0]) if rows else None

    def get_event(self, number: int) -> Event:
        rows = self._rows(f"{_SELECT} WHERE event.number = ?", (number,))
        if not rows:
            raise NotFoundError("no such event", number=number)
        return _event(rows[0])

    def list_events(
        self,
        account_id: str,
        *,
        email: int | None = None,
        kinds: Collection[str] = (),
        older: int | None = None,
        newer: int | None = None,
        limit: int,
    ) -> list[Event]:
        where, order, values = page_sql(older, newer)
        asked: list[object] = [account_id, *values]
        conditions = "event.account_id = ?"
        if where != "1":
            conditions += f" AND event.{where}"
        if email is not None:
            conditions += " AND event.email = ?"
            asked.append(email)
        if kinds:
            conditions += f" AND event.kind IN ({', '.join('?' * len(kinds))})"
            asked += kinds
        rows = self._rows(
            f"{_SELECT} WHERE {conditions} ORDER BY event.number {order} LIMIT ?", (*asked, limit)
        )
        return sorted(map(_event, rows), key=lambda one: -one.number)

    def list_events_between(
        self,
        account_id: str,
        *,
        first_ms: int,
        last_ms: int,
        after: Event | None = None,
        limit: int,
    ) -> list[Event]:
        since_ms, number = (after.at_ms, after.number) if after else (first_ms, 0)
        rows = self._rows(
            f"{_SELECT} WHERE event.account_id = ?1 AND event.at_ms BETWEEN ?2 AND ?3"
            " AND (event.at_ms > ?4 OR event.number > ?5) ORDER BY event.at_ms, event.number"
            " LIMIT ?6",
            (account_id, max(first_ms, since_ms), last_ms, since_ms, number, limit),
        )
        return [_event(row) for row in rows]

    def list_heard(
        self, account_id: str, address: str, *, kind: str, since_ms: int, limit: int
    ) -> list[Event]:
        rows = self._rows(
            f"{_SELECT} WHERE (event.email, event.position) IN"
            " (SELECT email, position FROM recipient WHERE address = ? COLLATE NOCASE)"
            " AND event.account_id = ? AND event.kind = ? AND event.at_ms >= ?"
            " ORDER BY event.number DESC LIMIT ?",
            (address, account_id, kind, since_ms, limit),
        )
        return [_event(row) for row in rows]

    def list_tallies(self, account_id: str, *, first: str, last: str) -> list[Tally]:
        rows = self._rows(
            "SELECT day, stream, kind, count FROM tally"
            " WHERE account_id = ? AND day BETWEEN ? AND ? ORDER BY day, stream, kind",
            (account_id, first, last),
        )
        return [Tally(*row) for row in rows]

    def add_event(self, new: NewEvent) -> int | None:
        if self._rows("SELECT 1 FROM event WHERE cause = ?", (new.cause,)):
            return None
        ended = self._rows(
            "SELECT final FROM recipient WHERE email = ? AND position = ?",
            (new.email, new.position),
        )
        is_final = bool(ended and ended[0][0])
        if is_final and new.kind not in LATE:
            return None
        final = bool(ended) and not is_final and new.kind in FINAL
        self._run(
            "INSERT INTO event (id, account_id, email, position, kind, at_ms, cause, final, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(new.id, new.account_id, new.email, new.position, new.kind, new.at_ms),
                *(new.cause, int(final), _encode(new.data)),
            ),
        )
        number = self._db.last_insert_rowid()
        if new.email:
            self._note_email(new, final=final)
        self._tell_webhooks(new, number)
        return number

    def _note_email(self, new: NewEvent, *, final: bool) -> None:
        self._run(
            "UPDATE recipient SET last_event = ?, final = max(final, ?)"
            " WHERE email = ? AND position = ?",
            (new.kind, int(final), new.email, new.position),
        )
        self._run(
            "UPDATE email SET last_event = ? WHERE number = ?",
            (new.kind, new.email),
        )
        email = self.get_email(new.email)
        if not email.test:
            self._run(_TALLY, (new.account_id, day_of(new.at_ms), email.stream, new.kind))

    def _tell_webhooks(self, new: NewEvent, number: int) -> None:
        for webhook in self.list_records(Webhook, new.account_id, limit=SENDING_RECORDS_MAX):
            if is_wanted(new, webhook):
                self.add_deliveries(webhook.id, [number], now_ms=new.at_ms, replay=False)


def day_of(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _event(row: tuple[Any, ...]) -> Event:
    return Event(*(*row[:9], bool(row[9]), msgspec.json.decode(row[10])))
