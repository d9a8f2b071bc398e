"""Which mailboxes changed, by their files; and what goes from files by its setting."""

import os
import threading
from random import Random

import pytest
from tests.moving import ALICE, make_data

from penfold.app.mail.sweeping import iter_changed, load_mark, make_sweeps
from penfold.app.stores import open_stores
from penfold.app.wiring import make_product
from penfold.base.clock import FixedClock
from penfold.base.labels import INBOX, SPAM, TRASH
from penfold.base.limits import EXPIRE_MESSAGES
from penfold.domain.mailbox.messages import add_letter, read_letter
from penfold.ports.queue import NewQueueRow, QueueState
from penfold.spec.settings import Settings
from penfold.store.data import verify_data
from penfold.store.sqlite.layout import mailbox_path
from penfold.testing.mail import MailGenerator

BOX = "m00000000000000000001"
OLD, NEW = 1_000, 2_000


def touch(path, *, at_s):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (at_s, at_s))
    return path


def test_a_mailbox_changed_when_its_file_or_its_log_did(tmp_path):
    path = touch(mailbox_path(tmp_path, BOX), at_s=OLD)
    assert list(iter_changed(tmp_path, NEW * 1000)) == []
    assert list(iter_changed(tmp_path, OLD * 1000)) == [BOX]
    touch(path.with_name(path.name + "-wal"), at_s=NEW)
    assert list(iter_changed(tmp_path, NEW * 1000)) == [BOX]


def test_without_a_mark_everything_counts_as_changed(tmp_path):
    assert load_mark(tmp_path / "mark") == 0
    (tmp_path / "mark").write_text("17\n")
    assert load_mark(tmp_path / "mark") == 17
    (tmp_path / "mark").write_text("junk")
    assert load_mark(tmp_path / "mark") == 0


class Store:
    """A data directory on disk, and the sweeps its settings make."""

    def __init__(self, data, **settings):
        self.data, self.clock = make_data(data), FixedClock()
        self.stores = open_stores(data, clock=self.clock, fatal=pytest.fail)
        self.account = self.stores.directory.find_account(ALICE)
        product = make_product(self.stores, hostname="penfold.test")
        self.sweeps = make_sweeps(Settings(data=str(data), **settings), product)

    def add(self, count, *labels):
        chance, now_ms = Random(1), self.clock.now_ms()

        def add(box):
            for number, raw in enumerate(MailGenerator(1).messages(count)):
                add_letter(
                    box, read_letter(raw), labels=frozenset(labels), thread_id=None,
                    internal_ms=now_ms - number, now_ms=now_ms, chance=chance,
                )  # fmt: skip

        self.stores.mailboxes.change(self.account.id, add)

    def look(self, ask):
        with self.stores.mailboxes.open_reader(self.account.id) as box:
            return ask(box)


@pytest.fixture
def make_store(tmp_path):
    made = []

    def make(**settings):
        made.append(Store(tmp_path / "data", **settings))
        return made[-1]

    yield make
    for each in made:
        each.stores.close()


def test_a_sweep_of_a_mailbox_on_disk_leaves_it_whole(make_store):
    store = make_store(trash_days=7, spam_days=0)
    store.add(EXPIRE_MESSAGES + 7, TRASH)
    store.add(3, SPAM)
    store.add(4, INBOX)
    store.clock.advance(days=7)
    assert store.sweeps.expire_mail(threading.Event()).changed == 0
    store.clock.advance(ms=1)
    assert store.sweeps.expire_mail(threading.Event()).changed == EXPIRE_MESSAGES + 7
    assert store.look(lambda box: box.get_totals()).messages == 7
    assert store.look(lambda box: box.find_label(TRASH)).messages_total == 0
    said = []
    store.stores.close()
    assert verify_data(store.data, said.append), said


def test_the_queue_on_disk_forgets_by_its_setting(make_store):
    store = make_store(queue_days=2)
    row = NewQueueRow(store.account.id, 1, ALICE, "x@y.example", "", b"raw", store.clock.now_ms())
    store.stores.queue.add([row], state=QueueState.CAPTURED)
    store.clock.advance(days=2)
    assert store.sweeps.expire_queue(threading.Event()).changed == 0
    store.clock.advance(ms=1)
    assert store.sweeps.expire_queue(threading.Event()).changed == 1
    assert store.stores.queue.list_rows() == []
