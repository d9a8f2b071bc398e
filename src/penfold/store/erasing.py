"""Take the files of one account out of a data directory.

    mailboxes/…/ID.db, -wal, -shm, .damaged      its mail, its index, its settings
    uploads/ID/                                  what had not arrived whole
    blobs/                                       large messages nobody else has

A large message is kept once however many have it. One that another mailbox has a row for stays;
one that is too young stays too, since a row for it may be about to be written, and the daily
sweep looks again.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from penfold.base.errors import PenfoldError
from penfold.store.blobs.local import LocalBlobs
from penfold.store.data import find_referenced
from penfold.store.durable import sync_path
from penfold.store.sqlite.layout import mailbox_path
from penfold.store.sqlite.open import list_rows, open_database

_SUFFIXES: Final = ("", "-wal", "-shm", ".damaged")


class Contents(Struct, frozen=True):
    """What a mailbox file has: messages, and the hashes of large ones."""

    messages: int = 0
    blobs: frozenset[bytes] = frozenset()


def read_contents(data: Path, mailbox_id: str) -> Contents:
    """Return what the mailbox has; nothing when it is gone or cannot be read."""
    path = mailbox_path(data, mailbox_id)
    try:
        connection = open_database(path, readonly=True)
        try:
            [(messages,)] = list_rows(connection, "SELECT count(*) FROM message")
            large = list_rows(connection, "SELECT sha256 FROM content WHERE raw IS NULL")
        finally:
            connection.close(force=True)
    except (apsw.Error, PenfoldError):
        return Contents()
    return Contents(messages, frozenset(sha256 for (sha256,) in large))


def erase_mailbox(data: Path, mailbox_id: str) -> tuple[int, int]:
    """Remove a mailbox's files, durable on return; return how many there were, and octets."""
    path = mailbox_path(data, mailbox_id)
    if not path.parent.exists():
        return 0, 0
    paths = [path.with_name(path.name + suffix) for suffix in _SUFFIXES]
    paths += path.parent.glob(f"{path.name}.*.partial")
    removed = _remove(paths)
    sync_path(path.parent)
    return removed


def erase_uploads(data: Path, account_id: str) -> tuple[int, int]:
    """Remove an account's uploads, durable on return; return files and octets."""
    folder = data / "uploads" / mailbox_path(data, account_id).stem
    if not folder.exists():
        return 0, 0
    removed = _remove(list(folder.iterdir()))
    shutil.rmtree(folder, ignore_errors=True)
    sync_path(folder.parent)
    return removed


def erase_blobs(data: Path, hashes: Iterable[bytes], *, before_ms: int) -> tuple[int, int]:
    """Remove those of the large messages that no mailbox has; return how many went and stayed.

    before_ms: younger ones stay. Call it when the mailbox is gone.
    """
    hashes = set(hashes)
    if not hashes:
        return 0, 0
    try:
        unused = hashes - find_referenced(data)
    except (apsw.Error, PenfoldError):
        return 0, len(hashes)  # a mailbox that cannot be read may have any of them
    blobs = LocalBlobs(data / "blobs")
    gone = sum(blobs.remove_older(sha256, before_ms) for sha256 in unused)
    return gone, len(hashes) - gone


def _remove(paths: Iterable[Path]) -> tuple[int, int]:
    count = octets = 0
    for path in paths:
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        count, octets = count + 1, octets + size
    return count, octets
