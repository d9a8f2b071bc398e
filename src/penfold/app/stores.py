"""Open the data directory: blobs, mailboxes, directory, queue, topics and what the sending API
keeps, for one process.

Nothing reads a setting, opens a file or starts a thread before. `close` is safe to call twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Final, Protocol

from penfold.app.datadir import SCHEMA_NAME, check_schema
from penfold.app.master_key import make_sealer
from penfold.base.chance import Chance
from penfold.base.clock import Clock
from penfold.base.limits import SQLITE_CACHE_KIB
from penfold.ports.sending.counts import Counter
from penfold.spec.key_source import DEFAULT_SOURCE, KeySource
from penfold.spec.settings import Settings
from penfold.store.blobs.local import LocalBlobs
from penfold.store.sealing import KeySealer
from penfold.store.sqlite.commit import Fatal
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.store.sqlite.mailboxes import SqliteMailboxes
from penfold.store.sqlite.migrate import newest_version
from penfold.store.sqlite.pubsub import SqlitePubsub
from penfold.store.sqlite.queue import SqliteQueue
from penfold.store.sqlite.sending.book import SqliteSending
from penfold.store.uploads import FolderUploads

if TYPE_CHECKING:
    from penfold.domain.access.identity import Identity
    from penfold.domain.access.sessions import Told
    from penfold.domain.outgoing.domains import Domains
    from penfold.domain.throttle import Throttle

DIRECTORY_NAME: Final = "directory.db"
QUEUE_NAME: Final = "queue.db"
PUBSUB_NAME: Final = "pubsub.db"
SENDING_NAME: Final = "sending.db"
_KINDS: Final = ("mailbox", "directory", "queue", "pubsub", "sending")


def known_schema() -> dict[str, int]:
    """Return the newest shape this release knows of each kind of file."""
    return {kind: newest_version(kind) for kind in _KINDS}


def list_new(data: Path) -> Collection[str]:
    """Return the kinds of database that the release before had not; () before the first start."""
    return check_schema(data, known_schema()) if (data / SCHEMA_NAME).exists() else ()


class Watch(Protocol):
    """Who wants to know what the stores do. Called from their threads."""

    def committed(self, changes: int, seconds: float) -> None:
        """Told of each mailbox transaction, and how long the disk took for it."""
        ...

    def damaged(self, mailbox_id: str, reason: str) -> None:
        """Told of each mailbox that was set apart."""
        ...

    def counted(self, counters: Mapping[Counter, int]) -> None:
        """Told of what happened to recipients of the sending API, by each transaction."""
        ...

    def open_queue(self, path: Path, fatal: Fatal) -> SqliteQueue:
        """Open the queue in a way that tells of what it is given."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """What is on disk, and with what it is used: the time and chance of this process."""

    clock: Clock
    chance: Chance
    blobs: LocalBlobs
    mailboxes: SqliteMailboxes
    directory: SqliteDirectory
    queue: SqliteQueue
    sealer: KeySealer
    uploads: FolderUploads
    pubsub: SqlitePubsub
    sending: SqliteSending

    def find_trouble(self) -> str | None:
        """Return a few words when the directory or the queue does not answer, else None."""
        for name, ask in (
            ("directory", self.directory.list_accounts),
            ("queue", self.queue.count_by_state),
            ("book of topics", self.pubsub.get_watch_mark),
            ("sending book", lambda: self.sending.read(lambda book: book.find_next_due())),
        ):
            try:
                ask()
            except Exception:  # noqa: BLE001 - whatever it is, this part is not usable
                return f"the {name} does not answer"
        return None

    def close(self) -> None:
        self.mailboxes.close()
        self.queue.close()
        self.pubsub.close()
        self.sending.close()
        self.directory.close()


def open_stores(
    data: Path,
    *,
    clock: Clock,
    fatal: Fatal,
    create: Collection[str] = (),
    watch: Watch | None = None,
    cache_kib: int = SQLITE_CACHE_KIB,
    writer_threads: int = 3,
    master_key: KeySource = DEFAULT_SOURCE,
) -> Stores:
    """Open the data directory; create: the kinds of database to make if missing.

    cache_kib: page cache of each mailbox handle. writer_threads: mailboxes written at a time.

    fatal: must end the process, see store/sqlite/commit.py. master_key: where it is.
    """
    blobs = LocalBlobs(data / "blobs")
    directory = SqliteDirectory(
        data / DIRECTORY_NAME, clock=clock, create="directory" in create, fatal=fatal
    )
    return Stores(
        clock=clock,
        chance=SystemRandom(),
        blobs=blobs,
        mailboxes=SqliteMailboxes(
            data,
            blobs,
            fatal=fatal,
            on_commit=watch.committed if watch else None,
            on_damage=watch.damaged if watch else None,
            cache_kib=cache_kib,
            writer_threads=writer_threads,
        ),
        directory=directory,
        queue=_open_queue(data / QUEUE_NAME, watch, create="queue" in create, fatal=fatal),
        sealer=make_sealer(master_key, data, directory),
        uploads=FolderUploads(data / "uploads", data / "blobs"),
        pubsub=SqlitePubsub(data / PUBSUB_NAME, create="pubsub" in create, fatal=fatal),
        sending=SqliteSending(
            data / SENDING_NAME,
            create="sending" in create,
            fatal=fatal,
            told=watch.counted if watch else lambda _: None,
        ),
    )


def _open_queue(path: Path, watch: Watch | None, *, create: bool, fatal: Fatal) -> SqliteQueue:
    if watch:
        return watch.open_queue(path, fatal)
    return SqliteQueue(path, create=create, fatal=fatal)


def make_identity(
    stores: Stores,
    settings: Settings | None = None,
    throttle: "Throttle | None" = None,
    told: "Told | None" = None,
) -> "Identity":
    """Return the services that know who may come in; without settings by Gmail's rules.

    Imported here, because their libraries cost 0.15 s and 12 MB that the mail process never
    needs, and an HTTP worker only when somebody signs in.
    """
    from penfold.domain.access.grant_rules import GrantRules  # noqa: PLC0415 - see above
    from penfold.domain.access.identity import build_identity  # noqa: PLC0415 - see above

    settings = settings or Settings()
    rules = GrantRules(
        idle_days=settings.token_idle_days,
        testing_days=settings.token_testing_days,
        per_client=settings.tokens_per_app,
        password_ends=settings.password_ends_tokens == "yes",  # noqa: S105 - a choice
    )
    return build_identity(
        stores.directory,
        stores.mailboxes,
        clock=stores.clock,
        chance=stores.chance,
        sealer=stores.sealer,
        rules=rules,
        throttle=throttle,
        told=told,
    )


def make_domains(stores: Stores) -> "Domains":
    """Return the service for domains and their keys; imported here for the reason above."""
    from penfold.domain.access.accounts import Accounts  # noqa: PLC0415 - see make_identity
    from penfold.domain.outgoing.domains import Domains  # noqa: PLC0415 - see make_identity

    accounts = Accounts(stores.directory, stores.mailboxes, stores.clock, stores.chance)
    return Domains(stores.directory, accounts, stores.sealer, stores.clock)
