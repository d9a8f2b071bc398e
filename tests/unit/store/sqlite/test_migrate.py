"""A file is brought to the newest shape under its write lock, or left as it was."""

import apsw
import pytest

from penfold.base.errors import NewerDataError
from penfold.store.sqlite.migrate import find_steps, migrate, newest_version
from penfold.store.sqlite.open import open_database, user_version


def add_note(connection):
    """The made-up mailbox_0002 that only tests know."""
    connection.execute("CREATE TABLE note (text TEXT NOT NULL) STRICT")
    connection.execute("INSERT INTO note SELECT count(*) FROM message")


def fail_half_way(connection):
    add_note(connection)
    raise ZeroDivisionError


def makes(step, table):
    """Say whether a step makes this table."""
    made = []

    class Connection:
        def execute(self, statements, *_):
            made.append(statements)
            return self

        def fetchall(self):
            return []

        def executemany(self, *_):
            pass

    step(Connection())
    return any(f"CREATE TABLE {table} " in statements for statements in made)


STEPS = {**find_steps("mailbox"), newest_version("mailbox") + 1: add_note}
NEWEST = max(STEPS)
[EXTRACTION] = [n for n, step in find_steps("mailbox").items() if makes(step, "extraction")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.db"


@pytest.fixture
def connection(path):
    connection = open_database(path, create=True)
    yield connection
    connection.close()


def test_new_file_gets_every_step(connection):
    assert migrate(connection, "mailbox", steps=STEPS)
    assert user_version(connection) == NEWEST
    assert connection.execute("SELECT text FROM note").get == "0"


def test_second_run_does_nothing(connection):
    migrate(connection, "mailbox", steps=STEPS)
    assert not migrate(connection, "mailbox", steps=STEPS)


def test_file_of_the_release_before_gets_only_the_new_step(connection):
    migrate(connection, "mailbox")
    assert migrate(connection, "mailbox", steps=STEPS)
    assert user_version(connection) == NEWEST


def test_messages_that_are_there_wait_for_their_attachments_to_be_read(connection):
    steps = find_steps("mailbox")
    before = {n: step for n, step in steps.items() if n < EXTRACTION}
    migrate(connection, "mailbox", steps=before)
    for number, flags in ((1, 0), (2, 1), (3, 1)):
        connection.execute(
            "INSERT INTO message VALUES (?, 1, 1, 1, 1, ?, '', 0, 0, '')", (number, flags)
        )
    migrate(connection, "mailbox")
    rows = connection.execute("SELECT * FROM extraction ORDER BY message_id").fetchall()
    assert rows == [(2, 0, ""), (3, 0, "")]


def test_mail_that_waits_in_the_queue_can_be_delivered(connection):
    migrate(connection, "queue", steps={1: find_steps("queue")[1]})
    connection.execute(
        "INSERT INTO letter VALUES (1, 'm', 1, '', '', 0, x'', x'', 5);"
        "INSERT INTO recipient VALUES (1, 1, '\"a@b\"@One.example', 'queued', 7),"
        " (2, 1, 'c@one.example', 'queued', 6), (3, 1, 'c@two.example', 'captured', 5)"
    ).fetchall()
    migrate(connection, "queue", steps={n: find_steps("queue")[n] for n in (1, 2)})
    domains = connection.execute("SELECT domain FROM recipient ORDER BY id").fetchall()
    assert domains == [("one.example",), ("one.example",), ("two.example",)]
    found = connection.execute("SELECT domain, due_ms, held_ms FROM destination").fetchall()
    assert found == [("one.example", 6, 0)]


def test_newer_file_is_refused_and_not_touched(connection):
    migrate(connection, "mailbox", steps=STEPS)
    with pytest.raises(NewerDataError):
        migrate(connection, "mailbox")
    assert user_version(connection) == NEWEST


def test_failed_step_leaves_the_file_as_it_was(connection):
    migrate(connection, "mailbox")
    with pytest.raises(ZeroDivisionError):
        migrate(connection, "mailbox", steps={**STEPS, NEWEST: fail_half_way})
    assert user_version(connection) == newest_version("mailbox")
    assert not connection.table_exists("main", "note")
    assert not connection.in_transaction


def test_version_is_read_again_under_the_lock(connection, path):
    """Another process migrates between our look and our lock; its step must not run twice."""
    migrate(connection, "mailbox")
    other = open_database(path)

    def race(_cursor, sql, _bindings):
        if sql == "BEGIN IMMEDIATE":
            migrate(other, "mailbox", steps=STEPS)
        return True

    connection.exec_trace = race
    assert not migrate(connection, "mailbox", steps=STEPS)
    assert user_version(connection) == NEWEST
    other.close()


def test_kind_without_steps_is_a_mistake():
    with pytest.raises(LookupError):
        find_steps("nothing")


@pytest.mark.parametrize("kind", ["mailbox"])
def test_every_table_is_strict(connection, kind):
    migrate(connection, kind)
    rows = connection.execute(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    assert rows
    assert all(strict for _, strict in rows)


def test_busy_file_is_waited_for_then_given_up(connection, path):
    other = open_database(path)
    other.execute("BEGIN IMMEDIATE")
    connection.set_busy_timeout(1)
    with pytest.raises(apsw.BusyError):
        migrate(connection, "mailbox")
    other.close()
