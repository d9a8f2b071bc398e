"""Large raw messages in a local folder, durable when `put` returns.

    <root>/ab/<64 hex>.zst        see objects.py
    <root>/lock                   held shared by put, exclusively by a removal of the sweep

obstore writes a staged file and renames it, but syncs nothing; so the file and its folder are
synced here, and a folder made on the way with its parent. The order is what matters: a blob is
on stable storage before the row that names it is committed. `put` always writes, which makes the
file young again; the sweep removes old files only, under the lock, so it never takes away octets
that a transaction under way relies on.
"""

import fcntl
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from obstore.store import LocalStore

from penfold.store.blobs.objects import ObjectBlobs, object_name, storage_error
from penfold.store.durable import make_folder, sync_path

_NAME: Final = re.compile(r"[0-9a-f]{64}\.zst")


class LocalBlobs(ObjectBlobs):
    """Blobs under one folder."""

    def __init__(self, root: Path) -> None:
        make_folder(root)
        super().__init__(LocalStore(root))
        self._root = root
        self._durable_folders: set[Path] = set()
        self._lock = threading.Lock()

    def put(self, sha256: bytes, data: bytes) -> None:
        path = self._root / object_name(sha256)
        try:
            self._make_folder(path.parent)
            with self._locked(fcntl.LOCK_SH):
                super().put(sha256, data)
                sync_path(path)
                sync_path(path.parent)
        except OSError as error:
            raise storage_error(error) from error

    def iter_older(self, before_ms: int) -> Iterator[bytes]:
        """Yield the hashes of files last written before a time; also drops abandoned writes."""
        for path in sorted(self._root.glob("??/*")):
            if path.stat().st_mtime_ns // 1_000_000 >= before_ms:
                continue
            if _NAME.fullmatch(path.name):
                yield bytes.fromhex(path.stem)
            else:
                path.unlink(missing_ok=True)  # a staged file of a process that was killed

    def remove_older(self, sha256: bytes, before_ms: int) -> bool:
        """Remove one file unless it was written again since; returns whether it is gone."""
        path = self._root / object_name(sha256)
        with self._locked(fcntl.LOCK_EX), suppress(FileNotFoundError):
            if path.stat().st_mtime_ns // 1_000_000 >= before_ms:
                return False
            path.unlink()
        return True

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        # A descriptor of its own for each holder: a lock belongs to the open file.
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: Path) -> None:
        """Sync a folder's ancestors once per process: one that is there may not be durable yet."""
        with self._lock:
            if folder in self._durable_folders:
                return
            make_folder(folder)
            sync_path(folder.parent)
            sync_path(self._root)
            self._durable_folders.add(folder)
