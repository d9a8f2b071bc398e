"""A new folder that an export is written to, readable by its owner alone.

Files have their names from the start: what says that the whole is there is the last one, its
manifest. Each is hashed as it is written, and on disk before it counts.
"""

import hashlib
import os
from pathlib import Path

from penfold.base.errors import ConflictError
from penfold.ports.moving import Sink, Written
from penfold.store.durable import make_folder, sync_path


class ExportFolder:
    """A Folder."""

    def __init__(self, path: Path) -> None:
        """Make the folder; ConflictError when something is in it."""
        if path.exists() and any(path.iterdir()):
            raise ConflictError(f"{path} is not empty; name another folder")
        make_folder(path)
        path.chmod(0o700)
        self._path = path
        self._written: list[Written] = []

    def open(self, name: str) -> Sink:
        return _File(self._path / name, self._written)

    def list_written(self) -> list[Written]:
        return list(self._written)


class _File:
    def __init__(self, path: Path, written: list[Written]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._path = path
        self._hash = hashlib.sha256()
        self._size = 0
        self._written = written

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)

    def finish(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        sync_path(self._path.parent)
        self._written.append(Written(self._path.name, self._size, self._hash.hexdigest()))

    def close(self) -> None:
        self._file.close()
