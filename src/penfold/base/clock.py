"""Something that tells the time. Time is an argument everywhere; only app/ reads the real clock."""

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return milliseconds since the epoch, UTC."""
        ...


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, *, ms: int = 0, s: int = 0, days: int = 0) -> None:
        self._now_ms += ms + 1000 * s + 86_400_000 * days
