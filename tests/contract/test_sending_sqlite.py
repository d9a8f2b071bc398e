"""The sending book in sending.db, and what only a file can get wrong."""

from concurrent.futures import ThreadPoolExecutor

import apsw
import pytest
from tests.contract.sending_contract import NOW, SendingContract, count, event, new, take

from penfold.base.errors import MailboxDamagedError, NewerDataError
from penfold.store.sqlite.sending.book import SqliteSending


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sending.db"


class TestSqliteSending(SendingContract):
    @pytest.fixture
    def book(self, path):
        book = SqliteSending(path, create=True)
        yield book
        book.close()


def test_what_was_accepted_is_there_after_closing_and_opening(path):
    book = SqliteSending(path, create=True)
    number = book.change(lambda writer: writer.add_email(new()))
    book.close()
    book.close()
    again = SqliteSending(path, create=False)
    assert again.read(lambda b: b.find_email("e1", "a")).number == number
    again.close()


def test_a_file_of_a_newer_release_is_refused(path):
    SqliteSending(path, create=True).close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version=9999")
    db.close()
    with pytest.raises(NewerDataError):
        SqliteSending(path, create=False)


def test_damaged_content_is_said_to_be_damaged(path):
    book = SqliteSending(path, create=True)
    number = book.change(lambda writer: writer.add_email(new(content=b"x" * 500)))
    db = apsw.Connection(str(path))
    octets = bytearray(db.execute("SELECT octets FROM body").get)
    octets[-1] ^= 1
    db.execute("UPDATE body SET octets = ?", (bytes(octets),))
    db.close()
    with pytest.raises(MailboxDamagedError):
        book.read(lambda b: b.find_content(number))
    book.close()


def test_counters_stay_when_events_are_removed(path):
    book = SqliteSending(path, create=True)
    number = book.change(lambda writer: writer.add_email(new()))
    book.change(lambda writer: writer.add_event(event(number, "delivered")))
    before = count(book, by=("day", "stream", "tag"))
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM event")
    db.close()
    assert count(book, by=("day", "stream", "tag")) == before
    assert len(before) == 3
    book.close()


_COPY = "INSERT INTO event SELECT 99, 'other', account_id, email, position, kind, at_ms"


@pytest.mark.parametrize(
    "sql",
    [
        f"{_COPY}, 'other', final, data FROM event",
        f"{_COPY}, cause, 0, data FROM event",
    ],
    ids=["second-final-event", "same-cause"],
)
def test_the_file_itself_refuses_what_may_not_be(path, sql):
    book = SqliteSending(path, create=True)
    number = book.change(lambda writer: writer.add_email(new()))
    book.change(lambda writer: writer.add_event(event(number, "delivered")))
    book.close()
    db = apsw.Connection(str(path))
    with pytest.raises(apsw.ConstraintError):
        db.execute(sql)
    db.close()


def test_two_that_have_the_file_open_take_each_email_once(path):
    books = [SqliteSending(path, create=True) for _ in range(2)]
    books[0].change(lambda writer: [writer.add_email(new(n)) for n in range(40)])
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(take_all, books))
    assert sorted(taken[0] + taken[1]) == list(range(1, 41))
    for book in books:
        book.close()


def take_all(book):
    found = []
    while leases := take(book, NOW, limit=3):
        found += [lease.email.number for lease in leases]
    return found


_WAITS = "state IN ('scheduled', 'queued')"


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        (
            "email_due",
            f"email WHERE {_WAITS} AND priority = 1 AND due_ms <= 1 ORDER BY due_ms, number",
        ),
        ("event_account", "event WHERE account_id = 'a' AND number < 9 ORDER BY number DESC"),
        ("record_word", "record WHERE kind = 'x' AND word = 'y' AND account_id = 'z'"),
        (
            "delivery_due",
            "delivery WHERE state = 'waiting' AND webhook_id = 'w' ORDER BY due_ms, number",
        ),
    ],
)
def test_what_is_asked_often_is_found_by_an_index(path, index, asked):
    SqliteSending(path, create=True).close()
    db = apsw.Connection(str(path))
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {asked}"))
    assert index in plan
    assert "TEMP B-TREE" not in plan
    db.close()
