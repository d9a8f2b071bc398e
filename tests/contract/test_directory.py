"""What every directory does, in memory and on SQLite alike."""

import threading

import msgspec
import pytest

from penfold.base.clock import FixedClock
from penfold.base.errors import ConflictError, NotFoundError
from penfold.ports.directory import Account
from penfold.ports.identity import (
    AccessToken,
    Alias,
    AppPassword,
    Client,
    Code,
    DeviceCode,
    DkimKey,
    Domain,
    Fact,
    Grant,
    HalfSignIn,
    Passkey,
    Password,
    ProviderLogin,
    RecoveryCode,
    RefreshToken,
    Removed,
    Role,
    ServiceAccount,
    ServiceKey,
    ServiceToken,
    Session,
    SigningKey,
    SpentChallenge,
    Totp,
)
from penfold.proto.oauth import app_password_digest, digest
from penfold.store.sqlite.directory import SqliteDirectory
from penfold.testing.directory import MemoryDirectory

ALICE = Account("m" + "a" * 20, "alice@penfold.test", "Alice Example", 1)
BOB = Account("m" + "b" * 20, "bob@penfold.test", "", 2)
APP = Client("7-app.apps.penfold", "App two", "web", b"s" * 32, "7",
             ("https://a.example/x", "https://b.example/y?z=1"), False, 3)  # fmt: skip
SCOPES = frozenset({"https://mail.google.com/", "openid"})
GRANT = Grant("g1", ALICE.id, APP.id, SCOPES, True, 4)
TOKEN = "ya29.token"
ACCESS = AccessToken(digest(TOKEN), "g1", ALICE.id, APP.id, "7", SCOPES, 4, 10**15)
LETTERS = "abcdefghijklmnop"
KEY = app_password_digest(ALICE.id, LETTERS)

RECORDS = [
    Domain("penfold.test", 1),
    DkimKey("p1._domainkey.x.test", "penfold.test", "p1", "rsa-sha256", "v=DKIM1", b"sealed", 2, 3),
    BOB,
    Alias(f"sales@penfold.test {ALICE.id}", "sales@penfold.test", "penfold.test", ALICE.id, 7),
    Password(ALICE.id, "$argon2id$…", 5),
    AppPassword(KEY, ALICE.id, "printer in the hall", 5),
    Role(ALICE.id, "auditor", 5),
    Removed("m1", "gone@penfold.test", 5),
    APP,
    GRANT,
    RefreshToken(b"r" * 32, "g1", 4, 5, spent=True),
    ACCESS,
    Code(b"c" * 32, ALICE.id, APP.id, "https://a.example/x", SCOPES, True, "n", "ch", 4, 9, "g1"),
    DeviceCode(b"d" * 32, b"u" * 32, APP.id, SCOPES, "192.0.2.1", 4, 9, 5, ALICE.id, denied=True),
    Session("s1", b"b" * 32, ALICE.id, 4, 9, "192.0.2.1", "Firefox / Linux", 5, 6),
    HalfSignIn(b"h" * 32, ALICE.id, 9),
    Totp(ALICE.id, b"sealed", 5, 77),
    RecoveryCode(b"y" * 32, ALICE.id, 5),
    Passkey(b"\0key", ALICE.id, "mail.example", b"cose", "My laptop", 3, 5, 6),
    ProviderLogin(b"q" * 32, ALICE.id, "https://login.example/", 5, 6),
    SpentChallenge(b"z" * 32, 9),
    SigningKey("k1", "private", "certificate", 6),
    ServiceAccount("s@p.iam.penfold", APP.id, "penfold.test", 6),
    ServiceKey("k2", APP.id, "certificate", 6),
    ServiceToken(b"t" * 32, APP.id, SCOPES, 4, 10**15),
    Fact("project", "7"),
]
NEEDED = [ALICE, APP, GRANT]


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture(params=["memory", "sqlite"])
def book(request, clock, tmp_path):
    if request.param == "memory":
        book = MemoryDirectory(clock=clock, runs_twice=True)
    else:
        book = SqliteDirectory(tmp_path / "directory.db", clock=clock)
    yield book
    book.close()
    book.close()


