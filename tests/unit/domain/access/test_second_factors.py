"""Signing in in two steps: codes that are good once, counted guesses, passkeys used once."""

import pytest
from tests.unit.authenticator import SecurityKey
from tests.unit.identity import IdentityWorld

from penfold.base.limits import (
    PASSKEYS_MAX,
    PROVEN_S,
    RECOVERY_CODES,
    SESSION_USED_MS,
    SIGN_IN_STEP_S,
)
from penfold.domain.throttle import TooManyError
from penfold.ports.identity import HalfSignIn, RecoveryCode, Session, SpentChallenge, Totp
from penfold.proto.totp import STEP_S, make_code
from penfold.proto.webauthn import Place
from penfold.spec.rates import SECOND_FACTOR_ACCOUNT, SIGN_IN_NETWORK

GOOD = "open-sesame"
SECRET = bytes(range(20))
PLACE = Place("mail.example", "https://mail.example")
CLIENT = "192.0.2.1"


@pytest.fixture
def world():
    return IdentityWorld(passwords=True)


def code_now(world):
    return make_code(SECRET, world.clock.now_ms() // (1000 * STEP_S))


def set_up(world):
    """Give Alice an app; its first code is used up."""
    assert world.identity.factors.add_totp(world.alice, SECRET, code_now(world))
    world.clock.advance(s=STEP_S)


def half(world, browser="b"):
    sessions = world.identity.sessions
    return sessions.sign_in(browser, "alice@penfold.test", GOOD, client=CLIENT)


def second(world, browser, code):
    return world.identity.sessions.sign_in_by_code(browser, code, client=CLIENT, agent="Lynx")


def test_the_password_alone_lets_nobody_in_who_has_a_second_factor(world):
    set_up(world)
    cookie = half(world)
    sessions = world.identity.sessions
    assert sessions.list_accounts(cookie) == []
    assert sessions.find_half(cookie) == world.alice
    done = second(world, cookie, code_now(world))
    assert done not in (None, cookie)
    assert sessions.list_accounts(done) == [world.alice]
    assert sessions.find_half(done) is None
    assert sessions.find_half(cookie) is None
    assert world.book.list_by(HalfSignIn) == []


def test_a_code_is_good_once(world):
    set_up(world)
    code = code_now(world)
    assert second(world, half(world), code)
    assert second(world, half(world), code) is None
    shown = [("password", True), ("code", True), ("password", True), ("code", False)]
    assert world.told == shown


def test_a_code_without_the_password_is_worth_nothing(world):
    set_up(world)
    assert second(world, "b", code_now(world)) is None
    assert second(world, "", code_now(world)) is None


def test_the_second_step_has_to_come_in_time(world):
    set_up(world)
    cookie = half(world)
    world.clock.advance(s=SIGN_IN_STEP_S)
    assert world.identity.sessions.find_half(cookie) is None
    assert second(world, cookie, code_now(world)) is None


def test_another_account_of_the_browser_stays_signed_in_between_the_steps(world):
    set_up(world)
    sessions = world.identity.sessions
    bob = sessions.sign_in("b", "bob@penfold.test", GOOD, client=CLIENT)
    cookie = half(world, bob)
    assert sessions.list_accounts(cookie) == [world.bob]
    done = second(world, cookie, code_now(world))
    assert {one.address for one in sessions.list_accounts(done)} == {
        "alice@penfold.test", "bob@penfold.test",
    }  # fmt: skip


def test_guesses_at_codes_are_counted_and_the_password_does_not_forget_them(world):
    set_up(world)
    for _ in range(SECOND_FACTOR_ACCOUNT.count):
        assert second(world, half(world), "nonsense") is None
    with pytest.raises(TooManyError):
        second(world, half(world), code_now(world))
    assert world.book.list_by(Session) == []


def test_a_changed_password_ends_what_was_half_done(world):
    set_up(world)
    cookie = half(world)
    world.identity.accounts.set_password("alice@penfold.test", "another-sesame")
    assert world.identity.sessions.find_half(cookie) is None


def test_a_suspended_account_does_not_finish(world):
    set_up(world)
    cookie = half(world)
    world.identity.accounts.set_suspended("alice@penfold.test", suspended=True)
    assert second(world, cookie, code_now(world)) is None


def test_a_wrong_code_sets_nothing_up(world):
    assert not world.identity.factors.add_totp(world.alice, SECRET, "000000")
    assert not world.identity.factors.list_of(world.alice)


def test_the_secret_is_sealed_and_codes_are_digests(world):
    set_up(world)
    codes = world.identity.factors.make_codes()
    world.identity.factors.save_codes(world.alice, codes)
    assert SECRET not in world.book.find(Totp, world.alice.id).sealed
    kept = b"".join(one.digest for one in world.book.list_by(RecoveryCode))
    assert not any(code.encode() in kept for code in codes)


def test_each_recovery_code_lets_in_once(world):
    set_up(world)
    factors = world.identity.factors
    codes = factors.make_codes()
    assert len(set(codes)) == RECOVERY_CODES
    assert second(world, half(world), codes[0]) is None  # not saved yet
    factors.save_codes(world.alice, codes)
    spaced = f" {codes[0][:4]}-{codes[0][4:8].upper()} {codes[0][8:]}"
    assert second(world, half(world), spaced)
    assert second(world, half(world), codes[0]) is None
    assert factors.list_of(world.alice).recovery_codes == RECOVERY_CODES - 1
    factors.save_codes(world.alice, factors.make_codes())
    assert second(world, half(world), codes[1]) is None


def test_recovery_codes_of_somebody_else_are_worth_nothing(world):
    set_up(world)
    codes = world.identity.factors.make_codes()
    world.identity.factors.save_codes(world.bob, codes)
    assert second(world, half(world), codes[0]) is None


def test_removing_everything_leaves_the_password(world):
    set_up(world)
    world.identity.factors.save_codes(world.alice, ["a" * 16])
    assert world.identity.factors.remove_all(world.alice) == 1
    assert world.identity.sessions.list_accounts(half(world)) == [world.alice]
    assert world.book.list_by(RecoveryCode) == []


# --- sessions of an account


def test_a_person_ends_other_sessions_but_not_those_of_others(world):
    sessions = world.identity.sessions
    mine, other = half(world), half(world, "c")
    bob = sessions.sign_in("d", "bob@penfold.test", GOOD, client=CLIENT)
    [here] = sessions.list_signed_in(mine)
    [bobs] = sessions.list_signed_in(bob)
    assert not sessions.end(world.alice, bobs.session.id)
    assert sessions.end_all(world.alice, but=here.session.id) == 1
    assert sessions.list_accounts(mine) == [world.alice]
    assert sessions.list_accounts(other) == []
    assert sessions.list_accounts(bob) == [world.bob]


def test_a_session_says_where_it_came_from_and_when_it_was_used(world):
    set_up(world)
    done = second(world, half(world), code_now(world))
    [one] = world.identity.sessions.list_signed_in(done)
    assert (one.session.address, one.session.agent) == (CLIENT, "Lynx")
    world.clock.advance(ms=SESSION_USED_MS - 1)
    world.identity.sessions.note_use(one.session)
    assert world.book.find(Session, one.session.id) == one.session
    world.clock.advance(ms=1)
    world.identity.sessions.note_use(one.session)
    assert world.book.find(Session, one.session.id).used_ms == world.clock.now_ms()


def test_what_was_proven_holds_for_a_while(world):
    sessions = world.identity.sessions
    cookie = half(world)
    [one] = sessions.list_signed_in(cookie)
    assert sessions.is_proven(one.session)
    world.clock.advance(s=PROVEN_S)
    assert not sessions.is_proven(one.session)
    assert not sessions.prove(one, "wrong", client=CLIENT)
    [one] = sessions.list_signed_in(cookie)
    assert not sessions.is_proven(one.session)
    assert sessions.prove(one, GOOD, client=CLIENT)
    [one] = sessions.list_signed_in(cookie)
    assert sessions.is_proven(one.session)


# --- passkeys


@pytest.fixture
def key(world):
    key = SecurityKey()
    assert add_key(world, key)
    return key


def add_key(world, key, account=None, browser="b"):
    account = account or world.alice
    passkeys = world.identity.passkeys
    offer = passkeys.offer_new(PLACE, browser, account)
    text = key.create(offer.options, PLACE.origin)
    return passkeys.add(PLACE, "b", account, sealed=offer.sealed, text=text, label="Key")


def show(world, key, *, browser="b", account=None, owner=None, place=PLACE):
    passkeys = world.identity.passkeys
    offer = passkeys.offer_use(PLACE, "b", owner)
    text = key.get(offer.options, PLACE.origin)
    return passkeys.find_account(
        place, browser, sealed=offer.sealed, text=text, account=account or owner
    )


def test_a_passkey_alone_says_who_somebody_is(world, key):
    assert show(world, key) == world.alice
    [kept] = world.identity.factors.list_of(world.alice).passkeys
    assert kept.used_ms == world.clock.now_ms()
    assert kept.counter == key.counter


def test_an_answer_is_good_once_even_from_a_key_without_a_counter(world):
    key = SecurityKey(counts=False)
    add_key(world, key)
    passkeys = world.identity.passkeys
    offer = passkeys.offer_use(PLACE, "b")
    text = key.get(offer.options, PLACE.origin)
    assert passkeys.find_account(PLACE, "b", sealed=offer.sealed, text=text) == world.alice
    assert passkeys.find_account(PLACE, "b", sealed=offer.sealed, text=text) is None
    world.clock.advance(s=SIGN_IN_STEP_S)
    assert passkeys.find_account(PLACE, "b", sealed=offer.sealed, text=text) is None
    assert len(world.book.list_by(SpentChallenge)) == 2  # made, and shown


def test_an_answer_is_good_in_its_browser_only(world, key):
    assert show(world, key, browser="another") is None
    assert not add_key(world, SecurityKey(identifier=b"2"), browser="another")


def test_a_passkey_of_another_host_is_not_known(world, key):
    assert show(world, key, place=Place("other.example", PLACE.origin)) is None
    elsewhere = Place("other.example", "https://other.example")
    assert world.identity.passkeys.offer_use(elsewhere, "b", world.alice) is None


def test_as_second_factor_only_the_own_passkey_counts(world, key):
    bobs = SecurityKey(identifier=b"bob", seed=99)
    add_key(world, bobs, world.bob)
    assert show(world, bobs, owner=world.alice) is None
    assert show(world, key, owner=world.alice) == world.alice


def test_a_passkey_that_names_somebody_else_is_refused(world, key):
    key.user = world.bob.id.encode()
    assert show(world, key) is None


def test_a_removed_passkey_is_refused_and_nobody_removes_those_of_others(world, key):
    factors = world.identity.factors
    assert not factors.remove_passkey(world.bob, key.id)
    assert show(world, key) == world.alice
    assert factors.remove_passkey(world.alice, key.id)
    assert show(world, key) is None


def test_an_account_has_a_bounded_number_of_passkeys(world):
    for number in range(PASSKEYS_MAX):
        assert add_key(world, SecurityKey(identifier=b"%d" % number))
    assert not add_key(world, SecurityKey(identifier=b"more"))


def test_the_same_passkey_is_not_taken_twice(world, key):
    assert not add_key(world, key, world.bob)


def test_noise_signs_nobody_in_and_is_counted(world):
    sessions = world.identity.sessions
    offer = world.identity.passkeys.offer_use(PLACE, "b")

    def ask():
        return world.identity.passkeys.find_account(PLACE, "b", sealed=offer.sealed, text="{}")

    for _ in range(SIGN_IN_NETWORK.count):
        assert sessions.sign_in_by("b", ask, shown="passkey", client=CLIENT) is None
    with pytest.raises(TooManyError):
        sessions.sign_in_by("b", ask, shown="passkey", client=CLIENT)
    assert world.told == [("passkey", False)] * SIGN_IN_NETWORK.count


def test_an_offer_is_good_for_its_purpose_its_browser_and_its_time(world):
    offers = world.identity.offers
    sealed = offers.seal("secret", purpose="p", browser="b")
    assert offers.find(sealed, purpose="p", browser="b") == "secret"
    assert offers.find(sealed, purpose="q", browser="b") is None
    assert offers.find(sealed, purpose="p", browser="c") is None
    world.clock.advance(s=SIGN_IN_STEP_S, ms=-1)
    assert offers.find(sealed, purpose="p", browser="b") == "secret"
    world.clock.advance(ms=1)
    assert offers.find(sealed, purpose="p", browser="b") is None


@pytest.mark.parametrize("text", ["", "é", "A", "AAAA", "%", "A" * 99])
def test_noise_is_no_offer(world, text):
    assert world.identity.offers.find(text, purpose="p", browser="b") is None
