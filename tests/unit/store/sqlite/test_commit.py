"""What a failed COMMIT of the queue or the directory means: design rule "outcome unknown"."""

import pytest
from tests.contract.queue_contract import letter

from penfold.base.errors import OutcomeUnknownError
from penfold.ports.identity import Domain
from penfold.ports.queue import QueueState
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.store.sqlite.queue import SqliteQueue


class Clock:
    def now_ms(self):
        return 1_000


def open_queue(folder, fatal):
    queue = SqliteQueue(folder / "queue.db", create=True, fatal=fatal, vfs="failing")
    return queue, lambda: queue.add([letter()], state=QueueState.CAPTURED)


def open_directory(folder, fatal):
    book = SqliteDirectory(folder / "directory.db", clock=Clock(), fatal=fatal, vfs="failing")
    return book, lambda: book.change(lambda writer: writer.add(Domain("x.example", 0)))


@pytest.mark.parametrize("open_one", [open_queue, open_directory], ids=["queue", "directory"])
def test_failed_sync_ends_the_process_before_anybody_hears_of_it(failing, tmp_path, open_one):
    fatal = []
    store, change = open_one(tmp_path, fatal.append)
    failing.set()
    with pytest.raises(OutcomeUnknownError) as raised:
        change()
    failing.clear()
    store.close()
    assert fatal == [raised.value]  # in production the process ends in that call


def test_a_command_without_a_server_process_gets_the_error(failing, tmp_path):
    queue, change = open_queue(tmp_path, None)
    failing.set()
    with pytest.raises(OutcomeUnknownError):
        change()
    failing.clear()
    queue.close()
