"""The device flow: what a device may ask for, what it is told, who can answer."""

import msgspec
import pytest
from tests.unit.identity import GMAIL, IdentityWorld

from penfold.base.errors import ParseError
from penfold.base.limits import (
    DEVICE_CODE_S,
    DEVICE_CODES_MAX,
    DEVICE_POLL_S,
)
from penfold.domain.access.devices import DEVICE_GRANT
from penfold.domain.throttle import TooManyError
from penfold.ports.directory import Account
from penfold.ports.identity import Client, DeviceCode, RefreshToken
from penfold.proto.oauth import OAuthError
from penfold.spec.rates import DEVICE_CODE_ACCOUNT, DEVICE_CODE_NETWORK, DEVICE_NETWORK
from penfold.spec.scopes import EMAIL, OPENID
from penfold.store.sqlite.directory import SqliteDirectory

HERE = "192.0.2.9"
PENDING = (428, "authorization_pending", "Precondition Required")
SLOWLY = (403, "slow_down", "Forbidden")
DENIED = (403, "access_denied", "Forbidden")
BAD = (400, "invalid_grant", "Bad Request")


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    world = IdentityWorld()
    if request.param == "memory":
        yield world
        return
    book = SqliteDirectory(tmp_path / "directory.db", clock=world.clock)
    yield IdentityWorld(book, clock=world.clock)
    book.close()


class Television:
    """A device with its client and, once it has begun, its codes."""

    def __init__(self, world, *, public=False):
        self.world = world
        self.new = world.identity.clients.add("Television", kind="device", public=public)
        self.codes = None

    def begin(self, *, authorization=None, **changed):
        given = {"client_id": self.new.client.id, "scope": "openid email", **changed}
        given = {name: value for name, value in given.items() if value is not None}
        devices = self.world.identity.devices
        self.codes = devices.begin(given, authorization, asked_from="192.0.2.1")
        return self.codes

    def poll(self, **changed):
        given = {
            "grant_type": DEVICE_GRANT,
            "device_code": self.codes.device_code,
            "client_id": self.new.client.id,
            "client_secret": self.new.secret or None,
            **changed,
        }
        self.world.clock.advance(s=DEVICE_POLL_S)
        return self.world.exchange({n: v for n, v in given.items() if v is not None})

    def refused(self, **changed):
        with pytest.raises(OAuthError) as caught:
            self.poll(**changed)
        return caught.value.status, caught.value.error, caught.value.description

    def find(self, text=None, *, account=None):
        devices, account = self.world.identity.devices, account or self.world.alice
        return devices.find(text or self.codes.user_code, account, client=HERE)

    def answer(self, *, allow=True):
        asked = self.find()
        return self.world.identity.devices.decide(asked, self.world.alice, allow=allow)


@pytest.fixture
def television(world):
    return Television(world)


def not_begun(television, **changed):
    with pytest.raises(OAuthError) as caught:
        television.begin(**changed)
    return caught.value.status, caught.value.error, caught.value.description


def test_a_device_waits_until_somebody_lets_it_in(world, television):
    television.begin()
    assert television.refused() == PENDING
    asked = television.find()
    assert asked.client == television.new.client
    assert asked.code.asked_from == "192.0.2.1"
    assert television.answer()
    tokens = television.poll()
    assert tokens["scope"] == f"{EMAIL.url} {OPENID.url}"
    assert tokens["id_token"]
    assert world.book.find_credential(tokens["access_token"]).account == world.alice
    refreshed = world.exchange(world.refresh_form(tokens["refresh_token"], television.new))
    assert world.book.find_credential(refreshed["access_token"])


def test_a_device_code_is_good_once(television):
    television.begin()
    television.answer()
    television.poll()
    assert television.refused() == BAD


def test_who_denies_is_told_to_the_device_once(television):
    television.begin()
    assert television.answer(allow=False)
    assert television.refused() == DENIED
    assert television.refused() == BAD


def test_a_device_that_asks_too_often_is_told_to_slow_down(world, television):
    television.begin()
    assert television.refused() == PENDING
    world.clock.advance(s=-1)
    assert television.refused() == SLOWLY
    assert television.refused() == PENDING


def test_a_public_device_has_no_secret_and_its_refresh_tokens_rotate(world):
    television = Television(world, public=True)
    television.begin()
    television.answer()
    first = television.poll()["refresh_token"]
    second = world.exchange(world.refresh_form(first, television.new))["refresh_token"]
    assert second != first


def test_codes_die_after_half_an_hour(world, television):
    television.begin()
    asked = television.find()
    world.clock.advance(s=DEVICE_CODE_S)
    assert television.find() is None
    assert not world.identity.devices.decide(asked, world.alice, allow=True)
    assert television.refused() == (400, "expired_token", "The device code has expired.")


def test_an_answer_is_given_once(world, television):
    television.begin()
    asked = television.find()
    assert world.identity.devices.decide(asked, world.alice, allow=False)
    assert not world.identity.devices.decide(asked, world.bob, allow=True)
    assert television.refused() == DENIED


