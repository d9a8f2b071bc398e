"""Suppressions: at most one row for an address, a scope and its value."""

import json
from collections.abc import Collection
from typing import Any, Final

from penfold.ports.sending.suppressions import Reason, Scope, Suppression
from penfold.store.sqlite.sending.table import Table

_COLUMNS: Final = (
    "id, account_id, address, scope, value, reason, created_ms, expires_ms, event, note, number"
)
_PUT: Final = (
    "INSERT INTO suppression (id, account_id, address, scope, value, reason, created_ms,"
    " expires_ms, event, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account_id, address, scope, value) DO UPDATE SET reason = excluded.reason,"
    " created_ms = excluded.created_ms, expires_ms = excluded.expires_ms,"
    " event = excluded.event, note = excluded.note"
    " WHERE suppression.reason <> 'complaint' OR excluded.reason = 'complaint'"
)


class SuppressionTable(Table):
    def find_suppression(self, suppression_id: str, account_id: str) -> Suppression | None:
        found = self._list("id = ? AND account_id = ?", (suppression_id, account_id), 1)
        return found[0] if found else None

    def list_suppressions(
        self,
        account_id: str,
        *,
        address: str = "",
        reason: str = "",
        older: int | None = None,
        limit: int,
    ) -> list[Suppression]:
        asked = {"account_id": account_id, "address": address, "reason": reason}
        given = {name: value for name, value in asked.items() if value or name == "account_id"}
        where = " AND ".join(f"{name} = ?" for name in given)
        values: list[object] = list(given.values())
        if older is not None:
            where += " AND number < ?"
            values.append(older)
        return self._list(where, values, limit)

    def find_suppressed(
        self,
        account_id: str,
        addresses: Collection[str],
        *,
        domain: str,
        stream: str,
        now_ms: int,
    ) -> dict[str, Suppression]:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM suppression WHERE account_id = ?"
            " AND address IN (SELECT value FROM json_each(?))"
            " AND (scope = 'account' OR scope = 'domain' AND value = ?"
            " OR scope = 'stream' AND value = ?)"
            " AND (expires_ms = 0 OR expires_ms > ?) ORDER BY number DESC",
            (account_id, json.dumps(list(addresses)), domain, stream, now_ms),
        )
        return {one.address: one for one in map(_suppression, rows)}

    def put_suppression(self, suppression: Suppression) -> Suppression:
        one = suppression
        self._run(
            _PUT,
            (
                *(one.id, one.account_id, one.address, one.scope.value, one.value),
                *(one.reason.value, one.created_ms, one.expires_ms, one.event, one.note),
            ),
        )
        [found] = self._list(
            "account_id = ? AND address = ? AND scope = ? AND value = ?",
            (one.account_id, one.address, one.scope.value, one.value),
            1,
        )
        return found

    def delete_suppression(self, suppression_id: str, account_id: str) -> bool:
        gone = self._run(
            "DELETE FROM suppression WHERE id = ? AND account_id = ?", (suppression_id, account_id)
        )
        return gone > 0

    def expire_suppressions(self, *, now_ms: int, limit: int) -> int:
        return self._run(
            "DELETE FROM suppression WHERE number IN (SELECT number FROM suppression"
            " WHERE expires_ms > 0 AND expires_ms <= ? LIMIT ?)",
            (now_ms, limit),
        )

    def _list(self, where: str, values: Collection[object], limit: int) -> list[Suppression]:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM suppression WHERE {where} ORDER BY number DESC LIMIT ?",
            (*values, limit),
        )
        return [_suppression(row) for row in rows]


def _suppression(row: tuple[Any, ...]) -> Suppression:
    return Suppression(*(*row[:3], Scope(row[3]), row[4], Reason(row[5]), *row[6:]))
