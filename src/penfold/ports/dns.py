"""What the product needs of the DNS: answers to the questions of checks."""

from typing import Protocol

from penfold.proto.dns import Check, T


class Lookups(Protocol):
    """Belongs to one event loop. Never fails: what nobody answers is Status.FAILED."""

    async def run(self, check: Check[T], *, within_s: float | None = None) -> T:
        """Return what the check finds; after within_s seconds every further question fails."""
        ...
