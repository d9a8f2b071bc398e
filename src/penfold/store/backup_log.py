"""Which backups were made of a data directory: <data>/backups.jsonl, a line of JSON for each.

It is what somebody needs who has to remove a person's data from copies too. Where they are now,
or whether others were made without Penfold, nobody here knows.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

LOG_NAME: Final = "backups.jsonl"


class Backup(Struct, frozen=True):
    """folder: where it was put, an absolute path. whole: nothing had to be left out."""

    made_ms: int
    folder: str
    whole: bool = True

    @property
    def is_there(self) -> bool:
        """Whether something still is where it was put."""
        return Path(self.folder).exists()


def note_backup(data: Path, backup: Backup) -> None:
    """Append a backup, durable on return."""
    descriptor = os.open(
        data / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(backup) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def list_backups(data: Path) -> list[Backup]:
    """Return the backups that were noted, the oldest first; a line that is damaged is none."""
    try:
        lines = (data / LOG_NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Backup))
        except msgspec.MsgspecError:
            continue
    return found
