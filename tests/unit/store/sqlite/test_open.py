"""Every connection has the settings that keep acknowledged mail; others are refused."""

import threading

import apsw
import pytest

from penfold.store.sqlite.open import describe_settings, open_database


@pytest.fixture
def path(tmp_path):
    connection = open_database(tmp_path / "some.db", create=True)
    connection.execute("CREATE TABLE t (a INTEGER) STRICT")
    connection.close()
    return tmp_path / "some.db"


@pytest.mark.parametrize("readonly", [True, False], ids=["reader", "writer"])
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("mmap_size", 0),
        ("trusted_schema", 0),
        ("page_size", 4096),
    ],
    ids=lambda v: str(v),
)
def test_setting_is_in_force(path, readonly, pragma, value):
    connection = open_database(path, readonly=readonly)
    assert connection.execute(f"PRAGMA {pragma}").get == value
    connection.close()


def test_a_lock_is_waited_for_and_taken_as_soon_as_it_is_free(path):
    holder, waiter = open_database(path), open_database(path)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.1, lambda: holder.execute("COMMIT"))
    release.start()
    waiter.execute("BEGIN IMMEDIATE")
    release.join()
    waiter.execute("ROLLBACK")
    holder.close()
    waiter.close()


def test_foreign_keys_are_off_unless_asked_for(path):
    for wanted in (False, True):
        connection = open_database(path, foreign_keys=wanted)
        assert connection.execute("PRAGMA foreign_keys").get == wanted
        connection.close()


def test_reader_cannot_write(path):
    connection = open_database(path, readonly=True)
    with pytest.raises(apsw.ReadOnlyError):
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()


def test_missing_file_is_not_created(tmp_path):
    with pytest.raises(apsw.CantOpenError):
        open_database(tmp_path / "none.db")
    assert not list(tmp_path.iterdir())


def test_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "some.db").write_bytes(b"\0" * 8192)
    with pytest.raises(apsw.NotADBError):
        open_database(tmp_path / "some.db")


def test_file_in_another_journal_mode_is_refused(tmp_path):
    path = tmp_path / "some.db"
    plain = apsw.Connection(str(path))
    plain.execute("CREATE TABLE t (a)")
    plain.close()
    with pytest.raises(Exception, match="refused a setting"):
        open_database(path)


def test_shadow_tables_cannot_be_written(path):
    connection = open_database(path)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (a)")
    with pytest.raises(apsw.SQLError, match="may not be modified"):
        connection.execute("DELETE FROM words_data")
    connection.close()


def test_settings_are_described_for_the_log():
    assert {"synchronous": 2, "journal_mode": "wal", "mmap_size": 0}.items() <= (
        describe_settings().items()
    )


@pytest.mark.parametrize("readonly", [False, True])
def test_an_emptied_file_is_no_database(tmp_path, readonly):
    path = tmp_path / "x.db"
    path.touch()
    with pytest.raises(apsw.NotADBError):
        open_database(path, readonly=readonly)
    assert path.stat().st_size == 0
