"""A data directory opened without a server, and mail put into it as the product puts it there."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from penfold.app.stores import Stores, open_stores
from penfold.base.clock import FixedClock
from penfold.domain.incoming.judging import ARRIVAL_LABELS
from penfold.domain.mailbox.messages import Letter, add_letter, read_letter
from penfold.ports.mailbox import MailboxWriter

#: Changes handed over together: what a hundred sessions would have waiting.
GROUP = 100


def stop(error: BaseException) -> None:
    raise SystemExit(f"the store gave up: {error}")


@contextmanager
def opened(data: Path) -> Iterator[Stores]:
    stores = open_stores(data, clock=FixedClock(int(time.time() * 1000)), fatal=stop)
    try:
        yield stores
    finally:
        stores.close()


def mailbox_of(stores: Stores, address: str) -> str:
    account = stores.directory.find_account(address)
    if account is None:
        raise LookupError(address)
    return account.id


def add_all(stores: Stores, mailbox_id: str, messages: Sequence[bytes]) -> None:
    """Add messages a group at a time; each group shares its commits as arriving mail does."""
    now_ms = stores.clock.now_ms()
    chance = random.Random(1)

    def adding(letter: Letter, at_ms: int):
        def change(box: MailboxWriter) -> int:
            row = add_letter(
                box,
                letter,
                labels=ARRIVAL_LABELS,
                thread_id=None,
                internal_ms=at_ms,
                now_ms=now_ms,
                chance=chance,
            )
            return row.id

        return change

    waiting = threading.Semaphore(GROUP)
    errors: list[BaseException] = []

    def done(_: int | None, error: BaseException | None) -> None:
        if error:
            errors.append(error)
        waiting.release()

    for number, raw in enumerate(messages):
        waiting.acquire()
        stores.mailboxes.submit(mailbox_id, adding(read_letter(raw), now_ms + number), done)
    for _ in range(GROUP):
        waiting.acquire()
    if errors:
        raise errors[0]
