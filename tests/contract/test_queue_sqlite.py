"""The queue in queue.db, and what only a file can get wrong."""

import threading

import apsw
import pytest
from tests.contract.queue_contract import QueueContract, letter

from penfold.base.errors import MailboxDamagedError, NewerDataError
from penfold.ports.queue import Attempt, QueueState
from penfold.store.sqlite.migrate import find_steps, migrate
from penfold.store.sqlite.open import open_database
from penfold.store.sqlite.queue import SqliteQueue
from penfold.store.sqlite.queue_listings import SENT, UNTOLD, UNTOLD_SENDING


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


def test_nobody_is_told_of_what_ended_in_a_release_before(path):
    db = open_database(path, create=True)
    migrate(db, "queue", steps={number: find_steps("queue")[number] for number in (1, 2, 3)})
    db.execute("INSERT INTO letter VALUES (1, 'm1', 1, 'a@x', '', 0, x'', x'', 0)")
    columns = "INSERT INTO recipient (letter, address, state, next_attempt_ms) VALUES"
    db.execute(f"{columns} (1, 'old@y', 'failed', 0), (1, 'waits@y', 'queued', 0)").fetchall()
    db.close()
    queue = SqliteQueue(path, create=False)
    for row in queue.list_rows():
        queue.add_attempt(row.id, Attempt(0, "550 no", ""), state=QueueState.FAILED)
    assert [row.recipient for row in queue.list_untold()] == ["waits@y"]
    queue.close()


def test_finding_whom_to_tell_goes_through_no_other_rows(path):
    queue = SqliteQueue(path, create=True)
    db = apsw.Connection(str(path))
    for sql, values in ((UNTOLD, (0, 1)), (SENT, ("m1", "one@x"))):
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values))
        assert "SCAN" not in plan
        assert "recipient_state" not in plan
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {UNTOLD_SENDING}", (0, 1)))
    assert "SCAN" not in plan
    db.close()
    queue.close()


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
