"""Large raw messages, by the SHA-256 of their octets."""

from collections.abc import Iterator
from typing import Protocol


class Blobs(Protocol):
    def put(self, sha256: bytes, data: bytes) -> None:
        """Store the octets under their hash; durable on return, safe to repeat."""
        ...

    def get(self, sha256: bytes) -> bytes:
        """Return the octets; NotFoundError when there are none."""
        ...

    def delete(self, sha256: bytes) -> None: ...
    def iter_hashes(self) -> Iterator[bytes]: ...
