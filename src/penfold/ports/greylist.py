"""What the product needs to remember of strangers who were asked to come again."""

from typing import Protocol

from msgspec import Struct


class Sighting(Struct, frozen=True, gc=False):
    """When a triplet, or a domain, came first and last; passed: it came again in time."""

    first_ms: int
    last_ms: int
    passed: bool


class GreylistBook(Protocol):
    """Keys are hashes, so the book tells nobody who writes to whom. Bounded in rows: those not
    seen for longest make room. Any thread may call.
    """

    def find(self, key: bytes) -> Sighting | None: ...
    def save(self, key: bytes, sighting: Sighting) -> None:
        """Durable on return; in place of what was noted before."""
        ...

    def expire(self, *, before_ms: int, waiting_before_ms: int) -> int:
        """Forget what was last seen before, and return how many that were.

        waiting_before_ms: for those that never came again, of which most will not.
        """
        ...
