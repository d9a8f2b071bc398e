"""Domains and the keys they have: made, published, active, retired."""

import msgspec
import pytest
from tests.signatures import private_key
from tests.unit.identity import IdentityWorld

from penfold.base.clock import FixedClock
from penfold.base.errors import ConflictError, NotFoundError, ParseError, UnavailableError
from penfold.base.limits import DKIM_RETIRED_DAYS, DKIM_ROTATIONS_MAX
from penfold.domain.outgoing.domains import Domains, is_forgettable
from penfold.domain.outgoing.signing_keys import KeyState, SigningKeys, state_of
from penfold.ports.identity import DkimKey
from penfold.proto.mailauth.keys import parse_key_record
from penfold.proto.mailauth.private_keys import ED25519, RSA
from penfold.testing.sealing import PlainSealer

#: 2026-11-14
NOW_MS = 1_794_650_400_000
NAME = "example.org"


class World:
    def __init__(self):
        self.clock = FixedClock(NOW_MS)
        world = IdentityWorld(clock=self.clock)
        self.accounts, self.book = world.identity.accounts, world.book
        self.domains = Domains(
            self.book,
            self.accounts,
            PlainSealer(),
            self.clock,
            lambda algorithm: private_key("ed" if algorithm == ED25519 else "rsa"),
        )
        self.domain = self.domains.add(NAME)

    def states(self):
        return {key.selector: state_of(key) for key in self.domains.list_keys(self.domain)}

    def signing(self):
        keys = SigningKeys(self.book, PlainSealer(), self.clock).find(NAME)
        return [key.selector for key in keys]


@pytest.fixture
def world():
    return World()


def test_a_new_domain_has_a_key_of_each_algorithm_that_waits(world):
    keys = world.domains.list_keys(world.domain)
    assert {key.selector: key.algorithm for key in keys} == {"p202611r": RSA, "p202611e": ED25519}
    assert {state_of(key) for key in keys} == {KeyState.WAITING}
    assert world.signing() == []
    for key in keys:
        assert key.name == f"{key.selector}._domainkey.{NAME}"
        assert parse_key_record(key.record.encode()).algorithm == key.algorithm


def test_private_keys_are_kept_sealed_under_the_name_of_their_record(world):
    for key in world.domains.list_keys(world.domain):
        assert key.sealed.startswith(key.name.encode())


def test_activated_keys_sign(world):
    begun = world.domains.activate(world.domain, ["p202611r"])
    assert [key.selector for key in begun] == ["p202611r"]
    assert world.signing() == ["p202611r"]
    world.domains.activate(world.domain)
    assert world.signing() == ["p202611r", "p202611e"]
    assert world.domains.activate(world.domain) == []


def test_old_keys_sign_until_new_ones_are_activated_and_lose_their_private_half_then(world):
    world.domains.activate(world.domain)
    world.clock.advance(days=40)
    new = world.domains.rotate(world.domain)
    assert [key.selector for key in new] == ["p202612r", "p202612e"]
    assert world.signing() == ["p202611r", "p202611e"]
    world.domains.activate(world.domain, ["p202612r"])
    assert world.signing() == ["p202612r", "p202611e"]
    assert world.states() == {
        "p202611r": KeyState.RETIRED,
        "p202611e": KeyState.ACTIVE,
        "p202612r": KeyState.ACTIVE,
        "p202612e": KeyState.WAITING,
    }
    [old] = [k for k in world.domains.list_keys(world.domain) if k.selector == "p202611r"]
    assert old.sealed == b""
    assert not is_forgettable(old, world.clock.now_ms())
    world.clock.advance(days=DKIM_RETIRED_DAYS)
    assert is_forgettable(old, world.clock.now_ms())


def test_nothing_is_rotated_while_new_keys_wait(world):
    with pytest.raises(ConflictError):
        world.domains.rotate(world.domain)


def test_a_key_that_nobody_publishes_does_not_stop_the_other_from_being_replaced(world):
    world.domains.activate(world.domain, ["p202611r"])
    [new] = world.domains.rotate(world.domain)
    assert (new.selector, new.algorithm) == ("p202611r2", RSA)


def test_keys_that_were_retired_long_ago_are_forgotten(world):
    for _ in range(5):
        world.domains.activate(world.domain)
        world.domains.rotate(world.domain)
        world.clock.advance(days=35)
    assert sorted(world.states().values()) == ["active"] * 2 + ["retired"] * 2 + ["waiting"] * 2


def test_a_selector_is_not_used_again_in_its_month_even_if_its_key_is_retired(world):
    world.clock.advance(days=-12)
    made = []
    for days in (DKIM_RETIRED_DAYS + 1, 0, 0):
        world.domains.activate(world.domain)
        made += world.domains.rotate(world.domain)
        world.domains.activate(world.domain)
        world.clock.advance(days=days)
    assert [key.selector for key in made if key.algorithm == RSA] == [
        "p202611r2", "p202611r3", "p202611r4",
    ]  # fmt: skip


def test_rotating_without_end_is_refused(world):
    key = world.domains.list_keys(world.domain)[0]

    def fill(writer):
        for number in range(2, DKIM_ROTATIONS_MAX + 1):
            for letter in "re":
                selector = f"p202611{letter}{number}"
                made = msgspec.structs.replace(key, name=selector, selector=selector)
                writer.add(msgspec.structs.replace(made, active_ms=1))

    world.book.change(fill)
    world.domains.activate(world.domain)
    with pytest.raises(UnavailableError):
        world.domains.rotate(world.domain)


def test_a_domain_without_keys_gets_them_once(world):
    bare = world.accounts.add_domain("bare.example")
    made = world.domains.ensure_keys(bare)
    assert len(made) == 2
    assert world.domains.ensure_keys(bare) == world.domains.list_keys(bare)


def test_names_are_kept_in_a_labels(world):
    assert world.domains.add("Bücher.Example").name == "xn--bcher-kva.example"
    assert world.domains.get("bücher.example").name == "xn--bcher-kva.example"


@pytest.mark.parametrize("name", ["", "exa mple.org", "[192.0.2.1]", "a@b.example"])
def test_what_is_no_domain_is_refused(world, name):
    with pytest.raises(ParseError):
        world.domains.add(name)


def test_a_domain_is_added_once(world):
    with pytest.raises(ConflictError):
        world.domains.add(NAME.upper())


def test_a_removed_domain_takes_its_keys_along(world):
    world.domains.remove(NAME)
    assert world.book.list_by(DkimKey, domain_id=NAME) == []
    with pytest.raises(NotFoundError):
        world.domains.get(NAME)


def test_a_domain_with_accounts_stays(world):
    world.accounts.add(f"kim@{NAME}")
    assert world.domains.count_accounts(world.domain) == 1
    with pytest.raises(ConflictError):
        world.domains.remove(NAME)
