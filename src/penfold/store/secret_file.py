"""A small file with a secret that the operator keeps: read when it changed, never written."""

import stat
from pathlib import Path

from penfold.base.errors import ParseError

_State = tuple[int, int, int, int]


class SecretFile:
    """A penfold.ports.delivering.SecretFile. most: octets it may have."""

    def __init__(self, path: Path, *, most: int) -> None:
        self._path = path
        self._most = most

    def find_state(self) -> _State | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode

    def load(self) -> bytes:
        with self._path.open("rb") as file:
            raw = file.read(self._most + 1)
        if len(raw) > self._most:
            raise ParseError(f"it is longer than {self._most} octets")
        return raw

    def is_open_to_others(self) -> bool:
        try:
            mode = self._path.stat().st_mode
        except OSError:
            return False
        return bool(mode & (stat.S_IRGRP | stat.S_IROTH))
