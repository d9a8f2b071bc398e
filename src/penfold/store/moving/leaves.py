"""Files that hold mail, one after the other in an order that is the same every time.

A folder is walked by name. One with `cur` and `new` is a Maildir: its messages come in the order
of their names without flags, as a program that is used meanwhile moves them and changes flags.
Links to folders are not followed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penfold.proto.mailfolders import folder_name

#: Parts a file's name from its flags. Maildir's own is ":2,"; some systems allow no colon.
_FLAG_MARKS: Final = (":2,", ";2,", "!2,")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One file, or what could not be looked into. key: its place in the order.

    letters: its flags, None when it is not of a Maildir. problem: why it is no use.
    """

    key: tuple[str, ...]
    path: Path
    folder: str = ""
    letters: str | None = None
    problem: str = ""


def iter_leaves(root: Path, *, maildir: bool = False) -> Iterator[Leaf]:
    """Yield the files below a folder; maildir: take it for one whatever it looks like."""
    if maildir or is_maildir(root):
        yield from _iter_maildir(root, (), "INBOX")
    else:
        yield from _iter_folder(root, ())


def is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def _iter_folder(folder: Path, key: tuple[str, ...]) -> Iterator[Leaf]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Leaf(key, folder, problem=_tell(error))
        return
    for entry in found:
        path, place = folder / entry.name, (*key, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if is_maildir(path):
                yield from _iter_maildir(path, place, entry.name)
            else:
                yield from _iter_folder(path, place)
        elif entry.is_file():
            yield Leaf(place, path)


def _iter_maildir(folder: Path, key: tuple[str, ...], name: str) -> Iterator[Leaf]:
    files: list[tuple[str, str, str]] = []
    for part in ("cur", "new"):
        try:
            with os.scandir(folder / part) as entries:
                files.extend(_split(entry.name, part) for entry in entries if entry.is_file())
        except OSError as error:
            yield Leaf((*key, ""), folder / part, problem=_tell(error))
    for base, part, letters in sorted(files):
        file = folder / part / (base + letters)
        # A file in `new` was seen by nobody and has no flags.
        flags = letters[3:] if part == "cur" else ""
        yield Leaf((*key, "", base), file, folder=name, letters=flags)
    with os.scandir(folder) as entries:
        inside = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    for each in inside:
        if is_maildir(folder / each):
            inner = folder_name(each)
            outer = "" if name == "INBOX" else f"{name}/"
            yield from _iter_maildir(folder / each, (*key, each), outer + inner)


def _split(name: str, part: str) -> tuple[str, str, str]:
    """Return a file's name without flags, the part of the Maildir it is in, and the flags."""
    at = max(name.rfind(mark) for mark in _FLAG_MARKS)
    return (name, part, "") if at < 0 else (name[:at], part, name[at:])


def _tell(error: OSError) -> str:
    return error.strerror or str(error)
