"""Secrets that have to be read again, such as a password for another server, kept sealed."""

from typing import Protocol


class Sealer(Protocol):
    """context names what the secret belongs to; a sealed secret opens only under its own."""

    def seal(self, secret: bytes, *, context: str) -> bytes: ...
    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return the secret; SealBrokenError when it was not sealed here under this context."""
        ...

    def is_current(self, sealed: bytes) -> bool:
        """Return whether it is sealed as `seal` would seal it now: a rotation passes it over."""
        ...
