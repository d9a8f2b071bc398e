"""How much disk is left, asked cheaply.

New mail is refused before anything is written when less than a reserve would stay free, so that
logs, checkpoints and deletions always have room (R-036). One statvfs serves all callers for a
while; what they took since is subtracted.
"""

import os
import threading
import time
from pathlib import Path
from typing import Final

from penfold.base.errors import StorageFullError
from penfold.base.limits import RESERVE_BYTES

#: Seconds between two looks at the file system.
_LOOK_S: Final = 0.1


class Room:
    """Free space of the file system that holds `path`."""

    def __init__(self, path: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._reserve = reserve_bytes
        self._lock = threading.Lock()
        self._left = 0
        self._next_look = 0.0

    def take(self, size: int) -> None:
        """Count `size` octets as used; StorageFullError when the reserve would be touched."""
        now = time.monotonic()
        with self._lock:
            if now >= self._next_look:
                found = os.statvfs(self._path)
                self._left = found.f_bavail * found.f_frsize
                self._next_look = now + _LOOK_S
            if self._left - size < self._reserve:
                raise StorageFullError(free=self._left, wanted=size)
            self._left -= size
