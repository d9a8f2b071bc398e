"""`penfold data verify|backup|restore|reindex|rotate-key`: care for a data directory by name.

Verify and backup work beside a running server, and so does reindex, one mailbox at a time.
Restore makes a new directory and never writes over one.
"""

from pathlib import Path
from typing import Final

import apsw

from penfold.app.command.key_rotation import rotate_key
from penfold.app.datadir import enter_data_dir
from penfold.app.exits import StartError
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import DIRECTORY_NAME, PUBSUB_NAME, QUEUE_NAME, SENDING_NAME
from penfold.base.errors import PenfoldError
from penfold.front.cli.doors import Say
from penfold.spec.key_source import KeySource
from penfold.store.backup import backup_data, restore_data
from penfold.store.backup_log import Backup, note_backup
from penfold.store.data import reindex_data, verify_data
from penfold.store.sqlite.open import open_database

_SHARED: Final = (DIRECTORY_NAME, QUEUE_NAME, PUBSUB_NAME, SENDING_NAME)


class Care:
    def verify(self, data: Path, say: Say) -> bool:
        enter_data_dir(data)
        sound = [_check_database(data / name, say) for name in _SHARED]
        return verify_data(data, say) and all(sound)

    def backup(self, data: Path, target: Path, say: Say) -> bool:
        enter_data_dir(data)
        if target.resolve().is_relative_to(data.resolve()):
            raise StartError(f"{target} is inside {data}; name a directory outside it")
        _check_free(target, "name a new or empty directory")
        made_ms = SystemClock().now_ms()
        whole = backup_data(data, target, say, made_ms=made_ms)
        note_backup(data, Backup(made_ms, str(target.resolve()), whole))
        return whole

    def restore(self, data: Path, source: Path, say: Say) -> bool:
        _check_free(data, "name a new data directory with --data DIR")
        return restore_data(source, data, say)

    def reindex(self, data: Path, say: Say) -> bool:
        enter_data_dir(data)
        return reindex_data(data, say)

    def rotate_key(self, data: Path, new: KeySource | None, say: Say) -> bool:
        return rotate_key(data, new, say)


def _check_free(target: Path, advice: str) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StartError(f"{target} is there already and not an empty directory; {advice}")


def _check_database(path: Path, say: Say) -> bool:
    """Say what SQLite's own check finds; returns whether that is nothing."""
    try:
        connection = open_database(path, readonly=True)
        try:
            found = [line for (line,) in connection.execute("PRAGMA integrity_check(20)")]
        finally:
            connection.close()
    except (apsw.Error, PenfoldError) as error:
        found = [f"cannot be opened: {error}"]
    for line in found:
        if line != "ok":
            say(f"{path.name}: {line}")
    return found == ["ok"]
