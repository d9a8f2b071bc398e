"""Token buckets that several processes take from.

A bucket is one number: the time, in microseconds since 1970, at which it is full again. In the
past it is full, and so is the bucket of a key nobody knows, which is why a table of buckets can
forget any that is full. (Networks know this as the generic cell rate algorithm, ITU-T I.371.)
"""

from typing import Protocol

from msgspec import Struct


class Rate(Struct, frozen=True, gc=False):
    """count: tokens in a full bucket; period_s: seconds in which an empty one fills, evenly."""

    count: int
    period_s: int


class Buckets(Protocol):
    """who: a word for what is counted and whose it is. Any thread may call; nothing raises."""

    def take(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> int:
        """Take tokens and return 0, or take none and return the milliseconds until they are there.

        More tokens than a full bucket has are never there.
        """
        ...

    def give_back(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> None:
        """Undo a take."""
        ...

    def fill(self, who: str) -> None:
        """Make the bucket full."""
        ...


def take_tokens(full_us: int, rate: Rate, now_ms: int, tokens: int) -> tuple[int, int]:
    """Return when the bucket is full after this, and 0 or the milliseconds to wait.

    full_us may be anything: a time that no take can have led to, because a clock was set back or
    a file is damaged, counts as that of an empty bucket.
    """
    now_us, period_us = now_ms * 1000, rate.period_s * 1_000_000
    full_us = min(max(full_us, now_us), now_us + period_us)
    after_us = full_us + period_us * tokens // rate.count
    over_us = after_us - now_us - period_us
    return (full_us, -(-over_us // 1000)) if over_us > 0 else (after_us, 0)


def give_tokens(full_us: int, rate: Rate, tokens: int) -> int:
    """Return when the bucket is full after tokens came back."""
    return max(full_us - rate.period_s * 1_000_000 * tokens // rate.count, 0)
