"""Uploads in memory, for tests. A large message is read where it is."""

import hashlib
from itertools import count

from penfold.base.errors import ConflictError, NotFoundError, UnavailableError
from penfold.base.limits import UPLOAD_DAYS_MS, UPLOADS_MAX
from penfold.ports.mailbox import StoredRaw
from penfold.ports.uploads import Digest, Upload
from penfold.proto.mime.summary import read_message
from penfold.testing.mailbox import Blobs


class MemorySpool:
    """Octets in memory; `held` is where they are kept."""

    def __init__(self, held: bytearray, blobs: Blobs, locks: set[int]) -> None:
        self._held = held
        self._blobs = blobs
        self._locks = locks

    @property
    def size(self) -> int:
        return len(self._held)

    def write(self, data: bytes) -> None:
        self._held += data

    def sync(self) -> None:
        pass

    def read(self) -> bytes:
        return bytes(self._held)

    def digest(self) -> Digest:
        raw = self.read()
        sha256 = hashlib.sha256(raw).digest()
        self._blobs.kept[sha256] = raw
        root, summary = read_message(raw)
        return Digest(StoredRaw(sha256, len(raw)), root, summary)

    def close(self) -> None:
        self._locks.discard(id(self._held))


class MemoryUploads:
    """ports.uploads.Uploads; nobody waits: an upload in use is unavailable."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._numbers = count(1)
        self._facts: dict[str, Upload] = {}
        self._held: dict[str, bytearray] = {}
        self._answers: dict[str, bytes] = {}
        self._locks: set[int] = set()

    def start(self, upload: Upload) -> str:
        owned = [each for each in self._facts.values() if each.account_id == upload.account_id]
        if len(owned) >= UPLOADS_MAX:
            raise ConflictError("the account has too many uploads", most=UPLOADS_MAX)
        name = f"{upload.account_id}-{next(self._numbers):022d}"
        self._facts[name] = upload
        self._held[name] = bytearray()
        return name

    def find(self, name: str, *, now_ms: int) -> Upload | None:
        upload = self._facts.get(name)
        if upload is None or now_ms >= upload.created_ms + UPLOAD_DAYS_MS:
            return None
        return upload

    def open(self, name: str) -> MemorySpool:
        if name not in self._held:
            raise NotFoundError("no such upload")
        held = self._held[name]
        if id(held) in self._locks:
            raise UnavailableError("the upload is in use")
        self._locks.add(id(held))
        return MemorySpool(held, self._blobs, self._locks)

    def find_answer(self, name: str) -> bytes | None:
        return self._answers.get(name)

    def finish(self, name: str, answer: bytes) -> None:
        self._answers[name] = answer
        self._held.pop(name, None)

    def cancel(self, name: str) -> None:
        for kept in (self._facts, self._held, self._answers):
            kept.pop(name, None)

    def spool(self) -> MemorySpool:
        return MemorySpool(bytearray(), self._blobs, self._locks)
