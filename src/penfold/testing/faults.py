"""Rehearsed faults in memory: penfold.ports.faults.FaultBook without a file."""

from collections.abc import Sequence

from msgspec.structs import replace

from penfold.ports.faults import Order


class MemoryFaults:
    """Kept to the same contract as the one on a file by tests/contract/test_faults.py."""

    def __init__(self) -> None:
        self.orders: Sequence[Order] = ()

    def list_orders(self) -> Sequence[Order]:
        return self.orders

    def add(self, order: Order) -> Order:
        order = replace(order, number=max((one.number for one in self.orders), default=0) + 1)
        self.orders = (*self.orders, order)
        return order

    def clear(self) -> int:
        count, self.orders = len(self.orders), ()
        return count

    def strike(self, method: str, account: str) -> str | None:
        kept: list[Order] = []
        hit: Order | None = None
        for order in self.orders:
            fits = order.method in ("", method) and order.account in ("", account)
            if hit is None and fits and order.after:
                kept.append(replace(order, after=order.after - 1))
            elif hit is None and fits:
                hit = order
                if order.times != 1:
                    kept.append(replace(order, times=max(0, order.times - 1)))
            else:
                kept.append(order)
        self.orders = tuple(kept)
        return hit.problem if hit else None
