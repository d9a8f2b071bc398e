"""What is written down of calls a known caller may not make, and how much of it."""

import pytest
from tests.unit.identity import IdentityWorld

from penfold.base.acting import Actor
from penfold.base.errors import StorageFullError
from penfold.base.limits import (
    DENIED_ENTRIES_MAX,
    DENIED_ENTRIES_S,
    DENIED_SAME_S,
    FAILED_ENTRIES_MAX,
    FAILED_ENTRIES_S,
)
from penfold.domain.access.denials import note_denied, note_failed_sign_in
from penfold.spec.rates import SECOND_FACTOR_ACCOUNT, SIGN_IN_ACCOUNT
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.testing.directory import MemoryDirectory


class World(IdentityWorld):
    def deny(self, call="admin.users.list", *, who=None, client="desk"):
        actor = Actor((who or self.alice).id, "192.0.2.1", client)
        return note_denied(self.book, actor, call, "role", now_ms=self.clock.now_ms())

    def fail(self, account_id):
        return note_failed_sign_in(self.book, account_id, now_ms=self.clock.now_ms())

    def denied(self):
        shown = self.book.list_audit(most=500)
        return [one for one in shown if one.entry.action == "deny"]


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    world = World()
    if request.param == "sqlite":
        book = SqliteDirectory(tmp_path / "directory.db", clock=world.clock)
        world = World(book, clock=world.clock)
    yield world
    if request.param == "sqlite":
        world.book.close()


def test_an_entry_says_who_was_denied_what_why_and_from_where(world):
    assert world.deny()
    [shown] = world.denied()
    entry = shown.entry
    assert (entry.actor, entry.account_id) == (world.alice.id, world.alice.id)
    assert (entry.kind, entry.after, entry.client) == (
        "admin.users.list", '{"lack":"role"}', "desk",
    )  # fmt: skip
    assert shown.source == "192.0.2.1"
    assert world.book.check_audit()[0] == ""


def test_the_same_call_of_the_same_caller_is_one_entry_a_minute(world):
    assert [world.deny() for _ in range(5)] == [True, False, False, False, False]
    assert world.deny("admin.users.get")
    assert world.deny(client="another")
    assert world.deny(who=world.bob)
    assert len(world.denied()) == 4
    world.clock.advance(s=DENIED_SAME_S)
    assert world.deny()


def test_nobody_fills_the_log_by_calling_one_method_after_another(world):
    calls = [world.deny(f"admin.call{n}") for n in range(10 * DENIED_ENTRIES_MAX)]
    assert sum(calls) == DENIED_ENTRIES_MAX
    world.clock.advance(s=DENIED_ENTRIES_S - 1)
    assert not world.deny("admin.users.list")
    assert world.deny("admin.users.list", who=world.bob), "each account has its own"
    world.clock.advance(s=1)
    assert world.deny("admin.users.list")


def test_a_directory_that_takes_no_changes_makes_no_other_answer_of_it():
    class Full(MemoryDirectory):
        full = False

        def change(self, change):
            if self.full:
                raise StorageFullError("full")
            return super().change(change)

    world = World(Full(clock=(clock := World().clock)), clock=clock)
    world.book.full = True
    assert not world.deny()


def test_nobody_fills_the_log_by_guessing_where_no_limit_holds_who_signs_in(world):
    tries = 2 * FAILED_ENTRIES_MAX
    assert sum(world.fail(world.alice.id) for _ in range(tries)) == FAILED_ENTRIES_MAX
    assert world.fail(world.bob.id), "what is heard of others is not lost by it"
    assert sum(world.fail("") for _ in range(tries)) == FAILED_ENTRIES_MAX
    world.clock.advance(s=FAILED_ENTRIES_S - 1)
    assert not world.fail(world.alice.id)
    world.clock.advance(s=1)
    assert world.fail(world.alice.id)
    assert world.fail("")
    assert world.book.check_audit()[0] == ""


def test_the_bound_on_failures_loses_nothing_that_the_limits_of_production_mode_let_happen():
    quarters = FAILED_ENTRIES_S // 900
    assert SIGN_IN_ACCOUNT.period_s == SECOND_FACTOR_ACCOUNT.period_s == 900
    let = quarters * (SIGN_IN_ACCOUNT.count + SECOND_FACTOR_ACCOUNT.count)
    assert let <= FAILED_ENTRIES_MAX
