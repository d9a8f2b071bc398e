"""Whether anybody but their owner may read or write the files of a data directory.

Its processes make everything private (umask 077). What is not so was put there by a restore with
other tools, a copy as root, or a hand.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_private(root: Path, *, passed_over: frozenset[str] = frozenset()) -> list[str]:
    """Take away what others may do to anything below a folder, and to the folder itself.

    Returns the relative names of what was open. passed_over: names in `root` that are not ours to
    change. OSError when one belongs to somebody else. Links are not followed.
    """
    found = [str(path) for path in _iter_open(root, passed_over)]
    for name in found:
        path = root / name
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
    return found


def is_open_to_all(path: Path) -> bool:
    """Return whether everybody on this machine may read a file; False when it is not there.

    A group may: Debian's `ssl-cert` is there to share keys.
    """
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _iter_open(root: Path, passed_over: frozenset[str]) -> Iterator[Path]:
    """Yield what is open, a folder after what is in it."""
    folders = [Path()]
    if root.lstat().st_mode & _OTHERS:
        yield Path()
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if entry.is_symlink() or (folder == Path() and entry.name in passed_over):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(folder / entry.name)
                try:
                    mode = entry.stat(follow_symlinks=False).st_mode
                except FileNotFoundError:
                    continue  # gone meanwhile
                if mode & _OTHERS and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    yield folder / entry.name
