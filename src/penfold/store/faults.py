"""Rehearsed faults in one small file, so that a command reaches every running process.

Readers look at the file's state and read it when that changed. Who changes it holds a lock beside
it and puts a whole new file in place. It is not synced: a rehearsal need not survive a power cut.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from penfold.ports.faults import Order

_State = tuple[int, int, int]


class FileFaults:
    """penfold.ports.faults.FaultBook on one file; used on one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: _State | None = None
        self.orders: Sequence[Order] = ()
        self.refresh()

    def refresh(self) -> None:
        """See what others ordered."""
        state = self._look()
        if state != self._state:
            self._state, self.orders = state, self._load()

    def list_orders(self) -> Sequence[Order]:
        self.refresh()
        return self.orders

    def add(self, order: Order) -> Order:
        with self._locked():
            order = replace(order, number=max((one.number for one in self.orders), default=0) + 1)
            self._save([*self.orders, order])
        return order

    def clear(self) -> int:
        with self._locked():
            count = len(self.orders)
            self._save([])
        return count

    def strike(self, method: str, account: str) -> str | None:
        if not any(_fits(order, method, account) for order in self.orders):
            return None
        with self._locked():
            for order in self.orders:
                if not _fits(order, method, account):
                    continue
                if order.after:
                    self._change(order, replace(order, after=order.after - 1))
                    continue
                if order.times:
                    left = order.times - 1
                    self._change(order, replace(order, times=left) if left else None)
                return order.problem
        return None

    def _change(self, old: Order, new: Order | None) -> None:
        changed = [new if order is old else order for order in self.orders]
        self._save([order for order in changed if order is not None])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others from changing the file, and know its newest state."""
        lock = self._path.with_suffix(".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.refresh()
            yield
        finally:
            os.close(descriptor)

    def _look(self) -> _State | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _load(self) -> Sequence[Order]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[Order, ...])
        except (OSError, msgspec.MsgspecError):
            return ()  # not there, or not ours: nothing is ordered

    def _save(self, orders: Sequence[Order]) -> None:
        partial = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(orders))
        partial.replace(self._path)
        self._state, self.orders = self._look(), tuple(orders)


def _fits(order: Order, method: str, account: str) -> bool:
    return order.method in ("", method) and order.account in ("", account)
