"""Something that gives random bits. `random.SystemRandom()` is one, `random.Random(7)` another."""

from typing import Protocol


class Chance(Protocol):
    def getrandbits(self, k: int, /) -> int:
        """Return an integer of k random bits."""
        ...
