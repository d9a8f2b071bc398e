"""Units spent in the minute at hand, counted by several processes at once."""

import hashlib
from functools import lru_cache
from typing import Protocol

#: Keys whose hash is remembered: users of a process in its busy minutes.
_KEYS_REMEMBERED = 16_384


@lru_cache(_KEYS_REMEMBERED)
def usage_key(*words: str) -> int:
    """Return the number under which something is counted: 63 bits, the same in every process."""
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 or 1


class UsageBook(Protocol):
    """key, window: from 1 up; a window is a minute, by its number.

    What was counted in an earlier one is as good as gone.
    """

    def add(self, key: int, window: int, units: int) -> None:
        """Count units; for the event loop's thread only."""
        ...

    def total(self, key: int, window: int) -> int:
        """Return the units counted by all processes."""
        ...
