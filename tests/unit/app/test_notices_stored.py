"""Notices on real files: whatever step dies, after the next start there is one, and one only."""

import itertools
import random
import threading

import pytest
from tests.unit.fragile import Crash, Fragile, Step

from penfold.app.stores import known_schema, make_identity, open_stores
from penfold.base.clock import FixedClock
from penfold.base.labels import INBOX
from penfold.base.limits import NOTICE_SWEEP_AFTER_MS
from penfold.domain.outgoing.notices import Notices
from penfold.domain.outgoing.outbound import Outbound
from penfold.ports.mailbox import Query
from penfold.ports.queue import Attempt, NewQueueRow, QueueState, Settlement

RAW = b"Subject: hi\r\nMessage-ID: <one@penfold.test>\r\n\r\nhello\r\n"


class Life:
    """One run of a process over a folder: opened, perhaps killed, closed."""

    def __init__(self, folder, clock, step=None):
        self.clock = clock
        self.stores = open_stores(folder, clock=clock, fatal=pytest.fail, create=known_schema())
        self.ports = {
            "directory": self.stores.directory,
            "mailboxes": self.stores.mailboxes,
            "queue": self.stores.queue,
            "clock": clock,
            "chance": random.Random(1),
            "hostname": "mx.penfold.test",
        }
        self.outbound = Outbound(**self.ports, captures=False)
        if step is not None:
            self.ports["mailboxes"] = Fragile(self.stores.mailboxes, step, {"change"})
            self.ports["queue"] = Fragile(self.stores.queue, step, {"settle", "mark_told"})
        self.notices = Notices(**self.ports, arriving=self.outbound.arriving)

    def deliver(self):
        """Refuse what is due as another server would, and tell of it."""
        [lease] = self.stores.queue.take(now_ms=self.clock.now_ms(), lease_ms=1, limit=1)
        attempt = Attempt(self.clock.now_ms(), "550 5.1.1 no such user", "")
        settlement = Settlement(lease, attempt, QueueState.FAILED)
        self.ports["queue"].settle([settlement])
        self.notices.tell_settled(settlement)

    def count(self, account):
        with self.stores.mailboxes.open_reader(account.id) as box:
            return len(box.list_messages(Query(limit=9, labels=frozenset({INBOX}))))

    def close(self):
        self.outbound.close()
        self.stores.close()


def begin(folder, clock):
    life = Life(folder, clock)
    accounts = make_identity(life.stores).accounts
    accounts.add_domain("penfold.test")
    account = accounts.add("alice@penfold.test")
    row = NewQueueRow(
        account.id, 1, account.address, "kim@elsewhere.example", "hi", RAW, clock.now_ms(),
        message_id="one@penfold.test",
    )  # fmt: skip
    life.stores.queue.add([row], state=QueueState.QUEUED)
    life.close()
    return account


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_one_notice_is_there_after_a_crash_at_any_step(tmp_path, after):
    for last in itertools.count(1):
        folder, clock = tmp_path / f"{last}", FixedClock()
        folder.mkdir()
        account = begin(folder, clock)
        dying = Life(folder, clock, Step(last, after=after))
        crashed = False
        try:
            dying.deliver()
        except Crash:
            crashed = True
        dying.close()

        clock.advance(ms=NOTICE_SWEEP_AFTER_MS)
        living = Life(folder, clock)
        if living.stores.queue.find_next_due() is not None:
            living.deliver()  # it died before anything was recorded
        living.notices.sweep(threading.Event())
        assert living.count(account) == 1
        assert living.stores.queue.list_untold() == []
        living.close()
        if not crashed:
            assert last == 4
            return
