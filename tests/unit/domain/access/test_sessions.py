"""Browsers: signing in, several accounts, failures that are counted."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.identity import IdentityWorld

from penfold.base.limits import (
    SESSION_DAYS,
)
from penfold.domain.access.sessions import Sessions
from penfold.domain.throttle import TooManyError
from penfold.ports.identity import Session
from penfold.spec.rates import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK

GOOD = "open-sesame"


@pytest.fixture
def world():
    return IdentityWorld(passwords=True)


def sign_in(world, browser="b", name="alice", password=GOOD, client="192.0.2.1"):
    address = f"{name}@penfold.test"
    return world.identity.sessions.sign_in(browser, address, password, client=client)


def test_signing_in_changes_the_cookie_and_the_old_one_is_worth_nothing(world):
    cookie = sign_in(world, "planted")
    assert cookie
    assert cookie != "planted"
    assert world.identity.sessions.list_accounts(cookie) == [world.alice]
    assert world.identity.sessions.list_accounts("planted") == []


def test_several_accounts_share_a_browser(world):
    first = sign_in(world)
    world.clock.advance(ms=1)
    cookie = sign_in(world, first, "bob")
    assert world.identity.sessions.list_accounts(cookie) == [world.alice, world.bob]
    again = sign_in(world, cookie, "bob")
    assert len(world.identity.sessions.list_accounts(again)) == 2


def test_a_wrong_password_changes_nothing(world):
    cookie = sign_in(world)
    assert sign_in(world, cookie, "bob", "wrong") is None
    assert world.identity.sessions.list_accounts(cookie) == [world.alice]


def test_signing_out_ends_every_session_of_the_browser_alone(world):
    mine, other = sign_in(world, sign_in(world), "bob"), sign_in(world, "c")
    world.identity.sessions.sign_out(mine)
    assert world.identity.sessions.list_accounts(mine) == []
    assert world.identity.sessions.list_accounts(other) == [world.alice]


def test_a_session_ends_in_its_time(world):
    cookie = sign_in(world)
    world.clock.advance(days=SESSION_DAYS, ms=-1)
    assert world.identity.sessions.list_accounts(cookie)
    world.clock.advance(ms=1)
    assert world.identity.sessions.list_accounts(cookie) == []


def test_no_cookie_no_session(world):
    assert world.identity.sessions.list_accounts("") == []


def test_a_suspended_account_is_out_everywhere(world):
    cookie = sign_in(world)
    world.identity.accounts.set_suspended("alice@penfold.test", suspended=True)
    assert world.identity.sessions.list_accounts(cookie) == []


def test_cookies_are_kept_as_digests(world):
    cookie = sign_in(world)
    [session] = world.book.list_by(Session)
    assert cookie.encode() not in session.browser
    assert len(session.browser) == 32


# --- failures; the hash is not the point here


class NoAccounts:
    def find_sign_in(self, address, password):
        return None


@pytest.fixture
def guarded(world):
    return Sessions(
        world.book,
        NoAccounts(),
        world.identity.factors,
        world.clock,
        world.chance,
        world.identity.throttle,
    )


def fail(sessions, count, address="alice@penfold.test", client="192.0.2.1"):
    for _ in range(count):
        assert sessions.sign_in("b", address, "x", client=client) is None


def test_too_many_failures_shut_an_account_from_everywhere_for_a_while(world, guarded):
    fail(guarded, SIGN_IN_ACCOUNT.count)
    for address in ("alice@penfold.test", "Alice+x@PENFOLD.test"):
        with pytest.raises(TooManyError) as caught:
            fail(guarded, 1, address, client="198.51.100.9")
        assert 0 < caught.value.wait_s <= SIGN_IN_ACCOUNT.period_s
    fail(guarded, 1, "bob@penfold.test")
    world.clock.advance(s=caught.value.wait_s)
    fail(guarded, 1)


def test_too_many_failures_shut_a_client_for_every_account(guarded):
    for number in range(SIGN_IN_NETWORK.count):
        fail(guarded, 1, f"u{number}@penfold.test")
    with pytest.raises(TooManyError):
        fail(guarded, 1, "fresh@penfold.test")
    fail(guarded, 1, "fresh@penfold.test", client="198.51.100.9")


def test_success_forgets_the_failures_of_the_account(world):
    for _ in range(2):
        for _ in range(SIGN_IN_ACCOUNT.count - 1):
            world.identity.throttle.take(SIGN_IN_ACCOUNT, "alice@penfold.test")
        assert sign_in(world)


class SlowAccounts:
    """Answers when `inside` guesses are being looked at."""

    def __init__(self, inside):
        self._all = threading.Barrier(inside)

    def find_sign_in(self, address, password):
        self._all.wait(20)


def test_guesses_at_the_same_moment_are_no_way_around_the_limit(world):
    most = SIGN_IN_ACCOUNT.count
    accounts = SlowAccounts(most)
    throttle = world.identity.throttle
    sessions = Sessions(
        world.book, accounts, world.identity.factors, world.clock, world.chance, throttle
    )

    def guess(_):
        with contextlib.suppress(TooManyError):
            return sessions.sign_in("b", "alice@penfold.test", "x", client="192.0.2.1") is None
        return False

    with ThreadPoolExecutor(3 * most) as pool:
        assert sum(pool.map(guess, range(3 * most))) == most


def test_a_right_password_is_not_held_against_the_network(world):
    for _ in range(SIGN_IN_NETWORK.count + 1):
        assert world.identity.sessions.sign_in("b", "alice@penfold.test", GOOD, client="192.0.2.1")


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_failure_is_in_the_audit_log_without_what_was_typed(world, name):
    assert sign_in(world, name=name, password="wrong-secret") is None
    [shown] = world.book.list_audit(most=1)
    assert (shown.entry.action, shown.entry.kind) == ("fail", "session")
    account = world.book.find_account(f"{name}@penfold.test")
    assert shown.entry.account_id == (account.id if account else "")
    assert not shown.personal


def test_a_sign_in_is_in_the_audit_log(world):
    assert sign_in(world)
    [shown] = world.book.list_audit(most=1)
    assert (shown.entry.action, shown.entry.kind) == ("add", "session")
    assert shown.entry.account_id == world.book.find_account("alice@penfold.test").id


def test_what_is_shown_is_counted_and_whether_it_was_right(world):
    [one] = world.identity.sessions.list_signed_in(sign_in(world))
    sign_in(world, password="wrong")
    sign_in(world, name="nobody")
    world.identity.sessions.prove(one, "wrong", client="192.0.2.1")
    assert world.told == [("password", right) for right in (True, False, False, False)]


def test_what_a_limit_turns_away_is_not_counted_as_shown(world):
    for _ in range(SIGN_IN_ACCOUNT.count):
        sign_in(world, password="wrong")
    with pytest.raises(TooManyError):
        sign_in(world)
    assert world.told == [("password", False)] * SIGN_IN_ACCOUNT.count
