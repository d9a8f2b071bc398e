"""Make the product from its parts, for one process: the only place that knows them all.

Ports are made here and passed down as arguments; nothing reads a setting, opens a file or
starts a thread before. `close` ends everything in the order that loses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.domain.identity import Identity, build_identity
from penfold.domain.inbound import Inbound
from penfold.domain.local_mode import LOCAL_DOMAIN
from penfold.domain.outbound import Outbound
from penfold.spec.settings import Settings
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.store.sqlite.mailboxes import SqliteMailboxes
from penfold.store.sqlite.migrate import newest_version
from penfold.store.sqlite.queue import SqliteQueue

DIRECTORY_NAME: Final = "directory.db"
QUEUE_NAME: Final = "queue.db"
KINDS: Final = ("mailbox", "directory", "queue")

Fatal = Callable[[BaseException], None]


def known_schema() -> dict[str, int]:
    """Return the newest shape this release knows of each kind of file."""
    return {kind: newest_version(kind) for kind in KINDS}


def hostname_of(settings: Settings) -> str:
    return settings.hostname or LOCAL_DOMAIN


@dataclass(frozen=True, slots=True)
class Product:
    """Everything below the doors. `start` before the first mail goes out, `close` at the end."""

    clock: Clock
    chance: Chance
    blobs: LocalBlobs
    mailboxes: SqliteMailboxes
    directory: SqliteDirectory
    queue: SqliteQueue
    identity: Identity
    inbound: Inbound
    outbound: Outbound

    def start(self) -> None:
        self.outbound.start()

    def find_trouble(self) -> str | None:
        """Return a few words when the directory or the queue does not answer, else None."""
        for name, ask in (
            ("directory", self.directory.list_accounts),
            ("queue", self.queue.count_by_state),
        ):
            try:
                ask()
            except Exception:  # noqa: BLE001 - whatever it is, this part is not usable
                return f"the {name} does not answer"
        return None

    def close(self) -> None:
        self.outbound.close()
        self.mailboxes.close()
        self.queue.close()
        self.directory.close()


def open_product(
    settings: Settings,
    *,
    clock: Clock,
    fatal: Fatal,
    create: bool = False,
    open_queue: Callable[[Path], SqliteQueue] | None = None,
) -> Product:
    """Open the data directory; create: make the databases that are missing (first start).

    open_queue: opens the queue in place of the plain one, for who wants to watch it.
    """
    data = Path(settings.data)
    chance = SystemRandom()
    blobs = LocalBlobs(data / "blobs")
    mailboxes = SqliteMailboxes(data, blobs, fatal=fatal)
    directory = SqliteDirectory(data / DIRECTORY_NAME, clock=clock, create=create)
    path = data / QUEUE_NAME
    queue = open_queue(path) if open_queue else SqliteQueue(path, create=create)
    hostname = hostname_of(settings)
    return Product(
        clock=clock,
        chance=chance,
        blobs=blobs,
        mailboxes=mailboxes,
        directory=directory,
        queue=queue,
        identity=build_identity(directory, mailboxes, clock=clock, chance=chance),
        inbound=Inbound(
            directory=directory,
            mailboxes=mailboxes,
            clock=clock,
            chance=chance,
            hostname=hostname,
        ),
        outbound=Outbound(
            directory=directory,
            mailboxes=mailboxes,
            queue=queue,
            clock=clock,
            chance=chance,
            hostname=hostname,
            captures=True,
        ),
    )
