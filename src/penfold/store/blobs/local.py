"""Large raw messages in a local folder, durable when `put` returns.

obstore writes a staged file and renames it, but syncs nothing; so the file and its folder are
synced here, and a folder made on the way with its parent. The order is what matters: a blob is
on stable storage before the row that names it is committed.
"""

import threading
from pathlib import Path

from obstore.store import LocalStore

from penfold.store.blobs.objects import ObjectBlobs, object_name, storage_error
from penfold.store.durable import make_folder, sync_path


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
            super().put(sha256, data)
            sync_path(path)
            sync_path(path.parent)
        except OSError as error:
            raise storage_error(error) from error

    def _make_folder(self, folder: Path) -> None:
        """Sync a folder's ancestors once per process: one that is there may not be durable yet."""
        with self._lock:
            if folder in self._durable_folders:
                return
            make_folder(folder)
            sync_path(folder.parent)
            sync_path(self._root)
            self._durable_folders.add(folder)
