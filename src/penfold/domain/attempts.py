"""How often somebody failed lately.

Counts failures per key in fixed windows, in this process only, for a bounded number of keys:
the oldest window makes room for a new one.
"""

from threading import Lock

from penfold.base.clock import Clock
from penfold.base.errors import UnavailableError
from penfold.base.limits import SIGN_IN_COUNTED_MAX, SIGN_IN_WINDOW_S

_WINDOW_MS = 1000 * SIGN_IN_WINDOW_S


class TooManyError(UnavailableError):
    """Wait: `wait_s` seconds at least."""

    public = "Too many attempts, try again later"

    def __init__(self, wait_s: int) -> None:
        super().__init__("too many attempts", wait_s=wait_s)
        self.wait_s = wait_s


class Attempts:
    """Failures by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[str, tuple[int, int]] = {}  # key -> when the window ends, failures

    def check(self, key: str, *, most: int) -> None:
        """Refuse (TooManyError) when the key failed `most` times in its window."""
        until_ms, count = self._counts.get(key, (0, 0))
        left_ms = until_ms - self._clock.now_ms()
        if count >= most and left_ms > 0:
            raise TooManyError(left_ms // 1000 + 1)

    def note(self, key: str) -> None:
        """Count one failure."""
        now_ms = self._clock.now_ms()
        with self._lock:
            until_ms, count = self._counts.pop(key, (0, 0))
            if until_ms <= now_ms:
                until_ms, count = now_ms + _WINDOW_MS, 0
            if len(self._counts) >= SIGN_IN_COUNTED_MAX:
                del self._counts[next(iter(self._counts))]
            self._counts[key] = (until_ms, count + 1)

    def forget(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._counts.pop(key, None)
