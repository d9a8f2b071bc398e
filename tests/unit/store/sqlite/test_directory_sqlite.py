"""What only the directory on SQLite has: a file, other processes, a memory of tokens."""

import stat

import apsw
import pytest
from msgspec.structs import replace

from penfold.base.clock import FixedClock
from penfold.base.errors import MailboxBusyError, NewerDataError, StorageFullError
from penfold.base.limits import CREDENTIAL_CACHE_MAX, CREDENTIAL_CACHE_MS
from penfold.ports.directory import Account
from penfold.ports.identity import AccessToken, AppPassword, Client, Grant, Session
from penfold.proto.oauth import app_password_digest, digest
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.store.sqlite.directory_records import TABLES
from penfold.store.sqlite.migrate import find_steps, migrate

ALICE = Account("m" + "a" * 20, "alice@penfold.test", "", 1)
APP = Client("7-app", "App", "desktop", b"", "7", (), True, 1)
GRANT = Grant("g1", ALICE.id, APP.id, frozenset({"openid"}), False, 1)


def access(token):
    return AccessToken(digest(token), "g1", ALICE.id, APP.id, "7", GRANT.scopes, 1, 10**15)


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "directory.db"


@pytest.fixture
def book(path, clock):
    book = SqliteDirectory(path, clock=clock)
    book.change(lambda writer: [writer.add(one) for one in (ALICE, APP, GRANT, access("t"))])
    yield book
    book.close()


@pytest.fixture
def other(book, path, clock):
    """The same file as another process has it open."""
    other = SqliteDirectory(path, clock=clock, create=False)
    yield other
    other.close()


def test_only_the_owner_may_read_the_file(book, path):
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_every_table_has_its_record_and_the_reverse(book, path):
    with apsw.Connection(str(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema "
                                                      "WHERE type = 'table'")}  # fmt: skip
        assert {*TABLES.values(), "audit", "audit_personal"} == names
        for kind, table in TABLES.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            assert columns[0] == kind.__struct_fields__[0], table
            assert sorted(columns) == sorted(kind.__struct_fields__), table
    connection.close()


def test_an_older_file_keeps_its_clients_with_what_they_were_granted(path, clock):
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode=wal; PRAGMA foreign_keys=1").fetchall()
    migrate(connection, "directory", steps={n: find_steps("directory")[n] for n in range(1, 5)})
    connection.execute(
        f"INSERT INTO account VALUES ('{ALICE.id}', '{ALICE.address}', '', 1, 0);"
        f"INSERT INTO client VALUES ('{APP.id}', 'App', 'desktop', x'', '7', '', 1, 1);"
        f"INSERT INTO grant_ VALUES ('g1', '{ALICE.id}', '{APP.id}', 'openid', 0, 1, 'consent');"
    ).fetchall()
    connection.close()
    path.chmod(0o600)
    book = SqliteDirectory(path, clock=clock, create=False)
    assert book.list_by(Client) == [replace(APP, rotates=True)]
    assert book.list_by(Grant) == [GRANT]
    book.close()


def test_data_is_there_after_a_restart(book, path, clock):
    book.close()
    again = SqliteDirectory(path, clock=clock, create=False)
    assert again.get_account(ALICE.id) == ALICE
    again.close()


def test_a_missing_file_is_not_made_unless_asked(tmp_path, clock):
    with pytest.raises(apsw.CantOpenError):
        SqliteDirectory(tmp_path / "none.db", clock=clock, create=False)


def test_a_newer_file_is_refused(book, path, clock):
    book.close()
    with apsw.Connection(str(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with pytest.raises(NewerDataError):
        SqliteDirectory(path, clock=clock, create=False)


def test_a_new_token_of_another_process_works_at_once(book, other):
    assert book.find_credential("u") is None
    other.change(lambda writer: writer.add(access("u")))
    assert book.find_credential("u")


def test_a_revocation_elsewhere_counts_within_its_time(book, other, clock):
    assert book.find_credential("t")
    other.change(lambda writer: writer.delete(Grant, "g1"))
    clock.advance(ms=CREDENTIAL_CACHE_MS)
    assert book.find_credential("t") is None


def test_remembered_tokens_are_bounded(book):
    count = CREDENTIAL_CACHE_MAX + 50
    book.change(lambda writer: [writer.add(access(f"t{n}")) for n in range(count)])
    for number in range(count):
        assert book.find_credential(f"t{number}")
    assert len(book._cached) == CREDENTIAL_CACHE_MAX


def test_an_app_password_is_written_at_most_once_an_hour(book, clock):
    key = app_password_digest(ALICE.id, "abcdefghijklmnop")
    book.change(lambda writer: writer.add(AppPassword(key, ALICE.id, "", 1)))
    first = clock.now_ms()
    for minutes, expected in ((0, first), (59, first), (1, first + 3_600_000)):
        clock.advance(s=60 * minutes)
        assert book.find_app_login(ALICE.address, "abcdefghijklmnop")
        assert book.find(AppPassword, key).used_ms == expected


def test_a_list_needs_an_index(book):
    with pytest.raises(ValueError, match="no index"):
        book.list_by(Session, created_ms=1)


def test_no_secret_stands_in_the_file(book, path):
    book.change(lambda writer: writer.add(access("ya29.very-secret")))
    for file in path.parent.iterdir():
        assert b"very-secret" not in file.read_bytes(), file.name


def test_a_writer_that_waits_too_long_is_told_to_come_back(book, other):
    book._writer.set_busy_timeout(1)

    def hold(writer):
        with pytest.raises(MailboxBusyError):
            book.change(lambda inner: inner.add(access("x")))
        # A login is not refused because its note could not be written.
        assert book.find_app_login(ALICE.address, "abcdefghijklmnop") == ALICE

    key = app_password_digest(ALICE.id, "abcdefghijklmnop")
    other.change(lambda writer: writer.add(AppPassword(key, ALICE.id, "", 1)))
    other.change(hold)
    book.change(lambda writer: writer.add(access("x")))


def test_without_room_nothing_is_stored_and_reading_goes_on(book):
    pages = book._writer.execute("PRAGMA page_count").get
    book._writer.execute(f"PRAGMA max_page_count={pages}").fetchall()
    with pytest.raises(StorageFullError):
        book.change(lambda writer: [writer.add(access(f"x{n}")) for n in range(500)])
    assert book.find_credential("t")
    assert book.find_credential("x0") is None
