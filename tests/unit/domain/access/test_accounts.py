"""Accounts, domains, passwords."""

import pytest
from tests.unit.identity import IdentityWorld

from penfold.base.errors import ConflictError, NotFoundError, ParseError
from penfold.domain.access.passwords import check_password, hash_password
from penfold.ports.identity import AppPassword, Grant, Password, Removed, Session


@pytest.fixture
def world():
    return IdentityWorld()


def test_an_account_gets_a_mailbox_under_its_own_id(world):
    account = world.identity.accounts.add("Carol@Penfold.Test", name="Carol")
    assert account.address == "carol@penfold.test"
    assert len(account.id) == 21
    assert account.id.startswith("m")
    assert world.mailboxes.made[-1] == account.id
    assert world.book.find_account("carol@penfold.test") == account


def test_no_account_without_a_mailbox(world):
    def fail(_):
        raise ZeroDivisionError

    world.mailboxes.create = fail
    with pytest.raises(ZeroDivisionError):
        world.identity.accounts.add("carol@penfold.test")
    assert world.book.find_account("carol@penfold.test") is None


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("alice@penfold.test", ConflictError),
        ("ALICE@penfold.test", ConflictError),
        ("carol@elsewhere.test", NotFoundError),
        ("carol", ParseError),
        ("", ParseError),
        ("@penfold.test", ParseError),
        ("carol@", ParseError),
        ("car ol@penfold.test", ParseError),
        ("carol+tag@penfold.test", ParseError),
        ('"car ol"@penfold.test', ParseError),
        ("carol..x@penfold.test", ParseError),
        ("carol@[127.0.0.1]", NotFoundError),
        ("carol@penfold.test\r\nX: y", ParseError),
    ],
)
def test_an_address_that_cannot_be_an_account_is_refused(world, address, error):
    with pytest.raises(error):
        world.identity.accounts.add(address)


def test_a_domain_is_kept_in_a_labels_and_found_in_both_spellings(world):
    accounts = world.identity.accounts
    assert accounts.add_domain("Bücher.Example.").name == "xn--bcher-kva.example"
    account = accounts.add("kim@bücher.example")
    assert account.address == "kim@xn--bcher-kva.example"
    assert accounts.get("Kim@BÜCHER.example") == account


@pytest.mark.parametrize("name", ["", "-x.test", "a..b", "[127.0.0.1]", "127.0.0.1", "a b", "x@y"])
def test_what_is_no_domain_is_refused(world, name):
    with pytest.raises(ParseError):
        world.identity.accounts.add_domain(name)


def test_a_domain_with_accounts_stays(world):
    accounts = world.identity.accounts
    with pytest.raises(ConflictError):
        accounts.remove_domain("penfold.test")
    accounts.remove_domain("Other.test")
    with pytest.raises(NotFoundError):
        accounts.remove_domain("other.test")


def test_a_removed_account_leaves_a_note_and_frees_its_address(world):
    world.identity.accounts.remove("alice@penfold.test")
    with pytest.raises(NotFoundError):
        world.identity.accounts.get("alice@penfold.test")
    assert world.book.find(Removed, world.alice.id).address == "alice@penfold.test"
    assert world.identity.accounts.add("alice@penfold.test").id != world.alice.id


def test_the_right_password_signs_in_and_others_do_not():
    world = IdentityWorld(passwords=True)
    find = world.identity.accounts.find_sign_in
    assert find("Alice+x@Penfold.test", "open-sesame") == world.alice
    assert find("alice@penfold.test", "open-sesamE") is None
    assert find("alice@penfold.test", "") is None
    assert find("nobody@penfold.test", "open-sesame") is None


def test_an_account_without_a_password_is_shut(world):
    assert world.identity.accounts.find_sign_in("alice@penfold.test", "") is None


def test_a_suspended_account_cannot_sign_in_until_it_is_let_in_again():
    world = IdentityWorld(passwords=True)
    accounts = world.identity.accounts
    accounts.set_suspended("alice@penfold.test", suspended=True)
    assert accounts.find_sign_in("alice@penfold.test", "open-sesame") is None
    accounts.set_suspended("alice@penfold.test", suspended=False)
    assert accounts.find_sign_in("alice@penfold.test", "open-sesame")


def test_a_new_password_ends_what_came_in_by_the_old_one():
    world = IdentityWorld(passwords=True)
    identity = world.identity
    token = world.tokens()["access_token"]
    app_password = identity.accounts.add_app_password("alice@penfold.test")
    identity.sessions.sign_in("b", "alice@penfold.test", "open-sesame", client="x")
    bobs = world.tokens(account=world.bob)["access_token"]
    identity.accounts.set_password("alice@penfold.test", "another-word")
    assert world.book.find_credential(token) is None
    assert world.book.find_app_login("alice@penfold.test", app_password) is None
    for kind in (Grant, Session, AppPassword):
        assert world.book.list_by(kind, account_id=world.alice.id) == [], kind.__name__
    assert identity.accounts.find_sign_in("alice@penfold.test", "open-sesame") is None
    assert identity.accounts.find_sign_in("alice@penfold.test", "another-word")
    assert world.book.find_credential(bobs)


def test_app_passwords_go_by_their_label(world):
    accounts = world.identity.accounts
    printer = accounts.add_app_password("alice@penfold.test", label="printer")
    phone = accounts.add_app_password("alice@penfold.test", label="phone")
    assert accounts.remove_app_passwords("alice@penfold.test", label="printer") == 1
    assert world.book.find_app_login("alice@penfold.test", printer) is None
    assert world.book.find_app_login("alice@penfold.test", phone) == world.alice


# --- hashing


def test_a_password_is_kept_as_argon2id_with_owasps_cost():
    world = IdentityWorld(passwords=True)
    stored = world.book.find(Password, world.alice.id).hash
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "open-sesame" not in stored


def test_the_same_password_from_another_keyboard_opens():
    stored = hash_password("caf\u00e9-caf\u00e9")
    assert check_password(stored, "cafe\u0301-cafe\u0301")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257, "a" + "\u0301\u0316" * 500_000])
def test_a_short_or_endless_password_is_refused(password):
    with pytest.raises(ParseError):
        hash_password(password)


def test_a_damaged_hash_and_an_endless_guess_open_nothing():
    assert not check_password("$argon2id$broken", "open-sesame")
    assert not check_password(None, "x" * 10**6)
    assert not check_password(None, "\udc80")
