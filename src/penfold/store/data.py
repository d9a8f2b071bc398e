"""Care for a data directory as a whole: verify and reindex every mailbox, sweep large messages.

A mailbox found whole leaves quarantine; one found damaged is named and stays where it is. A
large message without a row is left by a crash between the two, or by a deletion; it is removed
once it is older than the grace time, as a message being stored has its octets first.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from penfold.base.errors import NewerDataError
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.layout import iter_mailbox_ids, mailbox_path, marker_path
from penfold.store.sqlite.open import open_database
from penfold.store.sqlite.reindex import reindex_mailbox
from penfold.store.sqlite.verify import verify_mailbox

Say = Callable[[str], None]

#: Milliseconds a large message without a row is kept.
ORPHAN_GRACE_MS: Final = 86_400_000
_BLOBS = "SELECT sha256 FROM content WHERE raw IS NULL"


def verify_data(data: Path, say: Say, *, only: Iterable[str] | None = None) -> bool:
    """Look at every mailbox (or those of `only`); returns whether all are whole."""
    blobs = LocalBlobs(data / "blobs")
    whole = True
    count = 0
    for mailbox_id in iter_mailbox_ids(data) if only is None else only:
        count += 1
        whole &= _verify_one(data, blobs, mailbox_id, say)
    if whole and only is None:
        orphans = set(blobs.iter_hashes()) - find_referenced(data)
        if orphans:
            say(f"{len(orphans)} large messages without a row; the server removes them in a day")
    say(f"{count} mailboxes looked at: {'all are whole' if whole else 'there is damage'}")
    return whole


def reindex_data(data: Path, say: Say) -> bool:
    """Make every mailbox's index, trees and counters anew; returns whether nothing was missing."""
    blobs = LocalBlobs(data / "blobs")
    whole = True
    for mailbox_id in iter_mailbox_ids(data):
        try:
            whole &= reindex_mailbox(
                mailbox_path(data, mailbox_id), blobs, _saying(mailbox_id, say)
            )
        except Exception as error:  # noqa: BLE001 - one damaged mailbox does not stop the others
            say(f"{mailbox_id}: {error}")
            whole = False
        else:
            say(f"{mailbox_id}: done")
    return whole


def sweep_blobs(data: Path, blobs: LocalBlobs, *, now_ms: int) -> int:
    """Remove large messages that no row names and that are past their grace; returns how many.

    A mailbox that cannot be read may name any of them: then nothing is removed.
    """
    old = set(blobs.iter_older(now_ms - ORPHAN_GRACE_MS))
    if not old:
        return 0
    orphans = old - find_referenced(data)
    return sum(blobs.remove_older(sha256, now_ms - ORPHAN_GRACE_MS) for sha256 in orphans)


def find_referenced(data: Path) -> set[bytes]:
    """Return the hash of every large message some mailbox has a row for."""
    found: set[bytes] = set()
    for mailbox_id in iter_mailbox_ids(data):
        connection = open_database(mailbox_path(data, mailbox_id), readonly=True)
        try:
            found.update(sha256 for (sha256,) in connection.execute(_BLOBS))
        finally:
            connection.close(force=True)
    return found


def _verify_one(data: Path, blobs: LocalBlobs, mailbox_id: str, say: Say) -> bool:
    whole = True
    try:
        for finding in verify_mailbox(mailbox_path(data, mailbox_id), blobs):
            say(f"{mailbox_id}: {finding}")
            whole = False
    except NewerDataError as error:
        say(f"{mailbox_id}: {error}")
        whole = False
    marker = marker_path(data, mailbox_id)
    if whole and marker.exists():
        marker.unlink()
        say(f"{mailbox_id}: is whole again and back in use")
    elif not whole:
        say(f"{mailbox_id}: {'is set apart' if marker.exists() else 'is damaged'}")
    return whole


def _saying(mailbox_id: str, say: Say) -> Say:
    return lambda line: say(f"{mailbox_id}: {line}")