def add(book, *records):
    def change(writer):
        for record in records:
            writer.add(record)

    book.change(change)


def key_of(record):
    return getattr(record, record.__struct_fields__[0])


@pytest.fixture
def filled(book):
    add(book, ALICE, *RECORDS)
    return book


@pytest.mark.parametrize("record", [ALICE, *RECORDS], ids=lambda r: type(r).__name__)
def test_a_record_comes_back_as_it_was_stored(filled, record):
    assert filled.find(type(record), key_of(record)) == record
    assert filled.list_by(type(record))


@pytest.mark.parametrize("record", [ALICE, *RECORDS], ids=lambda r: type(r).__name__)
def test_a_key_is_taken_once(filled, record):
    with pytest.raises(ConflictError):
        add(filled, record)


@pytest.mark.parametrize("record", [ALICE, *RECORDS], ids=lambda r: type(r).__name__)
def test_a_deleted_record_is_gone(filled, record):
    assert filled.change(lambda writer: writer.delete(type(record), key_of(record)))
    assert filled.find(type(record), key_of(record)) is None
    assert not filled.change(lambda writer: writer.delete(type(record), key_of(record)))


def test_an_address_is_taken_once(filled):
    with pytest.raises(ConflictError):
        add(filled, msgspec.structs.replace(BOB, id="m" + "c" * 20))


@pytest.mark.parametrize(
    "record", [GRANT, ACCESS, KEY and Password(ALICE.id, "x", 1)], ids=lambda r: type(r).__name__
)
def test_a_record_without_its_owner_is_refused(book, record):
    with pytest.raises(NotFoundError):
        add(book, record)


def test_replacing_what_is_not_there_is_an_error(book):
    with pytest.raises(NotFoundError):
        book.change(lambda writer: writer.replace(BOB))


def test_replacing_changes_every_field(filled):
    changed = msgspec.structs.replace(
        GRANT, scopes=frozenset({"openid"}), offline=False, origin="issued"
    )
    filled.change(lambda writer: writer.replace(changed))
    assert filled.find(Grant, "g1") == changed


def test_an_account_takes_along_what_belongs_to_it(filled):
    filled.change(lambda writer: writer.delete(Account, ALICE.id))
    kinds = (Alias, Password, AppPassword, Grant, RefreshToken, AccessToken, Code, Session)
    for kind in (*kinds, HalfSignIn, Totp, RecoveryCode, Passkey, ProviderLogin):
        assert filled.list_by(kind) == [], kind.__name__
    assert filled.find(Client, APP.id) == APP
    assert filled.find_credential(TOKEN) is None


def test_a_client_takes_along_its_grants_and_keys(filled):
    filled.change(lambda writer: writer.delete(Client, APP.id))
    for kind in (Grant, RefreshToken, AccessToken, Code, ServiceAccount, ServiceKey):
        assert filled.list_by(kind) == [], kind.__name__
    assert filled.find(Account, ALICE.id) == ALICE


def test_a_change_that_raises_leaves_nothing(book):
    def change(writer):
        writer.add(ALICE)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        book.change(change)
    assert book.list_accounts() == []
    add(book, ALICE)  # and the next one is not disturbed


def test_a_change_sees_what_it_wrote_and_returns_its_result(book):
    def change(writer):
        writer.add(ALICE)
        return writer.list_by(Account, address=ALICE.address)

    assert book.change(change) == [ALICE]


def test_lists_are_oldest_first(book):
    young = msgspec.structs.replace(ALICE, id="m" + "0" * 20, address="y@penfold.test")
    add(book, BOB, msgspec.structs.replace(young, created_ms=99), ALICE)
    assert [account.created_ms for account in book.list_accounts()] == [1, 2, 99]


def test_expiry_takes_what_has_passed_and_nothing_else(filled):
    add(filled, Session("s2", b"b" * 32, ALICE.id, 4, 10))
    assert filled.change(lambda writer: writer.expire(Session, now_ms=9)) == 1
    assert [session.id for session in filled.list_by(Session, browser=b"b" * 32)] == ["s2"]


