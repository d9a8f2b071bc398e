"""The book of topics in pubsub.db, and what only a file can get wrong."""

import threading

import apsw
import pytest
from tests.contract.pubsub_contract import NOW, SUB, SUB2, TOPIC, PubsubContract

from penfold.base.errors import NewerDataError
from penfold.ports.pubsub import NewMessage, Subscription, Topic
from penfold.store.sqlite.pubsub import SqlitePubsub


class TestSqlitePubsub(PubsubContract):
    @pytest.fixture
    def make_book(self, tmp_path):
        books = []

        def make(max_bytes=1 << 30):
            books.append(SqlitePubsub(tmp_path / "pubsub.db", create=True, max_bytes=max_bytes))
            return books[-1]

        yield make
        for book in books:
            book.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pubsub.db"


def fill(path):
    book = SqlitePubsub(path, create=True)
    book.add_topic(Topic(TOPIC))
    for name in (SUB, SUB2):
        book.add_subscription(Subscription(name, TOPIC))
    return book


def test_what_was_published_is_there_after_closing_and_opening(path):
    book = fill(path)
    book.publish(TOPIC, [NewMessage(b"x")], now_ms=NOW)
    book.close()
    book.close()
    again = SqlitePubsub(path, create=False)
    [found] = again.lease(SUB, limit=9, until_ms=NOW + 1, now_ms=NOW)
    assert found.message.data == b"x"
    again.close()


def test_octets_are_stored_once_and_go_with_the_last_delivery(path):
    book = fill(path)
    ids = book.publish(TOPIC, [NewMessage(b"x"), NewMessage(b"y")], now_ms=NOW)
    db = apsw.Connection(str(path))
    count = "SELECT count(*) FROM message"
    assert db.execute(count).get == 2
    book.settle(SUB, done=ids)
    assert db.execute(count).get == 2
    book.settle(SUB2, done=ids[:1])
    assert db.execute(count).get == 1
    book.delete_subscription(SUB2)
    assert db.execute(count).get == 0
    db.close()
    book.close()


def test_a_file_of_a_newer_release_is_refused(path):
    fill(path).close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version=9999")
    db.close()
    with pytest.raises(NewerDataError):
        SqlitePubsub(path, create=True)


def test_a_missing_file_is_not_taken_for_a_new_one(path):
    with pytest.raises(apsw.CantOpenError):
        SqlitePubsub(path, create=False)
    assert not path.exists()


def test_two_processes_pull_every_message_once_while_others_publish(path):
    books = [fill(path), SqlitePubsub(path, create=False)]
    seen, errors = [], []

    def publish(book):
        try:
            for number in range(10):
                book.publish(TOPIC, [NewMessage(b"%d" % number)], now_ms=NOW)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    def pull(book):
        try:
            for _ in range(20):
                seen.extend(book.lease(SUB, limit=3, until_ms=NOW + 9, now_ms=NOW))
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    work = [(publish, 0), (publish, 1), (pull, 0), (pull, 1)]
    threads = [threading.Thread(target=run, args=(books[number],)) for run, number in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rest = books[0].lease(SUB, limit=99, until_ms=NOW + 9, now_ms=NOW)
    assert errors == []
    assert len({each.message_id for each in (*seen, *rest)}) == len(seen) + len(rest) == 20
    for book in books:
        book.close()
