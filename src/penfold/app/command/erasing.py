"""Erase accounts so that no octet of them can be read in the data directory.

    1  count what the mailbox has, and note its large messages
    2  take its rows out of the queue, the topics, the sending book and the reports
    3  remove its files, its uploads, and the large messages nobody else has
    4  forget the address, and write the shared databases anew: nothing deleted is left in them
    5  note what was done in erasures.jsonl, and forget that there is something to erase

Everything may be done again, so a crash anywhere is mended by the next round: until step 5 the
directory has a `Removed` record. One process erases at a time. What others were sent stays theirs.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from penfold.app.config import find_key_source
from penfold.app.datadir import is_served
from penfold.app.exits import stop_at_once
from penfold.app.mail.reports import REPORTS_NAME
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import (
    DIRECTORY_NAME,
    PUBSUB_NAME,
    QUEUE_NAME,
    SENDING_NAME,
    make_identity,
    open_stores,
)
from penfold.base.errors import NotFoundError
from penfold.base.limits import ERASE_AFTER_MS
from penfold.front.cli.doors import Say
from penfold.ports.erasing import Erasure
from penfold.ports.identity import IdentityBook, IdentityWriter, Removed
from penfold.proto.address import canonical
from penfold.store.erasing import erase_blobs, erase_mailbox, erase_uploads, read_contents
from penfold.store.sqlite.erasing import (
    erase_from_pubsub,
    erase_from_queue,
    erase_from_reports,
    erase_from_sending,
)
from penfold.store.sqlite.scrub import scrub

ERASURES_NAME: Final = "erasures.jsonl"
_LOCK: Final = "erasing.lock"
_SHARED: Final = (QUEUE_NAME, PUBSUB_NAME, SENDING_NAME, REPORTS_NAME, DIRECTORY_NAME)
_POLL_S: Final = 1.0


def erase_removed(data: Path, book: IdentityBook, gone: Removed, *, now_ms: int) -> Erasure:
    """Erase what a removed account left, and return what that was.

    Nobody may use the mailbox any more: call it ERASE_AFTER_MS after the removal, or when no
    server runs. Somebody else may have been first; then it is what they did.
    """
    with _alone(data / "run" / _LOCK):
        left = book.find(Removed, gone.former)
        if left is None:
            return find_erasure(data, gone.former) or Erasure(gone.former, now_ms)
        before_ms = left.removed_ms if is_served(data) else now_ms
        erasure = _erase(data, left, before_ms=before_ms, now_ms=now_ms)
        book.change(partial(_forget_address, gone=left))
        for name in _SHARED:
            if (data / name).exists():
                scrub(data / name)
        _note(data / ERASURES_NAME, erasure)
        book.change(partial(_forget, gone=left))
        return erasure


def erase_account(data: Path, address: str, say: Say) -> Erasure:
    """Remove an account and erase it, for the command line; waits until it is done.

    say: told why it waits. NotFoundError: there is no such account, and none that was removed.
    """
    clock = SystemClock()
    stores = open_stores(data, clock=clock, fatal=stop_at_once, master_key=find_key_source(data))
    try:
        gone = _remove(stores.directory, make_identity(stores).accounts.remove, address)
        due_ms = gone.removed_ms + ERASE_AFTER_MS
        if is_served(data) and clock.now_ms() < due_ms:
            say("Its access has ended. The server lets go of the mailbox within a minute …")
            while clock.now_ms() < due_ms and is_served(data):
                time.sleep(_POLL_S)
        return erase_removed(data, stores.directory, gone, now_ms=clock.now_ms())
    finally:
        stores.close()


def find_erasure(data: Path, former: str) -> Erasure | None:
    """Return what was noted of an erasure, the last one."""
    try:
        lines = (data / ERASURES_NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return None
    found = (msgspec.json.decode(line, type=Erasure) for line in reversed(lines))
    return next((each for each in found if each.former == former), None)


def _remove(book: IdentityBook, remove: Callable[[str], object], address: str) -> Removed:
    """Remove the account, unless that was done before, and return the record of it."""
    wanted = canonical(address)
    if book.find_account(wanted) is not None:
        remove(address)
    found = [gone for gone in book.list_by(Removed) if gone.address == wanted]
    if not found:
        raise NotFoundError("no such account", address=address)
    return max(found, key=lambda gone: gone.removed_ms)


def _erase(data: Path, gone: Removed, *, before_ms: int, now_ms: int) -> Erasure:
    contents = read_contents(data, gone.former)
    rows = erase_from_queue(data / QUEUE_NAME, gone.former)
    notices = erase_from_sending(data / SENDING_NAME, gone.former)
    if gone.address:  # else this was done, and step 4 was cut off
        notices += erase_from_pubsub(data / PUBSUB_NAME, gone.former, gone.address)
        notices += erase_from_reports(data / REPORTS_NAME, gone.address)
    mailbox, uploads = erase_mailbox(data, gone.former), erase_uploads(data, gone.former)
    blobs, kept = erase_blobs(data, contents.blobs, before_ms=before_ms)
    return Erasure(
        gone.former,
        now_ms,
        messages=contents.messages,
        files=mailbox[0] + uploads[0],
        octets=mailbox[1] + uploads[1],
        blobs=blobs,
        kept=kept,
        queue=rows,
        notices=notices,
    )


def _forget_address(writer: IdentityWriter, *, gone: Removed) -> None:
    writer.replace(Removed(gone.former, "", gone.removed_ms))


def _forget(writer: IdentityWriter, *, gone: Removed) -> None:
    writer.delete(Removed, gone.former)


def _note(path: Path, erasure: Erasure) -> None:
    """Append a line, durable on return."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(erasure) + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until nobody else erases: the server's round and a command may meet."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
