"""`penfold data rotate-key`: have everything sealed under a new master key.

    1  the new key is there: made beside the old file, or read from where --new says
    2  the directory says "old and new": from here on nothing starts but this command
    3  every secret is sealed anew, the directory's in one transaction, those of the
       sending API in two, each mailbox's in one
    4  nothing is left that begins like what the old key sealed, or the rotation does not end
    5  the new file takes the old one's name
    6  the directory says "new"

Cut off anywhere, the same command goes on: until 6 both keys are there, and what was sealed anew
is passed over. A server would go on sealing under the old key, so none may run meanwhile.
"""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from penfold.app.config import find_key_source
from penfold.app.datadir import enter_data_dir, is_served, open_data_dir
from penfold.app.exits import StartError, stop_at_once
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import Stores, open_stores
from penfold.base.errors import PenfoldError, UnavailableError
from penfold.domain.access.master_key import find_key_ids, note_key_ids
from penfold.domain.access.resealing import (
    Resealed,
    reseal_domains,
    reseal_records,
    reseal_settings,
    reseal_webhooks,
)
from penfold.front.cli.doors import Say
from penfold.spec.key_source import FILE, KeySource
from penfold.store.durable import sync_path
from penfold.store.master_key import key_id, key_path, load_key
from penfold.store.sealing import KeySealer, sealed_prefix
from penfold.store.sqlite.layout import iter_mailbox_ids
from penfold.store.sqlite.sealed_scan import iter_sealed

#: Of a key file that takes another one's place in the end.
_NEW: Final = ".new"


@dataclass(frozen=True, slots=True)
class Rotation:
    """From one key to another. in_place: the new file takes the name of the old one."""

    data: Path
    source: KeySource
    new_source: KeySource
    in_place: bool
    old: bytes
    new: bytes

    @property
    def ids(self) -> tuple[str, str]:
        return key_id(self.old).hex(), key_id(self.new).hex()


def rotate_key(data: Path, new: KeySource | None, say: Say) -> bool:
    """Rotate the master key of a data directory; returns whether it is done."""
    enter_data_dir(data)
    if is_served(data):
        raise StartError(
            f"a server runs on {data} and would go on sealing under the old key; "
            "stop it, rotate, start it again"
        )
    lock = open_data_dir(data)
    try:
        stores = open_stores(data, clock=SystemClock(), fatal=stop_at_once)
        try:
            return _rotate(stores, data, find_key_source(data), new, say)
        finally:
            stores.close()
    finally:
        os.close(lock)


def _rotate(stores: Stores, data: Path, source: KeySource, new: KeySource | None, say: Say) -> bool:
    known = find_key_ids(stores.directory)
    old = load_key(source, data)
    if new is None and known[1:] == (key_id(old).hex(),):
        # Cut off between steps 5 and 6, or the setting was changed too early.
        return _end_early(stores, data, known, say)
    rotation = _prepare(data, source, new, old)
    if known and known not in {rotation.ids[:1], rotation.ids}:
        raise UnavailableError(
            "the data is sealed under other keys than these two; "
            "name the key that was to be the new one with --new, as the first time"
            if known[1:]
            else "the master key is another one than this data was sealed under"
        )
    note_key_ids(stores.directory, *rotation.ids)
    return _finish(stores, rotation, say)


def _end_early(stores: Stores, data: Path, known: tuple[str, ...], say: Say) -> bool:
    """Finish a rotation whose old key is not at hand: it may be gone, if nothing needs it."""
    if _tell_left(data, sealed_prefix(bytes.fromhex(known[0])), say):
        say("Set master_key to where the old key is, and name the new one with --new.")
        return False
    note_key_ids(stores.directory, known[1])
    say("The rotation that was cut off is finished.")
    return True


def _tell_left(data: Path, prefix: bytes, say: Say) -> bool:
    """Name the places where something is sealed under the old key; return whether there are any."""
    left = list(iter_sealed(data, prefix))
    for place in left:
        say(f"{place}: still holds what the old key sealed")
    return bool(left)


def _prepare(data: Path, source: KeySource, new: KeySource | None, old: bytes) -> Rotation:
    if new is None and source.kind != FILE:
        raise StartError(
            f"master_key is {source.kind}:…, which Penfold cannot write; "
            "name where the new key is with --new SOURCE"
        )
    target = new or KeySource(FILE, source.place + _NEW)
    found = load_key(target, data, make=target.kind == FILE)
    if found == old:
        raise StartError(f"{target.kind}: holds the key in use; a new one is wanted")
    return Rotation(data, source, target, new is None, old, found)


def _finish(stores: Stores, rotation: Rotation, say: Say) -> bool:
    data = rotation.data
    total, whole = _reseal(stores, rotation, say)
    if not whole or _tell_left(data, sealed_prefix(key_id(rotation.old)), say):
        say("The rotation is not finished; both keys are needed until it is. Run it again.")
        return False
    if rotation.in_place:
        path = key_path(rotation.source, data)
        key_path(rotation.new_source, data).replace(path)
        sync_path(path.parent)
    note_key_ids(stores.directory, rotation.ids[1])
    say(f"{total.done} secrets are sealed under the new key.")
    if total.broken:
        say(f"{total.broken} could not be opened with the old key either and stay as they were.")
    if not rotation.in_place:
        say(f'Set master_key = "{rotation.new_source.kind}:…" as given with --new before the next')
        say("start, and destroy the old key.")
    say("Backups made before need the key they were made with.")
    return True


def _reseal(stores: Stores, rotation: Rotation, say: Say) -> tuple[Resealed, bool]:
    """Return what was sealed anew, and whether every mailbox could be looked at."""
    whole = True
    sealer = KeySealer(lambda: (rotation.new, rotation.old))
    total = stores.directory.change(partial(reseal_records, sealer=sealer))
    total += stores.sending.change(partial(reseal_webhooks, sealer=sealer))
    total += stores.sending.change(partial(reseal_domains, sealer=sealer))
    for mailbox_id in iter_mailbox_ids(rotation.data):
        change = partial(reseal_settings, account_id=mailbox_id, sealer=sealer)
        try:
            total += stores.mailboxes.change(mailbox_id, change)
        except PenfoldError as error:
            say(f"{mailbox_id}: {error}; `penfold data verify` looks closer")
            whole = False
    return total, whole
