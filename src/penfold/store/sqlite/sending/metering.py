"""The ledger, and its sums by day and account."""

from collections.abc import Sequence
from typing import Final

from penfold.ports.sending.metering import Balance, Charge, UsageDay
from penfold.store.sqlite.sending.table import Table

_CHARGE: Final = (
    "INSERT INTO charge (email, position, account_id, at_ms, stream, micros)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_USAGE: Final = (
    "INSERT INTO usage (account_id, day, stream, accepted, micros) VALUES (?, ?, ?, 1, ?)"
    " ON CONFLICT DO UPDATE SET accepted = accepted + 1, micros = micros + excluded.micros"
)
_SPENT: Final = (
    "INSERT INTO balance (account_id, prepaid, credit_micros, soft_micros, hard_micros,"
    " low_micros, spent_micros) VALUES (?, 0, 0, 0, 0, 0, ?)"
    " ON CONFLICT DO UPDATE SET spent_micros = spent_micros + excluded.spent_micros"
)
_BALANCE: Final = (
    "INSERT INTO balance (account_id, prepaid, credit_micros, soft_micros, hard_micros,"
    " low_micros, spent_micros) VALUES (?, ?, ?, ?, ?, ?, 0)"
    " ON CONFLICT DO UPDATE SET prepaid = excluded.prepaid,"
    " credit_micros = excluded.credit_micros, soft_micros = excluded.soft_micros,"
    " hard_micros = excluded.hard_micros, low_micros = excluded.low_micros"
)


class MeterTable(Table):
    def get_balance(self, account_id: str) -> Balance:
        rows = self._rows(
            "SELECT prepaid, credit_micros, soft_micros, hard_micros, spent_micros, low_micros"
            " FROM balance"
            " WHERE account_id = ?",
            (account_id,),
        )
        return Balance(account_id, bool(rows[0][0]), *rows[0][1:]) if rows else Balance(account_id)

    def list_usage(self, account_id: str, *, first: str, last: str) -> list[UsageDay]:
        rows = self._rows(
            "SELECT day, stream, accepted, micros FROM usage"
            " WHERE account_id = ? AND day BETWEEN ? AND ? ORDER BY day, stream",
            (account_id, first, last),
        )
        return [UsageDay(*row) for row in rows]

    def charge(self, charges: Sequence[Charge]) -> None:
        for one in charges:
            new = self._run(
                _CHARGE,
                (one.email, one.position, one.account_id, one.at_ms, one.stream, one.micros),
            )
            if new:
                self._run(_USAGE, (one.account_id, one.day, one.stream, one.micros))
                self._run(_SPENT, (one.account_id, one.micros))

    def put_balance(self, balance: Balance) -> None:
        self._run(
            _BALANCE,
            (
                *(balance.account_id, int(balance.prepaid), balance.credit_micros),
                *(balance.soft_micros, balance.hard_micros, balance.low_micros),
            ),
        )
