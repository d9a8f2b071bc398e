"""The data directory: make it, check it, and keep everybody else out while a server runs.

    penfold.lock      locked (flock) by the supervisor and every process it starts
    penfold.toml      settings, if any
    master.key        what secrets in the databases are sealed with
    schema.json       the newest shape of each kind of file in here
    directory.db      accounts, clients, grants, keys
    queue.db          outbound queue
    pubsub.db         topics, subscriptions, watches
    sending.db        the sending API: keys, emails, events, suppressions, ledger
    mailboxes/        one file per mailbox                  blobs/     large messages
    uploads/          messages that have not arrived whole
    credentials/      local mode: files for client libraries
    tls/              certificates and the ACME account (app/tls/tls_files.py)
    run/              counters and slow requests of the running processes, ordered faults

Directories are 0700 and files 0600. A directory that holds something else is refused rather
than taken over. (Network file systems are refused by the store.)
"""

import fcntl
import json
import os
import pwd
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from penfold.app.exits import StartError
from penfold.store.durable import write_file

LOCK_NAME: Final = "penfold.lock"
SCHEMA_NAME: Final = "schema.json"
#: In run/.
FAULTS_NAME: Final = "faults.json"
FOLDERS: Final = ("mailboxes", "blobs", "uploads", "credentials", "tls", "run")

#: What a directory may hold before the first start.
_HARMLESS: Final = frozenset({"penfold.toml", "lost+found", ".gitignore", ".gitkeep"})
#: Seconds to wait for the processes of a supervisor that was killed: they notice within one.
_ORPHANS_S: Final = 5.0
_POLL_S: Final = 0.02


def open_data_dir(path: Path) -> int:
    """Make or check the directory, lock it, and return the descriptor that holds the lock.

    The lock lasts until every process that inherited the descriptor has closed it.
    """
    _make(path)
    lock = _lock(path)
    try:
        for name in FOLDERS:
            (path / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}; choose another --data") from None
    return lock


def enter_data_dir(data: Path) -> None:
    """Raise StartError unless a server has run here, as the user who asks now.

    What this process makes from then on is for that user alone.
    """
    if not (data / LOCK_NAME).exists():
        raise StartError(
            f"{data} is not a Penfold data directory; name it with --data DIR, or make it by "
            f"starting `penfold serve --data {data}` once"
        )
    check_owner(data, uid=os.geteuid())
    os.umask(0o077)


def check_owner(data: Path, *, uid: int) -> None:
    """Raise StartError for anybody but the user whose server made the directory.

    That is for root, who may write there: the server could not read what root made, and the mail
    in such a mailbox would be out of reach.
    """
    owner = (data / LOCK_NAME).stat().st_uid
    if owner != uid:
        name = find_user_name(owner)
        raise StartError(
            f"{data} belongs to the user {name}, who could not read what another one makes there; "
            f"run it as that user: runuser -u {name} -- penfold …"
        )


def find_user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container has no name for it
        return f"#{uid}"


def check_schema(path: Path, known: Mapping[str, int]) -> frozenset[str]:
    """Refuse a directory in which a newer release has written; return the kinds it lacks yet."""
    file = path / SCHEMA_NAME
    if not file.exists():
        return frozenset(known)
    try:
        found: dict[str, int] = json.loads(file.read_text())
        newer = [kind for kind, number in found.items() if number > known.get(kind, 0)]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StartError(f"{file}: cannot be read ({error}); restore it from a backup") from None
    if newer:
        raise StartError(
            f"{path} was written by a newer release of Penfold ({', '.join(sorted(newer))}); "
            "start that release, or choose another --data"
        )
    return frozenset(known.keys() - found.keys())


def save_schema(path: Path, known: Mapping[str, int]) -> None:
    """Note what this release writes, once every file has that shape."""
    octets = json.dumps(dict(known), indent=2).encode() + b"\n"
    file = path / SCHEMA_NAME
    if not file.exists() or file.read_bytes() != octets:
        write_file(file, octets)


def _make(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {entry.name for entry in path.iterdir()}
        if LOCK_NAME not in names and not names <= _HARMLESS:
            raise StartError(
                f"{path} is not empty and not a Penfold data directory; choose another --data"
            )
        if LOCK_NAME in names:
            check_owner(path, uid=os.geteuid())
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except (FileExistsError, NotADirectoryError):
        raise StartError(f"{path} is not a directory; choose another --data") from None
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}; choose another --data") from None


def _lock(path: Path) -> int:
    descriptor = -1
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}; choose another --data") from None
    except StartError:
        os.close(descriptor)
        raise
    return descriptor


def is_served(path: Path) -> bool:
    """Say whether a server has this data directory just now."""
    try:
        with (path / LOCK_NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _take(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _ORPHANS_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            if _lives(owner) or time.monotonic() > deadline:
                raise StartError(
                    f"{path} is in use by another Penfold server (process {owner or 'unknown'}); "
                    "stop it, or choose another --data"
                ) from None
            time.sleep(_POLL_S)
        else:
            return


def _lives(owner: str) -> bool:
    try:
        os.kill(int(owner), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
