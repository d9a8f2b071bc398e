"""Rehearsed faults: errors that requests get because somebody ordered them.

Gmail's rare errors never happen by themselves here. An order names a problem and says which
requests get it. Orders are shared by all processes of a server and counted across them.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Order(Struct, frozen=True, gc=False):
    """One order. method, account: only requests of these; "" for any.

    after: requests that still pass first. times: requests it still hits, 0 for without end.
    """

    number: int
    problem: str
    method: str = ""
    account: str = ""
    times: int = 0
    after: int = 0


class Faults(Protocol):
    """orders: those in force, as of a moment ago; looking at them costs nothing."""

    orders: Sequence[Order]

    def strike(self, method: str, account: str) -> str | None:
        """Count a request against the orders; return the problem it gets, if any."""
        ...


class FaultBook(Faults, Protocol):
    def add(self, order: Order) -> Order:
        """Put an order in force; returns it with the number it got."""
        ...

    def list_orders(self) -> Sequence[Order]: ...
    def clear(self) -> int:
        """End all orders; returns how many there were."""
        ...
