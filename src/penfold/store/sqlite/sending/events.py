"""Events: what they change besides is done here, in their transaction."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from penfold.base.errors import NotFoundError
from penfold.base.limits import SENDING_RECORDS_MAX
from penfold.ports.sending.counts import list_counters
from penfold.ports.sending.events import FINAL, LATE, Event, NewEvent, is_wanted
from penfold.ports.sending.records import Webhook
from penfold.store.sqlite.sending.counts import CountTable
from penfold.store.sqlite.sending.emails import EmailTable, read_recipient
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
#: What is known of a recipient before an event of a kind, without what machines opened.
_BEFORE: Final = (
    "SELECT position, address, kind, last_event, final, queue_row, EXISTS (SELECT 1 FROM event"
    " WHERE event.email = ?1 AND event.position = ?2 AND event.kind = ?3"
    " AND json_extract(CAST(data AS TEXT), '$.machine') IS NOT 1)"
    " FROM recipient WHERE email = ?1 AND position = ?2"
)


class EventTable(RecordTable, EmailTable, DeliveryTable, CountTable):
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

    def list_notices(self, *, limit: int) -> list[Event]:
        rows = self._rows(
            f"{_SELECT} WHERE event.number IN (SELECT event FROM notice)"
            " ORDER BY event.number LIMIT ?",
            (limit,),
        )
        return [_event(row) for row in rows]

    def end_notice(self, number: int) -> None:
        self._run("DELETE FROM notice WHERE event = ?", (number,))

    def add_event(self, new: NewEvent, *, notice: bool = False) -> int | None:
        if self._rows("SELECT 1 FROM event WHERE cause = ?", (new.cause,)):
            return None
        before = self._rows(_BEFORE, (new.email, new.position, new.kind))
        recipient = read_recipient(before[0][:-1]) if before else None
        is_final = recipient is not None and recipient.final
        if is_final and new.kind not in LATE:
            return None
        final = recipient is not None and not is_final and new.kind in FINAL
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
        if recipient is not None:
            self.count(
                list_counters(self.get_email(new.email), recipient, new, known=bool(before[0][-1]))
            )
        if notice:
            self._run("INSERT INTO notice VALUES (?)", (number,))
        self._tell_webhooks(new, number)
        return number

    def expire_events(self, *, before_ms: int, limit: int) -> int:
        # Numbers follow the time, as in expire_deliveries.
        return self._run(
            "DELETE FROM event WHERE number IN (SELECT number FROM"
            " (SELECT number, at_ms FROM event ORDER BY number LIMIT ?) WHERE at_ms < ?)",
            (limit, before_ms),
        )

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

    def _tell_webhooks(self, new: NewEvent, number: int) -> None:
        for webhook in self.list_records(Webhook, new.account_id, limit=SENDING_RECORDS_MAX):
            if is_wanted(new, webhook):
                self.add_deliveries(webhook.id, [number], now_ms=new.at_ms, replay=False)


def _event(row: tuple[Any, ...]) -> Event:
    return Event(*(*row[:9], bool(row[9]), msgspec.json.decode(row[10])))
