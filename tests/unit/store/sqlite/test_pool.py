"""Handles are reused, bounded, closed when idle, and never leak."""

import os
import threading
from pathlib import Path

import apsw
import pytest
from tests.contract.mailbox_contract import Box

from penfold.base.errors import MailboxBusyError, NotFoundError, UnavailableError
from penfold.store.sqlite.pool import Handle, Pool, affordable_handles


class Files:
    """Opens in-memory databases and counts."""

    def __init__(self):
        self.opened = []
        self.gate = None

    def open(self, mailbox_id, writable):
        if mailbox_id == "missing":
            raise NotFoundError
        handle = Handle(apsw.Connection(":memory:"), mailbox_id, writable=writable)
        self.opened.append(handle)
        if self.gate:
            self.gate.wait(10)
        return handle

    def count_open(self):
        return sum(is_open(handle) for handle in self.opened)


def is_open(handle):
    return bool(handle.connection)


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def make_pool(files):
    pools = []

    def make(**options):
        settings = {"max_handles": 3, "idle_close_s": 1000.0, "wait_s": 0.01, **options}
        pools.append(Pool(files.open, **settings))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def test_handle_given_back_is_used_again(make_pool, files):
    pool = make_pool()
    first = pool.borrow("a", writable=False)
    pool.give_back(first)
    assert pool.borrow("a", writable=False) is first
    assert len(files.opened) == 1


def test_two_borrowers_never_share_a_handle(make_pool):
    pool = make_pool()
    assert pool.borrow("a", writable=False) is not pool.borrow("a", writable=False)


def test_reader_is_never_given_to_a_writer(make_pool):
    pool = make_pool()
    pool.give_back(pool.borrow("a", writable=False))
    assert pool.borrow("a", writable=True).writable


def test_least_recently_used_handle_makes_room(make_pool, files):
    pool = make_pool()
    handles = {name: pool.borrow(name, writable=False) for name in "abc"}
    for name in "bca":
        pool.give_back(handles[name])
    pool.borrow("d", writable=False)
    assert not is_open(handles["b"])
    assert is_open(handles["a"])
    assert files.count_open() == 3


def test_pinned_handles_are_not_taken_away(make_pool, files):
    pool = make_pool()
    for name in "abc":
        pool.borrow(name, writable=False)
    with pytest.raises(MailboxBusyError):
        pool.borrow("d", writable=False)
    assert files.count_open() == 3


def test_waiting_borrower_gets_the_place_of_a_returned_handle(make_pool):
    pool = make_pool(wait_s=10.0, max_handles=1)
    first = pool.borrow("a", writable=False)
    got = []
    thread = threading.Thread(target=lambda: got.append(pool.borrow("b", writable=False)))
    thread.start()
    pool.give_back(first)
    thread.join(10)
    assert got[0].mailbox_id == "b"


def test_first_open_of_a_file_is_done_by_one_thread(make_pool, files):
    pool = make_pool(wait_s=10.0)
    files.gate = threading.Event()
    started = [threading.Event() for _ in range(2)]
    got = []

    def work(event):
        event.set()
        got.append(pool.borrow("a", writable=False))
        pool.give_back(got[-1])

    threads = [threading.Thread(target=work, args=(event,)) for event in started]
    for thread, event in zip(threads, started, strict=True):
        thread.start()
        event.wait(10)
    files.gate.set()
    for thread in threads:
        thread.join(10)
    assert len(files.opened) == 1
    assert got[0] is got[1]


def test_idle_handle_is_closed(make_pool):
    pool = make_pool(idle_close_s=-1.0)
    handle = pool.borrow("a", writable=False)
    pool.give_back(handle)
    assert not is_open(handle)
    other = make_pool(idle_close_s=1000.0)
    handle = other.borrow("a", writable=False)
    other.give_back(handle)
    other.close_idle()
    assert is_open(handle)


def test_broken_handle_is_closed_and_its_place_free(make_pool, files):
    pool = make_pool(max_handles=1)
    for _ in range(5):
        pool.give_back(pool.borrow("a", writable=False), broken=True)
    assert files.count_open() == 0


def test_failed_open_frees_its_place(make_pool):
    pool = make_pool(max_handles=1)
    for _ in range(5):
        with pytest.raises(NotFoundError):
            pool.borrow("missing", writable=False)
    assert pool.borrow("a", writable=False)


def test_dropped_mailbox_has_no_open_handle_once_the_last_is_back(make_pool, files):
    pool = make_pool()
    idle, pinned = pool.borrow("a", writable=False), pool.borrow("a", writable=False)
    pool.give_back(idle)
    pool.drop("a")
    assert not is_open(idle)
    assert is_open(pinned)
    pool.give_back(pinned)
    assert files.count_open() == 0


def test_closed_pool_closes_what_comes_back_and_opens_nothing(make_pool, files):
    pool = make_pool()
    idle, pinned = pool.borrow("a", writable=False), pool.borrow("b", writable=False)
    pool.give_back(idle)
    pool.close()
    pool.close()
    with pytest.raises(UnavailableError):
        pool.borrow("a", writable=False)
    pool.give_back(pinned)
    assert files.count_open() == 0


def test_pool_refuses_to_work_after_a_fork(make_pool):
    pool = make_pool()
    pool.give_back(pool.borrow("a", writable=False))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pool.borrow("a", writable=False)
        except RuntimeError:
            os.write(write, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"refused"
    os.close(read)
    os.close(write)


def test_affordable_handles_leave_half_of_the_descriptors():
    assert 4 <= affordable_handles() <= 512


def count_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_opening_and_closing_leaks_no_descriptor(open_mailboxes):
    def round_trip():
        mailboxes = open_mailboxes(writer_threads=1)
        for number in range(3):
            box = Box(mailboxes, f"m{number:020x}")
            mailboxes.create(box.id)
            box.set_labels(1) if box.list(hidden=True) else box.add(1)
        mailboxes.close()

    round_trip()
    before = count_descriptors()
    for _ in range(50):
        round_trip()
    assert count_descriptors() == before
