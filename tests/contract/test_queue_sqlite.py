"""The queue in queue.db, and what only a file can get wrong."""

import threading

import apsw
import pytest
from tests.contract.queue_contract import QueueContract, letter

from penfold.base.errors import MailboxDamagedError, NewerDataError
from penfold.ports.queue import QueueState
from penfold.store.sqlite.queue import SqliteQueue


class TestSqliteQueue(QueueContract):
    @pytest.fixture
    def queue(self, tmp_path):
        queue = SqliteQueue(tmp_path / "queue.db", create=True)
        yield queue
        queue.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "queue.db"


def test_rows_are_there_after_closing_and_opening(path):
    queue = SqliteQueue(path, create=True)
    [row_id] = queue.add([letter()], state=QueueState.CAPTURED)
    queue.close()
    queue.close()
    again = SqliteQueue(path, create=True)
    assert again.get_row(row_id).state is QueueState.CAPTURED
    again.close()


def test_octets_are_stored_once_for_all_recipients(path):
    queue = SqliteQueue(path, create=True)
    queue.add([letter(f"r{n}@x.example") for n in range(50)], state=QueueState.QUEUED)
    queue.close()
    db = apsw.Connection(str(path))
    assert db.execute("SELECT count(*) FROM letter").get == 1
    assert db.execute("SELECT count(*) FROM recipient").get == 50
    db.close()


def test_octets_that_changed_on_disk_are_never_given_out(path):
    queue = SqliteQueue(path, create=True)
    [row_id] = queue.add([letter()], state=QueueState.QUEUED)
    db = apsw.Connection(str(path))
    db.execute("UPDATE letter SET sha256 = zeroblob(32)")
    db.close()
    with pytest.raises(MailboxDamagedError):
        queue.get_raw(row_id)
    queue.close()


def test_a_file_of_a_newer_release_is_refused(path):
    SqliteQueue(path, create=True).close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version=9999")
    db.close()
    with pytest.raises(NewerDataError):
        SqliteQueue(path, create=True)


def test_threads_and_a_second_opener_add_without_losing_a_row(path):
    queues = [SqliteQueue(path, create=True), SqliteQueue(path, create=True)]
    errors = []

    def add_some(queue, origin):
        try:
            for number in range(1, 11):
                queue.add([letter(origin=origin, number=number)], state=QueueState.QUEUED)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=add_some, args=(queues[n % 2], f"m{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert queues[0].count_by_state()[QueueState.QUEUED] == 40
    for queue in queues:
        queue.close()


def test_a_missing_file_is_not_taken_for_a_new_queue(path):
    with pytest.raises(apsw.CantOpenError):
        SqliteQueue(path, create=False)
    assert not path.exists()
