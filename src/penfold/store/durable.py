"""Make files and folders that are still there after a power cut.

A file name is durable only when its folder was synced, and a new folder only when its parent
was (measured: a rename without syncs left an empty file). Every store of the product that makes
files does it through here; SQLite syncs its own.
"""

import os
from pathlib import Path


def sync_path(path: Path) -> None:
    """Wait until a file's octets, or a folder's names, are on stable storage."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durable on return; does nothing when it is there."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_path(folder.parent)


def write_file(path: Path, data: bytes) -> None:
    """Put a whole file in place, mode 0600: at every moment there is the old or the new one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    # O_EXCL: the folder may be one where others too make files, and links.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_path(path.parent)
