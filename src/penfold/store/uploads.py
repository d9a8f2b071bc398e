"""Uploads in a folder: what came of each message, and how it was begun.

    uploads/<account>/<digest>.facts     msgpack of ports.uploads.Upload
    uploads/<account>/<digest>.data      the octets so far; locked (flock) while somebody writes
    uploads/<account>/<digest>.answer    the answer, once there is one; then the octets are gone

A name is the account's id and 128 random bits; files carry its SHA-256, so that whoever sees
the folder cannot go on with an upload. Every HTTP process uses the same folder.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from penfold.base.errors import ConflictError, NotFoundError, UnavailableError
from penfold.base.limits import UPLOAD_DAYS_MS, UPLOAD_WAIT_S, UPLOADS_MAX
from penfold.ports.uploads import Digest, Upload
from penfold.store.digest import digest_file
from penfold.store.durable import make_folder, sync_path, write_file
from penfold.store.room import Room

_NAME: Final = re.compile(r"(m[0-9a-f]{20})-([A-Za-z0-9_-]{22})")
_POLL_S: Final = 0.02
_FACTS, _DATA, _ANSWER = ".facts", ".data", ".answer"


class FileSpool:
    """ports.uploads.Spool on a descriptor; `path` is None while the file has no name."""

    def __init__(self, descriptor: int, blobs: Path, room: Room, path: Path | None) -> None:
        self._descriptor = descriptor
        self._blobs = blobs
        self._room = room
        self._path = path
        self._size = os.lseek(descriptor, 0, os.SEEK_END)

    @property
    def size(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        self._room.take(len(data))
        view = memoryview(data)
        while view:
            done = os.write(self._descriptor, view)
            self._size += done
            view = view[done:]

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def read(self) -> bytes:
        return os.pread(self._descriptor, self._size, 0)

    def digest(self) -> Digest:
        # A file without a name is reached through the descriptor of this process.
        path = self._path or Path(f"/proc/{os.getpid()}/fd/{self._descriptor}")
        return digest_file(path, self._blobs)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FolderUploads:
    """ports.uploads.Uploads on a folder."""

    def __init__(self, root: Path, blobs: Path, *, wait_s: float = UPLOAD_WAIT_S) -> None:
        make_folder(root)
        self._root = root
        self._blobs = blobs
        self._room = Room(root)
        self._wait_s = wait_s

    def start(self, upload: Upload) -> str:
        folder = self._root / upload.account_id
        make_folder(folder)
        if sum(1 for _ in folder.glob("*" + _FACTS)) >= UPLOADS_MAX:
            raise ConflictError("the account has too many uploads", most=UPLOADS_MAX)
        name = f"{upload.account_id}-{secrets.token_urlsafe(16)}"
        path = self._path(name)
        descriptor = os.open(
            path.with_suffix(_DATA), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        os.close(descriptor)
        # The facts come last: an upload with facts has its data.
        write_file(path.with_suffix(_FACTS), msgspec.msgpack.encode(upload))
        return name

    def find(self, name: str, *, now_ms: int) -> Upload | None:
        try:
            upload = msgspec.msgpack.decode(
                self._path(name).with_suffix(_FACTS).read_bytes(), type=Upload
            )
        except (NotFoundError, FileNotFoundError):
            return None
        except msgspec.MsgspecError as error:
            raise UnavailableError("an upload's facts are damaged") from error
        return upload if now_ms < upload.created_ms + UPLOAD_DAYS_MS else None

    def open(self, name: str) -> FileSpool:
        path = self._path(name).with_suffix(_DATA)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFoundError("no such upload") from None
        try:
            _lock(descriptor, self._wait_s)
            return FileSpool(descriptor, self._blobs, self._room, path)
        except BaseException:
            os.close(descriptor)
            raise

    def find_answer(self, name: str) -> bytes | None:
        try:
            return self._path(name).with_suffix(_ANSWER).read_bytes()
        except (NotFoundError, FileNotFoundError):
            return None

    def finish(self, name: str, answer: bytes) -> None:
        path = self._path(name)
        write_file(path.with_suffix(_ANSWER), answer)
        path.with_suffix(_DATA).unlink(missing_ok=True)

    def cancel(self, name: str) -> None:
        path = self._path(name)
        for suffix in (_FACTS, _DATA, _ANSWER):
            path.with_suffix(suffix).unlink(missing_ok=True)
        sync_path(path.parent)

    def spool(self) -> FileSpool:
        descriptor = os.open(self._root, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return FileSpool(descriptor, self._blobs, self._room, None)

    def sweep(self, *, now_ms: int) -> int:
        """Remove what is too old; returns how many uploads that were."""
        before_s = (now_ms - UPLOAD_DAYS_MS) / 1000
        removed = 0
        for path in self._iter_files():
            # The time of the last octet: an upload that is still fed has not been left.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before_s:
                    path.unlink()
                    removed += path.suffix == _FACTS
        return removed

    def _iter_files(self) -> Iterator[Path]:
        for folder in sorted(self._root.iterdir()):
            if folder.is_dir():
                yield from sorted(folder.iterdir())

    def _path(self, name: str) -> Path:
        match = _NAME.fullmatch(name)
        if not match:
            raise NotFoundError("no such upload")
        return self._root / match[1] / hashlib.sha256(name.encode()).hexdigest()[:40]


def _lock(descriptor: int, wait_s: float) -> None:
    """Hold the file alone; who held it before may not have noticed yet that its client left."""
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise UnavailableError("the upload is in use") from None
            time.sleep(_POLL_S)
        else:
            return
