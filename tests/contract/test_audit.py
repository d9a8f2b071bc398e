"""What the audit log of every directory does, in memory and on SQLite alike."""

import json

import apsw
import msgspec
import pytest
from tests.contract.test_directory import ALICE, APP, BOB, KEY, RECORDS

from penfold.base.acting import VISITOR, Actor, act
from penfold.base.clock import FixedClock
from penfold.ports.audit import Event, seal
from penfold.ports.audit_rules import QUIET, RULES, draft_change
from penfold.ports.directory import Account
from penfold.ports.identity import AppPassword, Domain, Fact, Grant, Password, Removed, Role
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.store.sqlite.directory_records import TABLES
from penfold.testing.directory import MemoryDirectory

OPERATOR = Actor("operator 1000 pat", "command line")


@pytest.fixture(params=["memory", "sqlite"])
def book(request, tmp_path):
    clock = FixedClock()
    book = (
        MemoryDirectory(clock=clock, runs_twice=True)
        if request.param == "memory"
        else SqliteDirectory(tmp_path / "directory.db", clock=clock)
    )
    book.clock = clock
    yield book
    book.close()


def add(book, *records):
    def put(writer):
        for record in records:
            writer.add(record)

    book.change(put)


def newest(book):
    return book.list_audit(most=1)[0]


def test_a_change_leaves_who_what_and_from_where(book):
    add(book, Domain("penfold.test", 1), ALICE)
    with act(Actor(BOB.id, "192.0.2.7", APP.id)):
        book.change(lambda writer: writer.replace(msgspec.structs.replace(ALICE, suspended=True)))
    shown = newest(book)
    entry = shown.entry
    assert (entry.number, entry.actor, entry.client) == (3, BOB.id, APP.id)
    assert (entry.action, entry.kind, entry.key, entry.account_id) == (
        "change", "user", ALICE.id, ALICE.id,
    )  # fmt: skip
    assert (entry.before, entry.after) == ('{"suspended":false}', '{"suspended":true}')
    assert shown.source == "192.0.2.7"


def test_without_anybody_it_is_the_system(book):
    add(book, Domain("penfold.test", 1))
    assert newest(book).entry.actor == "system"
    assert newest(book).source == ""


def test_a_change_that_is_undone_leaves_no_entry(book):
    def fail(writer):
        writer.add(Domain("penfold.test", 1))
        raise LookupError

    with pytest.raises(LookupError):
        book.change(fail)
    assert book.list_audit(most=9) == []


def test_tokens_and_notes_of_use_leave_no_entry(book):
    add(
        book,
        Domain("penfold.test", 1),
        ALICE,
        BOB,
        APP,
        *(one for one in RECORDS if type(one) is Grant),
    )
    before = len(book.list_audit(most=100))
    add(book, *(each for each in RECORDS if type(each) in QUIET))
    add(book, AppPassword(KEY, ALICE.id, "printer", 5))
    used = AppPassword(KEY, ALICE.id, "printer", 5, used_ms=9)
    book.change(lambda writer: writer.replace(used))
    assert len(book.list_audit(most=100)) == before + 1


def test_no_secret_of_any_record_is_in_an_entry(book):
    add(book, ALICE)
    secrets = ("hash-5c1", "private-5c1", b"sealed-5c1".hex(), b"digest-5c1".hex())
    add(
        book,
        Password(ALICE.id, "hash-5c1", 5),
        Fact("project", "private-5c1"),
        msgspec.structs.replace(APP, secret=b"sealed-5c1"),
    )
    book.change(lambda writer: writer.replace(APP))
    text = msgspec.json.encode(book.list_audit(most=99)).decode()
    assert not [secret for secret in secrets if secret in text]
    assert json.loads(newest(book).entry.after) == {"secret": "********"}


@pytest.mark.parametrize("how", ["blank", "delete"])
def test_personal_values_are_forgotten_with_the_account_and_the_chain_still_fits(book, how):
    with act(Actor(VISITOR, "192.0.2.7")):
        add(book, Domain("penfold.test", 1), ALICE, BOB)
    with act(Actor(ALICE.id, "192.0.2.8")):
        book.change(lambda writer: writer.replace(msgspec.structs.replace(BOB, name="Bo")))
    assert "alice@" in msgspec.json.encode(book.list_audit(most=9)).decode()

    def remove(writer):
        writer.delete(Account, ALICE.id)
        writer.add(Removed(ALICE.id, ALICE.address, 7))

    book.change(remove)
    if how == "blank":  # the address goes first, so that the file can be written anew
        blank = Removed(ALICE.id, "", 7)
        book.change(lambda writer: writer.replace(blank))
    else:
        book.change(lambda writer: writer.delete(Removed, ALICE.id))
    text = msgspec.json.encode(book.list_audit(most=99)).decode()
    assert "alice" not in text.lower()
    assert "192.0.2.8" not in text
    assert "bob@penfold.test" in text
    assert ALICE.id in text
    assert book.check_audit()[0] == ""