def test_an_account_that_is_gone_has_let_in_nobody(world, television):
    television.begin()
    television.answer()
    world.book.change(lambda writer: writer.delete(Account, world.alice.id))
    assert television.refused()[:2] == (400, "invalid_grant")
    assert world.book.list_by(RefreshToken) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"device_code": "AH-1Ngx"}, BAD, id="unknown"),
        pytest.param({"client_secret": "x"}, (401, "invalid_client", "Unauthorized"), id="secret"),
        pytest.param(
            {"device_code": None},
            (400, "invalid_request", "Missing required parameter: device_code"),
            id="missing",
        ),
    ],
)
def test_what_is_not_in_order_is_refused(television, changed, expected):
    television.begin()
    television.answer()
    assert television.refused(**changed) == expected
    assert television.poll()


def test_a_code_of_another_client_is_refused(world, television):
    television.begin()
    television.answer()
    other = Television(world)
    other.codes = television.codes
    assert other.refused() == BAD
    assert television.poll()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(
            {"scope": f"openid {GMAIL}"},
            (400, "invalid_scope", f"Invalid device flow scope: {GMAIL}"),
            id="gmail",
        ),
        pytest.param(
            {"scope": None},
            (400, "invalid_request", "Missing required parameter: scope"),
            id="none",
        ),
        pytest.param(
            {"client_id": "x"}, (401, "invalid_client", "The OAuth client was not found."), id="who"
        ),
        pytest.param(
            {"client_secret": "x"}, (401, "invalid_client", "Unauthorized"), id="wrong-secret"
        ),
    ],
)
def test_a_request_for_codes_that_is_not_in_order_is_refused(television, changed, expected):
    assert not_begun(television, **changed) == expected
    assert television.world.book.list_by(DeviceCode) == []


@pytest.mark.parametrize("name", ["desktop", "web"])
def test_other_kinds_of_client_get_no_code(world, television, name):
    television.new = getattr(world, name)
    assert not_begun(television) == (401, "invalid_client", "Invalid client type.")


def test_a_device_client_has_no_business_at_the_authorization_endpoint(world, television):
    with pytest.raises(OAuthError, match="redirect_uri_mismatch"):
        world.identity.consent.check(world.pairs(television.new))


def test_a_device_has_no_redirect_address(world):
    with pytest.raises(ParseError, match="no redirect"):
        world.identity.clients.add("TV", kind="device", redirect_uris=("http://localhost",))


@pytest.mark.parametrize("spelt", [str.lower, lambda code: f" {code.replace('-', ' ')}. "])
def test_case_and_punctuation_of_a_typed_code_do_not_matter(television, spelt):
    television.begin()
    assert television.find(spelt(television.codes.user_code))


@pytest.mark.parametrize("text", ["", "-", "BCDF-GHJK", "x" * 10_000, "\ud800", "ßßßß"])
def test_another_text_is_no_code(television, text):
    television.begin()
    assert television.world.identity.devices.find(text, television.world.alice, client="") is None


def test_an_account_that_guesses_too_often_must_wait(world, television):
    television.begin()
    for _ in range(DEVICE_CODE_ACCOUNT.count):
        assert television.find("BCDF-GHJK") is None
    with pytest.raises(TooManyError):
        world.identity.devices.find(television.codes.user_code, world.alice, client="192.0.2.77")
    assert television.find(account=world.bob)
    world.clock.advance(s=DEVICE_CODE_ACCOUNT.period_s)
    assert television.find()


def test_a_network_that_guesses_too_often_must_wait(world, television):
    television.begin()
    accounts = [world.alice, world.bob, world.identity.accounts.add("kim@penfold.test")]
    for number in range(DEVICE_CODE_NETWORK.count):
        assert television.find("BCDF-GHJK", account=accounts[number % 3]) is None
    with pytest.raises(TooManyError):
        television.find(account=accounts[2])


def test_right_codes_are_no_guesses(television):
    television.begin()
    for _ in range(DEVICE_CODE_NETWORK.count + 1):
        assert television.find()


def test_a_network_that_asks_for_too_many_codes_must_wait(world, television):
    for _ in range(DEVICE_NETWORK.count):
        television.begin()
    with pytest.raises(TooManyError):
        television.begin()
    world.clock.advance(s=DEVICE_NETWORK.period_s)
    assert television.begin()


def test_two_devices_with_one_code_are_let_in_by_nobody(world, television):
    television.begin()
    [code] = world.book.list_by(DeviceCode)
    twin = msgspec.structs.replace(code, digest=b"t" * 32)
    world.book.change(lambda writer: writer.add(twin))
    assert television.find() is None


def test_waiting_codes_of_a_client_are_bounded(world, television):
    television.begin()
    [first] = world.book.list_by(DeviceCode)
    digests = (number.to_bytes(32, "big") for number in range(1, DEVICE_CODES_MAX))
    others = [msgspec.structs.replace(first, digest=one, user_code=one) for one in digests]
    world.book.change(lambda writer: [writer.add(one) for one in others])
    assert not_begun(television)[:2] == (403, "rate_limit_exceeded")
    assert Television(world).begin()
    world.clock.advance(s=DEVICE_CODE_S)
    assert television.begin()


def test_a_client_that_is_removed_takes_its_codes_along(world, television):
    television.begin()
    world.book.change(lambda writer: writer.delete(Client, television.new.client.id))
    assert world.book.list_by(DeviceCode) == []


def test_codes_are_kept_as_digests(world, television):
    codes = television.begin()
    [kept] = world.book.list_by(DeviceCode)
    for secret in (codes.device_code, codes.user_code, codes.user_code.replace("-", "")):
        assert secret not in repr(kept)
