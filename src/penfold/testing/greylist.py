"""A GreylistBook in memory, for tests."""

from penfold.base.limits import GREYLIST_ROOM, GREYLIST_ROWS_MAX
from penfold.ports.greylist import Sighting


class MemoryGreylist:
    def __init__(self, *, most: int = GREYLIST_ROWS_MAX) -> None:
        self._most = most
        self._rows: dict[bytes, Sighting] = {}

    def find(self, key: bytes) -> Sighting | None:
        return self._rows.get(key)

    def save(self, key: bytes, sighting: Sighting) -> None:
        if key not in self._rows and len(self._rows) >= self._most:
            oldest = sorted(self._rows, key=lambda each: self._rows[each].last_ms)
            for each in oldest[: min(GREYLIST_ROOM, self._most)]:
                del self._rows[each]
        self._rows[key] = sighting

    def expire(self, *, before_ms: int, waiting_before_ms: int) -> int:
        old = [
            key
            for key, row in self._rows.items()
            if row.last_ms < (before_ms if row.passed else waiting_before_ms)
        ]
        for key in old:
            del self._rows[key]
        return len(old)
