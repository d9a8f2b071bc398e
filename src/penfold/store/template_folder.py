"""Folders of templates on disk: the files proto/templates/folder.py knows, and no others.

Reads two levels and follows no symbolic link, so nothing outside the folder is read or written
whatever is in it. Files and folders whose names begin with a dot, and files beside the folders of
templates (a README), are Git's and people's; they are passed over.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from penfold.base.errors import ParseError
from penfold.base.limits import FOLDER_ENTRIES_MAX, FOLDER_MAX_BYTES, TEMPLATE_PART_MAX_BYTES
from penfold.proto.templates.folder import BODIES, DOCUMENTS, HEAD, LAYOUTS, NAME, PARTIALS

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: Files of a folder: five of a template, three of a layout.
_FILES_MAX: Final = 6 * FOLDER_ENTRIES_MAX


def load_template_folder(root: Path) -> dict[str, bytes]:
    """Return the files by their names with `/`; ParseError for what is too many, large or a link.

    A file that is too large is returned up to one octet more than it may have.
    """
    files: dict[str, bytes] = {}
    total = 0
    with os.scandir(root) as entries:
        names = sorted(each.name for each in entries if not each.name.startswith("."))
    for name in names:
        for path, data in _iter_files(root, name):
            total += len(data)
            if len(files) >= _FILES_MAX or total > FOLDER_MAX_BYTES:
                raise ParseError("the folder has too much in it for templates", folder=str(root))
            files[path] = data
    return files


def _iter_files(root: Path, name: str) -> Iterator[tuple[str, bytes]]:
    mode = os.lstat(root / name).st_mode
    if stat.S_ISLNK(mode):
        raise ParseError("a symbolic link is not followed", file=name)
    if not stat.S_ISDIR(mode):
        return
    folder = os.open(root / name, _FOLDER_FLAGS)
    try:
        with os.scandir(folder) as entries:
            inner = sorted(each.name for each in entries if not each.name.startswith("."))
        for each in inner[: _FILES_MAX + 1]:
            yield f"{name}/{each}", _load(folder, each, f"{name}/{each}")
    finally:
        os.close(folder)


def _load(folder: int, name: str, path: str) -> bytes:
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise ParseError("neither a link nor a folder belongs here, only files", file=path)
    with os.fdopen(os.open(name, _FILE_FLAGS, dir_fd=folder), "rb") as file:
        return file.read(TEMPLATE_PART_MAX_BYTES + 1)


def save_template_folder(root: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of print_folder, and remove what the folders they are in had instead.

    ParseError for a name that is none of a folder of templates, before anything is written.
    """
    for path in files:
        _check(path)
    root.mkdir(parents=True, exist_ok=True)
    for name in sorted({path.partition("/")[0] for path in files}):
        (root / name).mkdir(exist_ok=True)
        folder = os.open(root / name, _FOLDER_FLAGS)
        try:
            wanted = {p.partition("/")[2]: d for p, d in files.items() if p.startswith(f"{name}/")}
            _replace(folder, name, wanted)
        finally:
            os.close(folder)


def _replace(folder: int, name: str, wanted: Mapping[str, bytes]) -> None:
    for file, data in wanted.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        # Beside it and then in its place: who reads meanwhile sees the old or the new.
        fresh = f".{file}.new"
        with os.fdopen(os.open(fresh, flags, 0o666, dir_fd=folder), "wb") as target:
            target.write(data)
        os.replace(fresh, file, src_dir_fd=folder, dst_dir_fd=folder)
    with os.scandir(folder) as entries:
        there = [each.name for each in entries]
    for file in there:
        if file not in wanted and _is_ours(name, file):
            os.unlink(file, dir_fd=folder)


def _is_ours(folder: str, file: str) -> bool:
    if folder in {LAYOUTS, PARTIALS}:
        stem, _, suffix = file.rpartition(".")
        return suffix in {"html", "mjml", "txt"} and NAME.fullmatch(stem) is not None
    return file == HEAD or file in BODIES or file in DOCUMENTS


def _check(path: str) -> None:
    folder, _, file = path.partition("/")
    known = folder in {LAYOUTS, PARTIALS} or NAME.fullmatch(folder) is not None
    if not known or not _is_ours(folder, file):
        raise ParseError("not a file of a folder of templates", file=path)
