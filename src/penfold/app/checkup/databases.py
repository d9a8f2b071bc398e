"""The databases: sound as far as a quick look tells, secrets readable, a backup not long ago."""

from collections.abc import Iterator
from typing import Final

import apsw

from penfold.app.checkup.patient import Patient
from penfold.app.exits import stop_at_once
from penfold.app.monitor.logs import SystemClock
from penfold.app.stores import DIRECTORY_NAME, PUBSUB_NAME, QUEUE_NAME, SENDING_NAME, open_stores
from penfold.base.errors import PenfoldError
from penfold.base.limits import BACKUP_OLD_DAYS
from penfold.domain.health import Finding, error, fine, warning
from penfold.ports.identity import DkimKey
from penfold.store.backup_log import list_backups
from penfold.store.sqlite.open import check_sqlite_version, open_database

_SHARED: Final = (DIRECTORY_NAME, QUEUE_NAME, PUBSUB_NAME, SENDING_NAME)
_DAY_MS: Final = 86_400_000


def check_databases(patient: Patient) -> Iterator[Finding]:
    """Files that all accounts share are sound, and no mailbox is set aside."""
    check_sqlite_version()
    bad = 0
    for name in _SHARED:
        found = _quick_check(patient, name)
        if found == "ok":
            continue
        bad += 1
        yield error(
            "databases",
            f"{name} is damaged: {found}.",
            why="Nobody can sign in, or no mail goes out, while it is.",
            mend="stop the server and restore a backup: penfold data restore BACKUP --data NEW",
        )
    for path in sorted(patient.data.glob("mailboxes/*/*/*.damaged")):
        bad += 1
        yield error(
            "databases",
            f"The mailbox {path.name.partition('.')[0]} is damaged and was set aside.",
            why="Mail for it waits at its senders, who give up after some days.",
            mend="penfold data verify",
        )
    if not bad:
        yield fine("databases", f"{', '.join(_SHARED)} are sound; no mailbox is set aside.")


def _quick_check(patient: Patient, name: str) -> str:
    """Return SQLite's verdict, "ok" when it finds nothing."""
    try:
        connection = open_database(patient.data / name, readonly=True)
        try:
            return str(connection.execute("PRAGMA quick_check(1)").get)
        finally:
            connection.close()
    except (apsw.Error, PenfoldError) as trouble:
        return f"cannot be opened: {trouble}"


def check_secrets(patient: Patient) -> Iterator[Finding]:
    """What is sealed can be opened with the master key that is there."""
    stores = open_stores(
        patient.data,
        clock=SystemClock(),
        fatal=stop_at_once,
        master_key=patient.settings.master_key,
    )
    try:
        keys = [key for key in stores.directory.list_by(DkimKey) if key.sealed]
        for key in keys:
            try:
                stores.sealer.open(key.sealed, context=key.name)
            except (PenfoldError, OSError) as trouble:
                yield error(
                    "secrets",
                    f"The DKIM key {key.name} cannot be read: {trouble}.",
                    why="Mail of the domain leaves unsigned, and is taken for spam.",
                    mend="put back the master key it was sealed with, from a backup",
                )
                return
    finally:
        stores.close()
    yield fine("secrets", f"All {len(keys)} sealed keys can be read.")


def check_backup(patient: Patient) -> Iterator[Finding]:
    """A backup was made lately."""
    mend = "penfold data backup DIR, every night from a timer; docs/production.md has one"
    why = "A disk that ends takes all mail since the last backup with it."
    backups = list_backups(patient.data)
    if not backups:
        if patient.settings.is_production:
            yield warning(
                "backup", "No backup by `penfold data backup` is known.", why=why, mend=mend
            )
        else:
            yield fine("backup", "No backup is known; in local mode none is missed.")
        return
    last = backups[-1]
    days = (patient.now_ms - last.made_ms) // _DAY_MS
    if not last.whole:
        yield error(
            "backup",
            "The last backup left out what it could not read.",
            why=why,
            mend="penfold data verify",
        )
    elif days > BACKUP_OLD_DAYS:
        yield warning("backup", f"The last backup is {days} days old.", why=why, mend=mend)
    else:
        yield fine("backup", f"The last backup is {days} days old.")