def test_where_strangers_came_from_is_forgotten_in_time_and_the_chain_still_fits(book):
    add(book, Domain("penfold.test", 1), ALICE)
    said = Event("fail", "sign_in", personal={"typed": "x"})
    for number, about in enumerate(["", ALICE.id, "", ""]):
        with act(Actor(VISITOR, f"192.0.2.{number}")):
            event = msgspec.structs.replace(said, account_id=about)
            book.change(lambda writer, event=event: writer.note(event))
        book.clock.advance(ms=1_000)
    old_ms = book.clock.now_ms() - 1_000
    assert book.forget_strangers(before_ms=old_ms) == 2
    assert book.forget_strangers(before_ms=old_ms) == 0
    found = book.list_audit(most=9)[:4]
    assert [shown.source for shown in found] == ["192.0.2.3", "", "192.0.2.1", ""]
    assert all(shown.personal for shown in found)
    assert book.check_audit()[0] == ""
    assert book.forget_strangers(before_ms=0) == 0


def test_an_event_is_an_entry_without_a_record(book):
    event = Event("fail", "session", account_id=ALICE.id, values={"times": 2}, personal={"as": "x"})
    book.change(lambda writer: writer.note(event))
    shown = newest(book)
    assert (shown.entry.action, shown.entry.kind, shown.entry.after) == (
        "fail", "session", '{"times":2}',
    )  # fmt: skip
    assert shown.personal == '{"after":{"as":"x"}}'


def test_a_page_is_what_came_before_and_of_whom_it_is_asked(book):
    add(book, Domain("penfold.test", 1), ALICE, BOB)
    assert [one.entry.number for one in book.list_audit(most=2)] == [3, 2]
    assert [one.entry.number for one in book.list_audit(before=3, most=9)] == [2, 1]
    assert [one.entry.number for one in book.list_audit(account_id=BOB.id, most=9)] == [3]
    assert [one.entry.number for one in book.list_audit_from(1)] == [2, 3]
    assert book.list_audit_from(3) == []


def test_each_hash_follows_from_the_one_before(book):
    add(book, Domain("penfold.test", 1), ALICE)
    first, second = (each.entry for each in book.list_audit_from(0))
    assert second.hash == seal(first.hash, second) != seal("0" * 64, second)
    assert book.check_audit() == ("", (2, second.hash))


def test_a_role_goes_with_its_account(book):
    add(book, Domain("penfold.test", 1), ALICE, Role(ALICE.id, "admin", 1))
    book.change(lambda writer: writer.delete(Account, ALICE.id))
    assert book.find(Role, ALICE.id) is None


def test_every_kind_of_record_is_quiet_or_has_a_rule():
    assert set(TABLES) - QUIET <= set(RULES), "new kinds: list what may be shown of them"
    assert not QUIET & set(RULES)


@pytest.mark.parametrize("kind", sorted(RULES, key=lambda kind: kind.__name__))
def test_rules_name_fields_that_exist_and_no_octets(kind):
    rule = RULES[kind]
    fields = dict(zip(kind.__struct_fields__, kind.__annotations__.values(), strict=True))
    named = {*rule.plain, *rule.personal}
    assert named <= set(fields)
    assert not [name for name in named if fields[name] in (bytes, "bytes")]
    assert not named & {"hash", "secret", "private", "sealed", "digest", "value"}


def test_a_kind_nobody_listed_is_masked():
    class Strange(msgspec.Struct, frozen=True):
        key: str
        account_id: str
        recipe: str

    draft = draft_change(None, Strange("k", ALICE.id, "soup"))
    assert json.loads(draft.after) == {"account_id": ALICE.id, "recipe": "********"}


# --- on disk only ------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "directory.db"
    book = SqliteDirectory(path, clock=FixedClock())
    with act(OPERATOR):
        add(book, Domain("penfold.test", 1), ALICE, BOB)
        add(book, APP, Grant("g1", ALICE.id, APP.id, frozenset({"openid"}), True, 4))
    book.close()
    return path


def tampered(path, *statements):
    """Return what the check says after somebody with the file at hand changed it."""
    raw = apsw.Connection(str(path))
    raw.execute("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete").fetchall()
    for statement in statements:
        raw.execute(statement).fetchall()
    raw.close()
    book = SqliteDirectory(path, clock=FixedClock())
    try:
        return book.check_audit()
    finally:
        book.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_file_refuses_to_change_or_delete_an_entry(path, statement):
    raw = apsw.Connection(str(path))
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        raw.execute(statement).fetchall()
    raw.close()


@pytest.mark.parametrize("column", [
    "time_ms", "actor", "client", "action", "kind", "key", "account_id", "before", "after",
    "personal", "source", "hash",
])  # fmt: skip
def test_a_changed_column_of_an_entry_is_named(path, column):
    value = "7" if column == "time_ms" else "'x'"
    wrong, last = tampered(path, f"UPDATE audit SET {column} = {value} WHERE number = 2")
    assert wrong == "entry 2 was changed, or what stands before it"
    assert last[0] == 1


def test_a_deleted_entry_is_named(path):
    assert tampered(path, "DELETE FROM audit WHERE number = 3")[0] == "entry 3 is missing"


def test_changed_personal_values_are_named(path):
    body = "UPDATE audit_personal SET body = '{}' WHERE number = 2 AND part = 'values'"
    assert tampered(path, body)[0] == "entry 2: its values were changed"


def test_a_log_cut_at_its_end_fits_but_has_another_last_entry(path):
    book = SqliteDirectory(path, clock=FixedClock())
    anchor = book.check_audit()[1]
    book.close()
    wrong, last = tampered(path, "DELETE FROM audit WHERE number = 5")
    assert wrong == ""
    assert last != anchor
