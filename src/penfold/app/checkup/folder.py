"""The data directory: who may read it, room on its disk, its file system, who wrote it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from penfold.app.checkup.patient import Patient
from penfold.app.datadir import check_schema
from penfold.app.exits import StartError
from penfold.app.stores import known_schema
from penfold.base.errors import UnavailableError
from penfold.base.limits import CHECKUP_FILES_MAX, DISK_LOW_SHARE, RESERVE_BYTES
from penfold.domain.health import Finding, error, fine, warning
from penfold.store.sqlite.layout import check_file_system

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SHOWN_MAX: Final = 3


def check_modes(patient: Patient) -> Iterator[Finding]:
    """Everything is for its owner alone, and has one owner."""
    exposed: list[Path] = []
    strange: list[Path] = []
    looked = 0
    owner = patient.data.stat().st_uid
    for looked, path in enumerate(_iter_paths(patient.data), 1):
        if looked > CHECKUP_FILES_MAX:
            break
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue  # gone meanwhile
        if found.st_mode & _OTHERS and not stat.S_ISLNK(found.st_mode):
            exposed.append(path)
        if found.st_uid != owner:
            strange.append(path)
    mend = f"chmod -R go= {patient.data}"
    if patient.data in exposed:
        what = f"Others on this machine may read or write {_name(exposed)}."
        yield error("files", what, why="Mail, keys and passwords are in there.", mend=mend)
    elif exposed:
        what = f"Only the mode of the directory keeps others from {_name(exposed)}."
        yield warning("files", what, why="A copy made with its modes is open to them.", mend=mend)
    if strange:
        yield error(
            "files",
            f"{_name(strange)} belong to another user than the directory.",
            why="The server cannot write them, and what it cannot write it refuses.",
            mend=f"chown -R --reference={patient.data} {patient.data}",
        )
    if not exposed and not strange:
        yield fine("files", f"All {looked} files and folders are for their owner alone.")


def _iter_paths(root: Path) -> Iterator[Path]:
    yield root
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *files))


def _name(paths: list[Path]) -> str:
    shown = ", ".join(map(str, paths[:_SHOWN_MAX]))
    more = len(paths) - _SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def check_room(patient: Patient) -> Iterator[Finding]:
    """The disk has room for mail."""
    disk = os.statvfs(patient.data)
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    left = f"{free / 1e9:.1f} GB of {size / 1e9:.0f} GB are free"
    room = f"make room on the disk of {patient.data}; `penfold data backup DIR` moves everything"
    if free < RESERVE_BYTES:
        yield error("disk", f"{left}.", why="New mail is put off until there is room.", mend=room)
    elif free < DISK_LOW_SHARE * size:
        yield warning("disk", f"Only {left}.", why="Mail is put off when none is left.", mend=room)
    else:
        yield fine("disk", f"{left}.")
    if disk.f_files and disk.f_favail < DISK_LOW_SHARE * disk.f_files:
        yield warning(
            "disk",
            f"{disk.f_favail} more files fit on the disk.",
            why="A file system can be full of small files (inodes) while there is room.",
            mend="find who makes them: du --inodes -xs /* | sort -n",
        )


def check_file_system_kind(patient: Patient) -> Iterator[Finding]:
    """The disk is this machine's own."""
    try:
        check_file_system(patient.data)
    except UnavailableError as trouble:
        yield error(
            "disk",
            f"{trouble}: {trouble.facts.get('kind')}.",
            why="Locks of SQLite do not keep two writers apart there; mail can be damaged.",
            mend="move the data directory to a local disk",
        )
        return
    yield fine("disk", "The file system is a local one.")


def check_release(patient: Patient) -> Iterator[Finding]:
    """We can read what is there."""
    try:
        check_schema(patient.data, known_schema())
    except StartError as trouble:
        yield error(
            "release",
            f"{trouble}.",
            why="The server does not start with it.",
            mend="install the newer release, or restore a backup made by this one",
        )
        return
    yield fine("release", "This release knows everything in the data directory.")
