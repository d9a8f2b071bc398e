"""Copy a data directory to another medium, and back.

A backup is a folder with the same names as the data directory and a `manifest.json`, written
last, that gives size and SHA-256 of every file. The server may run meanwhile: databases are
copied by SQLite's online backup, each as of one moment, in an order that loses nothing:

    directory   before the mailboxes: a mailbox without account is harmless
    sending     before mailboxes and queue: an email handed over meanwhile is handed over again,
                and known by its number
    mailboxes   before the queue: mail handed over meanwhile is in both, and known by its number
    pubsub      before the queue or after: a watch tells again what it has not told
    queue       before the blobs: those only ever grow, but for a sweep with a day of grace
    blobs, then settings, credentials, keys

A folder without a manifest, or whose files differ from it, is not restored. Restoring wants an
empty place and makes the lock file last, so a half-restored directory is refused by the server.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import apsw

from penfold.base.errors import ConflictError, NotFoundError, PenfoldError
from penfold.store.durable import make_folder, sync_path, write_file
from penfold.store.sqlite.open import open_database

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_LOCK: Final = "penfold.lock"
_DATABASES: Final = ("directory.db", "sending.db", "mailboxes/*/*/*.db", "*.db")
#: Of the running processes and their clients alone: never copied.
_SKIPPED: Final = ("run", "uploads", _LOCK)
_SKIPPED_ENDINGS: Final = ("-wal", "-shm", ".partial", ".damaged")

Say = Callable[[str], None]


def backup_data(data: Path, target: Path, say: Say, *, made_ms: int) -> bool:
    """Copy `data` to `target`, which must be empty; returns whether everything was copied.

    A database that cannot be read is named and left out; the rest is still worth having.
    """
    _check_empty(target)
    make_folder(target)
    files: dict[str, dict[str, object]] = {}
    whole = True
    for path in _iter_files(data):
        name = path.relative_to(data).as_posix()
        copy = target / name
        make_folder(copy.parent)
        try:
            (_copy_database if path.suffix == ".db" else shutil.copyfile)(path, copy)
        except FileNotFoundError:
            continue  # gone meanwhile, as a blob that was swept
        except (apsw.Error, PenfoldError, OSError) as error:
            say(f"{name}: not copied, {error}")
            copy.unlink(missing_ok=True)
            whole = False
            continue
        copy.chmod(0o600)
        sync_path(copy)
        files[name] = {"size": copy.stat().st_size, "sha256": _hash(copy)}
    _sync_folders(target)
    manifest = {"format": _FORMAT, "made_ms": made_ms, "whole": whole, "files": files}
    write_file(target / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
    say(f"{len(files)} files copied to {target}")
    return whole


def restore_data(source: Path, data: Path, say: Say) -> bool:
    """Copy a backup to `data`, which must be empty; returns whether every file is as it was."""
    _check_empty(data)
    try:
        manifest = json.loads((source / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"{source} is no finished backup: it has no {MANIFEST}") from None
    make_folder(data)
    wrong = 0
    for name, facts in manifest["files"].items():
        if not _is_inside(name):
            say(f"{name}: names a place outside the data directory")
            wrong += 1
            continue
        copy = data / name
        make_folder(copy.parent)
        try:
            shutil.copyfile(source / name, copy)
        except FileNotFoundError:
            say(f"{name}: missing in the backup")
            wrong += 1
            continue
        copy.chmod(0o600)
        sync_path(copy)
        if copy.stat().st_size != facts["size"] or _hash(copy) != facts["sha256"]:
            say(f"{name}: differs from the manifest")
            wrong += 1
    _sync_folders(data)
    write_file(data / _LOCK, b"")
    say(f"{len(manifest['files']) - wrong} files restored to {data}")
    return wrong == 0 and bool(manifest["whole"])


def _iter_files(data: Path) -> Iterator[Path]:
    """Yield every file to copy once, in the order that loses nothing."""
    seen = set()
    for pattern in (*_DATABASES, "blobs/**/*", "**/*"):
        for path in sorted(data.glob(pattern)):
            inside = path.relative_to(data)
            if inside.parts[0] in _SKIPPED or path.name.endswith(_SKIPPED_ENDINGS):
                continue
            if path.is_file() and not path.is_symlink() and path not in seen:
                seen.add(path)
                yield path


def _copy_database(path: Path, copy: Path) -> None:
    """Copy a live database as of one moment, and see that the copy is sound."""
    source = open_database(path, readonly=True)
    try:
        target = apsw.Connection(str(copy))
        try:
            with target.backup("main", source, "main") as backup:
                while not backup.done:
                    backup.step()
            found = target.execute("PRAGMA quick_check(1)").get
            if found != "ok":
                raise PenfoldError(f"the copy is damaged: {found}")
        finally:
            target.close()
    finally:
        source.close()


def _is_inside(name: str) -> bool:
    """Whether a manifest's name stays below its folder; whoever can write a backup may lie."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _check_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is not empty")


def _sync_folders(root: Path) -> None:
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        sync_path(folder)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
