"""The credentials files of local mode: small, secret, replaced whole.

A file is written beside its place, synced, and renamed into it, so a reader sees the old one or
the new one. Only the owner may read it (mode 0600, directory 0700).
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def load_files(folder: Path) -> dict[str, bytes]:
    """Return the octets of every .json file in the folder, by name; {} when it is not there."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError):  # unreadable counts as missing: it is made anew
            found[path.name] = path.read_bytes()
    return found


def save_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files that differ from what is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = load_files(folder)
    for name, octets in files.items():
        if there.get(name) != octets:
            _save(folder / name, octets)


def _save(path: Path, octets: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
