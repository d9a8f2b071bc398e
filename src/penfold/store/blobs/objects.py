"""Large raw messages in an object store, each under the SHA-256 of its octets.

An object is `ab/<64 hex>.zst`: one zstd frame (base64 shrinks by a quarter). Objects are never
changed; writing the same octets again replaces an object by an equal one. Nobody here decides
that an object is garbage: rows are the truth, and only a sweep that read them all deletes.
"""

import re
from collections.abc import Iterator
from typing import Final

import obstore
import zstandard
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from penfold.base.errors import (
    MailboxDamagedError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)

_NAME: Final = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})\.zst")
#: Attachments are mostly compressed already: level 1 takes what base64 wastes, at twice the speed.
_LEVEL: Final = 1


class ObjectBlobs:
    """Blobs in any store obstore knows; what `put` promises is up to that store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, sha256: bytes, data: bytes) -> None:
        try:
            obstore.put(self._store, object_name(sha256), zstandard.compress(data, _LEVEL))
        except (OSError, BaseError) as error:
            raise storage_error(error) from error

    def get(self, sha256: bytes) -> bytes:
        try:
            found = obstore.get(self._store, object_name(sha256)).bytes().to_bytes()
        except FileNotFoundError:
            raise NotFoundError("no such blob", sha256=sha256.hex()) from None
        try:
            return zstandard.decompress(found)
        except (zstandard.ZstdError, MemoryError) as error:
            raise MailboxDamagedError("blob does not unpack", sha256=sha256.hex()) from error

    def delete(self, sha256: bytes) -> None:
        try:
            obstore.delete(self._store, object_name(sha256))
        except FileNotFoundError:
            return

    def iter_hashes(self) -> Iterator[bytes]:
        for page in obstore.list(self._store):
            for item in page:
                if match := _NAME.fullmatch(item["path"]):
                    yield bytes.fromhex(match[1])


def object_name(sha256: bytes) -> str:
    name = sha256.hex()
    return f"{name[:2]}/{name}.zst"


def storage_error(error: Exception) -> UnavailableError:
    """Return what a failed write means: no room, or try again. Nothing refers to it yet."""
    full = "No space left" in str(error) or "Disk quota exceeded" in str(error)
    return (StorageFullError if full else UnavailableError)(f"blob was not stored: {error}")
