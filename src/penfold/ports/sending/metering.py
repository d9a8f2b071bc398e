"""What was accepted and what it costs: one row for each recipient, never changed.

Money is counted in millionths of the installation's currency ("micros"); 0.28 a thousand is 280.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Charge(Struct, frozen=True, gc=False):
    """A recipient that was accepted. day: YYYY-MM-DD, UTC."""

    account_id: str
    email: int
    position: int
    at_ms: int
    day: str
    stream: str
    micros: int


class UsageDay(Struct, frozen=True, gc=False):
    day: str
    stream: str
    accepted: int
    micros: int


class Balance(Struct, frozen=True, gc=False):
    """prepaid: only what was paid for may be used. soft, hard: of a month, 0 for none. low: the
    owner is told when less of what was prepaid is left.

    spent_micros: ever; it is counted by `charge` and not set by `put_balance`.
    """

    account_id: str
    prepaid: bool = False
    credit_micros: int = 0
    soft_micros: int = 0
    hard_micros: int = 0
    spent_micros: int = 0
    low_micros: int = 0


class MeterReader(Protocol):
    def get_balance(self, account_id: str) -> Balance:
        """Return an account's balance; one that was never set has no limits."""
        ...

    def list_usage(self, account_id: str, *, first: str, last: str) -> list[UsageDay]:
        """Return what was used from the first to the last day, both included."""
        ...


class MeterWriter(MeterReader, Protocol):
    def charge(self, charges: Sequence[Charge]) -> None:
        """Note what was accepted; a recipient is charged once, whatever is repeated."""
        ...

    def put_balance(self, balance: Balance) -> None: ...
