"""Token buckets in shared memory: one table that every process takes from.

<data>/run/rates.table is a secret and then slots of two int64: whose bucket it is, and when it is
full again (ports/rates.py). A key has its slot among a few places that a hash under the secret
chooses, so nobody outside knows whose buckets share places. A full bucket is as good as a free
slot. When every bucket at a key's places has been drawn on, the one that is full soonest
makes room: who wants an emptied bucket forgotten has to empty as many others further, in places
he cannot choose, of which there are SLOTS.

Processes lock the file for some microseconds, and the kernel takes the lock from one that
dies. None waits for another that is stopped in between: after a few tries it goes on without,
and at worst one take in the same moment is not counted. What was taken outlives a restart.
"""

import fcntl
import mmap
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Final

from penfold.ports.rates import Rate, give_tokens, take_tokens

NAME: Final = "rates.table"
#: Buckets in use at a time, a power of two: 1 MiB. Places a key may have.
SLOTS: Final = 65_536
PLACES: Final = 8
_WIDTH: Final = 2
#: Octets of the secret, in front; a multiple of eight.
_SECRET: Final = 32
_SIZE: Final = _SECRET + SLOTS * _WIDTH * 8
#: Tries to get the lock, each of about a microsecond, with the processor given away in between.
_TRIES: Final = 50


class SharedBuckets:
    """penfold.ports.rates.Buckets of all processes that open the same folder."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        if os.fstat(self._file).st_size != _SIZE:
            os.ftruncate(self._file, _SIZE)
        if not any(secret := os.pread(self._file, _SECRET, 0)):
            os.pwrite(self._file, secret := os.urandom(_SECRET), 0)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._secret = secret
        self._map = mmap.mmap(self._file, _SIZE)
        self._slots = memoryview(self._map)[_SECRET:].cast("q")
        self._mutex = Lock()

    def take(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> int:
        return self._change(who, lambda full_us: take_tokens(full_us, rate, now_ms, tokens))

    def give_back(self, who: str, rate: Rate, now_ms: int, tokens: int = 1) -> None:  # noqa: ARG002 - Buckets
        self._change(who, lambda full_us: (give_tokens(full_us, rate, tokens), 0))

    def fill(self, who: str) -> None:
        self._change(who, lambda _: (0, 0))

    def _change(self, who: str, change: Callable[[int], tuple[int, int]]) -> int:
        """Put what the change makes of the bucket in its place; return what it returns beside."""
        key, start = self._hash(who)
        slots = self._slots
        with self._mutex:
            held = self._try_lock()
            try:
                place = self._find(key, start)
                full_us, result = change(slots[place + 1] if place >= 0 else 0)
                if place < 0 and full_us:
                    place = min(_places(start), key=lambda each: slots[each + 1])
                    slots[place] = key
                if place >= 0:
                    slots[place + 1] = full_us
            finally:
                if held:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
        return result

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._file >= 0:
            self._slots.release()
            self._map.close()
            os.close(self._file)
            self._file = -1

    def _hash(self, who: str) -> tuple[int, int]:
        """Return the key, from 1 up, and where its places begin."""
        digest = blake2b(who.encode("utf-8", "replace"), digest_size=12, key=self._secret).digest()
        first = int.from_bytes(digest[8:]) % (SLOTS - PLACES + 1)
        return int.from_bytes(digest[:8]) >> 1 or 1, first * _WIDTH

    def _find(self, key: int, start: int) -> int:
        slots = self._slots
        for place in _places(start):
            if slots[place] == key:
                return place
        return -1

    def _try_lock(self) -> bool:
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.sched_yield()
            else:
                return True
        return False


def _places(start: int) -> range:
    return range(start, start + PLACES * _WIDTH, _WIDTH)
