"""Put together what tells topics of changes and pushes their messages, for the mail process."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from penfold.app.process.process import Core
from penfold.app.stores import Stores, make_identity
from penfold.app.wiring import Product
from penfold.base.limits import NOTIFY_LOOK_S, PUSH_LOOK_S
from penfold.domain.push.push import MakeToken, Pusher
from penfold.front.worker.notifying import FileState, Notifier, PushRounds
from penfold.front.worker.tasks import Task
from penfold.net.http_out import HttpOut
from penfold.ports.http_out import NoAnswerError
from penfold.ports.identity import ServiceAccount
from penfold.spec.events import PUSH_FAILED, TASK_FAILED
from penfold.spec.metrics import NOTIFICATIONS, PUSHES
from penfold.store.sqlite.layout import mailbox_path

_NO_FILE = FileState(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Pushing:
    tasks: tuple[Task, ...]
    rounds: PushRounds


def make_pushing(core: Core, product: Product) -> Pushing:
    stores = product.stores
    notifier = Notifier(
        stores.pubsub,
        stores.mailboxes,
        stores.directory,
        clock=stores.clock,
        find_state=make_state_finder(core.launch.data),
        count=lambda number, outcome: core.counters.add(NOTIFICATIONS, number, outcome),
    )

    def report(name: str, attempt: int, outcome: str) -> None:
        core.counters.add(PUSHES, 1, "failed" if outcome else "accepted")
        if outcome:
            core.log.emit(PUSH_FAILED, subscription=name, attempt=attempt, outcome=outcome)

    pusher = Pusher(
        stores.pubsub,
        HttpOut(plain=not core.launch.settings.is_production),
        stores.clock,
        stores.chance,
        make_token_maker(stores, issuer=core.launch.settings.issuer or core.launch.public_url),
        report,
    )
    rounds = PushRounds(
        pusher,
        stores.pubsub,
        clock=stores.clock,
        failed=lambda error: core.log.emit(
            TASK_FAILED, task="push", error=type(error).__name__, detail=str(error)
        ),
    )
    return Pushing(
        (
            Task("notify", notifier.run, first_s=0.0, every_s=NOTIFY_LOOK_S),
            Task("push", rounds.run, first_s=0.0, every_s=PUSH_LOOK_S),
        ),
        rounds,
    )


def make_state_finder(data: Path) -> Callable[[str], FileState]:
    """Return what tells whether a mailbox's file changed.

    Every commit writes the write-ahead log; without one, the file itself is as of the last.
    """

    @lru_cache(maxsize=100_000)
    def names(mailbox: str) -> tuple[str, str]:
        path = str(mailbox_path(data, mailbox))
        return f"{path}-wal", path

    def find_state(mailbox: str) -> FileState:
        for name in names(mailbox):
            try:
                found = os.stat(name)  # noqa: PTH116 - a Path costs five times as much, per mailbox
            except OSError:
                continue
            return FileState(found.st_mtime_ns, found.st_size, found.st_ino)
        return _NO_FILE

    return find_state


def make_token_maker(stores: Stores, *, issuer: str) -> MakeToken:
    """Return what signs tokens of pushes; the libraries for that are loaded by the first one."""

    def make(email: str, audience: str) -> str:
        account = stores.directory.find(ServiceAccount, email)
        if account is None:
            raise NoAnswerError("the service account of the push is gone")
        id_tokens = make_identity(stores).id_tokens
        return id_tokens.make_for_service(account, audience=audience, issuer=issuer)

    return make
