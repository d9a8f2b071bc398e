"""The last requests of a process that took long, kept in a small file for `penfold top`.

<data>/run/<process>.slow is written whole every few seconds, if something was added: it is for
people who watch, so what a kill loses matters to nobody. No path, query or address is in it.
"""

from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from penfold.base.clock import Clock
from penfold.base.limits import SLOW_KEPT
from penfold.domain.vitals import Slow

_ENDING: Final = ".slow"


class SlowRequests:
    """Those of one process; from its event loop's thread only."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self._clock = clock
        self._path = folder / f"{name}{_ENDING}"
        self._kept: deque[Slow] = deque(maxlen=SLOW_KEPT)
        self._is_saved = True

    def note(self, what: str, status: int, seconds: float, number: str, account: str = "") -> None:
        """Keep a request that took SLOW_REQUEST_S or more."""
        ms = round(seconds * 1000, 1)
        self._kept.append(Slow(self._clock.now_ms(), what, status, ms, number, account))
        self._is_saved = False

    def save(self) -> None:
        if self._is_saved:
            return
        new = self._path.with_suffix(".new")
        with suppress(OSError):  # a full disk hurts nobody here
            new.write_bytes(msgspec.json.encode(list(self._kept)))
            new.replace(self._path)
            self._is_saved = True


def load_slow(folder: Path) -> tuple[Slow, ...]:
    """Return those of all processes, newest first."""
    found: list[Slow] = []
    for path in folder.glob(f"*{_ENDING}"):
        with suppress(OSError, msgspec.MsgspecError):
            found += msgspec.json.decode(path.read_bytes(), type=list[Slow])
    return tuple(sorted(found, key=lambda each: -each.at_ms)[:SLOW_KEPT])
