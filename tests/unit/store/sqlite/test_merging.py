"""An index in pieces is made one, in steps that each are a transaction, and finds what it found."""

import apsw
import pytest

from penfold.proto.search.document import COLUMNS
from penfold.store.sqlite.merging import Merger, is_in_pieces, merge_step
from penfold.store.sqlite.migrate import migrate
from penfold.store.sqlite.pool import Handle, Pool

ADD = f"INSERT INTO words (rowid, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"


@pytest.fixture
def connection(tmp_path):
    connection = apsw.Connection(str(tmp_path / "m.db"))
    migrate(connection, "mailbox")
    yield connection
    connection.close()


def make_pool(connection):
    return Pool(
        lambda mailbox_id, writable: Handle(connection, mailbox_id, writable=writable),
        max_handles=2,
        idle_close_s=60,
    )


def refuse(_handle, _mailbox_id, error):
    raise error


def add_pieces(connection, count):
    for number in range(count):
        words = " ".join(f"w{number * 7 % 50}x{n}" for n in range(200))
        connection.execute(ADD, (number + 1, *[""] * 5, words, "", "", ""))


def find(connection, word):
    return [
        row for (row,) in connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (word,))
    ]


def test_few_segments_are_left_alone(connection):
    add_pieces(connection, 3)
    assert not is_in_pieces(connection)


def test_steps_make_one_segment_that_finds_the_same(connection):
    add_pieces(connection, 12)
    assert is_in_pieces(connection)
    found = find(connection, "w7x3")
    steps, begun = 0, False
    while merge_step(connection, begun=begun, pages=2):
        steps, begun = steps + 1, True
        assert find(connection, "w7x3") == found
    assert steps > 1
    assert connection.execute("SELECT count(DISTINCT segid) FROM words_idx").get == 1
    assert find(connection, "w7x3") == found == [2]


def test_mail_that_comes_between_steps_is_found(connection):
    add_pieces(connection, 12)
    merge_step(connection, begun=False, pages=2)
    connection.execute(ADD, (99, *[""] * 5, "between", "", "", ""))
    while merge_step(connection, begun=True, pages=2):
        pass
    assert find(connection, "between") == [99]


def test_failed_step_leaves_no_transaction_open(connection):
    add_pieces(connection, 12)
    connection.execute("PRAGMA query_only = 1")
    with pytest.raises(apsw.ReadOnlyError):
        merge_step(connection, begun=False)
    assert not connection.in_transaction


def test_merger_works_on_what_was_noted_until_nothing_is_left(connection):
    add_pieces(connection, 12)
    tidied = []
    pool = make_pool(connection)
    merger = Merger(
        pool, lambda handle: tidied.append(handle.mailbox_id) or True, refuse, quiet_s=0
    )
    assert not merger.step()
    merger.note("m1")
    merger.note("m1")
    while merger.step():
        pass
    assert set(tidied) == {"m1"}
    assert not is_in_pieces(connection)


def test_mailbox_that_just_got_mail_is_left_alone(connection):
    add_pieces(connection, 12)
    pool = make_pool(connection)
    merger = Merger(pool, lambda _: True, refuse, quiet_s=1_000)
    merger.note("m1")
    assert not merger.step()
    assert is_in_pieces(connection)


def test_settled_mailbox_is_in_one_piece(connection):
    add_pieces(connection, 12)
    pool = make_pool(connection)
    Merger(pool, lambda _: True, refuse).merge("m1")
    assert connection.execute("SELECT count(DISTINCT segid) FROM words_idx").get == 1


def test_merge_that_fails_is_told_with_its_handle_and_not_tried_again(connection):
    add_pieces(connection, 12)
    connection.execute("PRAGMA query_only = 1")
    failures = []
    merger = Merger(
        make_pool(connection), lambda _: True, lambda *failure: failures.append(failure), quiet_s=0
    )
    merger.note("m1")
    while merger.step():
        pass
    [(handle, mailbox_id, error)] = failures
    assert (handle.connection, mailbox_id) == (connection, "m1")
    assert isinstance(error, apsw.ReadOnlyError)
