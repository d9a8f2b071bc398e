"""What every book of ordered faults does, in memory and on a file alike."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from penfold.ports.faults import Order
from penfold.store.faults import FileFaults
from penfold.testing.faults import MemoryFaults

SEND = "gmail.users.messages.send"
KIM = "kim@penfold.test"


@pytest.fixture(params=["memory", "file"])
def book(request, tmp_path):
    return MemoryFaults() if request.param == "memory" else FileFaults(tmp_path / "faults.json")


def strike(book, count, method=SEND, account=KIM):
    return [book.strike(method, account) for _ in range(count)]


def test_nothing_ordered_hits_nobody(book):
    assert strike(book, 1) == [None]
    assert (list(book.list_orders()), book.clear()) == ([], 0)


def test_orders_are_numbered_listed_and_cleared(book):
    first, second = book.add(Order(0, "a")), book.add(Order(0, "b", times=2))
    assert (first.number, second.number) == (1, 2)
    assert list(book.list_orders()) == list(book.orders) == [first, second]
    assert book.clear() == 2
    assert strike(book, 1) == [None]


@pytest.mark.parametrize(
    ("times", "after", "hits"),
    [
        (1, 0, ["a", None, None, None]),
        (2, 1, [None, "a", "a", None]),
        (0, 0, ["a", "a", "a", "a"]),
        (0, 3, [None, None, None, "a"]),
    ],
)
def test_an_order_hits_as_often_as_it_says(book, times, after, hits):
    book.add(Order(0, "a", times=times, after=after))
    assert strike(book, 4) == hits


@pytest.mark.parametrize(
    ("method", "account", "hit"),
    [
        ("", "", True),
        (SEND, KIM, True),
        ("gmail.users.getProfile", "", False),
        ("", "bob@penfold.test", False),
        (SEND, "bob@penfold.test", False),
    ],
)
def test_an_order_hits_whom_it_names(book, method, account, hit):
    book.add(Order(0, "a", method, account, times=1))
    assert strike(book, 1) == (["a"] if hit else [None])


def test_orders_are_served_in_turn_and_those_that_wait_let_others_through(book):
    book.add(Order(0, "a", times=1, after=2))
    book.add(Order(0, "b", times=3))
    assert strike(book, 5) == ["b", "b", "a", "b", None]


def test_another_process_sees_an_order_at_its_next_look(tmp_path):
    here, there = FileFaults(tmp_path / "faults.json"), FileFaults(tmp_path / "faults.json")
    there.add(Order(0, "a", times=1))
    assert here.orders == ()
    here.refresh()
    assert strike(here, 2) == ["a", None]
    assert strike(there, 1) == [None]  # counted across processes
    there.refresh()
    assert there.orders == ()


def test_an_order_is_counted_right_by_many_at_once(tmp_path):
    path = tmp_path / "faults.json"
    FileFaults(path).add(Order(0, "a", times=30, after=10))
    with ThreadPoolExecutor(4) as pool:
        books = [FileFaults(path) for _ in range(4)]
        hits = pool.map(lambda book: strike(book, 25), books)
    assert sum(problem == "a" for each in hits for problem in each) == 30


@pytest.mark.parametrize("octets", [b"", b"{", b"[1]", b'[{"number": 1}]'])
def test_a_file_that_is_not_ours_orders_nothing(tmp_path, octets):
    path = tmp_path / "faults.json"
    path.write_bytes(octets)
    book = FileFaults(path)
    assert book.orders == ()
    assert book.add(Order(0, "a")).number == 1