@pytest.mark.parametrize("spelling", ["alice@penfold.test", "ALICE@Penfold.Test",
                                      "alice+news@penfold.test", " alice@penfold.test. "])  # fmt: skip
def test_an_account_is_found_under_every_spelling(filled, spelling):
    assert filled.find_account(spelling) == ALICE


@pytest.mark.parametrize("address", ["", "alice", "@", "carol@penfold.test", "alice@other.test"])
def test_other_addresses_lead_to_nobody(filled, address):
    assert filled.find_account(address) is None


def test_an_alias_leads_to_its_accounts_and_an_account_knows_its_aliases(filled):
    more = Alias(f"sales@penfold.test {BOB.id}", "sales@penfold.test", "penfold.test", BOB.id, 8)
    add(filled, more)
    assert filled.list_targets("sales@penfold.test") == [ALICE, BOB]
    assert filled.list_aliases(BOB.id) == ["sales@penfold.test"]
    assert filled.find_account("sales@penfold.test") is None
    filled.change(lambda writer: writer.delete(Account, ALICE.id))
    assert filled.list_targets("sales@penfold.test") == [BOB]
    assert filled.list_aliases(ALICE.id) == []


def test_a_domain_takes_along_its_aliases(filled):
    filled.change(lambda writer: writer.delete(Domain, "penfold.test"))
    assert filled.list_targets("sales@penfold.test") == []


def test_local_domains_are_known_in_any_case(filled):
    assert filled.is_local_domain("Penfold.TEST")
    assert not filled.is_local_domain("test")


def test_getting_an_unknown_account_is_an_error(filled):
    assert filled.get_account(ALICE.id) == ALICE
    with pytest.raises(NotFoundError):
        filled.get_account("m0")


def test_a_live_token_says_whose_it_is(filled):
    for _ in range(2):  # from the disk, then from memory
        credential = filled.find_credential(TOKEN)
        assert credential.account == ALICE
        assert credential.scopes == SCOPES
        assert (credential.client_id, credential.project) == (APP.id, "7")


@pytest.mark.parametrize("token", ["", "ya29.other", "ya29.tokeN", "\udc80"])
def test_other_tokens_lead_nowhere(filled, token):
    assert filled.find_credential(token) is None


def test_a_token_dies_at_its_time_even_when_remembered(filled, clock):
    now_ms = clock.now_ms()
    short = msgspec.structs.replace(ACCESS, digest=digest("short"), expires_ms=now_ms + 500)
    add(filled, short)
    assert filled.find_credential("short")
    clock.advance(ms=499)
    assert filled.find_credential("short")
    clock.advance(ms=1)
    assert filled.find_credential("short") is None


def test_revocation_counts_at_once_where_it_is_made(filled):
    assert filled.find_credential(TOKEN)
    filled.change(lambda writer: writer.delete(Grant, "g1"))
    assert filled.find_credential(TOKEN) is None


def test_a_suspended_account_is_shut_out_at_once(filled):
    assert filled.find_credential(TOKEN)
    assert filled.find_app_login(ALICE.address, LETTERS)
    suspended = msgspec.structs.replace(ALICE, suspended=True)
    filled.change(lambda writer: writer.replace(suspended))
    assert filled.find_credential(TOKEN) is None
    assert filled.find_app_login(ALICE.address, LETTERS) is None


@pytest.mark.parametrize("typed", [LETTERS, "abcd efgh ijkl mnop", " ABCD EFGH IJKL MNOP "])
def test_an_app_password_opens_as_people_type_it(filled, clock, typed):
    assert filled.find_app_login("Alice+x@penfold.test", typed) == ALICE
    assert filled.find(AppPassword, KEY).used_ms == clock.now_ms()


def test_an_app_password_opens_nothing_else(filled):
    assert filled.find_app_login(BOB.address, LETTERS) is None
    assert filled.find_app_login("nobody@penfold.test", LETTERS) is None
    assert filled.find_app_login(ALICE.address, "abcdefghijklmnoq") is None
    assert filled.find_app_login(ALICE.address, "") is None


def test_changes_from_many_threads_all_count(book):
    def work(number):
        for step in range(5):
            add(book, Fact(f"{number}-{step}", "x"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.list_by(Fact)) == 40
