"""The credentials files of local mode, as they were left by the last start."""

from contextlib import suppress
from pathlib import Path


def load_files(folder: Path) -> dict[str, bytes]:
    """Return the octets of every .json file in the folder, by name; {} when it is not there."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError):  # unreadable counts as missing: it is made anew
            found[path.name] = path.read_bytes()
    return found
