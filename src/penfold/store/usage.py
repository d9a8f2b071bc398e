"""Units spent, in shared memory: a table of slots per process, which every process reads.

A process writes <data>/run/<role>-<index>.usage and nobody else does; it reads those of its
siblings where they stand. A slot is three int64: key, window, units; a key has its place
by its hash and a few after it. A slot of an earlier window is free. When all places of a key are
taken in this minute, the call is not counted: 16,384 slots are 4,000 busy users and then some, and
a limit that lets somebody through is better than one that stops those it does not know.

A charge costs 2 to 5 us alone, and more with every sibling read. Nothing here outlives the server.
"""

import mmap
from pathlib import Path
from typing import Final

#: Slots in a table, a power of two, and places a key may have in it.
_SLOTS: Final = 16_384
_PLACES: Final = 8
_WIDTH: Final = 3
_SIZE: Final = _SLOTS * _WIDTH * 8
SUFFIX: Final = ".usage"


class _Table:
    """One process's slots."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        with path.open("r+b" if writable else "rb") as file:
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            self._map = mmap.mmap(file.fileno(), _SIZE, access=access)
        self.slots = memoryview(self._map).cast("q")
        #: Where keys were found last; a slot may have become another key's since.
        self._at: dict[int, int] = {}

    def _search(self, key: int) -> int:
        """Return the key's place, -1 when it has none."""
        slots = self.slots
        place = self._at.get(key, -1)
        if place >= 0 and slots[place] == key:
            return place
        for place in _places(key):
            if slots[place] == key:
                if len(self._at) >= _SLOTS:
                    self._at.clear()
                self._at[key] = place
                return place
        return -1

    def find(self, key: int, window: int) -> int:
        """Return the units counted under the key in this window."""
        place = self._search(key)
        slots = self.slots
        return slots[place + 2] if place >= 0 and slots[place + 1] == window else 0

    def add(self, key: int, window: int, units: int) -> None:
        slots = self.slots
        place = self._search(key)
        if place < 0:
            place = next((p for p in _places(key) if slots[p + 1] != window), -1)
            if place < 0:
                return
            # A reader in between sees the old key or no units, never another's units.
            slots[place + 2] = 0
            slots[place + 1] = window
            slots[place] = key
        elif slots[place + 1] != window:
            slots[place + 2] = 0
            slots[place + 1] = window
        slots[place + 2] += units

    def close(self) -> None:
        self.slots.release()
        self._map.close()


def _places(key: int) -> range:
    start = (key % (_SLOTS - _PLACES)) * _WIDTH
    return range(start, start + _PLACES * _WIDTH, _WIDTH)


class SharedUsage:
    """penfold.ports.usage.UsageBook of one process among `siblings` (names without suffix)."""

    def __init__(self, folder: Path, own: str, siblings: list[str]) -> None:
        own_path = folder / (own + SUFFIX)
        with own_path.open("a+b") as file:
            if file.seek(0, 2) != _SIZE:
                file.truncate(0)
                file.truncate(_SIZE)
        self._own = _Table(own_path, writable=True)
        self._paths = [folder / (name + SUFFIX) for name in siblings if name != own]
        self._others: list[_Table] = []

    def add(self, key: int, window: int, units: int) -> None:
        self._own.add(key, window, units)

    def total(self, key: int, window: int) -> int:
        units = self._own.find(key, window)
        if self._paths:
            self._open_others()
        for other in self._others:
            units += other.find(key, window)
        return units

    def _open_others(self) -> None:
        """Open the tables of those who have started meanwhile; each is opened once."""
        for path in [path for path in self._paths if _is_whole(path)]:
            self._others.append(_Table(path, writable=False))
            self._paths.remove(path)

    def close(self) -> None:
        for table in (self._own, *self._others):
            table.close()


def load_usage(folder: Path, key: int, window: int) -> int:
    """Return what all processes of a server have counted, for somebody who only looks."""
    units = 0
    for path in sorted(folder.glob("*" + SUFFIX)):
        if _is_whole(path):
            table = _Table(path, writable=False)
            units += table.find(key, window)
            table.close()
    return units


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size == _SIZE
    except FileNotFoundError:
        return False
