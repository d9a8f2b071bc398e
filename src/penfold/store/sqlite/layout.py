"""Where mailbox files are, and which of them nobody may use.

    <root>/mailboxes/3f/a9/m3fa9….db           the mailbox; -wal and -shm beside it are SQLite's
    <root>/mailboxes/3f/a9/m3fa9….db.damaged   why it is quarantined, one line of JSON

A path is made from our own id alone ("m" and 20 lower-case hex digits), never from anything a
peer sent. The damage marker is what all processes and restarts go by; memory is only its cache.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penfold.base.errors import MailboxDamagedError, NotFoundError, UnavailableError
from penfold.store.durable import write_file

_ID: Final = re.compile(r"m[0-9a-f]{20}")
#: Seconds another process's quarantine, or a repair, may go unnoticed.
_LOOK_S: Final = 1.0
#: SQLite's locks and shared memory do not work on these; kinds as in /proc/self/mounts.
_NETWORK: Final = frozenset(
    "9p afs beegfs ceph cifs davfs fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 lustre nfs nfs4 ocfs2"
    " smb3 smbfs virtiofs".split()
)


def mailbox_path(root: Path, mailbox_id: str) -> Path:
    """Return the file of a mailbox; NotFoundError for what is no id of ours."""
    if not _ID.fullmatch(mailbox_id):
        raise NotFoundError("not a mailbox id")
    return root / "mailboxes" / mailbox_id[1:3] / mailbox_id[3:5] / f"{mailbox_id}.db"


def iter_mailbox_ids(root: Path) -> Iterator[str]:
    """Yield the id of every mailbox file, in order."""
    for path in sorted((root / "mailboxes").glob("??/??/m*.db")):
        if _ID.fullmatch(path.stem) and mailbox_path(root, path.stem) == path:
            yield path.stem


def check_file_system(root: Path, *, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Refuse a network file system, where SQLite's locks do not keep two writers apart."""
    if not mounts.exists():
        return
    kinds = {}
    for line in mounts.read_text(errors="replace").splitlines():
        _, mount, kind, *_ = line.split(" ")
        kinds[mount] = kind
    place = next(str(at) for at in (root.resolve() / "x").parents if str(at) in kinds)
    if kinds[place] in _NETWORK:
        raise UnavailableError("data directory is on a network file system", kind=kinds[place])


class Quarantine:
    """Which mailboxes are damaged, as their markers say; a look per mailbox and second."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        #: mailbox id -> (until when this is believed, damaged?)
        self._seen: dict[str, tuple[float, bool]] = {}

    def check(self, mailbox_id: str) -> None:
        """Raise MailboxDamagedError when the mailbox is in quarantine."""
        now = time.monotonic()
        until, damaged = self._seen.get(mailbox_id, (0.0, False))
        if now >= until:
            damaged = marker_path(self._root, mailbox_id).exists()
            self._remember(mailbox_id, damaged=damaged, now=now)
        if damaged:
            raise MailboxDamagedError(mailbox=mailbox_id)

    def add(self, mailbox_id: str, reason: str) -> None:
        """Put a mailbox in quarantine, for this process even when the marker cannot be written."""
        self._remember(mailbox_id, damaged=True, now=time.monotonic())
        note = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "reason": reason}
        write_file(marker_path(self._root, mailbox_id), json.dumps(note).encode() + b"\n")

    def _remember(self, mailbox_id: str, *, damaged: bool, now: float) -> None:
        with self._lock:
            if len(self._seen) > 10_000:  # a cache: forget what is oldest, cheaply
                self._seen = {key: seen for key, seen in self._seen.items() if seen[0] > now}
            self._seen[mailbox_id] = (now + _LOOK_S, damaged)


def marker_path(root: Path, mailbox_id: str) -> Path:
    return mailbox_path(root, mailbox_id).with_suffix(".db.damaged")
